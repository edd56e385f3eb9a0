"""Each group is drawn at its own estimates, and moved from one to the other."""

from dataclasses import replace

import markup_study
import numpy as np
import pytest
from figure_study import (
    LEVELS,
    VARIANTS,
    study,
)
from read_figure import beside, beyond, hold, marks, three

from partialpool.figures import (
    shrinkage,
    style,
)
from partialpool.figures.figure_data import GroupedTable


def arrows(found, apart, column="x", factor=1):
    """A picture of shrinkage, and what it is drawn from, by variant and label."""
    factor, fits = found.factors[factor], []
    for fit in found.fits:
        groups, alone = fit.groups.copy(), np.random.default_rng(5)
        if not apart:
            groups["population"] = 0.45
        if not apart and fit.variant == "pooled":
            groups = groups.assign(mean=0.4, lower=0.3, upper=0.55)
        if fit.variant == "unpooled":  # one is not determined, and some are wide
            groups["lower"] -= alone.choice([0, 3], len(groups))
            groups["upper"] += alone.choice([0, 4], len(groups))
            numbers = ["mean", "lower", "upper", "population"]
            groups.loc[groups["group"] == "cara", numbers] = np.nan
        fits.append(replace(fit, groups=groups))
    found = replace(found, fits=fits)
    coefficient = "" if column == "Intercept" else column
    own = {
        fit.variant: fit.groups[
            (fit.groups["factor"] == factor.name) & (fit.groups["coefficient"] == coefficient)
        ]
        .set_index("group")
        .to_dict("index")
        for fit in found.fits
    }
    return shrinkage.shrinkage(found, factor, column), own, factor


@pytest.mark.parametrize("apart", [True, False])
@pytest.mark.parametrize(
    ("variants", "column"),
    [
        (VARIANTS, "Intercept"),
        (VARIANTS, "x"),
        (VARIANTS[:2], "x"),
        (VARIANTS[2:], "Intercept"),
    ],
)
def test_each_group_is_moved_from_its_own_estimate_to_its_own(apart, variants, column):
    found = study("binomial", variants)
    figure, own, factor = arrows(found, apart, column)
    [axes] = figure.axes
    expected = {}
    for label in factor.levels:
        for variant in variants[variants[0] == "pooled" :]:
            if own[variant][label]["mean"] == own[variant][label]["mean"]:
                expected |= three(variant, label, own[variant][label])
    if "unpooled" in variants:
        ends = {k: (row["lower"], row["upper"]) for k, row in own["unpooled"].items()}
        expected |= beyond(axes, "unpooled", ends)
        assert {"less", "more"} <= {kind for _, _, kind in expected} or len(variants) == 2
    for label in factor.levels if apart else [None]:
        some, kind = label or factor.levels[0], "bar" if apart else "line"
        if "pooled" in variants:
            pooled = own["pooled"][some]
            expected[label, "pooled", kind] = [pooled["mean"]]
            expected[label, "pooled", "band"] = [(pooled["lower"], pooled["upper"])]
        if "hierarchical" in variants:
            expected[label, "hierarchical", kind] = [own["hierarchical"][some]["population"]]
    hold(marks(axes), expected)
    sizes = found.table.groupby("h")[["y", "n"]].sum()
    assert beside(axes) == {k: f"{row['y']:.0f} of {row['n']:.0f}" for k, row in sizes.iterrows()}

    moved = [text for text in axes.texts if getattr(text, "arrow_patch", None)]
    if {"unpooled", "hierarchical"} <= {*variants}:
        rows = [label.get_text() for label in axes.get_yticklabels()]
        ends = {rows[round(text.xy[1])]: (text.xyann[0], text.xy[0]) for text in moved}
        assert ends == {
            label: (row["mean"], own["hierarchical"][label]["mean"])
            for label, row in own["unpooled"].items()
            if label != "cara"
        }
        heights = {round(y - round(y), 2) for text in moved for y in (text.xyann[1], text.xy[1])}
        assert heights == {-0.16, 0.16}
    else:
        assert not moved


@pytest.mark.parametrize("apart", [True, False])
def test_of_many_groups_each_point_is_its_two_estimates(apart):
    levels, rng = tuple(f"g{7 * i % 90}" for i in range(90)), np.random.default_rng(1)
    found = study("binomial", levels=levels, rows=tuple(rng.integers(1, 9, 90)))
    _, own, factor = arrows(found, apart)
    far = {"g3": -40.0, "g60": 50.0}  # without pooling, so far out that they are at the edge
    fits = []
    for fit in found.fits:
        groups = fit.groups.copy()
        alone = (groups["factor"] == "h") & (groups["coefficient"] == "x")
        for label, row in own[fit.variant].items():
            at = alone & (groups["group"] == label)
            groups.loc[at, ["mean", "population"]] = row["mean"], row["population"]
            if fit.variant == "unpooled":
                groups.loc[at, "mean"] = far.get(label, np.nan if label == "g7" else row["mean"])
        fits.append(replace(fit, groups=groups))
    figure = shrinkage.shrinkage(replace(found, fits=fits), factor, "x")
    axes, bar = figure.axes
    inside, left, right = axes.collections
    trials = found.table.groupby("h")["n"].sum()
    towards = {k: row["population"] * apart for k, row in own["hierarchical"].items()}
    at = {k: row["mean"] - towards[k] for k, row in own["hierarchical"].items()}
    low, high = axes.lines[0].get_xdata()

    def drawn(dots):
        numbers = np.column_stack([dots.get_offsets(), dots.get_array()])
        return np.array(sorted(map(tuple, numbers)))

    def expected(labels, x):
        return np.array(sorted((x(label), at[label], trials[label]) for label in labels))

    x = {k: far.get(k, row["mean"]) - towards[k] for k, row in own["unpooled"].items()}
    x.pop("g7")
    assert -9 < low <= min(at.values()) and max(at.values()) <= high < 9
    within = [label for label in x if low <= x[label] <= high]
    assert len(within) > 80 and drawn(inside) == pytest.approx(expected(within, x.get))
    for edge, dots, labels in (
        (low, left, [label for label in x if x[label] < low]),
        (high, right, [label for label in x if x[label] > high]),
    ):
        assert drawn(dots) == pytest.approx(expected(labels, lambda _, edge=edge: edge))
    assert bar.get_ylabel() == "trials of the group"
    lines = {line.get_label().partition(":")[0]: line.get_ydata() for line in axes.lines}
    assert lines["unpooled"] == pytest.approx([low, high])
    middle = 0 if apart else own["hierarchical"]["g0"]["population"]
    assert lines["hierarchical"] == pytest.approx([middle] * 2)
    assert ("pooled" in lines) != apart
    if not apart:
        assert lines["pooled"] == pytest.approx([own["pooled"]["g0"]["mean"]] * 2)


@pytest.mark.parametrize("count", [4, 60])
@pytest.mark.parametrize("apart", [False, True])
def test_groups_are_pulled_towards_one_value_or_each_towards_its_own(
    tmp_path, as_text, count, apart
):
    """Some of the groups without an unpooled estimate; none in the last case of all."""
    found, rng = markup_study.study(), np.random.default_rng(2)
    levels = tuple(f"g{group}" for group in range(count))
    sizes = np.arange(count) % 5 + 1
    few = GroupedTable(
        "g$", (("Intercept",),), levels, ("g$",), found.factors[0].index, sizes, sizes, sizes / 5
    )
    fits = []
    for fit in found.fits:
        groups = markup_study.of_groups(few, rng, apart)
        if fit.variant == "unpooled":
            groups.loc[groups.index % 2 == 0, ["mean", "lower", "upper", "population"]] = np.nan
        fits.append(replace(fit, groups=groups))
    found = replace(found, factors=(few,), fits=fits)
    with style.look():
        figure = shrinkage.shrinkage(found, few, "Intercept")
        assert figure.get_label() == (
            "arrows" if count == 4 else "distances" if apart else "points"
        )
        style.save(figure, tmp_path / "shrinkage.svg")
    label = " ".join(figure.axes[0].get_xlabel().split())
    assert (shrinkage.RESIDUAL in label) == (apart and count > 4)
    arrows = [text for text in figure.axes[0].texts if getattr(text, "arrow_patch", None)]
    assert len(arrows) == (2 if count == 4 else 0)
    nothing = [replace(f, groups=f.groups.assign(mean=np.nan)) if f.variant == "unpooled" else f
               for f in fits]  # fmt: skip
    with style.look():
        figure = shrinkage.shrinkage(replace(found, fits=nothing), few, "Intercept")
        assert figure.get_label() == "intervals"
        style.save(figure, tmp_path / "intervals.svg")


CAPTIONS = {
    "arrows": "Each arrow goes from the unpooled estimate of a h (circle)",
    "intervals": "Estimates of each h with 80% intervals. Dashed line and band: the pooled",
    "points": "Each point is a h. On the dotted line",
    "distances": "Each point is a h. Both axes: its coefficient of x minus the value its",
}


@pytest.mark.parametrize("form", CAPTIONS)
def test_each_form_has_its_own_caption(form):
    found = study(levels=tuple(f"g{group}" for group in range(1234)), rows=(1,) * 1234)
    said = shrinkage.caption(found, found.factors[1], "x", form)
    assert [name for name, words in CAPTIONS.items() if words in said] == [form]
    assert ("Shown: 40 of the 1,234 groups." in said) == (form == "intervals")


@pytest.mark.parametrize("variants", [VARIANTS, VARIANTS[::2], VARIANTS[:2], VARIANTS[1:2]])
@pytest.mark.parametrize("ends", [(3.0, 3.0), (3.0, 3.0 + 1e-12), (3.0, 3.1)])
def test_captions_name_the_lines_that_depend_on_predictors(variants, ends):
    """The hierarchical fit decides, then the pooled one."""
    found = study(variants=variants)
    decides = next((v for v in ("hierarchical", "pooled") if v in variants), None)
    fits = []
    for fit in found.fits:
        values = dict.fromkeys(LEVELS, ends[0]) | {LEVELS[0]: ends[1]}
        if fit.variant != decides:
            values = {level: float(place) for place, level in enumerate(LEVELS)}
        fits.append(
            replace(fit, groups=fit.groups.assign(population=fit.groups["group"].map(values)))
        )
    said = shrinkage.caption(replace(found, fits=fits), found.factors[1], "x", "intervals")
    differ = decides is not None and ends == (3.0, 3.1)
    assert ("on each h's predictors." in said) == differ
    assert (", the same for all." in said) == (not differ and "pooled" in variants)
    assert ("Both depend" in said) == (differ and {"pooled", "hierarchical"} <= {*variants})
    assert ("Thin line" in said) == ("hierarchical" in variants)
    assert ("Dashed line" in said) == ("pooled" in variants)
