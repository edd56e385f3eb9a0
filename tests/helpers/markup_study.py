"""Figure data of a small study whose names have characters of markup."""

import numpy as np
import pandas as pd
import xarray as xr

from partialpool.design.formula import Formula
from partialpool.figures.figure_data import FigureData, FigureFit, GroupedTable
from partialpool.model import families
from partialpool.study.outcome import Outcome

LEVELS = ("a$b$", "<b>", "L" * 300, "naïve_^{2}")


ROWS = 6


VARIANTS = ("pooled", "unpooled", "hierarchical")


RESPONSE = "cost_$^2$"


def fit(variant, passed, factors, draws, rng):
    """A fit whose factors have four groups each, and one varying coefficient."""
    coefs = [name for factor in factors for name in factor.coefficient_names("Intercept")]
    names = ["beta[Intercept]", "sigma", *coefs]
    mean = rng.normal(size=len(names))
    summary = pd.DataFrame(
        {"mean": mean, "sd": 1.0, "lower": mean - 2, "upper": mean + 2, "rhat": 1.0}, index=names
    )
    scalars = {name: rng.normal(size=(2, 50)) for name in names[:2]}
    dims = ("chain", "draw")
    statistics = xr.Dataset(
        {"energy": (dims, rng.normal(size=(2, 50))), "diverging": (dims, np.ones((2, 50), bool))},
        coords={"chain": [0, 1], "draw": range(50)},
    )
    predictions = pd.DataFrame({name: LEVELS for factor in factors for name in [factor.name]})
    predictions["of"], predictions["predicted_for"] = 10, "group"
    values = rng.uniform(0.2, 0.8, len(LEVELS))
    for start in ("", "probability_", "outcome_"):
        predictions[f"{start}lower"], predictions[f"{start}upper"] = values - 0.1, values + 0.1
    predictions["mean"] = predictions["probability"] = values
    predictions["sd"], predictions["group_status"] = 0.1, "known"
    predictions["fit_passed"] = passed
    predictions["missing_reason"] = predictions["note"] = ""
    new = predictions.assign(predicted_for="new_group", group_status="new")
    return FigureFit(
        variant=variant,
        passed=passed,
        summary=summary,
        groups=pd.concat(of_groups(factor, rng) for factor in factors),
        scalars=scalars,
        statistics=statistics,
        prior=draws(60),
        replicated=draws(60),
        predictions=pd.concat([predictions, new], ignore_index=True),
    )


def of_groups(factor, rng, apart=False):
    """Group estimates of a factor with an intercept that varies."""
    mean = rng.normal(size=len(factor.levels))
    found = pd.DataFrame({"group": factor.levels, "mean": mean, "lower": mean - 1})
    found["upper"], found["population"] = mean + 1, 0.5 * mean if apart else 0.0
    return found.assign(factor=factor.name, coefficient="")


def study(family="gaussian", factors=1, variants=VARIANTS, **columns):
    rng = np.random.default_rng(1)
    outcome = Outcome(family=family, **columns)
    index = np.repeat(np.arange(len(LEVELS)), ROWS)
    sizes = np.full(len(LEVELS), ROWS)
    names = ["g$", "h_{i}"][:factors]
    means = np.arange(len(LEVELS)) / 10
    blocks = (("Intercept",),)
    factors = [
        GroupedTable(name, blocks, LEVELS, (name,), np.roll(index, i), sizes, sizes, means)
        for i, name in enumerate(names)
    ]

    def draws(count):
        eta = np.zeros((count, len(index)))
        parameters = {"sigma": 1.0, "nu": 4.0, "alpha": 2.0}
        return families.FAMILIES[family].responses(rng, eta, parameters, np.full(len(index), 10))

    fits = [fit(variant, variant != "unpooled", factors, draws, rng) for variant in variants]
    y = draws(1)[0]
    table = pd.DataFrame({RESPONSE: y, "of": 10})
    for factor in factors:
        table[factor.name] = np.array(LEVELS)[factor.index]
    comparison = pd.DataFrame(
        {"variant": variants, "elpd_diff": -1.0, "dse": 1.0, "subsampling_dse": 0.0}
    ).assign(fit_passed=True)
    coefs = factors[0].coefficient_names("Intercept")
    recovery = pd.concat(
        fit.estimates(["sigma", *coefs])
        .rename_axis("name")
        .reset_index()
        .assign(variant=v, truth=1.0)
        for v, fit in zip(variants, fits, strict=True)
    )
    terms = " + ".join(f"(1 | `{name}`)" for name in names)
    return FigureData(
        table=table,
        total=len(table),
        average=0.1,
        formula=Formula(f"`{RESPONSE}` ~ 1 + {terms}"),
        outcome=outcome,
        factors=tuple(factors),
        interval=0.95,
        new_data=None,
        held={},
        y=y,
        per=np.full(len(y), 10.0 if columns else 1.0),
        weights=np.ones(len(y)),
        rows=np.arange(len(y)),
        fits=fits,
        comparison=comparison,
        comparison_groups=comparison,
        recovery=recovery,
    )
