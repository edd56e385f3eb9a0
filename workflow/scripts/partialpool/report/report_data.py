"""Results of a study as its page shows them, read without a scientific library."""

import csv
import json
from dataclasses import dataclass, field
from pathlib import Path

from partialpool.base import files
from partialpool.base.grouping_factor import GroupingFactor, unit
from partialpool.base.text import truncate
from partialpool.model import families, parameter_names
from partialpool.model.family import ResponseFamily
from partialpool.model.links import LINKS, Link
from partialpool.study.outcome import Outcome


@dataclass(frozen=True)
class FactorSummary(GroupingFactor):
    """A grouping factor, and the sizes of its groups.

    Attributes
    ----------
    name, blocks, levels
        See :class:`GroupingFactor`.
    columns : tuple of str
        Columns of the table that it is made of.
    sizes : dict of str to int
        Rows of each group.
    """

    columns: tuple[str, ...]
    sizes: dict[str, int]

    @property
    def unit(self) -> str:
        """One of its groups in words, such as `class within school`."""
        return unit(truncate(column, 40) for column in self.columns)


@dataclass(frozen=True)
class ReportFit:
    """The fit of one variant: its verdict, its numbers, and how they were made.

    Attributes
    ----------
    variant : str
    passed : bool
    checks, advice : list
        Of the verdict.
    summary : dict of str to dict
        Rows of the summary by the name of the scalar.
    predictions : list of dict
    priors, sampler, provenance : dict
        As stored with the draws.
    attempts : list of dict
    contrasts : list of dict
    warnings : list of str
        About its priors.
    diagnosed : dict of str to dict
        Factors of which not all `groups` were diagnosed, and how many `of_them`.
    kept : dict of str to int
        Factors whose effects are not stored in all draws, and in how many they are.
    groups : dict of (str, str) to dict
        By factor and varying column, the rows of its group estimates by group.
    """

    variant: str
    passed: bool
    checks: list
    advice: list
    summary: dict
    predictions: list
    priors: dict
    sampler: dict
    provenance: dict
    attempts: list
    contrasts: list = field(default_factory=list)
    warnings: list = field(default_factory=list)
    diagnosed: dict = field(default_factory=dict)
    kept: dict = field(default_factory=dict)
    groups: dict = field(default_factory=dict)


@dataclass(frozen=True)
class ReportData:
    """Results of one study.

    Attributes
    ----------
    study : dict
        Every field of :class:`partialpool.study.study.Study`.
    data : dict
        The data report.
    model : dict
        `partialpool.model.description.ModelDescription.description` of the fitted table.
    factors : list of FactorSummary
    pairs : dict of (str, str) to int
        For each two factors, how many pairs of their groups are in the table, if not too many
        to count.
    fits : list of ReportFit
    comparison, comparison_groups, recovery : list of dict
    merged : int or None
        Rows that were fitted, where those of the table have been merged.
    new_groups : dict of str to list of str
        Of the rows to predict, by factor: groups that are not in the table.
    new_warnings : list of str
        New groups that look like groups of the table.
    paths : dict
        Inputs of the page.
    """

    study: dict
    data: dict
    model: dict
    factors: list
    pairs: dict
    fits: list
    comparison: list
    comparison_groups: list
    recovery: list
    merged: int | None = None
    new_groups: dict = field(default_factory=dict)
    new_warnings: list = field(default_factory=list)
    paths: dict = field(default_factory=dict)

    @property
    def failed(self) -> list[str]:
        """Variants whose fit failed its checks."""
        return [fit.variant for fit in self.fits if not fit.passed]

    def fit(self, variant: str) -> ReportFit | None:
        """The fit of a variant, if the study has it."""
        return next((fit for fit in self.fits if fit.variant == variant), None)

    def rows(self, key: str) -> list[dict] | dict[str, list[dict]] | None:
        """Rows of a CSV file among the inputs of the page.

        Parameters
        ----------
        key : str
            Of the inputs of the rule `report`.

        Returns
        -------
        list of dict, or dict of str to list of dict, or None
            By variant, where each has a file; None where the study has no such file.
        """
        given = self.paths.get(key)
        if isinstance(given, str) or given is None:
            return given and read_csv(given)
        fits = zip(self.fits, given, strict=True)
        return {fit.variant: read_csv(path) for fit, path in fits}

    @property
    def outcome(self) -> Outcome:
        """How the response is distributed."""
        return Outcome(**self.model["outcome"])

    @property
    def link(self) -> Link:
        """From the expected response to the linear predictor."""
        return LINKS[self.family.link]

    @property
    def family(self) -> ResponseFamily:
        """The distribution of the response."""
        return families.family_of(self.outcome)


def read(paths: dict, study: dict) -> ReportData:
    """Read the results of a study.

    Parameters
    ----------
    paths : dict
        `groups, data_report, compressed, comparison, comparison_groups`, perhaps `recovery` and
        `new_data_report`; and by variant `posteriors, summaries, diagnostics, predictive,
        predictions, group_estimates`, perhaps `contrasts`.
    study : dict
        Every field of the study.
    """
    import netCDF4

    data = files.read_json(paths["data_report"])
    with netCDF4.Dataset(paths["compressed"]) as stored:
        model = json.loads(stored.getncattr("model"))
        kept = stored.dimensions["row"].size if "row" in stored.dimensions else data["rows_used"]
    factors = _factors(model["factors"], data["factors"], read_csv(paths["groups"]))
    new = files.read_json(paths["new_data_report"]) if paths.get("new_data_report") else {}
    contrasts = paths.get("contrasts") or [None] * len(study["variants"])
    fits = []
    for number, variant in enumerate(study["variants"]):
        with netCDF4.Dataset(paths["posteriors"][number]) as stored:
            attributes = {
                name: json.loads(stored.getncattr(name))
                for name in ("priors", "sampler", "provenance", "attempts")
            }
            attributes["kept"] = _kept(stored, factors)
        with netCDF4.Dataset(paths["predictive"][number]) as stored:
            warnings = json.loads(stored.getncattr("warnings"))
        verdict = files.read_json(paths["diagnostics"][number])
        fits.append(
            ReportFit(
                variant=variant,
                passed=verdict["passed"],
                checks=verdict["checks"],
                advice=verdict["advice"],
                summary={row["name"]: row for row in read_csv(paths["summaries"][number])},
                predictions=read_csv(paths["predictions"][number]),
                contrasts=read_csv(contrasts[number]) if contrasts[number] else [],
                warnings=warnings,
                diagnosed=verdict["diagnosed"],
                groups=_groups(read_csv(paths["group_estimates"][number])),
                **attributes,
            )
        )
    return ReportData(
        study=study,
        data=data,
        model=model,
        factors=factors,
        pairs={tuple(pair["factors"]): pair["count"] for pair in data["pairs"]},
        fits=fits,
        comparison=read_csv(paths["comparison"]),
        comparison_groups=read_csv(paths["comparison_groups"]),
        recovery=read_csv(paths["recovery"]) if paths.get("recovery") else [],
        new_groups=new.get("new_groups", {}),
        new_warnings=new.get("warnings", []),
        merged=kept if kept < data["rows_used"] else None,
        paths=paths,
    )


def _kept(posterior, factors: list[FactorSummary]) -> dict[str, int]:
    """Draws of the effects that an open posterior does not have of all draws, by factor."""
    if "group_effects" not in posterior.groups:
        return {}
    effects = posterior["group_effects"]
    count = effects.dimensions["chain"].size * effects.dimensions["draw"].size
    return {f.name: count for f in factors if parameter_names.u(f.name) in effects.variables}


def _groups(rows: list[dict]) -> dict:
    """Group estimates by factor and varying column, and each of these by group."""
    found: dict[tuple[str, str], dict[str, dict]] = {}
    for row in rows:
        name = row["coefficient"] or "Intercept"
        found.setdefault((row["factor"], name), {})[row["group"]] = row
    return found


def _factors(
    described: list[dict], summaries: list[dict], groups: list[dict]
) -> list[FactorSummary]:
    """The grouping factors of a model, with their columns and the rows of each of their groups."""
    columns = {summary["factor"]: tuple(summary["columns"]) for summary in summaries}
    sizes: dict[str, dict[str, int]] = {factor["name"]: {} for factor in described}
    for group in groups:
        sizes[group["factor"]][group["group"]] = int(group["rows"])
    return [
        FactorSummary(
            name=name,
            blocks=tuple(map(tuple, factor["blocks"])),
            levels=tuple(factor["levels"]),
            columns=columns[name],
            sizes=sizes[name],
        )
        for name, factor in ((factor["name"], factor) for factor in described)
    ]


def read_csv(path) -> list[dict]:
    """Rows of a CSV file as dicts of text."""
    with Path(path).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def value(row: dict, key: str) -> float | None:
    """A number of a row; None where it is empty, or the row has no such column."""
    return float(row[key]) if row.get(key) else None
