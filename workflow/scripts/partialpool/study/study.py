"""One study of the config: its table, its formula, and the settings of every step.

Imported while the workflow is parsed, so nothing scientific is imported here.
"""

import json
from dataclasses import dataclass

VARIANTS = ("pooled", "unpooled", "hierarchical")


@dataclass(frozen=True)
class Study:
    """One table, one formula, and everything that is done with them.

    Attributes
    ----------
    name : str
        Key under `studies`, followed by the file or row for one of several studies of a block;
        also the folder of its results.
    data : str or None
        Path of the table; None where it is simulated.
    simulate : dict or None
        How the table is simulated; see `partialpool.table.simulate`.
    formula : str
    family, sigma, trials, offset, exposure, weights, precision_weights
        See :class:`partialpool.study.outcome.Outcome`.
    group_effects : {"normal", "student_t"}
        Distribution of the deviations of groups.
    missing : {"error", "drop"}
        What is done with rows that have gaps.
    key : tuple of str
        Columns that together identify a row.
    parts : int
        How many jobs share the compression of the table.
    priors : dict of str to str
        As written in the config; defaults depend on the data.
    variants : tuple of str
        In the order of `VARIANTS`.
    new_data : str or None
        Path of the rows to predict.
    predict : tuple of str
        Groups that rows are predicted for: "group" (their own), "new_group", "average_group".
    contrasts : tuple of (int, int)
        Pairs of rows to predict, from 1: the second minus the first.
    sampler : dict
        `chains`, `draws`, `tune`, `target_accept`, `attempts`.
    convergence : dict
        `max_rhat`, `min_ess`, `max_divergences`, `min_ebfmi`.
    interval : float
        Probability inside every reported interval.
    seed : int
        Derived from the config's seed and the study's name, so that studies do not affect each
        other's draws.
    settings : dict
        Values of all other keys of the schema, for the steps that use them.
    """

    name: str
    data: str | None
    simulate: dict | None
    formula: str
    family: str
    sigma: str | float
    trials: str | None
    offset: str | None
    exposure: str | None
    weights: str | None
    precision_weights: str | None
    group_effects: str
    missing: str
    key: tuple[str, ...]
    parts: int
    priors: dict[str, str]
    variants: tuple[str, ...]
    new_data: str | None
    predict: tuple[str, ...]
    contrasts: tuple[tuple[int, int], ...]
    sampler: dict
    convergence: dict
    interval: float
    seed: int
    settings: dict

    def block(self, *names: str) -> dict:
        """The named fields and settings as one dict of plain values, for a rule's `params`."""
        values = self.settings | vars(self)
        return json.loads(json.dumps({name: values[name] for name in names}))
