"""Report: one study written up as a page that needs nothing beside it.

Reads the small files of a study and its pictures; no scientific library is imported.
"""

import json
import os
import re
from pathlib import Path
from urllib.parse import quote

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from partialpool.report import answers, captions, mathematics, meaning, priors, tables, text, words
from partialpool.report.report_data import ReportData, read
from partialpool.study.outcome import OUTCOME

__all__ = ["environment", "page", "read"]

ORDER = (
    "data", "simulate", "formula", "family", *OUTCOME[1:], "group_effects", "missing", "key",
    "priors", "variants", "new_data", "predict", "contrasts",
)  # fmt: skip

UNQUOTED = " /=+,;"  # in a data URI, besides letters and digits

FILES = {
    "summaries": "every scalar: mean, sd, interval, Monte Carlo error, ESS, R-hat",
    "predictions": "all predicted rows",
    "group_estimates": "each group at its own predictors",
    "contrasts": "all contrasts",
    "comparison": "comparison, leaving out rows",
    "comparison_groups": "comparison, leaving out groups",
    "recovery": "truth against estimate",
    "diagnostics": "the verdict, for programs",
    "posteriors": "all draws, in the layout of ArviZ",
    "predictive": "prior and posterior predictive draws",
    "table": "the table as it was fitted",
    "groups": "its groups: rows, means, ranges",
    "data_report": "what was read",
    "new_data_report": "the rows to predict, and which of their groups are not in the table",
    "compressed": "what the fits read",
}


def environment(templates) -> Environment:
    """Jinja2 with everything that comes from data or config escaped."""
    made = Environment(
        loader=FileSystemLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["listed"] = text.listed
    made.filters["short"] = text.short
    return made


def page(results: ReportData, figures, links: dict[str, str], templates) -> str:
    """The page of one study.

    Parameters
    ----------
    results : Results
        From :func:`read`.
    figures : path-like
        Folder of its pictures.
    links : dict of str to str
        What each file is, by its path from the page.
    templates : path-like
        Folder of the templates.

    Returns
    -------
    str
        HTML without a link to anything it needs.
    """
    study, chosen = results.study, words.recommended(results)
    forms = json.loads((Path(figures) / "forms.json").read_text(encoding="utf-8"))
    shown = chosen or results.fits[-1].variant
    context = {
        "name": study["name"],
        "formula": study["formula"],
        "results": results,
        "percent": percent(results),
        "failed": set(results.failed),
        "verdict": words.verdict(results),
        "checks": {fit.variant: [words.check(c) for c in fit.checks] for fit in results.fits},
        "retried": [fit for fit in results.fits if len(fit.attempts) > 1],
        "pictures": {path.stem: picture(path) for path in sorted(Path(figures).glob("*.svg"))},
        "factors": factors(results, forms),
        "data_columns": tables.columns_of_data(results),
        "lines": mathematics.lines(results),
        "indices": mathematics.indices(results),
        "response_words": meaning.response(results),
        "relations": meaning.relations(results),
        "pooling": meaning.pooling(results),
        "spread": meaning.spread(results),
        "far_from_zero": meaning.far_from_zero(results),
        "priors": priors.priors(results),
        "prior_caption": captions.prior(results),
        "centred_words": priors.centred_words(results),
        "prior_warnings": priors.warnings(results),
        "population": tables.population(results),
        "ratios": tables.ratios(results),
        "ratio_words": meaning.ratio(results),
        "groups": groups(results, forms),
        "density_caption": captions.density(
            results, forms.get(f"density_{shown}", ""), percent(results)
        ),
        "comparisons": comparisons(results),
        "single_rows": any(1 in factor.sizes.values() for factor in results.factors),
        "shown": shown,
        "predictions": answers.predictions(results, shown),
        "predictions_caption": captions.predictions(results, forms.get("held", {})),
        "contrasts": answers.contrasts(results, shown),
        "refusals": answers.refusals(results),
        "recovery": tables.recovery(results),
        "attempts": tables.attempts(results),
        "diagnosed": meaning.diagnosed(results),
        "sampled": meaning.sampled(results),
        "kept": meaning.kept(results),
        "provenance": provenance(results),
        "config": config(results),
        "links": links,
    }
    return environment(templates).get_template("study.html").render(context)


def factors(results: ReportData, forms: dict[str, str]) -> list[dict]:
    """What is shown of each factor's rows: pictures, and their captions."""
    found = []
    for number, factor in enumerate(results.factors or [None], start=1):
        end = "" if number == 1 else f"_{number}"
        found.append(
            {
                "name": factor and factor.name,
                "data": f"data{end}",
                "data_caption": captions.data(results, factor, forms.get(f"data{end}", "")),
                "groups": f"groups{end}",
                "groups_caption": factor and captions.groups(results, factor, percent(results)),
            }
        )
    return found


def groups(results: ReportData, forms: dict[str, str]) -> list[dict]:
    """Each factor's groups: heading, what is shown of them, picture, caption and table."""
    found = []
    for factor in results.factors:
        for column in factor.varying:
            name = f"shrinkage_{len(found) + 1}"
            form = forms.get(name, "")
            found.append(
                {
                    "title": f"Each {factor.unit}: {meaning.quantity(results, column)}",
                    "said": meaning.of_groups(results, factor, column),
                    "picture": name,
                    "caption": captions.shrinkage(results, factor, column, form, percent(results)),
                    "table": tables.groups(results, factor, column),
                }
            )
    return found


def percent(results: ReportData) -> str:
    """The probability inside every interval."""
    return f"{100 * results.study['interval']:g}%"


def comparisons(results: ReportData) -> list[dict]:
    """Each comparison there is: its title, what it says, its table."""
    found = (
        ("Leaving out rows", "rows", results.comparison),
        ("Leaving out whole groups", "groups", results.comparison_groups),
    )
    return [
        {"title": title, "said": words.compared(rows, unit), "table": tables.comparison(rows)}
        for title, unit, rows in found
        if rows
    ]


def picture(path: Path) -> dict:
    """A picture as a data URI, and its natural width in CSS pixels."""
    svg = path.read_text(encoding="utf-8")
    width = re.search(r'<svg[^>]*?\bwidth="([\d.]+)pt"', svg)
    return {
        # A third shorter than base64: most of what is long in a picture is base64 already.
        "source": "data:image/svg+xml," + quote(svg, safe=UNQUOTED),
        "width": round(float(width[1]) * 96 / 72) if width else 560,
    }


def provenance(results: ReportData) -> dict:
    """Versions and commit of the fits; of each fit, where they are not the same."""
    found = {fit.variant: fit.provenance for fit in results.fits}
    distinct = []
    for variant, one in found.items():
        known = next((entry for entry in distinct if entry["provenance"] == one), None)
        if known:
            known["variants"].append(variant)
        else:
            distinct.append({"provenance": one, "variants": [variant]})
    return {"distinct": distinct, "seed": results.study["seed"]}


def config(results: ReportData) -> str:
    """The study's block of the config as YAML, defaults filled in."""
    study = results.study
    without = set() if results.family.has_sigma else {"sigma"}
    without |= set() if results.factors else {"group_effects"}
    block = {key: study[key] for key in ORDER if key not in without and study[key]}
    whole = {
        "sampler": study["sampler"],
        "convergence": study["convergence"],
        "interval": study["interval"],
        "studies": {study["name"]: block},
    }
    return yaml.safe_dump(whole, sort_keys=False, allow_unicode=True, width=100)


def links(paths: dict, folder) -> dict[str, str]:
    """What each file is that the page speaks of, by its path from the page's folder."""
    found = {}
    for key, what in FILES.items():
        given = paths.get(key) or []
        for path in [given] if isinstance(given, str) else given:
            found[Path(os.path.relpath(path, folder)).as_posix()] = what
    return found
