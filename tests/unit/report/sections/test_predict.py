"""Predictions and contrasts on the page are those of the fit that it names."""

import math

from fake_run_files import SCHOOLS, TARGETS, N, R, S, X, Y, written
from read_html import Tables, says


def test_answers_on_a_page_are_those_of_the_fit_it_names(run, run_page):
    paths, _, _ = run
    tables = Tables(run_page)
    fit = "The hierarchical fit"
    predictions = written(paths, "predictions", 2)
    for prediction_target, title in zip(
        TARGETS, ("For its own group", "For a new group"), strict=True
    ):
        [shown] = tables.below("Predict", fit, title)
        rows = predictions[predictions["predicted_for"] == prediction_target]
        for (at, cells), row in zip(shown.iterrows(), rows.to_dict("records"), strict=True):
            assert [cells[S], cells[R], cells["group"]] == [row[S], row[R], row["group_status"]]
            says(at, 1 + SCHOOLS.index(row[S]))
            says(cells[X], row[X])
            says(cells[N], row[N])
            if math.isnan(row["mean"]):
                assert cells[f"expected {Y}"] == "none" and cells["interval"] == ""
            else:
                says(cells[f"expected {Y}"], row["mean"])
                says(cells["interval"].replace(" to ", " "), row["lower"], row["upper"])
                ends = row["outcome_lower"], row["outcome_upper"]
                says(cells[f"new observation of {Y}"], *ends)
    [shown] = tables.below("Predict", "Contrasts")
    rows = written(paths, "contrasts", 2).dropna(subset="mean")
    for (at, cells), row in zip(shown.iterrows(), rows.to_dict("records"), strict=True):
        assert at == f"row {row['second']} minus row {row['first']}"
        assert (
            cells["for"]
            == {"group": "its own group", "new_group": "a new group"}[row["predicted_for"]]
        )
        says(cells["difference"], row["mean"], row["lower"], row["upper"])
        says(cells["P(difference > 0)"], row["probability_over_zero"])
        says(cells["rate ratio"], *(row[f"ratio_{one}"] for one in ("mean", "lower", "upper")))
    [shown] = tables.below("Recover")
    rows = written(paths, "recovery")
    for row in rows[rows["variant"] == "hierarchical"].to_dict("records"):
        cells = shown.loc[row["name"]]
        says(cells["truth"], row["truth"])
        says(cells["estimate"], row["mean"])
        says(cells["interval"], row["lower"], row["upper"])
        assert cells["truth lies"] == ("inside" if row["covered"] else "outside")
    for variant, own in rows.groupby("variant"):
        assert f"{variant} {own['covered'].sum()} of 2" in run_page
