"""Running summaries of a table that is read in batches.

Totals, extremes and counts of every column, of the groups of every factor and of the columns of
the design: what `data_report` and figures of groups need, without the rows.
"""

from itertools import combinations

import numpy as np
import pandas as pd

from partialpool.base.moments import Moments
from partialpool.design.design import Design
from partialpool.model import families
from partialpool.study.outcome import Outcome
from partialpool.table.column_summary import LabelSummary, NumberSummary
from partialpool.table.typical import TypicalValues

COPIES = 1_000_000  # rows of a table at most that is searched for duplicate rows
PAIRS = 1_000_000  # pairs of groups of two factors that are counted at most
GROUPS = ("factor", "group", "rows", "size", "weight", "mean", "least", "greatest")
TYPICAL = "typical "  # prefix of the column with each group's typical value of a predictor


def read_groups(path) -> pd.DataFrame:
    """Read the CSV file of :meth:`TableSummary.groups`; a group may be called NA or 007."""
    found = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""])
    numbers = list(GROUPS[2:])
    return found.assign(**found[numbers].apply(pd.to_numeric))


class SeparationCheck:
    """Whether a predictor separates successes from failures: by its labels, or by its values."""

    def __init__(self):
        self.labels: dict[str, list[bool]] = {}
        self.ranges = np.array([[np.inf, -np.inf], [np.inf, -np.inf]])  # of failures, successes

    def add_labels(self, labels, success: np.ndarray, failure: np.ndarray) -> None:
        """Add a batch of rows of a categorical predictor, or of groups."""
        flags = pd.DataFrame({"success": success, "failure": failure})
        found = flags.groupby(labels, sort=True, observed=True).any()
        for label, *any_of in found.itertuples(name=None):
            known = self.labels.setdefault(label, [False, False])
            self.labels[label] = [a or b for a, b in zip(known, any_of, strict=True)]

    def add_values(self, values: np.ndarray, success: np.ndarray, failure: np.ndarray) -> None:
        """Add a batch of rows of a numeric predictor."""
        for side, own in enumerate((values[failure], values[success])):
            if len(own):
                low, high = self.ranges[side]
                self.ranges[side] = min(low, own.min()), max(high, own.max())

    def one_sided(self) -> tuple[list, list]:
        """Labels without any success, and labels without any failure."""
        found = sorted(self.labels)
        return (
            [label for label in found if not self.labels[label][0]],
            [label for label in found if not self.labels[label][1]],
        )


class GroupSummary:
    """Running sizes and means of the groups of a factor, each of shape `(group,)`."""

    def __init__(self, count: int):
        self.rows, self.size, self.weight, self.total = np.zeros((4, count))
        self.least, self.greatest = np.full(count, np.inf), np.full(count, -np.inf)

    def add(self, index: np.ndarray, size, weight, total, along: np.ndarray | None) -> None:
        """Add a batch of rows.

        Parameters
        ----------
        index : numpy.ndarray
            Shape `(row,)`: number of each row's group.
        size, weight, total : numpy.ndarray
            Shape `(row,)`: see :meth:`TableSummary.groups`; `total` is the weighted response.
        along : numpy.ndarray or None
            Shape `(row,)`: the predictor whose range in each group is kept.
        """
        for name, values in {"rows": None, "size": size, "weight": weight, "total": total}.items():
            known = getattr(self, name)
            setattr(self, name, known + np.bincount(index, weights=values, minlength=len(known)))
        if along is not None:
            np.minimum.at(self.least, index, along)
            np.maximum.at(self.greatest, index, along)


class TableSummary:
    """Running summary of a table: columns, groups, response and design.

    Parameters
    ----------
    design : Design
        With the levels of the whole table.
    outcome : Outcome
    table : pandas.DataFrame
        The first batch, for the types of columns.
    """

    def __init__(self, design: Design, outcome: Outcome, table: pd.DataFrame):
        self.outcome, self.rows = outcome, 0
        numeric = {name: pd.api.types.is_numeric_dtype(table[name]) for name in table}
        self.columns = {
            name: NumberSummary() if numeric[name] else LabelSummary() for name in table
        }
        self.design: Moments | None = None  # of the columns of the design
        self.triangles: list[np.ndarray | None] = [None] * len(design.parts)
        self.least, self.greatest = np.inf, -np.inf  # of the response
        self.trials = set()
        self.factors = {f.name: GroupSummary(len(f.levels)) for f in design.factors}
        self.pairs: dict[tuple[str, str], np.ndarray | None] = {
            (a.name, b.name): np.array([], dtype=int) for a, b in combinations(design.factors, 2)
        }
        self.hashes, self.responses = [], []  # of rows, while they are few
        self.family = families.family_of(outcome)
        self.discrete = self.family.discrete
        self.failures, self.successes = 0, 0
        formula = design.formula
        self.sides = {f.name: SeparationCheck() for f in design.factors}
        labels = (n for n in formula.predictors if n in formula.labels or n in design.text)
        self.labelled = {name: SeparationCheck() for name in labels}
        self.numeric = {
            name: SeparationCheck()
            for name, own in design.terms.items()
            if own == (name,) and name != "Intercept" and self.family.bounded
        }
        self.along = design.along if numeric.get(design.along) else None
        self.typical = None
        if len(formula.group_columns) == 1:
            [groups] = design.factors
            named = [name for name in formula.predictors if name not in formula.group_columns]
            self.typical = TypicalValues(named, design.label_predictors, len(groups.levels))

    def add(self, table: pd.DataFrame, design: Design, values: dict[str, np.ndarray]) -> None:
        """Add a batch of rows.

        Parameters
        ----------
        table : pandas.DataFrame
        design : Design
        values : dict of str to numpy.ndarray
            The outcome's columns, from `families.columns`.
        """
        self.rows += len(table)
        for name, column in self.columns.items():
            column.add(table[name])
        found = Moments.of(design.matrix)
        self.design = found if self.design is None else self.design + found
        for number, (_, matrix) in enumerate(design.rank_blocks()):
            above = self.triangles[number]
            stacked = matrix if above is None else np.vstack([above, matrix])
            self.triangles[number] = np.linalg.qr(stacked, mode="r")
        y = design.y
        self.least, self.greatest = min(self.least, y.min()), max(self.greatest, y.max())
        if "trials" in values and len(self.trials) < 2:
            self.trials |= {*np.unique(values["trials"])[:2]}
        self._add_groups(table, design, values)
        if self.discrete:
            self._add_sides(table, design, values)
        if not self.discrete and self.rows <= COPIES:
            self.hashes.append(pd.util.hash_pandas_object(table, index=False).to_numpy())
            self.responses.append(y)

    def _add_groups(self, table, design: Design, values) -> None:
        ones = np.ones(len(table))
        per = values.get("trials", values.get("exposure", ones))
        weights = families.share_of_mean(values, len(table))
        size = values.get("trials", ones)
        along = None if self.along is None else table[self.along].to_numpy(dtype=float)
        index = {factor.name: factor.index for factor in design.factors}
        for name, groups in self.factors.items():
            groups.add(index[name], size, weights * per, weights * design.y, along)
        if self.typical:
            self.typical.add(table, *index.values())
        for (a, b), pairs in self.pairs.items():
            if pairs is not None:
                here = index[a] * len(self.factors[b].rows) + index[b]
                pairs = np.union1d(pairs, here)
                self.pairs[a, b] = pairs if len(pairs) <= PAIRS else None

    def _add_sides(self, table, design: Design, values) -> None:
        success = design.y > 0
        bounded = self.family.bounded
        failure = design.y < values.get("trials", 1) if bounded else np.ones(len(table), dtype=bool)
        self.successes += int(success.sum())
        self.failures += int(failure.sum())
        for name, sides in self.labelled.items():
            sides.add_labels(table[name].to_numpy(), success, failure)
        for name, sides in self.numeric.items():
            sides.add_values(design.select_columns([name])[:, 0], success, failure)
        for factor in design.factors:
            self.sides[factor.name].add_labels(factor.labelled, success, failure)

    @property
    def pairs_of_groups(self) -> dict[tuple[str, str], int]:
        """Number of pairs of groups of two factors that have rows, unless they are too many."""
        return {two: len(pairs) for two, pairs in self.pairs.items() if pairs is not None}

    @property
    def copies(self) -> int:
        """Number of duplicate rows, if the response is continuous and the table not too large."""
        if self.rows > COPIES or not self.hashes:
            return 0
        y = np.concatenate(self.responses)
        if len(np.unique(y)) < 0.9 * self.rows:
            return 0
        return self.rows - len(np.unique(np.concatenate(self.hashes)))

    def groups(self, design: Design) -> pd.DataFrame:
        """Summaries of groups.

        Returns
        -------
        pandas.DataFrame
            A row for each group of each factor, with the columns `GROUPS`. `size` is the number
            of trials, or of rows; `mean` is the mean response, per trial or unit of exposure if
            it has these, and `weight` its weight; `least` and `greatest` are the range of the
            predictor that predictions vary. With one grouping column there is also a column
            `typical x` for each predictor x: see :class:`TypicalValues`.
        """
        parts = []
        for factor in design.factors:
            of = self.factors[factor.name]
            found = {
                "factor": factor.name,
                "group": list(factor.levels),
                "rows": of.rows.astype(int),
                "size": of.size.astype(int),
                "weight": of.weight,
                "mean": of.total / of.weight,
                "least": of.least,
                "greatest": of.greatest,
            }
            parts.append(pd.DataFrame(found)[list(GROUPS)])
        if not parts:
            return pd.DataFrame(columns=GROUPS)
        found = pd.concat(parts, ignore_index=True).replace([np.inf, -np.inf], np.nan)
        if self.typical is None:
            return found
        return found.join(self.typical.values().add_prefix(TYPICAL))
