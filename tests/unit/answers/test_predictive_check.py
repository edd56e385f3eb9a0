"""Replicates of every family, from the posterior and from the prior, of the same rows."""

import numpy as np
import pandas as pd
import pytest
from predictive import OUTCOMES, TRUTH, checked, table
from scipy import stats

from partialpool.answers import predictive_check
from partialpool.model import families
from partialpool.model.priors import of_response
from partialpool.study.outcome import Outcome


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("variant", ["pooled", "unpooled", "hierarchical"])
def test_every_model_is_replicated_in_the_units_of_its_response(outcome, variant):
    rows = table(outcome.family, 1)
    if outcome.sigma_by_group:
        rows["y"] += 0.1
    tree = checked(rows, outcome, variant=variant, group_effects="student_t")
    for name in ("prior_predictive", "posterior_predictive"):
        y = tree[name]["y"].values[0]
        assert y.shape == (500, 30)
        wrong = families.family_of(outcome).outside(y, rows["n"].to_numpy())
        assert not wrong.any()
    assert (tree["observed_data"]["y"].values == rows["y"]).all()


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_replicates_and_what_was_observed_are_of_the_same_rows(outcome, monkeypatch):
    """Also where not all rows are replicated, which may be those of a subset themselves."""
    monkeypatch.setattr(predictive_check, "ROWS", 20)
    rows = pd.concat([table(outcome.family, seed) for seed in (1, 2)], ignore_index=True)
    rows.index = np.sort(np.random.default_rng(3).choice(5000, len(rows), replace=False))
    place = np.linspace(0, 1, len(rows))
    rows["x"], rows["w"], rows["n"] = 200 * place, 1 + place, 1 + np.arange(len(rows)) % 30
    if not outcome.offset:
        rows["w"] = 10 ** np.random.default_rng(4).permutation(place)
    given = {"x": "normal(0.02, 0.0001)", "Intercept": "normal(-0.7, 0.001)"}
    small = {
        "sigma": "half_normal(0.2)",
        "sd_log_sigma": "half_normal(0.1)",
        "alpha": "gamma(40, 10)",
    }
    given |= {name: small[name] for name in of_response(outcome) if name in small}
    tree = checked(rows, outcome, given, variant="pooled")
    assert (tree.attrs["rows"], tree.attrs["rows_replicated"]) == (60, 20)
    numbers = tree["observed_data"]["row"].values
    assert len(set(numbers)) == 20 and set(numbers) <= set(rows.index)
    own = rows.loc[numbers]
    assert (tree["observed_data"]["y"].values == own["y"]).all()
    eta = -0.7 + 0.02 * own["x"] + (own["w"] if outcome.offset else 0)
    expected = families.FAMILIES[outcome.family].expected(eta, TRUTH)
    expected = expected * own["n"] if outcome.trials or outcome.exposure else expected
    for name in ("prior_predictive", "posterior_predictive"):
        assert (tree[name]["row"].values == numbers).all()
        y = tree[name]["y"].values[0]
        assert stats.spearmanr(y.mean(axis=0), expected).statistic > 0.8, name
        if outcome.errors or outcome.precision_weights:
            relative = own["w"] ** (1 if outcome.errors else -0.5)
            assert stats.spearmanr(y.std(axis=0), relative).statistic > 0.9, name


def test_few_replicates_are_kept_of_many_draws(monkeypatch):
    monkeypatch.setattr(predictive_check, "REPLICATES", 50)
    tree = checked(table("gaussian", 1), Outcome())
    for name in ("prior_predictive", "posterior_predictive"):
        assert dict(tree[name].sizes) == {"chain": 1, "draw": 50, "row": 30}


@pytest.mark.parametrize("group", ["prior_predictive", "posterior_predictive"])
def test_a_replicate_has_the_precision_of_its_row(group):
    rows = pd.concat([table("gaussian", 2)] * 4, ignore_index=True).assign(w=1.0)
    rows.loc[::2, "w"] = 25.0
    given = {"Intercept": "normal(0, 0.01)", "sigma": "half_normal(4)"}
    outcome = Outcome(precision_weights="w")
    y = checked(rows, outcome, given, "y ~ 1", "pooled")[group]["y"].values[0]
    assert y[:, 1::2].std() / y[:, ::2].std() == pytest.approx(5, rel=0.1)
