"""Descriptions of models, made by hand, for tests of their priors."""

from partialpool.model.description import GroupingFactor, ModelDescription
from partialpool.study.outcome import Outcome


def data(outcome=Outcome(), **changes):  # noqa: B008 (it is frozen)
    """A model of one factor, two numbers and a label; other arguments replace its attributes."""
    columns = ("Intercept", "x", "C(k)[b]", "C(k)[c]")
    return ModelDescription(
        **{
            "columns": columns,
            "coefficients": columns,
            "terms": {"Intercept": ["Intercept"], "x": ["x"], "C(k)": ["C(k)[b]", "C(k)[c]"]},
            "factors": (GroupingFactor("g", (("Intercept", "x"),), ("a", "b")),),
            "outcome": outcome,
            "response": "y",
            "mean": {"Intercept": 1, "x": 3.0, "C(k)[b]": 0.5, "C(k)[c]": 0.1},
            "sd": {"Intercept": 0, "x": 2.0, "C(k)[b]": 0.5, "C(k)[c]": 0.3},
            "total": 10,
            "weight": 10.0,
            "mean_precision": 1.0,
            "response_mean": 123456.789,
            "response_sd": 4.0,
        }
        | changes
    )


SEVERAL = (
    GroupingFactor("school", (("Intercept",),), ("a", "b")),
    GroupingFactor("school:class", (("Intercept", "x"),), ("a:1", "b:1")),
)
