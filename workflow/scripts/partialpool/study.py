"""What one study is.

Imported while the workflow is parsed, so nothing scientific is imported here.
"""

import json
import re
from dataclasses import dataclass

VARIANTS = ("pooled", "unpooled", "hierarchical")

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_CALL = re.compile(rf"\s*([A-Za-z_]\w*)\s*\(\s*({_NUMBER}(?:\s*,\s*{_NUMBER})*)?\s*\)\s*")


@dataclass(frozen=True)
class Study:
    """One table, one formula, and everything that is done with them.

    Attributes
    ----------
    name : str
        Key under `studies`, and what tells it from others of the same block; also the folder of
        its results.
    data : str or None
        Path of the table; None where it is simulated.
    simulate : dict or None
        How the table is simulated; see `partialpool.simulate`.
    formula : str
    family : str
    sigma : str or float
        "estimated", "by_group", a number (known), or a column of known standard errors.
    priors : dict of str to str
        As written; defaults are filled in when the data is known.
    variants : tuple of str
        In the order of `VARIANTS`.
    new_data : str or None
        Path of the rows to predict.
    sampler : dict
        `chains`, `draws`, `tune`, `target_accept`, `attempts`.
    convergence : dict
        `max_rhat`, `min_ess`, `max_divergences`, `min_ebfmi`.
    interval : float
        Probability inside every reported interval.
    seed : int
        Of the config's seed and the study's name, so that no study moves another's.
    """

    name: str
    data: str | None
    simulate: dict | None
    formula: str
    family: str
    sigma: str | float
    priors: dict[str, str]
    variants: tuple[str, ...]
    new_data: str | None
    sampler: dict
    convergence: dict
    interval: float
    seed: int

    def block(self, *names: str) -> dict:
        """The named fields as one plain dict of plain values, for a rule's `params`."""
        return json.loads(json.dumps({name: getattr(self, name) for name in names}))


def error_column(sigma: str | float) -> str | None:
    """The column of known standard errors, if that is what `sigma` is."""
    return sigma if isinstance(sigma, str) and sigma not in ("estimated", "by_group") else None


def call(text: str) -> tuple[str, tuple[float, ...]] | None:
    """Read `name(number, ...)`; None for anything else. Nothing is evaluated."""
    match = _CALL.fullmatch(text)
    if not match:
        return None
    return match[1], tuple(float(number) for number in (match[2] or "").split(",") if number)
