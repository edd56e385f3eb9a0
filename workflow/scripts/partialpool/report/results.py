"""What a page is written from: the small files of a study, read without a scientific library."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path

from partialpool import files

ANSWERS = 9  # columns that prediction adds to the rows


@dataclass(frozen=True)
class Fit:
    """One variant: its verdict, its numbers, and where they came from.

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


@dataclass(frozen=True)
class Results:
    """All that is written up of one study.

    Attributes
    ----------
    study : dict
        Every field of :class:`partialpool.study.Study`.
    data : dict
        The data report.
    model : dict
        `coefficients, terms, varying, factor, sigma, response` of the design.
    means : dict of str to float
        Of the design's columns.
    fits : list of Fit
    comparison, comparison_groups, recovery : list of dict
    replicated : int
        Rows that were replicated; a random subset of large tables.
    """

    study: dict
    data: dict
    model: dict
    means: dict
    fits: list
    comparison: list
    comparison_groups: list
    recovery: list
    replicated: int

    @property
    def failed(self) -> list[str]:
        """Variants whose fit failed its checks."""
        return [fit.variant for fit in self.fits if not fit.passed]

    def fit(self, variant: str) -> Fit | None:
        """The fit of a variant, if the study has it."""
        return next((fit for fit in self.fits if fit.variant == variant), None)

    @property
    def sizes(self) -> dict[str, int]:
        """Rows of each group."""
        factor = self.model["factor"]
        return self.data["columns"][factor]["levels"] if factor else {}


def read(paths: dict, study: dict) -> Results:
    """Read a study's results.

    Parameters
    ----------
    paths : dict
        `data_report, compressed, comparison, comparison_groups`, perhaps `recovery`, and by
        variant `posteriors, summaries, diagnostics, predictive, predictions`.
    study : dict
        Every field of the study.
    """
    import netCDF4

    with netCDF4.Dataset(paths["compressed"]) as stored:
        model = json.loads(stored.getncattr("model"))
        columns = [str(name) for name in stored["column"][:]]
        means = dict(zip(columns, map(float, stored["mean"][:]), strict=True))
    with netCDF4.Dataset(paths["predictive"][0]) as stored:
        replicated = int(stored.getncattr("rows_replicated"))
    fits = []
    for variant, posterior, summary, diagnostics, predictions in zip(
        study["variants"],
        paths["posteriors"],
        paths["summaries"],
        paths["diagnostics"],
        paths["predictions"],
        strict=True,
    ):
        with netCDF4.Dataset(posterior) as stored:
            kept = ("priors", "sampler", "provenance", "attempts")
            attributes = {name: json.loads(stored.getncattr(name)) for name in kept}
        verdict = files.read_json(diagnostics)
        fits.append(
            Fit(
                variant=variant,
                passed=verdict["passed"],
                checks=verdict["checks"],
                advice=verdict["advice"],
                summary={row["name"]: row for row in read_csv(summary)},
                predictions=read_csv(predictions),
                **attributes,
            )
        )
    return Results(
        study=study,
        data=files.read_json(paths["data_report"]),
        model=model,
        means=means,
        fits=fits,
        comparison=read_csv(paths["comparison"]),
        comparison_groups=read_csv(paths["comparison_groups"]),
        recovery=read_csv(paths["recovery"]) if paths.get("recovery") else [],
        replicated=replicated,
    )


def read_csv(path) -> list[dict]:
    """Rows of a CSV file as dicts of text."""
    with Path(path).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def value(row: dict, key: str) -> float | None:
    """A number of a row; None where it is empty."""
    return float(row[key]) if row[key] else None
