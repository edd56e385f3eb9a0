"""Estimates of each group: its expected response at its own predictors, and its coefficients.

A group's intercept is its line at zero, which may be far from its rows, and without pooling it is
not determined where a predictor is constant within groups. The linear predictor at the mean of the
group's design rows is determined by these rows, whatever the predictors are, so that is where the
variants are compared.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from partialpool.answers.predict import described
from partialpool.answers.predictor import flat
from partialpool.compress.group_triangles import GroupTriangles
from partialpool.compress.merged_rows import MergedRows
from partialpool.design.rank import LEFT_OVER
from partialpool.model import parameter_names

EXPECTED, COEFFICIENT = "expected", "coefficient"
NUMBERS = ("mean", "sd", "lower", "upper")
COLUMNS = (
    *("factor", "group", "quantity", "coefficient", *NUMBERS),
    *("population", "fit_passed", "note"),
)
NO_PART = "with several factors, a group's rows do not say which of them a difference is due to"
NOT_DETERMINED = "the group's own rows do not determine this coefficient"
BATCH = 4_000_000  # numbers held at once


@dataclass(frozen=True)
class GroupPositions:
    """The location of each group of a factor among its predictors.

    Attributes
    ----------
    mean : numpy.ndarray
        Shape `(group, column)`: mean of the group's design rows, weighted as they are in the fit;
        of a factor whose intercept varies, else not a number.
    determined : numpy.ndarray
        Shape `(group, varying)`: whether the group's own rows determine each of its coefficients.
    carried : numpy.ndarray
        Shape `(group, varying, column)`: ratio of another column to a varying column where constant
        within every group (an interaction with a group-level predictor); else 0.
    """

    mean: np.ndarray
    determined: np.ndarray
    carried: np.ndarray

    @classmethod
    def of(cls, data: GroupTriangles | MergedRows, number: int) -> "GroupPositions":
        """From compressed data, for the groups of one of its factors."""
        factor, columns = data.factors[number], list(data.columns)
        varying = [columns.index(name) for name in factor.varying]
        intercept = columns.index("Intercept") if "Intercept" in factor.varying else None
        step = max(1, BATCH // (len(columns) ** 2 * len(varying)))
        parts = [
            _of_triangles(data.design_triangles(number, start, start + step), varying, intercept)
            for start in range(0, len(factor.levels), step)
        ]
        found = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        mean, determined, times, multiple, several = found
        # A group of one row does not say which columns go together.
        everywhere = (multiple | ~several[:, None, None]).all(axis=0) & several.any()
        everywhere[:, varying] = False
        return cls(mean, determined, np.where(everywhere, times, 0.0))


def _of_triangles(triangle: np.ndarray, places: list[int], intercept: int | None):
    """Attributes of :class:`GroupPositions` for some groups, and whether their rows differ."""
    square = (triangle**2).sum(axis=1)
    varying = triangle[:, :, places]
    product = np.einsum("grv,grc->gvc", varying, triangle)
    of_varying = square[:, places, None]
    times = np.divide(product, of_varying, out=np.zeros_like(product), where=of_varying > 0)
    left = triangle[:, :, None] - varying[..., None] * times[:, None]
    multiple = (left**2).sum(axis=1) <= LEFT_OVER**2 * square[:, None]
    several = ((triangle[:, 1:] ** 2).sum(axis=1) > LEFT_OVER**2 * square).any(axis=1)
    length = np.sqrt(of_varying).swapaxes(1, 2)
    scaled = np.divide(varying, length, out=np.zeros_like(varying), where=length > 0)
    row_space = np.linalg.pinv(scaled, rcond=LEFT_OVER) @ scaled
    determined = np.diagonal(row_space, axis1=1, axis2=2) > 1 - 1e-6
    mean = np.full_like(square, np.nan) if intercept is None else times[:, places.index(intercept)]
    return mean, determined, times, multiple, several


def estimates(
    posterior,
    data: GroupTriangles | MergedRows,
    *,
    variant: str,
    passed: bool,
    offset: float,
    interval: float,
) -> pd.DataFrame:
    """Summarise the groups of every factor in one fit.

    Parameters
    ----------
    posterior : xarray.Dataset
        From :func:`partialpool.answers.predictor.merged_posterior`.
    data : GroupTriangles or MergedRows
        The compressed data of the fit.
    variant : str
    passed : bool
        Whether the fit passed its checks.
    offset : float
        Mean of the column that is added to the linear predictor; 0 where there is none.
    interval : float
        Probability inside `lower` and `upper`, an equal-tailed interval.

    Returns
    -------
    pandas.DataFrame
        A row for each group and quantity. `quantity` is "expected": the expected response (of one
        trial, of one unit of exposure) at the mean of the group's design rows, with all other
        factors at their average; or "coefficient", the varying `coefficient` at the group's own
        value of predictors that are constant within groups and interact with it. `factor, group,
        quantity, coefficient, mean, sd, lower, upper`; `population`, the posterior mean of the
        quantity without the group's deviations; `fit_passed`; and `note`, where an unpooled fit
        has no estimate.
    """
    parts = []
    for number, factor in enumerate(data.factors):
        where, u = GroupPositions.of(data, number), flat(posterior, parameter_names.u(factor.name))
        step = max(1, BATCH // len(u))
        for start in range(0, len(factor.levels), step):
            batch = slice(start, start + step)
            drawn = _drawn(data, number, where, posterior, u[:, batch], batch, offset)
            for place, (value, population) in enumerate(drawn):
                name = factor.varying[place]
                intercept = name == "Intercept"
                found = pd.DataFrame(described(value, interval), columns=list(NUMBERS))
                found["factor"], found["group"] = factor.name, factor.levels[batch]
                found["quantity"] = EXPECTED if intercept else COEFFICIENT
                found["coefficient"] = "" if intercept else name
                found["population"], found["note"] = population.mean(axis=1), ""
                found["fit_passed"] = passed
                if variant == "unpooled":
                    determined = intercept | where.determined[batch, place]
                    _leave_out(found, determined, len(data.factors) > 1)
                parts.append(found[list(COLUMNS)])
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)


def _drawn(
    data, number: int, where: GroupPositions, posterior, u: np.ndarray, batch: slice, offset
):
    """Draws of each varying column's quantity in some groups, and of the population's.

    Both of shape `(group, draw)`.
    """
    columns, factor, family = list(data.columns), data.factors[number], data.family
    beta = flat(posterior, "beta")
    own = family.parameter_names if family.mean else ()
    parameters = {parameter: flat(posterior, parameter)[None] for parameter in own}
    at = [columns.index(name) for name in data.coefficients]
    varying = [columns.index(name) for name in factor.varying]
    for place, name in enumerate(factor.varying):
        if name == "Intercept":
            mean = where.mean[batch]
            population = mean[:, at] @ beta.T + offset
            value = population + np.einsum("gv,sgv->gs", mean[:, varying], u)
            yield family.expected(value, parameters), family.expected(population, parameters)
        else:
            weight = where.carried[batch, place].copy()
            weight[:, varying[place]] = 1
            population = weight[:, at] @ beta.T
            yield population + u[:, :, place].T, population


def _leave_out(found: pd.DataFrame, determined: np.ndarray, several: bool) -> None:
    """Empty estimates that an unpooled fit does not determine, and note the reason."""
    found["population"] = np.nan
    unknown = np.ones(len(found), dtype=bool) if several else ~determined
    found.loc[unknown, list(NUMBERS)] = np.nan
    found.loc[unknown, "note"] = NO_PART if several else NOT_DETERMINED
