"""Contrasts are differences draw by draw, and ratios where the link gives them."""

import numpy as np
import pytest
import xarray as xr
from predictions import SHAPE, contrasted, dataset
from predictions import posterior as drawn
from scipy import special, stats

from partialpool.answers import predict
from partialpool.base.errors import UserError
from partialpool.design.formula import Formula
from partialpool.study.outcome import Outcome
from partialpool.table import ingest


@pytest.fixture
def posterior() -> xr.Dataset:
    return drawn()


def test_a_contrast_of_two_rows_keeps_what_they_share_out(posterior):
    rows = {"g": ["a", "a", "new", "new"], "x": [1.0, 3.0, 1.0, 3.0]}
    prediction_target = ("group", "average_group")
    found = contrasted(posterior, rows, [[1, 2], [4, 3]], prediction_target=prediction_target)
    assert found[["first", "second"]].to_numpy().tolist() == [[1, 2], [4, 3]] * 2
    assert list(found["predicted_for"]) == ["group"] * 2 + ["average_group"] * 2
    assert found["mean"].to_numpy() == pytest.approx([4, -4, 4, -4], abs=0.05)
    slope = (0.1**2 + 0.5**2) ** 0.5
    assert found["sd"].to_numpy() == pytest.approx([0.2, 2 * slope, 0.2, 0.2], rel=0.05)
    assert found["probability_over_zero"].to_numpy() == pytest.approx([1, 0, 1, 0], abs=1e-3)
    refused = contrasted(posterior, rows, [[1, 3]], variant="unpooled", passed=False)
    assert np.isnan(refused.loc[0, ["mean", "probability_over_zero"]].astype(float)).all()
    assert refused.loc[0, "missing_reason"] == predict.NO_NEW_GROUP
    assert refused.loc[0, "note"] == f"{predict.NO_NEW_GROUP}; {predict.FAILED}"


@pytest.mark.parametrize(("family", "column"), [("binomial", "trials"), ("poisson", "exposure")])
def test_contrasts_of_probabilities_and_rates(family, column):
    slope = 0.5 + 0.1 * np.random.default_rng(2).normal(size=SHAPE)
    beta = np.stack([np.full(SHAPE, -0.3), slope], axis=-1)
    own = dataset(beta=(["coefficient"], beta))
    outcome = Outcome(family=family, **{column: "n"})
    rows = {"x": [0.0, 2.0], "n": [4, 8]}
    found = contrasted(own, rows, [[1, 2]], outcome=outcome, formula=Formula("y ~ x")).loc[0]
    # Twice a normal slope on the scale of the link: the ratio is log-normal.
    ratio = stats.lognorm(s=0.2, scale=np.exp(1.0))
    assert found["ratio_mean"] == pytest.approx(ratio.mean(), rel=0.01)
    ends = found[["ratio_lower", "ratio_upper"]].astype(float)
    assert ends.to_numpy() == pytest.approx(ratio.ppf([0.05, 0.95]), rel=0.02)
    if family == "binomial":
        exact = special.expit(-0.3 + 2 * slope) - special.expit(-0.3)
    else:
        exact = 8 * np.exp(-0.3 + 2 * slope) - 4 * np.exp(-0.3)
    assert found["mean"] == pytest.approx(exact.mean())


def test_a_contrast_of_rows_that_are_not_there_is_refused():
    ingest.check_contrasts([[1, 2], [3, 1]], 3, "new.csv")
    with pytest.raises(UserError, match=r"new.csv: `contrasts` has \[4, 1\].*no row 4.*1 to 3"):
        ingest.check_contrasts([[1, 2], [4, 1]], 3, "new.csv")
