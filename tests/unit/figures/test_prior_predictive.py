"""Prior predictive intervals are drawn beside the data."""

from dataclasses import replace

import numpy as np
import pytest
from figure_study import (
    VARIANTS,
    study,
)
from read_figure import beyond, hold, marks

from partialpool.figures import (
    prior_predictive,
)


@pytest.mark.parametrize("outcome", ["weighted", "poisson", "binomial"])
def test_prior_intervals_hold_as_many_draws_as_they_say(outcome):
    found = study(outcome, VARIANTS[::2], failed=["pooled"])
    [axes] = prior_predictive.prior(found).axes
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["data", "pooled ✗", "hierarchical"]
    seen = (found.y / found.per)[found.rows]
    expected = {("data", "data", "point"): seen}
    for label, fit in zip(labels[1:], found.fits, strict=True):
        drawn = fit.prior / found.per[found.rows]
        expected[label, fit.variant, "interval"] = [
            tuple(np.percentile(drawn, ends)) for ends in ([25, 75], [10, 90], [2.5, 97.5])
        ]
    hold(marks(axes), expected)


def test_a_prior_that_is_wide_on_purpose_goes_on_at_its_own_height():
    found = study()
    fits = [
        replace(f, prior=80 * (f.prior - f.prior.mean())) if f.variant == "unpooled" else f
        for f in found.fits
    ]
    [axes] = prior_predictive.prior(replace(found, fits=fits)).axes
    low, high = axes.get_xlim()
    ends = np.percentile(fits[1].prior, [2.5, 97.5])
    assert ends[0] < low < found.y.min() and found.y.max() < high < ends[1]
    drawn = marks(axes)
    edges = {key: at for key, at in drawn.items() if key[2] in ("less", "more")}
    hold(edges, beyond(axes, "unpooled", {"unpooled": ends}))
    for fit in (fits[0], fits[2]):
        left, right = drawn[fit.variant, fit.variant, "interval"][-1]
        assert low < left < right < high


def test_priors_of_zeros_and_ones_are_shares_of_tables():
    found = study("bernoulli", VARIANTS[2:])
    [axes] = prior_predictive.prior(found).axes
    shares = found.fits[0].prior.mean(axis=1)
    hold(
        marks(axes),
        {
            ("data", "data", "point"): [found.y[found.rows].mean()],
            ("hierarchical", "hierarchical", "interval"): [
                tuple(np.percentile(shares, ends)) for ends in ([25, 75], [10, 90], [2.5, 97.5])
            ],
        },
    )


@pytest.mark.parametrize("outcome", ["gaussian", "bernoulli"])
@pytest.mark.parametrize("variants", [VARIANTS, VARIANTS[::2]])
def test_a_caption_of_priors_names_what_is_drawn(outcome, variants):
    found = study(outcome, variants)
    said = prior_predictive.caption(found, "")
    shares = outcome == "bernoulli"
    assert ("single observations" in said) == (not shares)
    assert ("share with y = 1" in said) == shares
    assert ("Shown: 26 of the 29 rows" in said) == (not shares)
    assert ("wide on purpose" in said) == ("unpooled" in variants)
