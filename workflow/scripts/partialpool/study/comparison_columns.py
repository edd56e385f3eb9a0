"""Names of the columns of `comparison.csv`, and which differences in elpd are too small to decide.

Imported while a page is written, so nothing scientific is imported here.
"""

COLUMNS = (
    "variant", "rank", "elpd_loo", "se", "subsampling_se", "elpd_diff", "dse", "subsampling_dse",
    "weight", "p", "pareto_k_max", "pareto_k_threshold", "pareto_k_over", "units", "units_total",
    "fit_passed", "too_close", "missing_reason", "note",
)  # fmt: skip
# Smaller differences are too close to call (Sivula et al. 2020, arXiv:2008.10296).
CLOSE = 4
CLOSE_ERRORS = 2  # in standard errors of the difference


def too_close(difference: float, error: float) -> bool:
    """Whether a difference in elpd to the best variant is too small to decide."""
    return bool(abs(difference) < CLOSE or abs(difference) < CLOSE_ERRORS * error)
