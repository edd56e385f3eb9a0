"""Files of a made-up run: every number differs, and every name has markup."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from partialpool.base import files
from partialpool.compress import build
from partialpool.design.formula import Formula
from partialpool.study import config
from partialpool.study.outcome import Outcome
from partialpool.study.study import KEYS
from partialpool.table.ingest import ingest

TEMPLATES = Path(__file__).parents[2] / "workflow" / "report"
VARIANTS = ("pooled", "unpooled", "hierarchical")
Y, X, S, R, N, W = (f"{letter}<i>" for letter in "yxsrnw")  # names of columns
FORMULA = f"`{Y}` ~ `{X}` + (`{X}` | `{S}`) + (1 | `{R}`)"
SCHOOLS, ROOMS = ("<i>NA</i>", "007", "b, c"), ("<i>k</i>", "<i>l</i>")
NUMBERS = ("mean", "sd", "lower", "upper")
TARGETS = ("group", "new_group")
BLOCK = {
    "data": "t.csv",
    "formula": FORMULA,
    "family": "poisson",
    "exposure": N,
    "weights": W,
    "variants": [*VARIANTS],
    "predict": [*TARGETS],
    "new_data": "<i>new</i>.csv",
    "contrasts": [[1, 2], [3, 1]],
}


def study() -> dict:
    read = config.read({"interval": 0.8, "studies": {"made-up": BLOCK}})["made-up"]
    return read.params(*KEYS)


def table(rng) -> pd.DataFrame:
    schools, rooms = rng.permuted(np.tile(SCHOOLS, 9)), rng.permuted(np.tile(ROOMS, 14)[:27])
    found = pd.DataFrame({S: schools, R: rooms, X: rng.permutation(27) / 4})
    found[N], found[W] = rng.integers(1, 30, 27), rng.integers(1, 5, 27)
    found[Y] = rng.poisson(found[N] * 0.7)
    return found


def described(rng, names, key="name", scale=10) -> pd.DataFrame:
    """`mean, sd, lower, upper` by name, no two alike and no two as far apart."""
    mean, sd, below, above = rng.uniform(1, 2, (4, len(names)))
    found = pd.DataFrame({key: names, "mean": scale * mean, "sd": 0.01 * sd})
    return found.assign(lower=scale * mean - 0.02 * below, upper=scale * mean + 0.03 * above)


def scalars(variant: str) -> list[str]:
    names = ["beta[Intercept]", f"beta[{X}]"]
    if variant == "hierarchical":
        names += [f"sd_{S}[Intercept]", f"sd_{S}[{X}]", f"cor_{S}[Intercept, {X}]"]
        names += [f"sd_{R}[Intercept]"]
    return names


def write(folder) -> dict:
    """Write all files; their paths, as the rules have them."""
    rng = np.random.default_rng(11)
    csv, paths = folder / "t.csv", {}
    table(rng).to_csv(csv, index=False)
    outcome = Outcome.of(study())
    found = ingest(csv, Formula(FORMULA), outcome, to=folder / "t.parquet", source="<i>t</i>.csv")

    def put(name, what, number=None):
        kind, writer = {
            pd.DataFrame: ("csv", files.write_csv),
            dict: ("json", files.write_json),
        }.get(type(what), ("nc", files.write_netcdf))
        path = str(folder / f"{name}{'' if number is None else number}.{kind}")
        writer(path, what)
        if number is None:
            paths[name] = path
        else:
            paths.setdefault(name, []).append(path)

    # A random part of a table is as a part of a larger one: its numbers are not its positions.
    subset = found.subset.iloc[rng.permutation(27)[:20]]
    subset.index = 3 * subset.index + 5
    replicated = rng.permutation(20)[:8]
    paths["subset"] = str(folder / "subset.parquet")
    files.write_parquet(paths["subset"], subset, index=True)
    put("learned", found.learned.to_dict())
    put("groups", found.groups)
    read = {"rows_read": 31, "dropped": {"total": 4, "by_column": {X: 4}}}
    put("data_report", found.report | read | {"warnings": ["<i>data_warning</i>"]})
    put(
        "compressed",
        build.compress_table(folder / "t.parquet", found.learned, outcome).to_dataset(),
    )
    new = {"new_groups": {S: ["<i>new_group</i>"]}, "warnings": ["<i>new_warning</i>"]}
    put("new_data_report", new)
    for name in ("comparison", "comparison_groups"):
        put(name, compared(rng, name))
    truth = {f"beta[{X}]": 1.501, f"coef_{S}[007, {X}]": 1.502}
    parts = []
    for number, variant in enumerate(VARIANTS):
        each = [
            *(f"coef_{S}[{group}, {column}]" for group in SCHOOLS for column in ("Intercept", X)),
            *(f"coef_{R}[{group}, Intercept]" for group in ROOMS),
        ]
        summary = described(rng, [*scalars(variant), *each], scale=1)
        summary["rhat"] = rng.uniform(1, 1.01, len(summary))
        put("summaries", summary, number)
        own = summary[summary["name"].isin(truth)].assign(
            variant=variant, truth=summary["name"].map(truth)
        )
        parts.append(own.assign(covered=own["truth"].between(own["lower"], own["upper"])))
        put("group_estimates", groups(rng), number)
        put("predictions", predictions(rng), number)
        put("contrasts", contrasts(rng), number)
        put("diagnostics", verdict(variant, rng), number)
        put("posteriors", posterior(rng, variant), number)
        put("predictive", predictive(rng, subset, replicated), number)
    put("recovery", pd.concat(parts))
    return paths


def compared(rng, name) -> pd.DataFrame:
    found = pd.DataFrame({"variant": rng.permuted(VARIANTS), "rank": range(3)})
    names = ("elpd_loo", "se", "subsampling_se", "elpd_diff", "dse", "subsampling_dse", "p")
    for column, scale in zip(names, (100, 1, 1, 20, 1, 1, 1), strict=True):
        found[column] = scale * rng.uniform(1, 9, 3)
    found["weight"], found["pareto_k_threshold"] = rng.uniform(0.1, 0.9, 3), 0.7
    found["pareto_k_over"], found["units"] = [3, 0, 5], [20, 21, 22]
    found["units_total"], found["fit_passed"] = 27, found["variant"] != "unpooled"
    found["too_close"], found["missing_reason"] = False, ""
    return found.assign(note=[f"<i>{name}_note_{variant}</i>" for variant in found["variant"]])


def groups(rng) -> pd.DataFrame:
    parts = []
    for factor, levels, varying in ((S, SCHOOLS, ("", X)), (R, ROOMS, ("",))):
        for column in varying:
            own = described(rng, levels, "group").assign(factor=factor, coefficient=column)
            parts.append(own.assign(population=rng.uniform(10, 20, len(levels))))
    found = pd.concat(parts).sample(frac=1, random_state=3)
    quantity = np.where(found["coefficient"] == "", "expected", "coefficient")
    return found.assign(quantity=quantity, fit_passed=True, note="")


def predictions(rng) -> pd.DataFrame:
    parts = []
    for prediction_target in TARGETS:
        rows = pd.DataFrame({S: SCHOOLS, R: "<i>k</i>", X: [0.25, 0.5, 7.75], N: [3, 4, 5]})
        found = pd.concat([rows, described(rng, SCHOOLS).drop(columns="name")], axis=1)
        found["outcome_lower"], found["outcome_upper"] = rng.uniform(100, 999, (2, 3)).round()
        found["group_status"], found["predicted_for"] = (
            ["<i>status</i>", "b", "c"],
            prediction_target,
        )
        parts.append(found.assign(fit_passed=True, missing_reason="", note=""))
    found = pd.concat(parts)
    refused = (found["predicted_for"] == "new_group") & (found[S] == "007")
    found.loc[refused, [*NUMBERS, "outcome_lower", "outcome_upper"]] = np.nan
    found.loc[refused, ["missing_reason", "note"]] = "<i>refusal</i>", "<i>refusal</i>; failed"
    return found


def contrasts(rng) -> pd.DataFrame:
    parts = []
    for prediction_target in TARGETS:
        found = described(rng, range(2)).drop(columns="name")
        found[["first", "second"]], found["predicted_for"] = BLOCK["contrasts"], prediction_target
        found["probability_over_zero"] = rng.uniform(0.1, 0.9, 2)
        ratio = described(rng, range(2)).drop(columns=["name", "sd"]).add_prefix("ratio_")
        parts.append(pd.concat([found, ratio], axis=1).assign(missing_reason="", note=""))
    found = pd.concat(parts, ignore_index=True)
    numbers = ["probability_over_zero", *(n for n in found if n.endswith(NUMBERS))]
    found.loc[3, numbers] = np.nan
    why = "<i>refused_contrast</i>"
    found.loc[3, ["missing_reason", "note"]] = why, f"{why}; the fit failed"
    return found


def verdict(variant, rng) -> dict:
    passed = variant != "unpooled"
    names = {"rhat": 1.01, "ess_bulk": 400, "ebfmi": 0.3}
    values = dict(zip(names, (rng.uniform(1, 2), rng.integers(99, 999), rng.random()), strict=True))
    checks = [
        {"name": name, "value": float(values[name]), "threshold": limit, "passed": passed}
        | {"worst": f"<i>worst_{name}_{variant}</i>"}
        for name, limit in names.items()
    ]
    advice = [] if passed else ["<i>advice</i>"]
    diagnosed = {S: {"groups": 12_345, "of_them": 678}}
    return {"passed": passed, "checks": checks, "advice": advice, "diagnosed": diagnosed}


def posterior(rng, variant) -> xr.DataTree:
    chain, draw = ("chain", "draw"), {"chain": range(2), "draw": range(5)}
    variables = {"beta": ((*chain, "c"), rng.normal(size=(2, 5, 2)))}
    if variant == "hierarchical":
        variables[f"sd_{S}"] = (*chain, "c"), rng.normal(size=(2, 5, 2))
        variables[f"cor_{S}"] = (*chain, "c", "c2"), rng.normal(size=(2, 5, 2, 2))
        variables[f"sd_{R}"] = (*chain, "c1"), rng.normal(size=(2, 5, 1))
    coords = {"c": ["Intercept", X], "c2": ["Intercept", X], "c1": ["Intercept"]}
    statistics = {"energy": (chain, rng.normal(size=(2, 5)))}
    statistics["diverging"] = chain, rng.random((2, 5)) < 0.5
    effects = {f"u_{S}": ((*chain, "g"), rng.normal(size=(2, 3, 3)))}
    tree = xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset(variables, coords=draw | coords),
            "sample_stats": xr.Dataset(statistics, coords=draw),
            "group_effects": xr.Dataset(effects),
        }
    )
    failed = [] if variant != "unpooled" else verdict(variant, rng)["checks"]
    attempts = [
        {"draws": int(rng.integers(1000, 9999)), "tune": int(rng.integers(1000, 9999))}
        | {"target_accept": round(rng.uniform(0.8, 0.99), 4), "seconds": rng.uniform(10, 99)}
        | {"sampling_seconds": rng.uniform(1, 9), "passed": not failed, "failed": failed}
        | {"parameterisation": {S: {"form": f"<i>form_{variant}</i>"}}}
        for _ in range(1 + len(failed[:1]))
    ]
    sd = {S: {"Intercept": "half_normal(2.51)", X: "half_normal(2.52)"}}
    attributes = {
        "priors": {
            "beta": {"Intercept": "normal(1.01, 9.01)", X: "normal(1.02, 9.02)"},
            "sd": sd | {R: {"Intercept": "half_normal(2.53)"}},
            "cor": {S: "lkj(2.54)"},
            "nu": {},
            "response": {},
            "centred": True,
            "at_averages": [S],
            "wide": {S: {"Intercept": 31.0, X: 32.0}, R: {"Intercept": 33.0}},
            "given": [f"sd_{R}"],
        },
        "sampler": {"chains": 4 + VARIANTS.index(variant)},
        "provenance": {
            "versions": {"<i>package</i>": f"<i>version_{variant}</i>"},
            "platform": "<i>platform</i>",
            "commit": "<i>commit</i>",
        },
        "attempts": attempts,
    }
    tree.attrs = {name: json.dumps(value) for name, value in attributes.items()}
    return tree


def predictive(rng, subset, replicated) -> xr.DataTree:
    rows = {"row": subset.index.to_numpy()[replicated]}
    dims, size = ("chain", "draw", "row"), (1, 30, len(replicated))
    tree = xr.DataTree.from_dict(
        {
            "prior_predictive": xr.Dataset({"y": (dims, rng.poisson(50, size))}, coords=rows),
            "posterior_predictive": xr.Dataset({"y": (dims, rng.poisson(20, size))}, coords=rows),
            "observed_data": xr.Dataset(
                {"y": ("row", subset[Y].to_numpy()[replicated])}, coords=rows
            ),
        }
    )
    tree.attrs = {"rows_replicated": 8, "warnings": json.dumps(["<i>prior_warning</i>"])}
    return tree


def attribute(tree, name: str):
    """What a posterior says of how it was sampled."""
    return json.loads(tree.attrs[name])


def written(paths, name, number=None) -> pd.DataFrame:
    """A table of the run, of all variants or of one."""
    path = paths[name] if number is None else paths[name][number]
    return pd.read_csv(path, keep_default_na=False, na_values=[""], dtype={"group": str, S: str})
