"""Other families, nested factors and any group names, from the config to the report."""

import csv

import numpy as np
import pandas as pd
import pytest
import xarray as xr

NAMES = [
    "007",
    "1.0",
    'quoted "name", with a comma',
    "<b>bold</b> & [brackets]",
    "Größe ≥ 5 µm",
    "L" * 300,
]
SEEN = {
    "sampler": {"chains": 2, "draws": 100, "tune": 200, "attempts": 1},
    "strict": False,
    "studies": {
        "shares": {
            "simulate": {
                "groups": {"school": 4, "class": 3},
                "rows": 3,
                "predictors": {"x": "normal(0, 1)", "asked": 12},
                "coefficients": {"Intercept": 0.2, "x": 0.5},
                "deviations": {
                    "school": {"Intercept": 0.7, "x": 0.3},
                    "school:class": {"Intercept": 0.3},
                },
            },
            "formula": "right ~ x + (x || school) + (1 | school:class)",
            "family": "binomial",
            "trials": "asked",
            "variants": ["pooled", "hierarchical"],
            "new_data": "data/new.csv",
            "predict": ["group", "new_group", "average_group"],
            "contrasts": [[1, 2]],
        },
        "counts": {
            "data": "data/counts.csv",
            "formula": "n ~ 1 + (1 | name)",
            "family": "poisson",
            "exposure": "time",
            "missing": "drop",
            "variants": ["hierarchical"],
        },
        "sizes": {
            "data": "data/sizes.csv",
            "formula": "log(score) ~ size + (1 | school)",
            "variants": ["unpooled", "hierarchical"],
        },
        "means": {
            "data": "data/means.csv",
            "formula": "y ~ 1 + (1 | site)",
            "sigma": 2,
            "precision_weights": "size",
            "priors": {"Intercept": "normal(0, 5)", "sd": "half_cauchy(5)"},
            "variants": ["hierarchical"],
            "new_data": "data/new_means.csv",
        },
    },
}
SIZES = pd.DataFrame({"school": np.repeat(list("abcdef"), 5)})
SIZES["size"] = np.repeat([700, 310, 450, 820, 520, 640], 5)  # of a school, the same in its rows
SIZES["score"] = np.exp(
    3
    + 0.001 * SIZES["size"]
    + np.repeat([0.1, -0.1, 0, 0.2, -0.2, 0], 5)
    + 0.05 * np.sin(np.arange(30))
)


def counts(path) -> None:
    """Three rows a name, and one with a gap."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["name", "n", "time"])
        for number, name in enumerate(NAMES):
            rows.writerows([name, number + i, 1 + i] for i in range(3))
        rows.writerow([NAMES[0], "", 1])


def test_from_config_to_report(own_folder):
    own_folder.configure(SEEN)
    own_folder.tables({"data/new.csv": "school,class,x,asked\ng1,g2,0,12\nnew,g1,1,12\n"})
    counts(own_folder.folder / "data/counts.csv")
    SIZES.to_csv(own_folder.folder / "data/sizes.csv", index=False)
    means = "".join(f"s{i},{(-1) ** i * i / 2},{4 * i}\n" for i in range(1, 9))
    new = {"data/means.csv": f"site,y,size\n{means}", "data/new_means.csv": "site\ns8\n"}
    own_folder.tables(new)
    own_folder.run()
    assert own_folder.planned() == set()
    results = own_folder.folder / "results"

    predicted = pd.read_csv(results / "shares/hierarchical/predictions.csv")
    found = set(zip(predicted["predicted_for"], predicted["group_status"], strict=True))
    both = {("group", "known"), ("group", "new")}
    assert found == both | {("new_group", "new"), ("average_group", "average")}
    expected = predicted["probability"] * predicted["asked"]
    assert (predicted["mean"] - expected).abs().max() < 1e-9
    new = own_folder.json("shares/new_data_report.json")["new_groups"]
    assert new == {"school": ["new"], "school:class": ["new:g1"]}
    contrast = pd.read_csv(results / "shares/hierarchical/contrasts.csv")
    assert contrast["predicted_for"].tolist() == ["group", "new_group", "average_group"]
    assert {"first", "second", "mean", "ratio_mean"} <= set(contrast)
    summary = pd.read_csv(results / "shares/hierarchical/summary.csv", index_col="name")
    assert {"sd_school[Intercept]", "sd_school[x]", "u_school[g1, x]"} <= {*summary.index}
    assert not any(name.startswith("cor_") for name in summary.index)
    compared = pd.read_csv(results / "shares/comparison.csv")
    assert np.isfinite(compared["elpd_loo"]).all()

    report = own_folder.json("counts/data_report.json")
    assert (report["rows_read"], report["rows_used"]) == (19, 18)
    assert report["dropped"]["by_column"] == {"n": 1}
    posterior = xr.open_datatree(results / "counts/hierarchical/posterior.nc")["posterior"]
    assert set(posterior["name"].values) == set(NAMES)
    # Each site has one row, so that leaving out one leaves out the other.
    by_row, by_group = (
        pd.read_csv(results / f"means/comparison{of}.csv") for of in ("", "_groups")
    )
    assert by_row["elpd_loo"][0] == pytest.approx(by_group["elpd_loo"][0], rel=1e-9)
    [new] = pd.read_csv(results / "means/hierarchical/predictions.csv").itertuples()
    assert new.outcome_upper - new.outcome_lower > 4 * 2 * 0.9  # of one value, not of a mean
    page = (results / "means/report.html").read_text(encoding="utf-8")
    assert "The variance of a row is σ² / size" in page
    page = (results / "counts/report.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;bold" in page and "<b>bold" not in page
    assert "Held fixed: time at each name&#39;s own mean." in page

    # What an unpooled fit does not know, a school where its size is zero, is not shown.
    logs = np.log(SIZES["score"]).groupby(SIZES["school"]).mean()
    for variant in ("unpooled", "hierarchical"):
        schools = pd.read_csv(results / f"sizes/{variant}/group_estimates.csv", index_col="group")
        assert (schools["mean"] - logs).abs().max() < 0.05
        assert schools["sd"].max() < 0.1
        grid = pd.read_csv(results / f"sizes/{variant}/predictions.csv", index_col="school")
        assert grid["size"].to_dict() == SIZES.groupby("school")["size"].first().to_dict()
        assert (grid["mean"] - logs).abs().max() < 0.05
        assert grid["response_median"].to_numpy() == pytest.approx(np.exp(grid["mean"]), rel=0.02)
    page = (results / "sizes/report.html").read_text(encoding="utf-8")
    assert "expected log(score)" in page and "median score" in page

    # What is asked of a fit is no part of it.
    asked = SEEN["studies"]["shares"] | {"contrasts": [[2, 1]]}
    own_folder.configure(SEEN | {"studies": SEEN["studies"] | {"shares": asked}})
    again = own_folder.planned()
    assert {"contrasts shares/pooled", "contrasts shares/hierarchical"} <= again
    assert not any(job.startswith(("fit", "check", "compare")) for job in again)
