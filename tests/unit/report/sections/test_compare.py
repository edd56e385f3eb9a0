"""The comparison of the variants: its sentences and its numbers."""

import math

import pytest
from fake_run_files import written
from read_html import Tables, says
from reports import compared, factor_of, page, results

from partialpool.report.sections import compare


def test_the_numbers_of_a_comparison():
    """Errors are those of the rows, and of which rows these are, together."""
    numbers = {"elpd_loo": "-120", "se": "6", "subsampling_se": "8", "elpd_diff": "-20", "p": "5"}
    numbers |= {"dse": "3", "subsampling_dse": "4", "weight": "0.25", "pareto_k_over": "2"}
    one = compared("pooled", 1, "why") | numbers
    [shown, failed] = compare.comparison([one, one | {"fit_passed": "False"}])["rows"]
    assert shown[:7] == ["pooled", "−120.0", "10.0", "−20.0", "5.0", "5.0", "0.25"]
    assert shown[7] == {"text": "2 of 8", "mark": "failed"}
    assert shown[8] == {"text": "why", "mark": ""} and failed[8]["mark"] == "failed"


@pytest.mark.parametrize("unit", ["rows", "groups"])
def test_what_a_comparison_says_of_each_variant(unit):
    best, second, third = (
        compared(variant, rank)
        for rank, variant in enumerate(("unpooled", "pooled", "hierarchical"))
    )
    close = {"too_close": "True"}
    assert compare.compared([best, second, third], unit) == [
        f"The unpooled fit predicts left-out {unit} best.",
        "The pooled and hierarchical fits predict them clearly worse.",
    ]
    assert compare.compared([best, second | close, third], unit) == [
        f"The unpooled and pooled fits predict left-out {unit} about equally well.",
        "The hierarchical fit predicts them clearly worse.",
    ]
    assert compare.compared([best, second | close, third | close], unit) == [
        f"The unpooled, pooled and hierarchical fits predict left-out {unit} about equally well."
    ]
    some = {"units": "8", "units_total": "1234"}
    over = {"pareto_k_over": "3"} | some
    assert compare.compared([best | some, second | over, third | some], unit)[2:] == [
        f"Pareto k is above 0.7 for pooled (3 of 8 {unit}): its elpd is optimistic.",
        f"Estimated for all 1,234 {unit} from 8 of them, drawn at random; standard errors include "
        "the error of this subsampling.",
    ]
    assert compare.compared([best], unit)[0].startswith("There is one variant")


def test_groups_of_one_row_are_said_where_rows_are_left_out(tmp_path):
    said = "leaving it out leaves out the group"
    assert said not in page(results(), tmp_path)
    factor = factor_of("site", ("site",), (("Intercept",),), {"a": 3, "b": 1})
    assert said in page(results(factors=[factor]), tmp_path)


def test_comparisons_on_a_page_are_those_of_their_variant(run, run_page):
    paths, _, _ = run
    for heading, name in (
        ("Leaving out rows", "comparison"),
        ("Leaving out whole groups", "comparison_groups"),
    ):
        [shown] = Tables(run_page).below("Compare", heading)
        rows = written(paths, name)
        assert [*shown.index] == [*rows["variant"]]
        for row in rows.to_dict("records"):
            own = shown.loc[row["variant"]]
            says(own["elpd_loo"], row["elpd_loo"])
            says(own["se"], math.hypot(row["se"], row["subsampling_se"]))
            says(own["difference"], row["elpd_diff"])
            says(own["its se"], math.hypot(row["dse"], row["subsampling_dse"]))
            says(own["p_loo"], row["p"])
            says(own["weight"], row["weight"])
            says(own["high Pareto k"], row["pareto_k_over"], row["units"])
            assert own["note"] == row["note"]
