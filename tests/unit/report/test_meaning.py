"""Sentences about what a model means: factors, variances, intercepts."""

from dataclasses import replace

import pytest
from reports import nested, results, row

from partialpool.report import meaning
from partialpool.report.report_data import Factor


@pytest.mark.parametrize(
    ("sizes", "pairs", "said"),
    [
        ((2, 4), 4, "Nested: each room is in one school."),
        ((4, 2), 4, "Nested: each school is in one room."),
        ((2, 3), 6, "Crossed: all 6 pairs of a school and a room occur."),
        ((2, 3), 5, "Crossed: 5 of 6 pairs of a school and a room occur."),
    ],
)
def test_nested_or_crossed(sizes, pairs, said):
    factors = [
        Factor(name, (name,), (("Intercept",),), dict.fromkeys(map(str, range(size)), 1))
        for name, size in zip(("school", "room"), sizes, strict=True)
    ]
    found = replace(results(factors=factors), pairs={("school", "room"): pairs})
    assert meaning.relations(found) == [said]


def test_variance_is_shared_out_between_factors_and_rows():
    found = results(factors=nested())
    own = found.fit("hierarchical").summary
    for name, variance in (("sd_school", 20), ("sd_school:room", 30)):
        own[f"{name}[Intercept]"] = row("", variance**0.5) | {"sd": "0"}
    own["sigma"] = row("", 7) | {"sd": "1"}  # 49 and 1 are the mean of sigma squared
    [said] = meaning.spread(found)
    assert said == (
        "Of the variance of y, about 20% is from one school to another, 30% from one room to "
        "another within a school and 50% from row to row within these."
    )
    assert meaning.spread(results(factors=nested(), family="student_t")) == []
    for keys in ({"precision_weights": "n"}, {"group_effects": "student_t"}):
        other = results(factors=nested(), **keys)
        assert meaning.spread(replace(other, fits=found.fits)) == []


@pytest.mark.parametrize(
    ("low", "high", "far"), [(1995, 2014, True), (2, 5, False), (-9, -8, True)]
)
def test_intercepts_far_outside_the_data_are_named(low, high, far):
    found = results(factors=[Factor("firm", ("firm",), (("Intercept", "year"),), {"a": 1, "b": 2})])
    year = {"type": "number", "missing": 0, "min": low, "max": high, "mean": 1, "sd": 1}
    data = found.data | {"columns": found.data["columns"] | {"year": year}}
    said = meaning.far_from_zero(replace(found, data=data))
    assert (said is not None) == far
    if far:
        assert said.startswith("The Intercept and sd_firm[Intercept] hold where year is 0")
        assert "center(year)" in said
