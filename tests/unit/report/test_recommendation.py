"""Which fit a page recommends, and why."""

from dataclasses import replace

import pytest
from reports import VARIANTS, compared, page, results

from partialpool.report import (
    recommendation,
)
from partialpool.report.sections import compare


@pytest.mark.parametrize(
    ("failed", "ranking", "best"),
    [
        ((), ("hierarchical", "unpooled", "pooled"), "hierarchical"),
        ((), ("pooled", "hierarchical", "unpooled"), "pooled"),
        (("pooled",), ("pooled", "hierarchical", "unpooled"), "hierarchical"),
        (("hierarchical",), ("hierarchical", "unpooled", "pooled"), "unpooled"),
        (VARIANTS, VARIANTS, None),
    ],
)
def test_which_fit_to_use(failed, ranking, best):
    assert recommendation.recommended(results(failed=failed, ranking=ranking)) == best


@pytest.mark.parametrize(
    ("failed", "left", "best", "said", "not_said"),
    [
        ((), VARIANTS, "hierarchical", [], "predict"),  # clearly better, had it a low k
        (
            (),
            VARIANTS[:2],
            "pooled",
            ["It has the highest elpd", "optimistic"],
            "better",
        ),
        (
            ("hierarchical",),
            VARIANTS,
            "pooled",
            ["pooled fit has the highest elpd"],
            "rows best",
        ),
    ],
)
def test_the_best_by_a_high_pareto_k_is_not_said_to_be_the_best(failed, left, best, said, not_said):
    found = results(failed=failed, ranking=[v for v in VARIANTS if v in left])
    over = found.comparison[0] | {"pareto_k_over": "3"}
    fits = [fit for fit in found.fits if fit.variant in left]
    found = replace(found, fits=fits, comparison=[over, *found.comparison[1:]])
    assert recommendation.recommended(found) == best
    use = " ".join(recommendation.use(found))
    assert not_said not in use and all(part in use for part in said)
    compared_ = " ".join(compare.compared(found.comparison, "rows"))
    assert "The pooled fit has the highest elpd, but its own estimate is optimistic." in compared_
    assert "Pareto k is above 0.7 for pooled (3 of 8 rows)" in compared_
    assert "clearly" not in compared_
    # The same with a low k, of which it may be said.
    found = replace(found, comparison=[over | {"pareto_k_over": "0"}, *found.comparison[1:]])
    assert recommendation.recommended(found) == "pooled"
    assert not_said in " ".join(recommendation.use(found))


def test_who_is_close_is_not_clearly_worse():
    found = results(ranking=("pooled", "unpooled", "hierarchical"))
    numbers = {"elpd_diff": "-0.2", "dse": "0.3", "subsampling_dse": "0.4"}
    close = compared("unpooled", 1, too_close=True) | numbers
    best = found.comparison[0] | {"elpd_diff": "0"}
    found = replace(found, comparison=[best, close, found.comparison[2]])
    assert recommendation.use(found)[1:] == [
        "It predicts left-out rows clearly better than the hierarchical fit.",
        "It predicts left-out rows about as well as the unpooled fit "
        "(elpd difference 0.20 ± 0.50).",
    ]


def test_variants_that_were_not_compared(tmp_path):
    empty = dict.fromkeys(compared("unpooled", 0), "") | {"fit_passed": "True"}
    empty |= {"missing_reason": "the log density is infinite", "note": "not compared"}
    without = [{**empty, "variant": variant} for variant in ("unpooled", "pooled")]
    found = results()
    some = replace(found, comparison=[*found.comparison[:2], without[1]])
    assert recommendation.recommended(some) == "hierarchical"
    assert "The pooled fit is not compared: the log density is infinite." in page(some, tmp_path)
    [*_, last] = compare.comparison(some.comparison)["rows"]
    assert last == ["pooled", *7 * [""], {"text": empty["note"], "mark": "failed"}]
    one = replace(found, comparison=[found.comparison[0], *without])
    said = compare.compared(one.comparison, "rows")
    assert said[0].startswith("The others are missing") and len(said) == 3
    none = replace(found, comparison=without, fits=found.fits[:2])
    assert recommendation.recommended(none) == "pooled"
    assert recommendation.use(none) == ["Use the pooled fit."]
    assert len(compare.compared(without, "rows")) == 2
    assert "not compared: the log density" in page(none, tmp_path)


def test_too_close_to_call_leaves_the_hierarchical_fit():
    found = results(ranking=("pooled", "hierarchical", "unpooled"))
    numbers = {"elpd_diff": "-0.2", "dse": "0.3", "subsampling_dse": "0.4"}
    close = compared("hierarchical", 1, too_close=True) | numbers
    best = found.comparison[0] | {"elpd_diff": "0"}
    found = replace(found, comparison=[best, close, found.comparison[2]])
    assert recommendation.recommended(found) == "hierarchical"
    said = "about as well as the pooled fit (elpd difference −0.20 ± 0.50)."
    assert recommendation.use(found)[-1] == f"It predicts left-out rows {said}"
    said = " ".join(compare.compared(found.comparison, "rows"))
    assert "The pooled and hierarchical fits predict left-out rows about equally well" in said


def test_differences_to_several_close_variants_name_them():
    found = results()  # the hierarchical fit is the best, then unpooled and pooled
    numbers = {"dse": "3", "subsampling_dse": "4"}
    best = found.comparison[0] | {"elpd_diff": "0"}
    close = [
        compared(variant, rank, too_close=True) | numbers | {"elpd_diff": str(-rank)}
        for rank, variant in ((1, "unpooled"), (2, "pooled"))
    ]
    said = recommendation.use(replace(found, comparison=[best, *close]))[-1]
    assert said == (
        "It predicts left-out rows about as well as the unpooled and pooled fits (elpd "
        "difference 1.0 ± 5.0 to the unpooled fit and 2.0 ± 5.0 to the pooled fit)."
    )
