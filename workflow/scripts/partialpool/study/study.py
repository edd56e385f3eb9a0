"""One study of the config: its table, its formula, and the settings of every step.

Imported while the workflow is parsed, so nothing scientific is imported here.
"""

import json
from dataclasses import dataclass, fields

from partialpool.study.outcome import OUTCOME, Outcome

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
    outcome : Outcome
        The keys about the response.
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
    outcome: Outcome
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

    @classmethod
    def from_plain(cls, values: dict) -> "Study":
        """Make a study of what `dataclasses.asdict` gives, perhaps by way of JSON."""
        return cls(**values | {"outcome": Outcome(**values["outcome"])})

    def params(self, *names: str) -> dict:
        """The values of the named keys as one dict of plain values, for a rule's `params`."""
        values = self.settings | vars(self) | vars(self.outcome)
        return json.loads(json.dumps({name: values[name] for name in names}))


# Names for `Study.params`, besides those of its settings.
KEYS = (
    *(field.name for field in fields(Study) if field.name not in ("outcome", "settings")),
    *OUTCOME,
)
