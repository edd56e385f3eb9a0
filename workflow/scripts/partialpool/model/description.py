"""Description of a model: its columns, factors, response, and the scales of default priors."""

from dataclasses import asdict, dataclass
from functools import reduce
from operator import add

import numpy as np

from partialpool.base.grouping_factor import GroupingFactor
from partialpool.base.moments import Moments
from partialpool.model import families
from partialpool.model.family import ResponseFamily
from partialpool.study.outcome import Outcome


@dataclass(frozen=True)
class ModelDescription:
    """The names of a model, and the scales its default priors need.

    Attributes
    ----------
    columns : tuple of str
        Design columns, varying ones first.
    coefficients : tuple of str
        Population-level columns.
    terms : dict of str to list of str
        Population-level columns of each term of the formula.
    factors : tuple of GroupingFactor
    outcome : Outcome
    response : str
    mean, sd : dict of str to float
        Mean and standard deviation of each column over the rows of the table.
    total : int
        Number of rows of the table.
    weight : float
        Sum of the rows' weights; their number if there are no weights.
    mean_precision : float
        Mean precision weight of the rows; one without precision weights.
    response_mean, response_sd : float
        Location and scale on the scale of the linear predictor: those of the response if the
        link is the identity, robust if the family wants them; otherwise the link of the mean
        response, and one.
    """

    columns: tuple[str, ...]
    coefficients: tuple[str, ...]
    terms: dict[str, list[str]]
    factors: tuple[GroupingFactor, ...]
    outcome: Outcome
    response: str
    mean: dict[str, float]
    sd: dict[str, float]
    total: int
    weight: float
    mean_precision: float
    response_mean: float
    response_sd: float

    @property
    def family(self) -> ResponseFamily:
        """The distribution of the response."""
        return families.family_of(self.outcome)

    @property
    def known_sigma(self) -> float | None:
        """Known residual sd of the compressed rows; None where it is estimated or absent."""
        if not self.family.has_sigma or self.family.estimates_sigma(self.outcome):
            return None
        return 1.0 if self.outcome.errors else float(self.outcome.sigma)

    @property
    def sd_of_weight_one(self) -> float:
        """Approximate sd of the response in a row of precision weight one: the scale of sigma."""
        return self.response_sd * self.mean_precision**0.5

    def to_dict(self) -> dict:
        """Convert to plain values, which JSON can hold."""
        return {name: _plain(getattr(self, name)) for name in ModelDescription.__dataclass_fields__}

    @staticmethod
    def arguments(stored: dict) -> dict:
        """Arguments of the class from what :meth:`to_dict` returned."""
        factors = tuple(
            GroupingFactor(f["name"], tuple(map(tuple, f["blocks"])), tuple(f["levels"]))
            for f in stored["factors"]
        )
        return stored | {
            "columns": tuple(stored["columns"]),
            "coefficients": tuple(stored["coefficients"]),
            "factors": factors,
            "outcome": Outcome(**stored["outcome"]),
        }

    @staticmethod
    def merged_scales(parts) -> dict:
        """Scales and numbers of rows of several parts of a table together, as arguments."""

        def moments(part, mean, sd):
            mean, sd = np.asarray(mean), np.asarray(sd)
            return Moments(part.weight, mean, part.weight * sd**2)

        columns = [moments(p, list(p.mean.values()), list(p.sd.values())) for p in parts]
        response = [moments(p, p.response_mean, p.response_sd) for p in parts]
        total = {
            "total": sum(part.total for part in parts),
            "mean_precision": float(
                np.average([p.mean_precision for p in parts], weights=[p.weight for p in parts])
            ),
        }
        return total | scales(parts[0].columns, reduce(add, columns), reduce(add, response))


def scales(names, columns: Moments, response: Moments) -> dict:
    """Means and sds of the columns and of the response: arguments of :class:`ModelDescription`."""
    return {
        "mean": dict(zip(names, columns.mean.tolist(), strict=True)),
        "sd": dict(zip(names, columns.sd.tolist(), strict=True)),
        "weight": columns.weight,
        "response_mean": float(response.mean),
        "response_sd": float(response.sd),
    }


def _plain(value):
    if isinstance(value, Outcome):
        return asdict(value)
    if isinstance(value, tuple):
        return [asdict(one) if isinstance(one, GroupingFactor) else one for one in value]
    return value
