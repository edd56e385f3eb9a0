"""The verdict of a run: which fits failed which checks, and whether the run succeeds."""

from partialpool.base.errors import UserError


def collect(diagnostics: dict[tuple[str, str], dict]) -> dict:
    """Collect the verdicts of all fits.

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
