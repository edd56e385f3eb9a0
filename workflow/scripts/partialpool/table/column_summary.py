"""Running summaries of a column that is read in batches: moments of numbers, counts of labels."""

import numpy as np
import pandas as pd

from partialpool.base.moments import Moments

# Numbers that often stand for a missing value.
CODES = (
    -9,
    *(sign * code for code in (99, 999, 9999, 99999, 99.9, 999.9, 9999.9) for sign in (-1, 1)),
)


class LabelSummary:
    """Running summary of a column of labels: their rows.

    Attributes
    ----------
    levels : dict of str to int
        Number of rows of each label.
    """

    def __init__(self):
        self.levels: dict[str, int] = {}

    def add(self, values: pd.Series) -> None:
        """Add a batch of rows."""
        counts = values.value_counts(sort=False)
        for level, count in counts[counts > 0].items():
            self.levels[level] = self.levels.get(level, 0) + int(count)

    def description(self, missing: int) -> dict:
        """The column in a data report; `missing` is its number of missing values."""
        levels = {str(level): self.levels[level] for level in sorted(self.levels)}
        return {"type": "text", "missing": missing, "levels": levels}


class NumberSummary:
    """Running summary of a numeric column: moments, extremes, and signs of other meanings.

    Attributes
    ----------
    moments : Moments or None
    least, greatest : float
    codes : dict of float to int
        Number of rows of each of `CODES`.
    rest : tuple of float
        Extremes of all other numbers.
    thousands : ThousandsCheck
    """

    def __init__(self):
        self.moments: Moments | None = None
        self.least, self.greatest = np.inf, -np.inf
        self.codes: dict[float, int] = {}
        self.rest = np.inf, -np.inf
        self.thousands = ThousandsCheck()

    def add(self, values: pd.Series) -> None:
        """Add a batch of rows."""
        plain = values.to_numpy(dtype=float)
        found = Moments.of(plain)
        self.moments = found if self.moments is None else self.moments + found
        self.least = min(self.least, float(plain.min()))
        self.greatest = max(self.greatest, float(plain.max()))
        self.thousands.add(plain)
        coded = np.isin(plain, CODES)
        for code, count in zip(*np.unique(plain[coded], return_counts=True), strict=True):
            self.codes[float(code)] = self.codes.get(float(code), 0) + int(count)
        if not coded.all():
            others = plain[~coded]
            least, greatest = self.rest
            self.rest = min(least, float(others.min())), max(greatest, float(others.max()))

    @property
    def codes_far_out(self) -> dict[float, int]:
        """Rows of each of `CODES` that is farther from all other numbers than their range."""
        least, greatest = self.rest
        return {
            code: count
            for code, count in self.codes.items()
            if max(code - greatest, least - code) >= greatest - least > 0
        }

    def description(self, missing: int) -> dict:
        """The column in a data report; `missing` is its number of missing values."""
        return {
            "type": "number",
            "missing": missing,
            "min": self.least,
            "max": self.greatest,
            "mean": float(self.moments.mean),
            "sd": float(np.sqrt(self.moments.squares / max(self.moments.weight - 1, 1))),
        }


class ThousandsCheck:
    """Whether points in numbers may be thousands separators, as in 987, 1.234 and 12.345."""

    def __init__(self):
        self.possible = True
        self.whole, self.pointed, self.three = 0, 0, 0  # rows; of three decimals, the last not 0
        self.sums = np.zeros(2)  # of whole numbers, and of numbers with a point
        self.first: float | None = None

    def add(self, values: np.ndarray) -> None:
        """Add a batch of rows."""
        if not self.possible:
            return
        size = np.abs(values)
        pointed = size != np.floor(size)
        thousand = np.round(1000 * size[pointed])
        decimals = np.isclose(thousand, 1000 * size[pointed], rtol=1e-12, atol=1e-7)
        self.possible = bool((size < 1000).all() and (thousand > 1000).all() and decimals.all())
        self.whole += int((~pointed).sum())
        self.pointed += len(thousand)
        self.three += int((thousand % 10 != 0).sum())
        self.sums += size[~pointed].sum(), size[pointed].sum()
        if len(thousand) and self.first is None:
            self.first = float(values[pointed][0])

    @property
    def example(self) -> float | None:
        """A number with a point, if whole numbers are one in ten or more, and far larger."""
        several = self.pointed >= 5 and self.three >= 0.7 * self.pointed
        if not self.possible or not several or self.whole < 0.1 * self.pointed:
            return None
        whole, pointed = self.sums / (self.whole, self.pointed)
        return self.first if whole > 3 * pointed else None
