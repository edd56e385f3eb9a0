"""A transformed response is predicted on the scale of its own column, too."""

import numpy as np
import pandas as pd
import pytest
from predictions import GAUSSIAN, TABLE, dataset
from scipy import stats

from partialpool.answers import contrasts, predict
from partialpool.answers.response_scale import ResponseScale
from partialpool.design.formula import Formula
from partialpool.design.transforms import FittedTransforms
from partialpool.study.outcome import Outcome

Y = TABLE["y"].to_numpy() + 1
LOG_NORMAL = [stats.lognorm(s=0.4 * np.log(b), scale=b**0.6).mean() for b in (np.e, 2, 10)]


@pytest.mark.parametrize(
    ("response", "back", "mean", "rate"),
    [
        ("log(y)", np.exp, LOG_NORMAL[0], 1),
        ("np.log2(y)", np.exp2, LOG_NORMAL[1], np.log(2)),
        ("log10(y)", lambda z: 10**z, LOG_NORMAL[2], np.log(10)),
        ("log1p(y)", np.expm1, LOG_NORMAL[0] - 1, 1),
        ("sqrt(y)", lambda z: max(z, 0) ** 2, 0.6**2 + 0.4**2, None),
        ("exp(y)", lambda z: np.log(z) if z > 0 else -np.inf, None, None),
        ("scale(y)", lambda z: Y.mean() + Y.std() * z, Y.mean() + Y.std() * 0.6, None),
        (
            "center(scale(log(`y`)))",
            lambda z: np.exp(np.log(Y).mean() + np.log(Y).std() * z),
            np.exp(np.log(Y).mean() + np.log(Y).std() * 0.6 + (np.log(Y).std() * 0.4) ** 2 / 2),
            np.log(Y).std(),
        ),
    ],
)
@pytest.mark.filterwarnings("error")
def test_a_transformed_response_is_predicted_on_its_own_scale(response, back, mean, rate):
    formula = Formula(f"{response} ~ x + (1 | g)")
    table = TABLE.assign(y=Y)
    learned = FittedTransforms.of(formula, lambda: iter([table[:7], table[7:]]))
    own = dataset(
        beta=(["coefficient"], [0.1, 0.25]),
        sigma=([], 0.4),
        sd_g=(["g_coefficient"], [1.0]),
        u_g=(["g", "g_coefficient"], [[0.5], [0.0], [0.0]]),
    )
    rows = pd.DataFrame({"g": ["a", "a"], "x": [0.0, 1.0]})
    options = {"variant": "hierarchical", "passed": True, "interval": 0.9, "seed": 1}
    found = predict.predict(own, rows, learned.design.for_rows(rows), GAUSSIAN, **options)
    first = found.loc[0]
    assert first["mean"] == pytest.approx(0.6)
    for end in ("", "_lower", "_upper"):
        assert first[f"response_median{end}"] == pytest.approx(back(0.6))
    if mean is not None:
        assert first["response_mean"] == pytest.approx(mean)
    assert ("response_mean" in found) == (mean is not None)
    for end in ("lower", "upper"):
        value = back(first[f"outcome_{end}"])
        assert first[f"response_outcome_{end}"] == pytest.approx(value)
    arguments = own, rows, learned.design.for_rows(rows), GAUSSIAN, [[1, 2]]
    ratio = contrasts.contrast(*arguments, **options)
    assert ("ratio_mean" in ratio) == (rate is not None)
    if rate is not None:
        assert ratio.loc[0, "ratio_of"] == ("1 + y" if response == "log1p(y)" else "y")
        assert ratio.loc[0, "ratio_mean"] == pytest.approx(np.exp(rate * 0.25))


def test_the_mean_of_a_transformed_response_is_by_the_sigma_of_whom_it_is_of():
    formula = Formula("log(y) ~ 1 + (1 | g)")
    learned = FittedTransforms.of(formula, lambda: iter([TABLE.assign(y=Y)]))
    own = dataset(
        beta=(["coefficient"], [0.1]),
        sigma=(["g"], [0.4, 1, 1]),
        sigma_median=([], 0.2),
        sd_log_sigma=([], 0.5),
        sd_g=(["g_coefficient"], [1]),
        u_g=(["g", "g_coefficient"], [[0.5], [0], [0]]),
    )
    rows, outcome = pd.DataFrame({"g": ["a"]}), Outcome(sigma="~ (1 | g)")
    options = {"variant": "hierarchical", "passed": True, "interval": 0.9, "seed": 1}
    options["prediction_target"] = ("group", "average_group")
    found = predict.predict(own, rows, learned.design.for_rows(rows), outcome, **options)
    exact = [stats.lognorm(s, scale=np.exp(mu)).mean() for mu, s in ((0.6, 0.4), (0.1, 0.2))]
    assert found["response_mean"].to_numpy() == pytest.approx(exact)


@pytest.mark.parametrize("response", ["y", "abs(y)", "I(log(y))", "log(y + 1)", "log(y / n)"])
def test_a_response_that_is_no_function_of_one_column_is_left_as_it_is(response):
    formula, table = Formula(f"{response} ~ x"), TABLE.assign(y=Y)
    learned = FittedTransforms.of(formula, lambda: iter([table]))
    assert ResponseScale.of(learned.design) is None
