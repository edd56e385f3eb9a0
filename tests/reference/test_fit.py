"""The remedy ladder, and draws that depend on nothing but the seed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr

from partialpool.base.errors import UserError
from partialpool.compress import build
from partialpool.design.formula import Formula
from partialpool.engine import fit, terms
from partialpool.engine.gaussian import CollapsedTarget
from partialpool.model import families
from partialpool.model.priors import complete
from partialpool.sampler import compiled_density, convergence, nuts, sampling
from partialpool.study.outcome import Outcome
from partialpool.study.study import VARIANTS

SCRIPT = """
import hashlib
from test_fit import fitted
posterior = fitted({"attempts": 1})["posterior"].to_dataset()
print(hashlib.sha256(b"".join(posterior[name].values.tobytes() for name in posterior)).hexdigest())
"""


def fitted(sampler: dict, seed=5, at_once=1, variant="hierarchical"):
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"g": np.repeat(list("abcdef"), 8)})
    table["y"] = np.repeat(rng.normal(size=6), 8) + rng.normal(size=48)
    data = build.compress(Formula("y ~ 1 + (1 | g)").design(table), Outcome(), {})
    settings = {"chains": 4, "draws": 250, "tune": 250, "target_accept": 0.8, "attempts": 3}
    return fit.fit(data, {}, variant, settings | sampler, seed, at_once=at_once)


def test_a_fit_that_falls_short_is_tried_again_with_more_effort():
    tree = fitted({"draws": 30, "tune": 20, "attempts": 2})
    first, second = json.loads(tree.attrs["attempts"])
    assert not first["passed"]
    assert {check["name"] for check in first["failed"]} & {"ess_bulk", "ess_tail", "rhat"}
    assert (second["draws"], second["tune"]) == (60, 40)
    assert second["target_accept"] == pytest.approx(0.95)
    assert tree["posterior"].sizes["draw"] == 60


def test_a_fit_that_passes_is_not_tried_again():
    [attempt] = json.loads(fitted({"draws": 1000, "tune": 1000}).attrs["attempts"])
    assert attempt["passed"]
    assert attempt["failed"] == []


def two_clusters(seed: int, **sampler):
    """Attempts at a posterior with a mode at -30 and one at 30: its mean is zero."""
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"y": np.repeat([-30.0, 30.0], 12) + np.tile(rng.normal(size=12), 2)})
    outcome = Outcome(family="student_t")
    design = Formula("y ~ 1").design(table)
    data = build.compress(design, outcome, families.columns(table, outcome))
    priors = {"Intercept": "normal(0, 100)", "sigma": "half_normal(1)", "nu": "gamma(20, 10)"}
    settings = {"chains": 4, "draws": 250, "tune": 250, "target_accept": 0.9, "attempts": 2}
    return json.loads(fit.fit(data, priors, "pooled", settings | sampler, seed).attrs["attempts"])


def test_two_modes_far_apart_are_both_found():
    """No seed passes on one of them: chains start on both sides of what is between."""
    for seed in range(20):
        for attempt in two_clusters(seed):
            assert "rhat" in [check["name"] for check in attempt["failed"]], seed


def test_a_mode_that_an_earlier_attempt_found_is_not_forgotten(monkeypatch):
    """An attempt whose chains all start on one side passes, if no other has been on the other."""
    sides, found = [1], sampling.dispersed

    def on_sides(*arguments):
        starts = found(*arguments)
        starts[:, -1] = np.abs(starts[:, -1]) * sides[-1]
        return starts

    monkeypatch.setattr(sampling, "dispersed", on_sides)
    assert two_clusters(1, draws=1000, tune=1000, attempts=1)[0]["passed"]
    original = fit.convergence.check

    def then_on_one_side(summary, statistics, limits, earlier=None):
        sides.append(1)
        return original(summary, statistics, limits, earlier)

    monkeypatch.setattr(fit.convergence, "check", then_on_one_side)
    sides.append(np.array([1, 1, -1, 1]))
    first, last = two_clusters(1, draws=1000, tune=1000)
    assert "rhat" in [check["name"] for check in first["failed"]]
    [check] = last["failed"]
    assert (check["name"], check["value"], last["passed"]) == ("earlier_attempts", 1, False)
    assert check["worst"] == "beta[Intercept] of chain 2, attempt 1"


def test_an_attempt_that_was_only_too_short_does_not_count_against_a_later_one():
    tree = fitted({"draws": 10, "tune": 10, "attempts": 8})
    *others, last = json.loads(tree.attrs["attempts"])
    assert len(others) > 3
    assert last["passed"] and last["earlier"] == {"chains": 0, "worst": None}


class Scripted:
    """In place of the sampler: draws as written for each call, and what was asked for."""

    def __init__(self, *script):
        self.script, self.calls, self.drawn = script, [], []

    def __call__(self, model, *, chains, draws, elsewhere=None, **asked):
        """`at` and `phi` are where each chain is and how slowly it moves there."""
        number = len(self.calls)
        own = {"at": [0.0] * chains, "phi": 0.0, "energy": 0.0, "diverging": 0}
        own |= self.script[min(number, len(self.script) - 1)]
        assert len(own["at"]) == chains
        rng = np.random.default_rng(number)

        def moving(phi, *shape):
            """Of standard deviation one, whatever its autocorrelation `phi` is."""
            steps = rng.normal(size=(chains, draws, *shape))
            for i in range(1, draws if phi else 0):
                steps[:, i] = phi * steps[:, i - 1] + (1 - phi**2) ** 0.5 * steps[:, i]
            return steps

        place = np.array(own["at"])[:, None]
        values = {"z": moving(own["phi"], 1) + place[..., None]}
        values |= {"beta": values["z"], "nu": np.exp(moving(0.0)), "sigma": np.exp(moving(0.0))}
        dims = ("chain", "draw", "coefficient")
        diverging = np.arange(chains * draws).reshape(chains, draws) < own["diverging"]
        ends = 100.0 * number + np.arange(chains)
        variables = {name: (dims[: v.ndim], v) for name, v in values.items()}
        if "apart" in own:  # in the sigma of some of six groups
            sigma = np.exp(moving(0.0, 6))
            sigma[0, :, own["apart"]] += 100
            variables["sigma"] = (("chain", "draw", terms.groups("g")), sigma)
        self.calls.append({"model": model, "chains": chains, "draws": draws, **asked})
        self.drawn.append(
            {
                "posterior": xr.Dataset(
                    variables,
                    {"draw": np.arange(draws), "coefficient": ["Intercept"]},
                ),
                "sample_stats": xr.Dataset(
                    {
                        "diverging": (dims[:2], diverging),
                        "energy": (dims[:2], moving(own["energy"])),
                    }
                ),
                "ends": xr.Dataset({"position": (("chain", "coordinate"), ends[:, None])}),
            }
        )
        return xr.DataTree.from_dict(self.drawn[-1])


def scripted(monkeypatch, *script, **sampler):
    """The fit of a table whose sampler does as it is told, and the sampler."""
    sample = Scripted(*script)
    monkeypatch.setattr(sampling, "sample", sample)
    table = pd.DataFrame({"y": np.random.default_rng(1).normal(size=20)})
    data = build.compress(Formula("y ~ 1").design(table), Outcome("student_t"), {})
    settings = {"chains": 4, "draws": 300, "tune": 200, "target_accept": 0.8, "attempts": 4}
    return fit.fit(data, {}, "pooled", settings | sampler, 5), sample


SLOW, DIVERGED = {"phi": 0.97}, {"diverging": 1}


@pytest.mark.parametrize("chains", [2, 5])
@pytest.mark.parametrize(
    ("first", "failed"),
    [
        ({"energy": 0.8}, {}),
        (SLOW, {"ess_bulk": 100, "ess_tail": 100}),
        ({"at": [1.5]}, {"rhat": 1.01}),
        (DIVERGED, {"divergences": 0}),
        ({"energy": 0.9}, {"ebfmi": 0.3}),
    ],
    ids=["fine", "slow", "apart", "diverged", "slow energy"],
)
def test_another_attempt_is_made_below_the_published_limits(monkeypatch, first, failed, chains):
    """100 effective draws of each chain, and so on."""
    if "at" in first:
        first = {"at": first["at"] + [0.0] * (chains - 1)}
    tree, sample = scripted(monkeypatch, first, {}, chains=chains)
    expected = {n: limit * (chains if "ess" in n else 1) for n, limit in failed.items()}
    found = json.loads(tree.attrs["attempts"])
    assert [attempt["passed"] for attempt in found] == ([False, True] if failed else [True])
    assert len(sample.calls) == len(found)
    limits = {check["name"]: check["threshold"] for check in found[0]["failed"]}
    assert expected.items() <= limits.items()
    mixing = {"rhat", "ess_bulk", "ess_tail"}  # which go together
    assert {*limits} - mixing == {*failed} - mixing


def test_the_last_attempt_is_kept_and_each_has_more_effort_and_its_own_random_numbers(monkeypatch):
    tree, sample = scripted(monkeypatch, DIVERGED)
    asked = [tuple(c[n] for n in ("chains", "draws", "tune")) for c in sample.calls]
    assert asked == [(4, 300, 200), (4, 600, 400), (4, 1200, 800), (4, 2400, 1600)]
    accept = [call["target_accept"] for call in sample.calls]
    assert accept == pytest.approx([0.8, 0.95, 0.9875, 0.99])
    assert len({call["seed"] for call in sample.calls}) == 4
    assert all(call["starts"] is None for call in sample.calls)
    told = json.loads(tree.attrs["attempts"])
    assert [one["draws"] for one in told] == [300, 600, 1200, 2400]
    assert [one["tune"] for one in told] == [200, 400, 800, 1600]
    assert [one["target_accept"] for one in told] == pytest.approx(accept)
    assert not any(one["passed"] for one in told)
    for name, kept in (("posterior", "beta"), ("sample_stats", "diverging")):
        assert (tree[name][kept].values == sample.drawn[-1][name][kept].values).all()


@pytest.mark.parametrize(("stays", "fails"), [(True, 0), (False, 0), (True, 1)])
def test_chains_of_earlier_attempts_that_were_elsewhere_are_continued_where_they_ended(
    monkeypatch, stays, fails
):
    """Each in its own attempt's model and settings; one that was on its way does not count.

    They are compared with the attempt that is kept, whether or not it falls short.
    """
    script = [
        {"at": [-20.0, 0, 20, 0]},
        {"at": [0.0, 0, 0, 30], "diverging": 1},
        {"diverging": fails},
        {"at": [0.0, 20.0 * stays]},  # of the first attempt
        {"at": [0.0]},  # of the second
    ]
    # One that passes is compared though more might follow.
    tree, sample = scripted(monkeypatch, *script, attempts=3 if stays else 4)
    first, second, last, *continued = sample.calls
    assert len(continued) == 2
    for call, attempt, ends in ((continued[0], first, [0, 2]), (continued[1], second, [103])):
        assert call["starts"].ravel().tolist() == ends
        assert call["chains"] == len(ends)
        for name in ("draws", "tune", "target_accept", "model"):
            same = call[name] == attempt[name]
            if name == "model":  # made anew
                centre = "centre (data)"
                same = (call[name][centre].get_value() == attempt[name][centre].get_value()).all()
                assert (last[name][centre].get_value() != attempt[name][centre].get_value()).any()
            assert same, name
    assert len({call["seed"] for call in sample.calls}) == 5
    kept = json.loads(tree.attrs["attempts"])[-1]
    worst = "beta[Intercept] of chain 2, attempt 1" if stays else None
    assert kept["earlier"] == {"chains": int(stays), "worst": worst}
    expected = ["divergences"] * fails + ["earlier_attempts"] * stays
    assert [check["name"] for check in kept["failed"]] == expected
    assert kept["passed"] == (not expected)


@pytest.mark.parametrize("apart", range(6))
def test_of_many_groups_some_are_judged_and_it_is_said_which(monkeypatch, apart):
    """The smallest and the largest among them."""
    sizes = [9, 2, 30, 5, 7, 8]
    table = pd.DataFrame({"g": np.repeat(list("abcdef"), sizes)})
    table["y"] = np.random.default_rng(1).normal(size=len(table))
    data = build.compress(Formula("y ~ 1 + (1 | g)").design(table), Outcome(sigma="by_group"), {})
    monkeypatch.setattr(convergence, "DIAGNOSED", 4)
    monkeypatch.setattr(sampling, "sample", Scripted({"apart": [apart]}))
    settings = {"chains": 4, "draws": 300, "tune": 200, "target_accept": 0.8, "attempts": 1}
    tree = fit.fit(data, {}, "pooled", settings, 5)
    labels = json.loads(tree.attrs["diagnosed"])["g"]
    assert len(labels) == 4 and {"b", "c"} <= set(labels) and labels == sorted(labels)
    [attempt] = json.loads(tree.attrs["attempts"])
    assert attempt["passed"] == ("abcdef"[apart] not in labels)
    assert tree["posterior"]["sigma"].sizes["g"] == 6


@pytest.mark.parametrize("family", ["gaussian", "student_t", "binomial", "negative_binomial"])
def test_of_merged_rows_it_is_known_how_many_a_group_had(family):
    """So that the groups that are diagnosed are those with the least and the most rows."""
    sizes = [9, 2, 30, 5]
    table = pd.DataFrame({"g": np.repeat(list("abcd"), sizes), "y": 1, "n": 3})
    table["y"] = np.arange(len(table)) % 2
    outcome = Outcome(family, trials="n" if family == "binomial" else None)
    design = Formula("y ~ 1 + (1 | g)").design(table)
    data = build.compress(design, outcome, families.columns(table, outcome))
    times = 3 if family == "binomial" else 1
    assert fit._sizes(data, 0).tolist() == [times * size for size in sizes]


def test_draws_do_not_depend_on_the_compile_cache(tmp_path):
    """Compiled now, or loaded from the cache: the same bits."""

    def digest():
        environment = os.environ | {
            "PYTENSOR_FLAGS": f"base_compiledir={tmp_path}",
            "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path]),
        }
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.split()[-1]

    cold, warm = digest(), digest()
    assert cold == warm


def test_draws_do_not_depend_on_how_many_chains_run_at_once():
    one, several = (fitted({"attempts": 1}, at_once=count) for count in (1, 3))
    for name, values in one["posterior"].items():
        assert np.array_equal(values, several["posterior"][name]), name
    for chain in range(3):  # and no chain is another
        beta = one["posterior"]["beta"].values
        assert not np.isin(beta[chain], beta[chain + 1]).any()


def test_no_variant_has_the_random_numbers_of_another(monkeypatch):
    class Begun(Exception):
        """Nothing is drawn: the seed is all that is asked for."""

    def sample(model, *, seed, **_):
        raise Begun(seed)

    monkeypatch.setattr(sampling, "sample", sample)
    seeds = set()
    for variant in VARIANTS:
        with pytest.raises(Begun) as begun:
            fitted({}, variant=variant)
        seeds.add(begun.value.args)
    assert len(seeds) == len(VARIANTS)


def test_chains_start_in_all_parts_of_each_coordinate_by_itself():
    with pm.Model() as model:
        pm.Flat("z", shape=6)
        pm.HalfNormal("sigma")
    point = model.initial_point(0)
    starts = sampling.dispersed(model, point, 4, seed=1)
    away = starts - np.concatenate([np.ravel(one) for one in point.values()])
    quarters = np.floor(2 * away / ([1] * 6 + [sampling.FACTOR]) + 2)
    assert (np.sort(quarters, axis=0) == np.arange(4)[:, None]).all()
    assert len({*map(tuple, quarters.T[:6])}) > 1


def test_a_density_that_is_nowhere_finite_is_one_line():
    @numba.cfunc(compiled_density.SIGNATURE)
    def nowhere(size, position, gradient, value, data):
        return compiled_density.NO_VALUE

    found = compiled_density.Density(nowhere, (), np.zeros(2))
    for at_once in (1, 2):
        with pytest.raises(UserError, match="the sampler could not start"):
            nuts.draw(found, np.ones((2, 2)), seed=1, at_once=at_once, draws=5, tune=5)


def test_another_seed_gives_other_draws():
    one, other = (fitted({"attempts": 1}, seed)["posterior"]["beta"] for seed in (1, 2))
    assert (one.values != other.values).any()


def test_what_is_kept_of_chains_is_of_their_own_draws():
    """Where they ended, and the log density there, from which another call goes on."""
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"g": np.repeat(list("abcdef"), 8), "y": rng.normal(size=48)})
    data = build.compress(Formula("y ~ 1 + (1 | g)").design(table), Outcome(), {})
    model = CollapsedTarget(data, complete({}, data), "hierarchical").model()
    point = model.initial_point(0)
    settings = {"chains": 3, "draws": 40, "tune": 60, "target_accept": 0.8}
    drawn = sampling.sample(model, seed=1, **settings)
    ends = drawn["ends"]["position"].values
    again = sampling.constrain(model, point, ends[:, None])
    for name, values in drawn["posterior"].items():
        assert again[name].values[:, 0] == pytest.approx(values.values[:, -1]), name
    statistics, compiled = drawn["sample_stats"], compiled_density.compiled(model, point)
    for chain, position in enumerate(ends):
        assert statistics["lp"].values[chain, -1] == pytest.approx(compiled(position)[0])
    assert statistics["diverging"].dtype == bool
    total, potential = statistics["energy"].values.ravel(), -statistics["lp"].values.ravel()
    assert np.corrcoef(total, potential)[0, 1] > 0.5


def test_chains_that_cannot_start_where_they_should_do_so_closer_to_the_middle():
    @numba.cfunc(compiled_density.SIGNATURE)
    def near_zero(size, position, gradient, value, data):
        if abs(position[0]) > 3:
            return compiled_density.NO_VALUE
        value[0], gradient[0] = -0.5 * position[0] ** 2, -position[0]
        return 0

    found = compiled_density.Density(near_zero, (), np.zeros(1))
    starts = np.array([[1000.0], [-5.0], [1.0], [1.0]])
    positions, _ = nuts.draw(found, starts, seed=1, at_once=1, draws=50, tune=50)
    assert positions.shape == (4, 50, 1) and np.abs(positions).max() <= 3
    assert (positions[2] != positions[3]).all()  # each has random numbers of its own
