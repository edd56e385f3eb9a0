"""Index: all studies on one page, those with a failed verdict first."""

from partialpool.report import environment, words
from partialpool.study import VARIANTS


def index(studies: dict, fits: dict, data: dict, templates) -> str:
    """The page that links all studies.

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

    Returns
    -------
    str
        HTML; it can be read without a script, which only sorts the table.
    """
    rows = [_row(name, block, fits, data[name]) for name, block in studies.items()]
    rows.sort(key=lambda row: row["passed"])
    failed = [fit for fit, verdict in fits.items() if not verdict["passed"]]
    used = [v for v in VARIANTS if any(variant == v for _, variant in fits)]
    template = environment(templates).get_template("index.html")
    return template.render(rows=rows, variants=used, failed=failed, count=len(fits))


def _row(name: str, block: dict, fits: dict, data: dict) -> dict:
    """One study: its name, data, formula, and each variant's verdict in words."""
    own = {variant: verdict for (study, variant), verdict in fits.items() if study == name}
    verdicts = {
        variant: {
            "passed": verdict["passed"],
            "failed": [words.check(c)["label"] for c in verdict["checks"] if not c["passed"]],
        }
        for variant, verdict in own.items()
    }
    return {
        "name": name,
        "formula": block["formula"],
        "source": block["data"] or "simulated",
        "rows": data["rows_used"],
        "groups": data["groups"]["count"] if data["groups"] else None,
        "verdicts": verdicts,
        "passed": all(verdict["passed"] for verdict in own.values()),
    }
