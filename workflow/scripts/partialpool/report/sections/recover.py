"""Section of the recovery of true values, for simulated data."""

from partialpool.base.text import decimals, fixed, truncate
from partialpool.report.report_data import ReportData, value
from partialpool.report.section import Section
from partialpool.report.tables import SHOWN, table


def recovery(results: ReportData) -> tuple[list[dict], dict]:
    """Number of true values inside their intervals by variant, and a table, misses first."""
    rows = results.recovery
    shares = []
    for fit in results.fits:
        own = [row for row in rows if row["variant"] == fit.variant]
        inside = sum(row["covered"] == "True" for row in own)
        shares.append({"variant": fit.variant, "covered": inside, "count": len(own)})
    best = "hierarchical" if results.fit("hierarchical") else results.fits[0].variant
    own = [row for row in rows if row["variant"] == best]
    if len(own) > SHOWN:
        own.sort(key=lambda row: row["covered"] == "True")
    out = []
    for row in own[:SHOWN]:
        low, high = value(row, "lower"), value(row, "upper")
        places = decimals((high - low) / 4)
        covered = row["covered"] == "True"
        out.append(
            [
                truncate(row["name"]),
                fixed(value(row, "truth"), places),
                fixed(value(row, "mean"), places),
                f"{fixed(low, places)} to {fixed(high, places)}",
                {"text": "inside" if covered else "outside", "mark": "" if covered else "failed"},
            ]
        )
    note = f"{len(out)} of {len(own):,}, those outside first." if len(own) > len(out) else ""
    heads = [best, "truth", "estimate", "interval", "truth lies"]
    return shares, table(heads, out, note, numbers=range(1, 4))


def build(results: ReportData) -> dict:
    """Context of the template."""
    shares, values = recovery(results)
    return {"shares": shares, "values": values}


SECTION = Section(
    "recover",
    "Recover",
    build,
    applies=lambda results: bool(results.recovery),
    files={"recovery": "true values against estimates"},
)
