"""Tables of predictions."""

from dataclasses import replace

from reports import HOSTILE, VARIANTS, results, row

from partialpool.report import (
    contrasts,
    predictions,
)
from partialpool.report.sections import estimates


def test_who_rows_are_predicted_for_and_contrasts():
    found = results(family="bernoulli", levels=("a", "b"))
    study = found.study | {"predict": ["group", "new_group"], "contrasts": [[1, 2]]}
    chance = dict.fromkeys(("probability", "probability_lower", "probability_upper"), "0.25")
    rows = [r | chance for r in found.fits[2].predictions]
    rows += [r | {"predicted_for": "new_group"} for r in rows]
    numbers = {"mean": "0.25", "lower": "0.1", "upper": "0.5", "probability_over_zero": "1.0"}
    ratio = {"ratio_mean": "2", "ratio_lower": "1", "ratio_upper": "4", "missing_reason": ""}
    difference = {"first": "1", "second": "2", "predicted_for": "group"} | numbers | ratio
    refused = difference | dict.fromkeys(numbers | ratio, "")
    refused |= {"predicted_for": "new_group", "missing_reason": "not known"}
    own = replace(found.fits[2], predictions=rows, contrasts=[difference, refused])
    found = replace(found, study=study, fits=[*found.fits[:2], own])
    asked = predictions.predictions(found, "hierarchical")
    assert [one["title"] for one in asked] == ["For its own group", "For a new group"]
    assert [len(one["table"]["rows"]) for one in asked] == [2, 2]
    assert asked[0]["table"]["columns"][:3] == ["row", HOSTILE, "probability"]
    assert "predicted_for" not in asked[0]["table"]["columns"]
    shown = contrasts.contrasts(found, "hierarchical")
    said = "row 2 minus row 1 for a new group"
    assert shown["refused"] == [{"which": said, "reason": "not known"}]
    [shown] = shown["table"]["rows"]
    assert shown == [
        "row 2 minus row 1",
        "its own group",
        {"text": "0.25", "under": "0.10 to 0.50"},
        "over 0.999",
        {"text": "2", "under": "1 to 4"},
    ]


def test_of_whom_nothing_is_said_it_is_said_why():
    found = results(levels=("a", "b"))
    study = found.study | {"predict": ["group", "new_group"]}
    rows = found.fits[1].predictions
    empty = dict.fromkeys(("mean", "sd", "lower", "upper", "outcome_lower", "outcome_upper"), "")
    no_ends = dict.fromkeys(("outcome_lower", "outcome_upper"), "")
    why = {"predicted_for": "new_group", "missing_reason": "nobody knows"}
    rows = [rows[0], rows[1] | no_ends, *(row | empty | why for row in rows)]
    fits = [replace(fit, predictions=rows) for fit in found.fits]
    found = replace(found, study=study, fits=fits)
    own, new = predictions.predictions(found, "unpooled")
    assert (own["text"], len(own["table"]["rows"])) == ("", 2)
    assert [cells[-1] for cells in own["table"]["rows"]] == ["1.0 to 1.0", ""]
    assert (new["title"], new["text"], new["table"]) == ("For a new group", "Nobody knows.", None)
    assert predictions.predictions(found, "pooled")[0]["text"] == predictions.POOLED
    for one in predictions.predictions(found, "hierarchical")[:1]:
        assert one["text"] == predictions.EXPLAINED["group"]
    assert predictions.refusals(found) == [
        {"variants": [*VARIANTS], "count": 2, "reason": "nobody knows"}
    ]


def test_of_long_tables_the_first_rows_are_shown_and_the_rest_is_counted():
    found, many = results(levels=[f"g{i}" for i in range(1234)]), range(45)
    names = ["Intercept", *(f"x{i}" for i in many)]
    pairs = [
        {"first": str(i + 1), "second": str(i + 7), "predicted_for": "group", "missing_reason": ""}
        | {"mean": f"{i}.5", "lower": "0", "upper": "99", "probability_over_zero": "0.5"}
        for i in many
    ]
    summary = {f"beta[{name}]": row("", i) for i, name in enumerate(names)}
    found = replace(
        found,
        model=found.model | {"coefficients": names},
        fits=[replace(fit, summary=summary, contrasts=pairs) for fit in found.fits],
    )
    [asked] = predictions.predictions(found, "pooled")
    assert [cells[0] for cells in asked["table"]["rows"]] == [f"g{i}" for i in range(20)]
    assert asked["table"]["note"] == "The first 20 of 1,234 rows; predictions.csv has all."
    shown = contrasts.contrasts(found, "pooled")["table"]
    assert [cells[0] for cells in shown["rows"]] == [
        f"row {i + 7} minus row {i + 1}" for i in many
    ][:20]
    assert shown["note"] == "The first 20 of 45; contrasts.csv has all."
    shown = estimates.population(found)
    assert [cells[0] for cells in shown["rows"]] == [f"beta[{name}]" for name in names[:20]]
    assert shown["note"].startswith(f"{46 - 20 + 1} more")  # and the sd of groups
    logit = replace(results(family="bernoulli"), model=found.model, fits=found.fits)
    logit.model["outcome"] = results(family="bernoulli").model["outcome"]
    shown = estimates.ratios(logit)
    assert [cells[0] for cells in shown["rows"]] == names[:20]
    assert shown["note"].startswith("26 more")
