"""Section of the table that was fitted."""

from partialpool.base.text import number, truncate
from partialpool.report import meaning
from partialpool.report.report_data import ReportData
from partialpool.report.section import Section
from partialpool.report.tables import table


def columns_of_data(results: ReportData) -> dict:
    """Columns of the fitted table, with their roles and ranges."""
    gaps = bool(results.data["dropped"]["total"])
    rows = []
    for name, found in results.data["columns"].items():
        if "levels" in found:
            count = len(found["levels"])
            first = ", ".join(truncate(level, 24) for level in list(found["levels"])[:4])
            spread = [f"{count:,} labels: {first}{', …' if count > 4 else ''}", "", "", "", ""]
        else:
            spread = ["numbers", *(number(found[key]) for key in ("min", "mean", "max", "sd"))]
        missing = [f"{found['missing']:,}"] if gaps else []
        rows.append([truncate(name), found["role"], *spread, *missing])
    heads = ["column", "role", "values", "min", "mean", "max", "sd", *(["missing"] if gaps else [])]
    return table(heads, rows, numbers=range(3, len(heads)))


def build(results: ReportData) -> dict:
    """Context of the template."""
    return {"relations": meaning.relations(results), "columns": columns_of_data(results)}


SECTION = Section(
    "ingest",
    "Data",
    build,
    files={
        "table": "the table as it was fitted",
        "groups": "its groups: rows, means, ranges",
        "data_report": "its columns and groups, and which rows were dropped",
    },
)
