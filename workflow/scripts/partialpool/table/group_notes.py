"""Warnings about grouping factors: terms that the data cannot separate from one another."""

import numpy as np

from partialpool.base.errors import quoted_list
from partialpool.design.design import Design
from partialpool.table.table_summary import TableSummary

FAR = 10  # sds from zero: a varying slope of such a predictor correlates with the intercept
MAX_COEFFICIENTS = 100  # of a model whose group terms are compared with its predictors
MAX_ROWS = 10_000  # of the sample on which they are compared


def same_groups(summary: TableSummary) -> list[str]:
    """Warnings about pairs of factors that divide the rows into the same groups."""
    groups = {name: len(of.rows) for name, of in summary.factors.items()}
    return [
        f"{first!r} and {second!r} divide the rows into the same groups, so the data cannot "
        "separate their effects, and the priors do: leave out one of the two."
        for (first, second), pairs in summary.pairs_of_groups.items()
        if pairs == groups[first] == groups[second]
    ]


def redundant_terms(design: Design) -> list[str]:
    """Warnings about group terms that the predictors contain already, as in `y ~ g + (1 | g)`.

    Parameters
    ----------
    design : Design
        Design of all rows, or of a sample.

    Returns
    -------
    list of str
        Sentences.
    """
    rows = np.linspace(0, len(design.matrix) - 1, min(len(design.matrix), MAX_ROWS)).astype(int)
    fitted = design.select_columns(design.coefficients)[rows]
    fitted = fitted / np.linalg.norm(fitted, axis=0).clip(min=1e-300)
    products = fitted.T @ fitted
    notes = []
    for factor in design.factors:
        # A coefficient for each group at least, as in y ~ g + (1 | g).
        if not len(factor.levels) <= fitted.shape[1] < min(len(rows), MAX_COEFFICIENTS + 1):
            continue
        groups = np.eye(len(factor.levels))[factor.index[rows]]
        own = []
        for name, column in zip(
            factor.varying, design.select_columns(factor.varying)[rows].T, strict=True
        ):
            by_group = column[:, None] * groups
            left = by_group - fitted @ np.linalg.lstsq(products, fitted.T @ by_group)[0]
            if np.abs(left).max() < 1e-6 * np.abs(column).max():
                own.append(name)
        if own:
            notes.append(
                f"The predictors give each group of {factor.name!r} its own {quoted_list(own)}, so "
                "only its prior determines what the group term adds: leave out one of the two."
            )
    return notes


def far_from_zero(summary: TableSummary, design: Design) -> list[str]:
    """Warnings about varying slopes of predictors whose mean is far from zero."""
    notes = []
    moments = zip(design.columns, summary.design.mean, summary.design.sd, strict=True)
    far = {name: abs(mean) / sd for name, mean, sd in moments if sd > 0}
    terms = [term for part in design.parts for term in part.terms.values()]
    numbers = {term.name for term in terms if term.kind == "numeric"}
    for factor in design.factors:
        if "Intercept" not in factor.varying:
            continue
        for name in factor.varying:
            # A label's indicators, and products, are not centred by center() around their name.
            if name in numbers and far.get(name, 0) > FAR:
                notes.append(
                    f"The slope of {name!r} varies by {factor.name!r}, and its mean is "
                    f"{far[name]:.0f} times its sd from zero, where intercepts are: slopes and "
                    f"intercepts are nearly collinear. Write center({name}) in the formula."
                )
    return notes
