"""Tables of the page."""

from partialpool.report.tables import below, table


def test_a_table_knows_its_columns_of_numbers():
    shown = table(["name", "mean"], [["a", "1"]], "left out", numbers=range(1, 2))
    assert shown["columns"] == ["name", "mean"] and shown["rows"] == [["a", "1"]]
    assert shown["numbers"] == {1} and shown["note"] == "left out"


def test_an_interval_is_below_its_number():
    assert below(["1.2", "1 to 2"]) == [{"text": "1.2", "under": "1 to 2"}]
