"""Penalised iteratively reweighted least squares (PIRLS): a working Gaussian model at a rough mode.

At given values of the parameters, the log likelihood of every row is replaced by the quadratic with
the same slope and the expected curvature: a Gaussian row with a working response and a working
weight. Coefficients and group effects are solved for, and variances estimated from them, in turns
(Breslow & Clayton 1993, https://doi.org/10.2307/2290687; Bates et al. 2015,
https://doi.org/10.18637/jss.v067.i01). The result decides how fast the sampler is, not what it
draws.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from partialpool.compress.merged_rows import MergedRows
from partialpool.engine import preconditioner
from partialpool.model.arrays import NUMPY
from partialpool.model.priors import Priors

TURNS = 50  # iterations, at most
SETTLED = 3e-3  # tolerance: change of a linear predictor, in sds of the response
LEAST_WEIGHT = 1e-9  # smallest working weight, relative to the largest


@dataclass
class WorkingModel:
    """The working Gaussian model at a rough posterior mode.

    Attributes
    ----------
    beta : numpy.ndarray
        Shape `(coefficient,)`.
    u : list of numpy.ndarray
        By factor, `(group, varying)`: the deviations that the priors are on.
    covariance : list of numpy.ndarray
        Covariance of each factor's u, `(varying, varying)`.
    response : dict of str to float
        Rough parameters of the response's distribution.
    weight : numpy.ndarray
        Shape `(row,)`: working weights.
    precision : scipy.sparse.csc_array
        Precision of (beta, u of each factor, group by group) given the covariances, with priors.
    """

    beta: np.ndarray
    u: list[np.ndarray]
    covariance: list[np.ndarray]
    response: dict[str, float]
    weight: np.ndarray
    precision: sparse.csc_array

    def where(self, factor: int) -> slice:
        """Slice of a factor's u in the rows of the precision."""
        begin = len(self.beta) + sum(u.size for u in self.u[:factor])
        return slice(begin, begin + self.u[factor].size)

    def blocks(self, factor: int) -> np.ndarray:
        """The precision of each group's u given all else, `(group, varying, varying)`."""
        where = self.where(factor)
        return diagonal_blocks(self.precision[where, where], self.u[factor].shape[1])

    def effective(self) -> float:
        """Effective number of parameters."""
        of_effects = 0.0
        for factor, covariance in enumerate(self.covariance):
            size = len(self.u[factor])
            prior = np.linalg.inv(covariance)
            left = np.linalg.inv(self.blocks(factor))
            of_effects += size * len(covariance) - np.einsum("gik,ki->", left, prior)
        return len(self.beta) + of_effects


def solve(data: MergedRows, priors: Priors, variant: str) -> WorkingModel:
    """Find the working model of one variant at a rough mode.

    Parameters
    ----------
    data : MergedRows
    priors : Priors
    variant : {"pooled", "unpooled", "hierarchical"}
    """
    factors = () if variant == "pooled" else data.factors
    design = _design(data, priors, factors)
    widest = [preconditioner.between_sd(priors, factor.name, variant) for factor in factors]
    covariance = [np.diag(sd**2) for sd in widest]
    response, linear = _response(data), _initial(data)
    for _ in range(TURNS):
        found = _solve(data, priors, factors, design, covariance, response, linear)
        moved = np.abs(found[1] - linear).max()
        linear = found[1]
        response = _estimated(data, linear, found[0])
        if variant != "unpooled":
            covariance = [_covariance(found[0], i, sd) for i, sd in enumerate(widest)]
        if moved < SETTLED * data.sd_of_weight_one:
            break
    return found[0]


def at(data: MergedRows, priors: Priors, variant: str, means: WorkingModel) -> WorkingModel:
    """Working model at given values: the means of an earlier attempt's draws."""
    factors = () if variant == "pooled" else data.factors
    design = _design(data, priors, factors)
    linear = design @ np.concatenate([means.beta, *(u.ravel() for u in means.u)])
    return _solve(data, priors, factors, design, means.covariance, means.response, linear)[0]


def _solve(data, priors, factors, design, covariance, response, linear):
    """One step of weighted least squares: working model, and linear predictor without offset."""
    weight, slope = _expansion(data, linear + data.offset, response)
    on, location, width = preconditioner.prior_rows(data, priors)
    penalty = [sparse.csr_array(on.T @ (on / width[:, None] ** 2))]
    for factor, one in zip(factors, covariance, strict=True):
        prior = np.broadcast_to(np.linalg.inv(one), (len(factor.levels), *one.shape))
        penalty.append(block_diagonal(prior))
    weighted = sparse.diags_array(weight) @ design
    precision = sparse.csc_array(design.T @ weighted + sparse.block_diag(penalty))
    right = design.T @ (slope + weight * linear)
    right[: len(location)] += on.T @ (location / width**2)
    solved = splu(precision).solve(right)
    ends = np.cumsum([len(f.levels) * len(f.varying) for f in factors]) + len(location)
    parts = np.split(solved, [len(location), *ends[:-1]]) if len(factors) else [solved]
    u = [
        part.reshape(len(factor.levels), len(factor.varying))
        for factor, part in zip(factors, parts[1:], strict=True)
    ]
    found = WorkingModel(parts[0], u, list(covariance), response, weight, precision)
    return found, design @ solved


def diagonal_blocks(matrix: sparse.sparray, size: int) -> np.ndarray:
    """Extract the diagonal blocks of a sparse matrix, `(block, row, column)`."""
    first = np.arange(0, matrix.shape[0], size)[:, None, None]
    at = np.arange(size)
    rows, columns = np.broadcast_arrays(first + at[:, None], first + at)
    found = sparse.csr_array(matrix)[rows.ravel(), columns.ravel()]
    return np.asarray(found).reshape(rows.shape)


def block_diagonal(blocks: np.ndarray) -> sparse.csr_array:
    """Make a sparse block diagonal matrix of blocks `(block, row, column)`."""
    count, size, _ = blocks.shape
    row = np.arange(count)[:, None, None] * size + np.arange(size)[:, None]
    rows, columns = np.broadcast_arrays(row, np.swapaxes(row, 1, 2))
    at = (rows.ravel(), columns.ravel())
    return sparse.csr_array((blocks.ravel(), at), shape=(count * size, count * size))


def _design(data: MergedRows, priors: Priors, factors) -> sparse.csr_array:
    """Columns of beta, then of each factor's u, group by group."""
    parts = [sparse.csr_array(data.select_columns(data.coefficients))]
    rows = np.arange(len(data.y))
    for position, factor in zip(data.index, factors, strict=False):
        size = len(factor.varying)
        where = position[:, None] * size + np.arange(size)
        values = preconditioner.effects_columns(data, priors, factor)
        shape = (len(rows), size * len(factor.levels))
        at = (np.repeat(rows, size), where.ravel())
        parts.append(sparse.csr_array((values.ravel(), at), shape=shape))
    return sparse.csr_array(sparse.hstack(parts))


def _expansion(data: MergedRows, eta, response) -> tuple[np.ndarray, np.ndarray]:
    """Expected curvature and slope of every row's log likelihood in its linear predictor."""
    weight, slope = data.family.working(data.y, eta, response, data.trials, data.count, NUMPY)
    return np.maximum(weight, LEAST_WEIGHT * weight.max()), slope


def _initial(data: MergedRows) -> np.ndarray:
    """Initial linear predictor of each row from its response alone, without offset."""
    return data.family.initial(data.y, data.trials, data.offset, data.response_mean, NUMPY)


def _response(data: MergedRows) -> dict[str, float]:
    """Initial parameters of the response's distribution."""
    found = {
        parameter.name: parameter.initial * (data.sd_of_weight_one if parameter.scaled else 1.0)
        for parameter in data.family.parameters
    }
    return found if data.known_sigma is None else found | {"sigma": data.known_sigma}


def _estimated(data: MergedRows, linear: np.ndarray, working: WorkingModel) -> dict[str, float]:
    """Parameters of the response's distribution, estimated from the residuals."""
    if data.family.estimate is None:
        return working.response

    def freedom():
        count = data.cells.sum() if data.family.normal else data.count.sum()
        return max(count - working.effective(), 0.1 * count)

    found = working.response | data.family.estimate(
        *(data.y, linear, data.offset, working.response, data.trials, data.count), freedom, NUMPY
    )
    if data.known_sigma is not None:
        found["sigma"] = data.known_sigma
    elif "sigma" in found:
        found["sigma"] = max(found["sigma"], 1e-6 * data.sd_of_weight_one)
    return found


def _covariance(working: WorkingModel, factor: int, widest: np.ndarray) -> np.ndarray:
    """Covariance of a factor's effects: that of their modes plus their mean conditional one."""
    u = working.u[factor]
    conditional = np.linalg.inv(working.blocks(factor)).mean(axis=0)
    found = u.T @ u / len(u) + conditional
    # From zero a variance could not grow again.
    return found + np.diag((1e-2 * widest) ** 2)
