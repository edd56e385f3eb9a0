"""Factors and columns of a study."""

from dataclasses import replace

from reports import nested, results

from partialpool.design.formula import Formula
from partialpool.report import meaning
from partialpool.report.report_data import _factors
from partialpool.study.outcome import Outcome
from partialpool.table.ingest import ingest


def test_a_label_may_be_a_predictor_and_part_of_a_factor():
    found = replace(results(factors=nested()), pairs={("school", "school:room"): 3})
    found.data["columns"]["room"] = found.data["columns"]["room"] | {"role": "predictor, groups"}
    assert meaning.relations(found) == [
        "Nested: the combinations of school and room are groups too."
    ]


def test_groups_of_several_columns_are_counted_as_the_fits_name_them(tmp_path):
    columns = ["y,a.b,1,count_all", "1,x,p,k", "2,x,p,l", "4,y:1,q,l"]
    (tmp_path / "t.csv").write_text("\n".join(columns))
    formula = Formula("y ~ 1 + (1 | `a.b`:`1`) + (1 | count_all)")
    found = ingest(tmp_path / "t.csv", formula, Outcome(), to=tmp_path / "t.parquet", source="t")
    described = [
        {"name": "a.b:1", "blocks": [["Intercept"]], "levels": ["x:p", r"y\:1:q"]},
        {"name": "count_all", "blocks": [["Intercept"]], "levels": ["k", "l"]},
    ]
    groups = found.groups.astype(str).to_dict("records")
    factors = _factors(described, found.report["factors"], groups)
    assert [factor.sizes for factor in factors] == [{"x:p": 2, r"y\:1:q": 1}, {"k": 1, "l": 2}]
    assert factors[0].columns == ("a.b", "1")
    assert found.report["pairs"] == [{"factors": ["a.b:1", "count_all"], "count": 3}]
