"""What the benchmark of peers found: fits against the reference, and tables for the README."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
from simulated import PARAMETERS

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results.csv"
KEY = ["rows", "groups", "tool", "cache"]


def judge(draws: pd.DataFrame, reference: dict) -> dict:
    """Judge a fit by its draws of the population-level parameters.

    Parameters
    ----------
    draws : pandas.DataFrame
        Columns `chain`, `draw` and the parameters it has; a single row is a point estimate.
    reference : dict
        `mean` and `sd` of every parameter.

    Returns
    -------
    dict
        `ess` and `rhat`, the worst of any parameter; `distance`, of the mean furthest from the
        reference's, in reference sds, and `furthest`, its parameter; `sd_ratio`, sd over
        reference sd where that is furthest from one. A point estimate has only the distance.
    """
    names = [name for name in PARAMETERS if name in draws]
    away = {n: abs(draws[n].mean() - reference["mean"][n]) / reference["sd"][n] for n in names}
    furthest = max(away, key=away.get)
    found = {"distance": away[furthest], "furthest": furthest}
    if len(draws) == 1:
        return found
    from arviz_stats.base import array_stats

    ordered = draws.sort_values(["chain", "draw"])
    chains = ordered["chain"].nunique()
    arrays = {name: ordered[name].to_numpy().reshape(chains, -1) for name in names}
    along = {"chain_axis": 0, "draw_axis": 1}
    ratios = [arrays[name].std(ddof=1) / reference["sd"][name] for name in names]
    return found | {
        "ess": min(float(array_stats.ess(a, method="bulk", **along)) for a in arrays.values()),
        "rhat": max(float(array_stats.rhat(a, **along)) for a in arrays.values()),
        "sd_ratio": max(ratios, key=lambda ratio: abs(np.log(ratio))),
    }


def kept(path: Path, sizes: list[tuple[int, int]], tools: list[str]) -> list[dict]:
    """What earlier runs found, but for what is to be run again: these sizes with these tools."""
    if not path.exists():
        return []
    found = pd.read_csv(path)
    found["note"] = found["note"].fillna("")
    again = [(row.rows, row.groups) in sizes and row.tool in tools for row in found.itertuples()]
    return found[~np.array(again, dtype=bool)].to_dict("records")


def medians(results: pd.DataFrame) -> pd.DataFrame:
    """One row for each size, tool and cache, in the order they come: medians of repetitions."""
    numbers = results.select_dtypes("number").columns.difference([*KEY, "seed"])
    texts = results.columns.difference([*KEY, *numbers, "seed"])
    how = {name: "median" for name in numbers} | {name: "first" for name in texts}
    return results.groupby(KEY, sort=False).agg(how).reset_index()


def page(results: pd.DataFrame, tools: list[str], fit: str, whole: str) -> str:
    """Where and when it was measured, the ratios and everything, tools in the order given."""
    order = results["tool"].map(tools.index)
    results = results.iloc[np.lexsort((order, results["groups"], results["rows"]))]
    when = results.groupby("machine")["date"].agg(["min", "max"])
    measured = [
        f"{machine}, {first if first == last else f'{first} to {last}'}"
        for machine, first, last in when.itertuples()
    ]
    tables = [ratios(results, fit, whole), table(results)]
    return "\n\n".join([f"{'; '.join(measured)}:", *tables])


def table(results: pd.DataFrame) -> str:
    """Everything, as a Markdown table."""
    lines = [
        "| rows × groups | tool | cache | whole, s | fit, s | lowest ESS | ESS a second | "
        "divergences | R-hat | furthest mean | its sds | memory, MB |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for _, row in medians(results).iterrows():
        size = f"{row['rows']:,} × {row['groups']:,}"
        if isinstance(row["note"], str) and row["note"]:
            lines.append(f"| {size} | {row['tool']} | {row['cache']} | {row['note']} |" + " |" * 8)
            continue
        cells = [
            size,
            row["tool"],
            row["cache"],
            _seconds(row["seconds"]),
            _seconds(row["fit_seconds"]),
            _number(row["ess"], ",.0f"),
            _number(row["ess_per_second"], ",.0f" if row["ess_per_second"] >= 10 else ".2g"),
            _number(row["divergences"], ".0f"),
            _number(row["rhat"], ".3f"),
            f"{row['distance']:.2f} ({row['furthest']})",
            _number(row["sd_ratio"], ".2f"),
            f"{row['process_mb']:,.0f} / {row['tree_mb']:,.0f}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def ratios(results: pd.DataFrame, fit: str, whole: str) -> str:
    """Our ESS a second over that of each peer, of the fit and of the whole, as a Markdown table.

    Parameters
    ----------
    results : pandas.DataFrame
    fit, whole : str
        The tools that are this project's fit alone, and all its jobs.
    """
    found = medians(results)
    found = found[found["cache"].isin(["warm", "none"]) & found["ess"].notna()]
    peers = [name for name in found["tool"].unique() if name not in (fit, whole)]
    of_fit, of_whole = (
        found.assign(rate=found["ess"] / found[column])
        .pivot(index=["rows", "groups"], columns="tool", values="rate")
        .reindex(columns=[fit, whole, *peers])
        for column in ("fit_seconds", "seconds")
    )
    lines = ["| rows × groups | " + " | ".join(peers) + " |", "|---" * (len(peers) + 1) + "|"]
    for size in of_fit.index[of_fit[peers].notna().any(axis=1)].sort_values():
        one, all_ = of_fit.loc[size], of_whole.loc[size]
        cells = [_times(one[fit] / one[name], all_[whole] / all_[name]) for name in peers]
        lines.append(f"| {size[0]:,} × {size[1]:,} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def publish(name: str, text: str, page: Path = HERE / "README.md") -> None:
    """Put text between the two marks of that name on the page."""
    marks = rf"(<!-- {name} -->\n).*?(<!-- end {name} -->)"
    before = page.read_text(encoding="utf-8")
    after, times = re.subn(marks, lambda m: f"{m[1]}{text}\n{m[2]}", before, flags=re.DOTALL)
    if times != 1:
        raise ValueError(f"{page}: has no place for {name!r}")
    page.write_text(after, encoding="utf-8")


def _times(fit: float, whole: float) -> str:
    """How many times as many: of the fit, and in brackets of the whole, as far as both ran."""
    return _number(fit, ",.0f") + (f" ({whole:,.0f})" if pd.notna(whole) else "")


def _number(value: float, form: str) -> str:
    return "" if pd.isna(value) else format(value, form)


def _seconds(value: float) -> str:
    return _number(value, ".0f" if value >= 100 else ".1f")
