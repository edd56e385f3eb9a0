"""A response family that is added as one record works in every step, with the right posterior."""

import shutil
from html.parser import HTMLParser

import arviz_stats as azs
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from running import ROOT, Workflow
from scipy import special, stats

from partialpool.base import files

# A family of counts, and one with a parameter whose name no other family has.
TOYS = """
from partialpool.base.wording import wording
from partialpool.model.family import INFINITY, Parameter, ResponseFamily, Words

GEOMETRIC = ResponseFamily(
    name="geometric",
    link="log",
    bounds=(0, INFINITY),
    discrete=True,
    kernel=lambda y, eta, parameters, trials, xp: y * eta - (y + 1) * xp.softplus(eta),
    constant=lambda y, trials, xp: xp.zeros(xp.shape(y)),
    draw=lambda rng, eta, parameters, trials, xp: rng.geometric(xp.expit(-eta)) - 1,
    working=lambda y, eta, parameters, trials, count, xp: (
        count * xp.expit(eta), count * (y - (y + 1) * xp.expit(eta))
    ),
    initial=lambda y, trials, offset, centre, xp: (xp.log(y + 0.5) - offset + centre) / 2,
    words=wording(Words(
        support="whole numbers of failures",
        response="{y} counts the failures before a success, and is μ on average.",
        expected="expected wait",
        difference="expected wait",
        distribution="Geometric",
        arguments=("expected",),
        scale="Coefficients are on the scale of the log of {expected}.",
        ratio="ratio of waits",
        compared="waits",
    )),
)


def _score(y, eta):
    return 1.0 * (y > eta) - 1.0 * (y < eta)


LAPLACE = ResponseFamily(
    name="laplace",
    link="identity",
    parameters=(Parameter("width", "half_student_t(3, {scale})", 0.5, wording("ω"), scaled=True),),
    kernel=lambda y, eta, parameters, trials, xp: (
        -abs(y - eta) / parameters["width"] - xp.log(parameters["width"])
    ),
    constant=lambda y, trials, xp: xp.zeros(xp.shape(y)) - 0.6931471805599453,
    draw=lambda rng, eta, parameters, trials, xp: rng.laplace(eta, parameters["width"]),
    working=lambda y, eta, parameters, trials, count, xp: (
        count / parameters["width"] ** 2, count * _score(y, eta) / parameters["width"]
    ),
    initial=lambda y, trials, offset, centre, xp: y - offset,
    estimate=lambda y, linear, offset, parameters, trials, count, freedom, xp: {
        "width": (count * abs(y - offset - linear)).sum() / count.sum()
    },
    words=wording(Words(
        support="any numbers",
        response="{y} is Laplace around μ, with mean absolute deviation ω.",
        expected="median",
        difference="median {y}",
        distribution="Laplace",
        arguments=("expected", "width"),
    )),
)
"""
REGISTER = """
from partialpool.model.toys import GEOMETRIC, LAPLACE  # noqa: E402

FAMILIES |= {"geometric": GEOMETRIC, "laplace": LAPLACE}
"""
GROUPS, ROWS = 8, 10
SIMULATED = {"groups": GROUPS, "rows": ROWS, "coefficients": {"Intercept": "normal(0.5, 0.7)"}}
STUDY = {"formula": "y ~ 1 + (1 | group)", "variants": ["pooled", "hierarchical"]}
PRIORS = {"Intercept": "normal(0, 2)", "sd": "half_normal(1)"}
STUDIES = {
    "waits": STUDY | {"family": "geometric", "simulate": SIMULATED, "priors": PRIORS},
    "errors": STUDY
    | {
        "family": "laplace",
        "simulate": SIMULATED | {"width": 0.8},
        "priors": PRIORS | {"width": "half_normal(2)"},
    },
}
CONFIG = {
    "seed": 4,
    "sampler": {"draws": 700, "tune": 700},
    "convergence": {"max_rhat": 1.05, "min_ess": 100},
    "studies": STUDIES,
}
ETA = np.linspace(-5, 6, 441)  # of a group
INTERCEPT = np.linspace(-3, 4, 141)
SD = np.linspace(0.005, 4, 120)
WIDTH = np.linspace(0.3, 2, 70)


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Workflow:
    """A finished run of `STUDIES`, by a copy of the workflow with the records added."""
    root = tmp_path_factory.mktemp("toys")
    mine = root / "repository"
    shutil.copytree(ROOT / "workflow", mine / "workflow")
    shutil.copytree(ROOT / "profiles", mine / "profiles")
    for name in ("Snakefile", "environment.yml"):
        shutil.copy2(ROOT / name, mine)
    model = mine / "workflow/scripts/partialpool/model"
    (model / "toys.py").write_text(TOYS, encoding="utf-8")
    with (model / "families.py").open("a", encoding="utf-8") as records:
        records.write(REGISTER)
    workflow = Workflow(root / "analysis", mine)
    workflow.configure(CONFIG)
    workflow.run()
    return workflow


def log_density(name: str, y: np.ndarray, eta: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Of responses, broadcasting; by SciPy."""
    if name == "waits":
        return stats.geom.logpmf(y + 1, special.expit(-eta))
    return stats.laplace.logpdf(y, eta, width)


class Exact:
    """A study's posterior of one variant by integration over a grid; groups' effects inside it."""

    def __init__(self, name: str, table: pd.DataFrame, variant: str):
        width = WIDTH if name == "errors" else np.ones(1)
        by_row = log_density(name, table["y"].to_numpy()[:, None, None], ETA[:, None], width)
        of_groups = [
            by_row[(table["group"] == group).to_numpy()].sum(axis=0)
            for group in set(table["group"])
        ]
        priors = [
            stats.norm.logpdf(INTERCEPT, 0, 2)[:, None, None],
            stats.halfnorm.logpdf(width, scale=2) if name == "errors" else np.zeros(1),
        ]
        axes = {"beta[Intercept]": INTERCEPT, "sd_group[Intercept]": np.zeros(1), "width": width}
        if variant == "pooled":
            whole = sum(of_groups)
            at = [np.interp(INTERCEPT, ETA, column) for column in whole.T]
            log = np.stack(at, axis=-1)[:, None]
        else:
            axes["sd_group[Intercept]"] = SD
            priors.append(stats.halfnorm.logpdf(SD)[:, None])
            normal = stats.norm.pdf(ETA, INTERCEPT[:, None, None], SD[:, None])
            normal /= normal.sum(axis=-1, keepdims=True)
            log = 0.0
            for group in of_groups:
                most = group.max(axis=0)
                log = log + np.log(normal @ np.exp(group - most) + 1e-300) + most
        log = sum(priors, log)
        self.weight = np.exp(log - log.max())
        self.weight /= self.weight.sum()
        self.values = {
            key: np.moveaxis(axis[:, None, None], 0, place)
            for place, (key, axis) in enumerate(axes.items())
            if len(axis) > 1
        }

    def mean(self, of) -> float:
        """Of a function of the grid, whose axes are the intercept, the sd and the width."""
        return float((self.weight * of).sum())


def drawn(run: Workflow, name: str, variant: str) -> dict[str, np.ndarray]:
    """Draws by name, `(chain, draw)`."""
    tree = files.read_netcdf(run.folder / f"results/{name}/{variant}/posterior.nc")
    posterior = tree["posterior"]
    found = {
        "beta[Intercept]": posterior["beta"][..., 0],
        "sd_group[Intercept]": posterior["sd_group"][..., 0],
    }
    found |= {"width": posterior["width"]} if name == "errors" else {}
    return {key: values.values for key, values in found.items()}


def table(run: Workflow, name: str) -> pd.DataFrame:
    return pd.read_csv(run.folder / f"results/{name}/simulated.csv")


def monte_carlo_error(draws: np.ndarray) -> float:
    """The standard error of a mean of draws, `(chain, draw)`."""
    return float(azs.mcse(xr.DataArray(draws, dims=("chain", "draw")).to_dataset(name="x"))["x"])


@pytest.mark.parametrize("variant", STUDY["variants"])
@pytest.mark.parametrize("name", STUDIES)
def test_draws_have_the_exact_posterior(run, name, variant):
    """Means and variances within 5 Monte Carlo standard errors, by a fixed seed."""
    exact = Exact(name, table(run, name), variant)
    found = drawn(run, name, variant)
    assert len(exact.values) == (name == "errors") + (variant == "hierarchical") + 1
    for key, grid in exact.values.items():
        mean = exact.mean(grid)
        squares = (found[key] - mean) ** 2
        assert found[key].mean() == pytest.approx(mean, abs=5 * monte_carlo_error(found[key])), key
        variance = exact.mean((grid - mean) ** 2)
        assert squares.mean() == pytest.approx(variance, abs=5 * monte_carlo_error(squares)), key


@pytest.mark.parametrize("name", STUDIES)
def test_simulated_responses_have_the_truth_that_is_recovered(run, name):
    y = table(run, name)["y"].to_numpy()
    assert len(y) == GROUPS * ROWS
    assert ((y >= 0) & (y % 1 == 0)).all() == (name == "waits")
    truth = run.json(f"{name}/truth.json")["values"]
    recovered = pd.read_csv(run.folder / f"results/{name}/recovery.csv")
    wanted = {"beta[Intercept]", "sd_group[Intercept]"} | ({"width"} & {*truth})
    assert wanted <= {*recovered["name"]}
    assert ("width" in truth) == (name == "errors")


@pytest.mark.parametrize("name", STUDIES)
def test_rows_left_out_are_predicted_as_by_exact_integration(run, name):
    """Leave-one-out densities of the pooled fit, of which importance sampling is an estimate."""
    rows = table(run, name)
    exact = Exact(name, rows, "pooled")
    width = WIDTH if name == "errors" else np.ones(1)
    density = np.exp(
        log_density(name, rows["y"].to_numpy()[:, None, None], INTERCEPT[:, None], width)
    )
    left_out = [-np.log(exact.mean(1 / one[:, None])) for one in density]
    found = pd.read_csv(run.folder / f"results/{name}/comparison.csv").set_index("variant")
    assert found.loc["pooled", "elpd_loo"] == pytest.approx(sum(left_out), abs=0.1)
    assert found.loc["hierarchical", "elpd_loo"] > found.loc["pooled", "elpd_loo"]


@pytest.mark.parametrize("name", STUDIES)
def test_predictions_and_predictive_checks(run, name):
    """The expected response, and new ones, of the population in the pooled fit."""
    rows, exact = table(run, name), Exact(name, table(run, name), "pooled")
    intercept = exact.values["beta[Intercept]"]
    expected = exact.mean(np.exp(intercept) if name == "waits" else intercept)
    spread = rows["y"].std() / len(rows) ** 0.5
    predicted = pd.read_csv(run.folder / f"results/{name}/pooled/predictions.csv")
    assert predicted["mean"].to_numpy() == pytest.approx(expected, abs=0.1 * spread)
    ends = predicted[["outcome_lower", "outcome_upper"]].to_numpy()
    assert (ends % 1 == 0).all() == (name == "waits")
    assert 0.9 <= rows["y"].between(*ends[0]).mean() <= 1
    tree = files.read_netcdf(run.folder / f"results/{name}/pooled/predictive.nc")
    for kind in ("prior_predictive", "posterior_predictive"):
        assert np.isfinite(tree[kind]["y"].values).all()
    replicated = tree["posterior_predictive"]["y"].values
    assert replicated.mean() == pytest.approx(rows["y"].mean(), abs=2 * spread)
    assert (tree["prior_predictive"]["y"].std() > replicated.std()).item()


class Text(HTMLParser):
    """All that a page shows."""

    def __init__(self, page: str):
        super().__init__()
        self.found = ""
        self.feed(page)

    def handle_data(self, data):
        self.found += data


def test_the_report_has_the_words_and_the_mathematics_of_the_family(run):
    waits, errors = (
        Text((run.folder / f"results/{name}/report.html").read_text(encoding="utf-8")).found
        for name in STUDIES
    )
    assert "yi∼Geometric(μi)" in waits.replace(" ", "")
    assert "log(μi)=" in waits
    assert "y counts the failures before a success, and is μ on average." in waits
    assert "Coefficients are on the scale of the log of μ." in waits
    assert "The Intercept is shown as the expected wait in the average group" in waits
    assert "yi∼Laplace(μi,ω)" in errors.replace(" ", "")
    assert "y is Laplace around μ, with mean absolute deviation ω." in errors
    assert "half_normal(2)" in errors


@pytest.mark.parametrize(
    ("study", "telling"),
    [
        ({"family": "geometic"}, "hurdle_gamma, geometric or laplace; nearest: 'geometric'"),
        ({"family": "geometric", "sigma": 1}, "sigma: family geometric has none; leave it out"),
        ({"family": "geometric"}, "the response 'y' is -1 in row 2; family geometric takes whole "
         "numbers of failures"),
        ({"family": "laplace", "priors": {"with": "half_normal(1)"}}, "nearest: 'width'"),
        ({"family": "laplace", "formula": "y ~ 1 + (1 | width)"}, "cannot be called 'width'"),
    ],
)  # fmt: skip
def test_config_and_table_are_checked_against_the_record(run, tmp_path, study, telling):
    workflow = Workflow(tmp_path, run.repository)
    rows = "".join(f"{y},g{i % 2},h{i % 2}\n" for i, y in enumerate((0, -1, 3, 2, 2, 5)))
    workflow.tables({"t.csv": f"y,g,width\n{rows}"})
    formula = {"formula": "y ~ 1 + (1 | g)", "variants": ["hierarchical"]}
    workflow.configure({"studies": {"s": {"data": "t.csv"} | formula | study}})
    assert telling in " ".join(workflow.run(fails=True).split())
