"""Verdict: the checks as people read them, and one answer for the whole run."""

from typing import NamedTuple

from partialpool.base.errors import UserError


class Check(NamedTuple):
    """How a check of :func:`partialpool.sampler.convergence.check` is shown."""

    label: str
    direction: str  # from the value to its threshold
    decimals: int

    def shown(self, value: float | None) -> str:
        """Its value, or that it is not a number."""
        return "not a number" if value is None else f"{value:,.{self.decimals}f}"


CHECKS = {
    "rhat": Check("R-hat", "at most", 3),
    "ess_bulk": Check("bulk ESS", "at least", 0),
    "ess_tail": Check("tail ESS", "at least", 0),
    "divergences": Check("divergences", "at most", 0),
    "ebfmi": Check("E-BFMI", "at least", 2),
    "earlier_attempts": Check("earlier attempts", "at most", 0),
}


def collect(diagnostics: dict[tuple[str, str], dict]) -> dict:
    """Gather the verdicts of all fits.

    Parameters
    ----------
    diagnostics : dict
        The verdict of each fit, by (study, variant).

    Returns
    -------
    dict
        `passed`; `fits`, a list of `{study, variant, passed, failed}`, where
        `failed` names the checks.
    """
    fits = [
        {
            "study": study,
            "variant": variant,
            "passed": found["passed"],
            "failed": [check["name"] for check in found["checks"] if not check["passed"]],
        }
        for (study, variant), found in diagnostics.items()
    ]
    return {"passed": all(f["passed"] for f in fits), "fits": fits}


def enforce(verdict: dict, report: str) -> None:
    """Stop the run if a fit failed.

    Raises
    ------
    UserError
        Naming the fits, what each failed, and where the report is.
    """
    failed = [
        f"{fit['study']}/{fit['variant']} ({', '.join(fit['failed'])})"
        for fit in verdict["fits"]
        if not fit["passed"]
    ]
    if failed:
        raise UserError(
            f"{len(failed)} of {len(verdict['fits'])} fits failed their checks: "
            f"{'; '.join(failed)}; see {report}, or set strict: false to let the run succeed"
        )
