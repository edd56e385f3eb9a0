"""Contrasts of two predicted rows."""

from dataclasses import replace

from reports import results

from partialpool.report import (
    contrasts,
    predictions,
)

ENDS = ("", "_lower", "_upper")


def test_a_transformed_response_is_named_and_its_column_shown():
    found = results(levels=("a", "b"))
    study = found.study | {"formula": "log(y) ~ 1 + (1 | g)", "contrasts": [[1, 2]]}
    own = {f"response_{what}{end}": "3" for what in ("median", "mean") for end in ENDS}
    own |= {"response_outcome_lower": "0.5", "response_outcome_upper": "8"}
    rows = [row | own for row in found.fits[2].predictions]
    numbers = {"mean": "0.7", "lower": "0.1", "upper": "1", "probability_over_zero": "1.0"}
    ratio = {"ratio_mean": "2", "ratio_lower": "1", "ratio_upper": "4", "ratio_of": "1 + z"}
    pair = {"first": "1", "second": "2", "predicted_for": "group", "missing_reason": ""}
    pair |= numbers | ratio
    fits = [*found.fits[:2], replace(found.fits[2], predictions=rows, contrasts=[pair])]
    model = found.model | {"response": "log(y)"}
    found = replace(found, study=study, model=model, fits=fits)
    [asked] = predictions.predictions(found, "hierarchical")
    heads = asked["table"]["columns"][2:]
    assert heads == ["expected log(y)", "median y", "mean y", "new observation of y"]
    shown = asked["table"]["rows"][0]
    assert shown[3] == {"text": "3.000", "under": "3.000 to 3.000"}
    assert "0.5" in str(shown[5]) and "8" in str(shown[5])
    shown = contrasts.contrasts(found, "hierarchical")
    assert "expected log(y)" in shown["text"] and "ratio of 1 + z compares medians" in shown["text"]
    assert shown["table"]["columns"][-1] == "ratio of 1 + z"
