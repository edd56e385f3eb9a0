"""Scripts of steps: which file is what, and what they put together, on a table of twelve rows."""

import json
import re
import runpy
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from read_html import Tables
from scipy import stats

from partialpool.base import files
from partialpool.base.errors import UserError
from partialpool.compress import compressed_file
from partialpool.model.priors import complete
from partialpool.run import job
from partialpool.study import config
from partialpool.study.study import KEYS

DOTALL = re.DOTALL | re.MULTILINE
SCRIPTS = Path(__file__).parents[2] / "workflow/scripts"
# Groups, offsets and rows to predict that differ wherever one could be taken for another.
TABLE = pd.DataFrame(
    {
        "g": ["a", "b", "c", "d"] * 3,
        "x": np.arange(12.0) ** 2 / 10,
        "o": np.arange(12.0)[::-1] + 20,
        "y": 1 + np.arange(12.0) * 1.1 % 3,
    }
)
NEW = pd.DataFrame({"g": ["c", "a", "b"], "x": [0.5, 2.0, 9.0], "o": [-1.0, -3.0, -8.0]})
SAID = {
    "data": "t.csv",
    "formula": "y ~ x + (1 | g)",
    "offset": "o",
    "variants": ["pooled", "hierarchical"],
    "new_data": "new.csv",
    "predict": ["group", "average_group"],
    "contrasts": [[1, 3]],
}
BETA = {"pooled": np.array([-20.0, 0.1]), "hierarchical": np.array([-25.0, 0.5])}
EFFECTS = {"pooled": [0.0] * 4, "hierarchical": [1.0, 2.0, 4.0, -7.0]}
PASSED = {"pooled": False, "hierarchical": True}


def linear(variant, rows, effects=True) -> np.ndarray:
    """The linear predictor of rows with their offsets."""
    own = dict(zip("abcd", EFFECTS[variant], strict=True))
    alone = BETA[variant][0] + BETA[variant][1] * rows["x"] + rows["o"]
    return (alone + rows["g"].map(own) * effects).to_numpy()


def posterior(variant) -> xr.DataTree:
    """Draws of next to no width."""
    rng, dims, size = np.random.default_rng(5), ("chain", "draw"), (2, 200)
    around = {
        "beta": (("c",), BETA[variant]),
        "sigma": ((), 2.0),
        "sd_g": (("v",), [3.0]),
        "u_g": (("g", "v"), np.reshape(EFFECTS[variant], (4, 1))),
    }
    drawn = {
        name: ((*dims, *own), np.asarray(at) + 1e-6 * rng.normal(size=(*size, *np.shape(at))))
        for name, (own, at) in around.items()
    }
    tree = xr.DataTree.from_dict({"posterior": xr.Dataset(drawn)})
    data = compressed_file.from_dataset(files.read_netcdf("compressed"))
    tree.attrs["priors"] = json.dumps(complete({}, data).to_dict())
    return tree


@pytest.fixture
def step(tmp_path, monkeypatch):
    """Runs a step, after those that read the table; files are called after what they are."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(job, "logged", lambda snakemake: nullcontext())
    TABLE.to_csv("t.csv", index=False)
    NEW.to_csv("new.csv", index=False)
    study = config.read({"interval": 0.8, "studies": {"s": SAID}})["s"]
    block = study.params(*KEYS)

    def run(name, output, variant="hierarchical", part="", params=None, **given):
        given = {key: key for key in KINDS} | given
        runpy.run_path(
            str(SCRIPTS / f"{name}.py"),
            {
                "snakemake": SimpleNamespace(
                    input=SimpleNamespace(**given),
                    output=SimpleNamespace(**{one: one for one in output}),
                    params=SimpleNamespace(**{"study": block} | (params or {})),
                    wildcards=SimpleNamespace(variant=variant, part=part),
                )
            },
        )

    run("ingest", ("table", "report", "learned", "subset", "groups"), table="t.csv")
    run("new_data", ("rows", "report"))
    run("compress", ("compressed",))
    for variant in BETA:
        files.write_netcdf(variant, posterior(variant))
        files.write_json(f"{variant}.json", {"passed": PASSED[variant]})
    return run


KINDS = ("table", "learned", "subset", "groups", "compressed")


def of(variant) -> dict:
    return {"posterior": variant, "diagnostics": f"{variant}.json", "variant": variant}


def test_a_step_is_a_rule_and_a_script_of_one_name():
    """The script names the modules it calls in its first line."""
    rules = "".join(path.read_text() for path in SCRIPTS.parent.glob("rules/*.smk"))
    ran = re.findall(
        r"^rule (\w+):$.*?^    script:\n        \"../scripts/(\w+).py\"$", rules, DOTALL
    )
    names = {path.stem for path in SCRIPTS.glob("*.py")} - {"partial_page"}
    assert ran == [(name, name) for name, _ in ran] and {name for name, _ in ran} == names
    for name in names:
        first, *rest = (SCRIPTS / f"{name}.py").read_text(encoding="utf-8").splitlines()
        called = re.findall(r"`(partialpool[\w.]+)`", first)
        assert called, name
        for module in called:
            room, _, own = module.rpartition(".")
            imports = [line for line in rest if line.strip().startswith(f"from {room} import")]
            assert any(re.search(rf"\b{own}\b", line) for line in imports), (name, module)


@pytest.mark.parametrize("variant", BETA)
@pytest.mark.parametrize("new", [True, False])
def test_groups_are_described_with_the_offset_of_the_table_whatever_is_predicted(
    step, variant, new
):
    output = ("predictions", "groups")
    step("predict", output, rows=["rows"] if new else [], **of(variant))
    groups = pd.read_csv("groups").set_index("group")
    middle = TABLE.groupby("g")[["x"]].mean().assign(o=TABLE["o"].mean()).reset_index()
    assert groups["mean"].to_numpy() == pytest.approx(linear(variant, middle), abs=1e-3)
    assert (groups["fit_passed"] == PASSED[variant]).all()
    rows = pd.read_csv("predictions")
    own, average = (rows[rows["predicted_for"] == who] for who in SAID["predict"])
    for found, effects in ((own, True), (average, False)):
        expected = linear(variant, found, effects)
        assert found["mean"].to_numpy() == pytest.approx(expected, abs=1e-3)
    assert (rows["fit_passed"] == PASSED[variant]).all()
    if new:
        pd.testing.assert_frame_equal(own[["g", "x", "o"]].reset_index(drop=True), NEW)
    # Eighty percent of a normal distribution of which the sd is 2.
    width = own["outcome_upper"] - own["outcome_lower"]
    assert width.to_numpy() == pytest.approx(2 * 2 * stats.norm.ppf(0.9), rel=0.25)


@pytest.mark.parametrize("variant", BETA)
def test_contrasts_are_of_the_new_rows(step, variant):
    step("contrasts", ("contrasts",), rows="rows", **of(variant))
    found = pd.read_csv("contrasts").set_index("predicted_for")
    for who, effects in (("group", True), ("average_group", False)):
        at = linear(variant, NEW, effects)
        assert found.loc[who, "mean"] == pytest.approx(at[2] - at[0], abs=1e-3)
    assert found["note"].isna().all() == PASSED[variant]


def test_variants_are_compared_by_their_own_draws_and_verdicts(step):
    variants = SAID["variants"]
    step(
        "compare",
        ("rows", "groups"),
        posteriors=variants,
        diagnostics=[f"{variant}.json" for variant in variants],
    )
    found = pd.read_csv("rows").set_index("variant")
    for variant in variants:
        density = stats.norm.logpdf(TABLE["y"], linear(variant, TABLE), 2).sum()
        assert found.loc[variant, "elpd_loo"] == pytest.approx(density, rel=1e-3)
        assert found.loc[variant, "fit_passed"] == PASSED[variant]
        assert found.loc[variant, "units"] == len(TABLE)
    whole = pd.read_csv("groups").set_index("variant")
    mean = linear("hierarchical", TABLE, effects=False)
    densities = []
    for group in "abcd":
        own = (TABLE["g"] == group).to_numpy()
        spread = 4 * np.eye(3) + 9  # of rows, and of their group
        densities.append(stats.multivariate_normal(mean[own], spread).logpdf(TABLE["y"][own]))
    assert whole.loc["hierarchical", "elpd_loo"] == pytest.approx(sum(densities), rel=1e-3)
    density = stats.norm.logpdf(TABLE["y"], linear("pooled", TABLE), 2).sum()
    assert whole.loc["pooled", "elpd_loo"] == pytest.approx(density, rel=1e-3)


@pytest.mark.parametrize("variant", BETA)
def test_data_are_replicated_as_the_fit_says(step, variant):
    step("check", ("predictive",), **of(variant))
    found = files.read_netcdf("predictive")
    rows = found["observed_data"]["row"].values
    assert found["observed_data"]["y"].values == pytest.approx(TABLE["y"].to_numpy()[rows])
    replicated = found["posterior_predictive"]["y"].mean(("chain", "draw"))
    error = 5 * 2 / found["posterior_predictive"]["y"][..., 0].size ** 0.5
    assert replicated.values == pytest.approx(linear(variant, TABLE)[rows], abs=error)
    assert found.attrs["variant"] == variant


def test_parts_of_a_table_are_merged_to_the_whole(step):
    parts = []
    for part in ("1", "2", "3"):
        block = {"formula": SAID["formula"], "family": "gaussian", "sigma": "estimated"}
        block |= dict.fromkeys(("trials", "exposure", "weights", "precision_weights"))
        study = {"study": block | {"parts": 3, "offset": "o"}}
        step("compress_part", ("compressed",), part=part, params=study)
        parts.append(Path("compressed").rename(f"part{part}"))
    step("compress_merge", ("compressed",), parts=parts)
    merged = compressed_file.from_dataset(files.read_netcdf("compressed"))
    step("compress", ("compressed",))
    whole = compressed_file.from_dataset(files.read_netcdf("compressed"))
    assert merged.total == whole.total == len(TABLE)
    # Of each group, what its rows say of coefficients and sigma, whatever the signs of a triangle.
    one, other = (found.triangle.swapaxes(1, 2) @ found.triangle for found in (merged, whole))
    np.testing.assert_allclose(one, other, atol=1e-9)


def test_true_values_are_beside_the_estimates_of_each_variant(step):
    files.write_json("truth", {"values": {"beta[x]": 0.5}})
    for variant, mean in (("pooled", 3.0), ("hierarchical", 0.6)):
        row = {"name": "beta[x]", "mean": mean, "lower": mean - 0.2, "upper": mean + 0.2}
        pd.DataFrame([row]).to_csv(f"{variant}.csv", index=False)
    summaries = [f"{variant}.csv" for variant in SAID["variants"]]
    step("recover", ("recovery",), truth="truth", summaries=summaries)
    found = pd.read_csv("recovery").set_index("variant")
    assert found["mean"].to_dict() == {"pooled": 3.0, "hierarchical": 0.6}
    assert found["covered"].to_dict() == {"pooled": False, "hierarchical": True}


def test_the_index_has_each_study_with_its_own_fits(step):
    fits = [("one", "pooled"), ("two", "pooled"), ("two", "hierarchical")]
    check = {"name": "rhat", "value": 2, "threshold": 1.01, "worst": "beta[x]"}
    for number, passed in enumerate((True, True, False)):
        files.write_json(f"d{number}", {"passed": passed, "checks": [check | {"passed": passed}]})
    for name, rows in (("one", 1234), ("two", 5678)):
        files.write_json(name, {"rows_used": rows, "factors": []})
    studies = {name: {"formula": "y ~ x", "data": f"{name}.csv"} for name in ("one", "two")}
    step(
        "index",
        ("page", "verdict"),
        params={"studies": studies, "fits": [[*fit] for fit in fits]},
        diagnostics=["d0", "d1", "d2"],
        data_reports=["one", "two"],
        templates=[str(SCRIPTS.parent / "report/index.html")],
    )
    verdict = files.read_json("verdict")
    passed = {(one["study"], one["variant"]): one["passed"] for one in verdict["fits"]}
    assert passed == dict(zip(fits, (True, True, False), strict=True))
    [studies] = Tables(Path("page").read_text(encoding="utf-8")).below()
    for name, rows in (("one", "1,234"), ("two", "5,678")):
        [own] = [cells for at, cells in studies.iterrows() if at.startswith(name)]
        assert rows in own.to_list()

    with pytest.raises(UserError, match=r"^1 of 3 fits failed .* two/hierarchical \(rhat\); see p"):
        step("verdict", ("accepted",), params={"strict": True}, verdict="verdict", page="page")
    assert not Path("accepted").exists()
    step("verdict", ("accepted",), params={"strict": False}, verdict="verdict", page="page")
    assert Path("accepted").exists()


def test_a_fit_is_summarised_and_judged_as_the_config_says(step):
    rng, dims = np.random.default_rng(8), ("chain", "draw")
    drawn = rng.normal(size=(2, 500))
    posterior = xr.Dataset({"sigma": (dims, drawn + 5)})
    beta = rng.normal(size=(2, 500, 1))
    posterior["beta"] = xr.DataArray(beta, dims=(*dims, "coefficient"))
    posterior = posterior.assign_coords(coefficient=["Intercept"])
    statistics = xr.Dataset({"energy": (dims, rng.normal(size=(2, 500)))})
    statistics["diverging"] = dims, np.arange(1000).reshape(2, 500) < 3
    tree = xr.DataTree.from_dict({"posterior": posterior, "sample_stats": statistics})
    last = {"draws": 500, "tune": 500, "target_accept": 0.9}
    sampler = last | {"chains": 2, "attempts": 1}
    stated = {"diagnosed": {}, "sampler": sampler, "attempts": [last]}
    tree.attrs = {"variant": "pooled"} | {key: json.dumps(one) for key, one in stated.items()}
    files.write_netcdf("fit", tree)
    limits = {"max_rhat": 1.1, "min_ess": 50, "max_divergences": 3, "min_ebfmi": 0.2}
    for interval, most in ((0.5, 3), (0.8, 2)):
        study = {"convergence": limits | {"max_divergences": most}, "interval": interval}
        step("diagnose", ("summary", "diagnostics"), params={"study": study}, posterior="fit")
        found = pd.read_csv("summary").set_index("name").loc["sigma"]
        tails = (1 - interval) / 2, (1 + interval) / 2
        expected = [drawn.mean() + 5, *np.quantile(drawn + 5, tails)]
        assert found[["mean", "lower", "upper"]].to_list() == pytest.approx(expected, abs=0.01)
        verdict = files.read_json("diagnostics")
        failed = [check["name"] for check in verdict["checks"] if not check["passed"]]
        assert failed == ["divergences"] * (most < 3)
        assert verdict["passed"] == (not failed) and bool(verdict["advice"]) == bool(failed)
