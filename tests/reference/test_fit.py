"""The remedy ladder, and draws that depend on nothing but the seed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from partialpool.compress import build
from partialpool.design.formula import Formula
from partialpool.engine import fit
from partialpool.model import families
from partialpool.sampler import sampling
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


def test_draws_do_not_depend_on_the_compile_cache(tmp_path):
    """Compiled now, or loaded from the cache: the same bits."""

    def digest():
        environment = os.environ | {
            "NUMBA_CACHE_DIR": str(tmp_path),
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


def test_another_seed_gives_other_draws():
    one, other = (fitted({"attempts": 1}, seed)["posterior"]["beta"] for seed in (1, 2))
    assert (one.values != other.values).any()
