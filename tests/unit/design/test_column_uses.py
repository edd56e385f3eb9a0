"""Columns that a call uses, and where calls may stand."""

import pytest

from partialpool.base.errors import UserError
from partialpool.design.functions import ARGUMENTS, LABELLING
from partialpool.design.grammar import parse

CALLS = {"bs": "bs(x, df=4)", "cc": "cc(x, 12)", "poly": "poly(x, 2)", "Sum": "Sum('a')"}


CALLS |= {"Treatment": "Treatment('a')"}


INSIDE = {
    **dict.fromkeys(("bs", "cc", "cr", "poly"), "gives several columns and cannot be inside"),
    **dict.fromkeys("CST", "gives labels and cannot be inside"),
    **dict.fromkeys(("Sum", "Treatment"), "is written inside C(), as in C(x, "),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_calls_that_give_labels_or_several_columns_stand_alone(name):
    call = CALLS.get(name, f"{name}(x)")
    for outer in ("log", "np.sqrt", "scale", "center", "I", "poly", "cr", "C", "T"):
        if name in ("Sum", "Treatment") and outer in "CT":
            continue
        text = f"y ~ {outer}({call})"
        if name in INSIDE:
            with pytest.raises(UserError) as caught:
                parse(text)
            said = str(caught.value)
            assert f"{name}() {INSIDE[name]}" in said or f"{name} {INSIDE[name]}{name})" in said
        else:
            assert [use.name for use in parse(text).uses] == ["y", "x"]
    if name in ("Sum", "Treatment"):
        with pytest.raises(UserError, match="is written inside C"):
            parse(f"y ~ {call}")
        assert parse(f"y ~ C(k, {call})").uses[-1] == ("k", "label")
    else:
        role = "label" if name in LABELLING else "number"
        assert parse(f"y ~ {call}").uses[-1] == ("x", role)
        bare = f"y ~ {name}()"
        with pytest.raises(UserError, match="needs a column, which comes first, as in"):
            parse(bare)
