"""Section of how the fits were made: sampling, versions, config and files."""

import yaml

from partialpool.base.text import fixed
from partialpool.report import checks, meaning
from partialpool.report.report_data import ReportData
from partialpool.report.section import Section
from partialpool.report.tables import table
from partialpool.study.outcome import OUTCOME

ORDER = (
    "data", "simulate", "formula", "family", *OUTCOME[1:], "group_effects", "missing", "key",
    "priors", "variants", "new_data", "predict", "contrasts",
)  # fmt: skip


def attempts(results: ReportData) -> dict:
    """Table of the sampling attempts of each fit."""
    rows = []
    for fit in results.fits:
        for index, attempt in enumerate(fit.attempts, start=1):
            shown = [checks.check(check) for check in attempt["failed"]]
            missed = ", ".join(
                f"{check['label']} ({check['value']}"
                + (f" at {check['worst']})" if check["worst"] else ")")
                for check in shown
            )
            rows.append(
                [
                    fit.variant,
                    {"text": missed, "mark": "failed"} if missed else "passed",
                    str(index),
                    str(fit.sampler["chains"]),
                    f"{attempt['tune']:,}",
                    f"{attempt['draws']:,}",
                    f"{attempt['target_accept']:g}",
                    fixed(attempt["seconds"], 1),
                    fixed(attempt.get("sampling_seconds"), 1),
                ]
            )
    heads = ["variant", "result", "attempt", "chains", "tune", "draws", "target_accept"]
    return table([*heads, "seconds", "sampling"], rows, numbers=range(2, 9))


def provenance(results: ReportData) -> dict:
    """Seed, and versions and commit of the fits, grouped by fits that share them."""
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


def build(results: ReportData) -> dict:
    """Context of the template."""
    return {
        "provenance": provenance(results),
        "sampled": meaning.sampled(results),
        "kept": meaning.kept(results),
        "attempts": attempts(results),
        "config": config(results),
    }


SECTION = Section(
    "provenance", "Provenance", build, files={"compressed": "the compressed data that fits read"}
)
