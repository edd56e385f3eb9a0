"""Check whether the design fits the response exactly, so that sigma cannot be estimated.

The likelihood then grows without bound as the residual standard deviation goes to zero, and the
posterior is improper. Rows come in batches; the rows of a group are replaced by the triangular
factor of their QR decomposition, which has the same residuals.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import lsmr

from partialpool.base import group_qr
from partialpool.base.errors import quoted
from partialpool.design.design import Design, TableFactor
from partialpool.study.outcome import Outcome

EXACT = 1e-10  # residuals of this size relative to the sd of the response are zero,
ROUNDING = 8 * np.finfo(float).eps  # and so are residuals of this size relative to the largest
INDEPENDENT = 1e-10  # singular values, of columns of length one, that are not zero
LARGEST = 50_000_000  # numbers in the triangles of all groups; with more, nothing is checked
STEPS = 1_000  # of iterative least squares with several factors

# Yields, for batches of rows: the design, the response less its offset, and the weights.
Batches = Callable[[], Iterable[tuple[Design, np.ndarray, np.ndarray]]]


@dataclass(frozen=True)
class Residuals:
    """Residuals of a least squares fit of the response.

    Attributes
    ----------
    rows, rank, size : numpy.ndarray
        Sum of the rows' weights, rank of the columns, and root mean squared residual. Each is
        one number, or has the shape `(group,)` where groups are fitted separately.
    used : tuple of str
        Population-level columns whose coefficient is not zero.
    """

    rows: np.ndarray
    rank: np.ndarray
    size: np.ndarray
    used: tuple[str, ...] = ()


def exact_fit_reason(sample: Batches, all_rows: Batches | None, outcome: Outcome) -> str | None:
    """Explain why the residual standard deviation cannot be estimated, if it cannot.

    Parameters
    ----------
    sample : callable
        Yields all rows of a table in one batch, or a random sample: if the sample has residuals,
        so have all rows.
    all_rows : callable or None
        Yields all rows, if the sample is not all of them.
    outcome : Outcome
        Its sigma is a parameter.

    Returns
    -------
    str or None
        A message for the user; None if sigma can be estimated.
    """
    ((design, y, _),) = sample()
    limit = max(EXACT * y.std(), ROUNDING * max(np.abs(y).max(), np.abs(design.y).max()))

    def exact(fit: Callable[[Batches], Residuals | None], spare: int = 0):
        """Residuals of a fit, and whether they are zero: of each group, or of all rows."""
        left = fit(sample)
        if all_rows is not None and left is not None and (left.size <= limit).any():
            left = fit(all_rows)
        if left is None:
            return None, np.array(False)
        return left, (left.size <= limit) & (left.rows - left.rank >= 1 + spare)

    population = tuple(design.coefficients)
    spans = [(None, ())]
    for factor in design.factors:
        intercept = ("Intercept",) if "Intercept" in factor.varying else factor.varying
        spans += [(factor, varying) for varying in dict.fromkeys([intercept, factor.varying])]
    for factor, varying in spans:
        others = tuple(name for name in population if name not in varying)
        left, found = exact(
            lambda batches, f=factor, v=varying, o=others: _by_factor(batches, f, v, o, limit)
        )
        if found:
            return _of_all(design, outcome, (*varying, *left.used), (factor,) if factor else ())
    if all_rows is None and len(design.factors) > 1:
        _, found = exact(_by_all_factors)
        if found:
            return _of_all(design, outcome, tuple(design.columns), design.factors)
    if outcome.sigma_by_group:
        # With a distribution of sigmas, one row more than coefficients does no harm.
        left, groups = exact(_group_by_group, spare=int(outcome.has_hierarchical_sigma))
        if groups.any():
            return _of_groups(design, outcome, left, groups)
    return None


def _of_all(
    design: Design, outcome: Outcome, columns: tuple, factors: tuple[TableFactor, ...]
) -> str:
    terms = {name: term for term, own in design.terms.items() for name in own}
    names = dict.fromkeys(terms.get(name, name) for name in columns)
    names.pop("Intercept", None)
    response = f"the response {design.formula.response!r}"
    given = [*map(repr, names), *(f"the groups of {factor.name!r}" for factor in factors)]
    if not given:
        less = f", less the offset {outcome.offset!r}," if outcome.offset else ""
        return f"{response}{less} is the same in every row but for rounding"
    them = "one of them" if len(given) > 1 else given[0]
    given = " and ".join([", ".join(given[:-1]), given[-1]]) if len(given) > 1 else given[0]
    return (
        f"{response} is given exactly by {given}, so its residual standard deviation (sigma) is "
        f"zero and cannot be estimated; leave {them} out of the formula, or give `sigma` a known "
        "value"
    )


def _of_groups(design: Design, outcome: Outcome, left: Residuals, groups: np.ndarray) -> str:
    (factor,) = design.factors
    first, count = int(groups.argmax()), groups.sum()
    more = f" (and in {count - 1} more groups)" if count > 1 else ""
    right = ["estimated"]
    if not outcome.has_hierarchical_sigma and (left.rows - left.rank)[groups].max() < 2:
        right.append(f'"~ (1 | {factor.name})"')
    return (
        f"the predictors give the response {design.formula.response!r} exactly in all rows of "
        f"group {quoted(factor.levels[first])} of {factor.name!r}{more}, so the group's sigma is "
        f"zero and cannot be estimated; set `sigma` to {' or '.join(right)}, or leave out such "
        "groups"
    )


def _triangles(batches: Batches, factor: TableFactor | None, names: tuple[str, ...]):
    """For each group: the triangular factor of [columns, response], rows, and sum of weights."""
    groups, width = len(factor.levels) if factor else 1, len(names) + 1
    if groups * width**2 > LARGEST:
        return None
    total, rows, counted = None, np.zeros(groups), np.zeros(groups)
    for design, y, weights in batches():
        index = np.zeros(len(y), dtype=int)
        if factor:
            index = next(f.index for f in design.factors if f.name == factor.name)
        found = group_qr.factor_groups(
            np.column_stack([design.select_columns(names), y]), index, groups
        )
        if total is not None:
            found = np.linalg.qr(np.concatenate([total, found], axis=1), mode="r")
        total = found
        rows += np.bincount(index, minlength=groups)
        counted += np.bincount(index, weights=weights, minlength=groups)
    return total, rows, counted


def _without(columns: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Residuals of columns regressed on others, and the rank of these; batched over matrices."""
    sizes = np.linalg.norm(others, axis=-2, keepdims=True)
    left, values, _ = np.linalg.svd(others / np.where(sizes > 0, sizes, 1), full_matrices=False)
    kept = values > INDEPENDENT
    left = left * kept[..., None, :]
    return columns - left @ (np.swapaxes(left, -1, -2) @ columns), kept.sum(axis=-1)


def _group_by_group(batches: Batches) -> Residuals | None:
    """Regress the rows of each group on all columns."""
    design, *_ = next(iter(batches()))
    found = _triangles(batches, design.factors[0], tuple(design.columns))
    if found is None:
        return None
    total, rows, counted = found
    residual, rank = _without(total[..., -1:], total[..., :-1])
    size = np.linalg.norm(residual[..., 0], axis=-1) / np.sqrt(np.maximum(rows, 1))
    return Residuals(counted, rank, size)


def _by_factor(
    batches: Batches,
    factor: TableFactor | None,
    varying: tuple[str, ...],
    others: tuple[str, ...],
    limit: float,
) -> Residuals | None:
    """Regress all rows on columns that vary by group, and on others that do not.

    A column is used if it contributes more than rounding, `limit` in each row.
    """
    found = _triangles(batches, factor, (*varying, *others))
    if found is None:
        return None
    total, rows, counted = found
    rest, rank = total[..., len(varying) :], 0
    sizes = np.linalg.norm(rest, axis=(0, 1))
    if varying:
        rest, ranks = _without(rest, total[..., : len(varying)])
        rank = ranks.sum()
    rest = rest.reshape(-1, rest.shape[-1])
    rest = np.linalg.qr(rest[rest.any(axis=1)], mode="r")
    columns, y = rest[:, :-1] / np.where(sizes > 0, sizes, 1)[:-1], rest[:, -1]
    left, values, right = np.linalg.svd(columns, full_matrices=False)
    kept = values > INDEPENDENT
    coefficients = right[kept].T @ ((left.T @ y)[kept] / values[kept])
    given = np.abs(coefficients) * np.linalg.norm(columns, axis=0)
    used = given > 10 * limit * np.sqrt(rows.sum())
    residual = np.linalg.norm(y - columns @ coefficients)
    return Residuals(
        counted.sum(),
        rank + kept.sum(),
        residual / np.sqrt(rows.sum()),
        tuple(name for name, own in zip(others, used, strict=True) if own),
    )


def _by_all_factors(batches: Batches) -> Residuals | None:
    """Regress all rows on all columns, with varying coefficients of all factors.

    None if there are as many coefficients as rows.
    """
    ((design, y, weights),) = batches()
    blocks = [design.select_columns(design.coefficients)]
    for factor in design.factors:
        groups = sparse.csr_array(
            (np.ones(len(y)), (np.arange(len(y)), factor.index)), (len(y), len(factor.levels))
        )
        blocks += [
            groups.multiply(column[:, None]) for column in design.select_columns(factor.varying).T
        ]
    columns = sparse.hstack(blocks, format="csc")
    sizes = sparse.linalg.norm(columns, axis=0)
    columns = columns[:, sizes > 0] @ sparse.diags_array(1 / sizes[sizes > 0])
    rank = columns.shape[1]
    if rank >= weights.sum():
        return None
    for tolerance in (1e-6, 1e-15):
        residual = lsmr(columns, y, atol=tolerance, btol=tolerance, conlim=0, maxiter=STEPS)[3]
        if residual > 1e-4 * np.linalg.norm(y - y.mean()):
            break
    return Residuals(weights.sum(), rank, np.array(residual / np.sqrt(len(y))))
