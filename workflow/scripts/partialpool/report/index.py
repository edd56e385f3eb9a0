"""Index page: all studies, those with a failed verdict first."""

from collections import Counter, defaultdict

from partialpool.report import checks
from partialpool.report.study_page import environment
from partialpool.study.study import VARIANTS

NAMED = 10  # failed fits; more of them are counted
ONE_SCREEN = 12  # studies; more of them can be filtered, and scroll under their heading


def index(studies: dict, fits: dict, data: dict, templates, missing: dict | None = None) -> str:
    """Write the page that links all studies.

    Parameters
    ----------
    studies : dict of str to dict
        `formula` and `data` (a path, or None if simulated) of each study, in the config's order.
    fits : dict of tuple to dict
        The verdict of each fit, by (study, variant).
    data : dict of str to dict
        The data report of each study.
    templates : path-like
        Folder of the templates.
    missing : dict of str to dict, optional
        The studies that a run left undone, which have no part in `fits` and `data`: the steps
        that `failed`, the variants that are `fitted`, and whether their page is `outdated`.

    Returns
    -------
    str
        HTML; it can be read without a script, which only sorts and filters the table.
    """
    missing = missing or {}
    by_study = defaultdict(dict)
    for (name, variant), verdict in fits.items():
        by_study[name][variant] = verdict
    rows = [
        _row(name, block, by_study[name], data[name])
        for name, block in studies.items()
        if name not in missing
    ]
    rows.sort(key=lambda row: row["passed"])
    failed = [fit for fit, verdict in fits.items() if not verdict["passed"]]
    failures = Counter(variant for _, variant in failed)
    template = environment(templates).get_template("index.html")
    return template.render(
        rows=rows,
        variants=[v for v in VARIANTS if any(v in own for own in by_study.values())],
        failed=failed,
        failures=[(v, failures[v]) for v in VARIANTS if v in failures],
        failed_studies=sum(not row["passed"] for row in rows),
        count=len(fits),
        named=NAMED,
        many=len(rows) > ONE_SCREEN,
        missing=sorted(missing.items(), key=lambda item: not item[1]["failed"]),
        unreached=sum(not study["failed"] for study in missing.values()),
        many_missing=len(missing) > ONE_SCREEN,
    )


def _row(name: str, block: dict, fits: dict, data: dict) -> dict:
    """Row of a study: name, data, formula, and the verdict on each variant."""
    verdicts = {
        variant: {
            "passed": verdict["passed"],
            "failed": [checks.check(c)["label"] for c in verdict["checks"] if not c["passed"]],
        }
        for variant, verdict in fits.items()
    }
    return {
        "name": name,
        "formula": block["formula"],
        "source": block["data"] or "simulated",
        "rows": data["rows_used"],
        "groups": [factor["count"] for factor in data["factors"]],
        "verdicts": verdicts,
        "passed": all(verdict["passed"] for verdict in fits.values()),
    }
