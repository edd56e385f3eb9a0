"""Columns of the data on the page."""

import pytest
from fake_run_files import N, R, S, W, X, Y
from read_html import Tables


def test_the_columns_of_the_data_on_a_page(run, run_page):
    _, _, rows = run
    [shown] = Tables(run_page).below("Data")
    roles = {Y: "response", X: "predictor", N: "exposure", W: "weights", S: "groups", R: "groups"}
    assert shown["role"].to_dict() == roles
    for name in (Y, X, N, W):
        own = rows[name]
        numbers = {"min": own.min(), "mean": own.mean(), "max": own.max(), "sd": own.std()}
        for head, number in numbers.items():
            assert float(shown.loc[name, head]) == pytest.approx(number, rel=0.03)
    assert shown.loc[S, "values"].startswith("3 labels: ")
