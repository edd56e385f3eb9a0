"""True values and their estimates on the page."""

from dataclasses import replace

from reports import (
    results,
    row,
)

from partialpool.report.sections import recover


def test_true_values_outside_of_their_intervals_come_first():
    inside = {"variant": "hierarchical", "truth": "1", "covered": "True"}
    rows = [row(f"beta[{at}]") | inside for at in range(30)]
    rows[29] |= {"truth": "9", "covered": "False"}
    rows += [rows[29] | {"variant": "pooled"}] * 2
    shares, shown = recover.recovery(replace(results(), recovery=rows))
    assert shares[2] == {"variant": "hierarchical", "covered": 29, "count": 30}
    assert shares[0] == {"variant": "pooled", "covered": 0, "count": 2}
    assert shown["rows"][0] == [
        *("beta[29]", "9.00", "1.00", "0.00 to 2.00"),
        {"text": "outside", "mark": "failed"},
    ]
    assert shown["rows"][1][-1] == {"text": "inside", "mark": ""}
    assert shown["note"] == "20 of 30, those outside first."
