"""Studies with a `simulate` block."""

from configs import read


def one(seed=1, **block):
    """The only study of a config."""
    return read({"seed": seed, "studies": {"s": block}})["s"]


SLOPES = {
    "simulate": {
        "groups": 1000,
        "rows": 50,
        "predictors": {"x": "normal(1, 2)"},
        "coefficients": {"Intercept": "normal(1, 0.5)", "x": "normal(2, 0.3)"},
        "correlation": 0.6,
        "sigma": 0.7,
    },
    "formula": "y ~ x + (1 + x | g)",
}


def several(formula, groups, rows, deviations, study=None, **block):
    """A study with deviations, almost without noise."""
    coefficients = {"Intercept": 2, "x": 3} if "x" in formula else {"Intercept": 2}
    written = {"groups": groups, "rows": rows, "sigma": 1e-9, "deviations": deviations}
    if "x" in formula:
        written["predictors"] = {"x": "normal(0, 1)"}
    block = {**written, "coefficients": coefficients, **block}
    return one(formula=formula, simulate=block, **(study or {}))


BOTH = {"Intercept": 1, "x": 1}
NUMBERS = {"x": "normal(3, 2)", "z": "uniform(-2, 1)"}
