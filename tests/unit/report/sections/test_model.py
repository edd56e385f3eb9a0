"""Priors on the page are beside their parameter."""

import re

from fake_run_files import R, S, X
from read_html import Tables


def test_priors_on_a_page_are_beside_their_own_parameter(run_page):
    [shown] = Tables(run_page).below("Model", "Priors")
    found = {row["in the files"]: (row["prior"], row["from"]) for _, row in shown.iterrows()}
    assert found == {
        "beta[Intercept]": ("normal(1.01, 9.01)", "default"),
        f"beta[{X}]": ("normal(1.02, 9.02)", "default"),
        f"sd_{S}[Intercept]": ("half_normal(2.51)", "default"),
        f"sd_{S}[{X}]": ("half_normal(2.52)", "default"),
        f"cor_{S}": ("lkj(2.54)", "default"),
        f"sd_{R}[Intercept]": ("half_normal(2.53)", "config"),
    }
    for symbol, row in shown.iterrows():
        numbers = re.findall(r"\d+\.\d+", row["prior"])
        assert re.findall(r"\d+\.\d+", row["arguments"]) == numbers
        column = row["in the files"].rstrip("]").partition("[")[2]
        assert column in symbol
