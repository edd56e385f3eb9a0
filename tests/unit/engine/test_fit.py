"""Attempts of a fit, with a sampler whose draws are written in the test."""

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from partialpool.compress import build
from partialpool.design.formula import Formula
from partialpool.engine import fit, terms
from partialpool.sampler import convergence, sampling
from partialpool.study.outcome import Outcome

SLOW, DIVERGED = {"phi": 0.97}, {"diverging": 1}


class Scripted:
    """In place of the sampler: draws as written for each call, and what was asked for."""

    def __init__(self, *script):
        self.script, self.calls, self.drawn = script, [], []

    def __call__(self, model, *, chains, draws, disperse=None, **asked):
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
            same = name == "model" or call[name] == attempt[name]
            if name == "model":  # made anew
                centres = [
                    one[name].density.fields.values["CENTRE"] for one in (call, attempt, last)
                ]
                same = (centres[0] == centres[1]).all()
                assert (centres[2] != centres[1]).any()
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


def test_only_internal_coordinates_are_not_judged():
    assert "z_effects".startswith(fit.COORDINATES)
    assert not any(name.startswith(fit.COORDINATES) for name in ("zi", "sd_z", "beta", "sigma"))
