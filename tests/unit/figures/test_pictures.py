"""Drawn: each mark of a picture is at the number of its own label, read back from its artists."""

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.colors import to_hex

from partialpool.design.formula import Formula
from partialpool.figures import answers, convergence, data, estimates, predictive, study_figures
from partialpool.figures.figure_data import Factor, FigureData, Fit
from partialpool.figures.marks import chosen
from partialpool.figures.style import INK, LOOKS, plt
from partialpool.study.outcome import Outcome

LEVELS = ("delta", "alpha", "fox", "cara", "bravo", "echo")
ROWS = (9, 2, 6, 1, 7, 4)  # of each group
VARIANTS = ("pooled", "unpooled", "hierarchical")
INTERVAL = 0.8
DRAWS = 40
OUTCOMES = {
    "gaussian": {},
    "weighted": {"weights": "w"},
    "poisson": {"exposure": "n"},
    "binomial": {"trials": "n"},
    "bernoulli": {},
}


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


# What a study has, every number of it another one.


def study(outcome="gaussian", variants=VARIANTS, levels=LEVELS, rows=ROWS, failed=()):
    """Two factors, with an intercept and a slope each; rows of all groups are mixed.

    Not all rows were replicated, and those not in order.
    """
    rng = np.random.default_rng(7)
    family = {"weighted": "gaussian"}.get(outcome, outcome)
    index = rng.permutation(np.repeat(np.arange(len(levels)), rows))
    count = len(index)
    n = rng.integers(5, 50, count).astype(float) if "n" in OUTCOMES[outcome].values() else None
    per = np.ones(count) if n is None else n
    weights = rng.integers(1, 9, count) * 1.0 if outcome == "weighted" else np.ones(count)

    def responses(*shape):
        means = np.linspace(0.2, 0.7, len(levels))[::-1][(3 * index) % len(levels)]
        if family == "gaussian":
            return rng.normal(5 * means, 1, (*shape, count))
        if family == "poisson":
            return rng.poisson(means * per, (*shape, count))
        return rng.binomial(per.astype(int), means, (*shape, count))

    y = responses()
    table = pd.DataFrame({"y": y, "x": rng.permutation(count) / 8 + 0.25, "n": per, "w": weights})
    factors = []
    for name, labels, own in (("g", levels, index), ("h", levels[::-1], rng.permutation(index))):
        table[name] = np.array(labels)[own]
        sizes = np.bincount(own, weights=per if family == "binomial" else None).astype(int)
        mean = np.bincount(own, weights * y) / np.bincount(own, weights * per)
        factors.append(Factor(name, ("Intercept", "x"), labels, own, np.bincount(own), sizes, mean))
    replicated = rng.permutation(count)[: count - 3]
    fits = [
        fit(variant, variant not in failed, factors, responses, replicated, rng)
        for variant in variants
    ]
    names = ["sigma", "beta[x]", *factors[0].coefficient_names("x")]
    names += factors[1].coefficient_names("Intercept")
    truth = dict(zip(names, rng.normal(size=len(names)), strict=True))
    recovery = pd.concat(
        one.estimates(names).assign(variant=one.variant, truth=truth) for one in fits
    )
    recovery = recovery.rename_axis("name").reset_index().sample(frac=1, random_state=1)
    return FigureData(
        table=table,
        total=count,
        average=0.37,
        formula=Formula("y ~ x + (x | g) + (x | h)"),
        coefficients=("Intercept", "x"),
        outcome=Outcome(family=family, **OUTCOMES[outcome]),
        factors=tuple(factors),
        interval=INTERVAL,
        own_rows=False,
        held={},
        y=y,
        per=per,
        weights=weights,
        rows=replicated,
        fits=fits,
        comparison=compared(variants, failed, rng),
        comparison_groups=compared(variants[::-1], failed, rng),
        recovery=recovery,
    )


def fit(variant, passed, factors, responses, replicated, rng):
    population = ["beta[Intercept]", "beta[x]", "sigma"]
    each = [n for f in factors for c in f.varying for n in f.coefficient_names(c)]
    summary = spread([*population, *each], rng).assign(rhat=1.0)
    return Fit(
        variant=variant,
        passed=passed,
        summary=summary,
        groups=pd.concat(
            spread(factor.levels, rng)
            .assign(factor=factor.name, coefficient="" if c == "Intercept" else c)
            .assign(population=rng.normal(size=len(factor.levels)))
            .rename_axis("group")
            .reset_index()
            for factor in factors
            for c in factor.varying
        ).sample(frac=1, random_state=2),
        scalars=dict.fromkeys(population, np.ones((2, 5))),
        statistics=None,
        prior=responses(DRAWS)[:, replicated],
        replicated=responses(DRAWS)[:, replicated],
        predictions=None,
    )


def spread(names, rng, start=""):
    """`mean, lower, upper`, ends not as far from the mean as each other."""
    mean, below, above = rng.uniform(0.3, 0.6, (3, len(names)))
    found = {"mean": mean, "lower": mean - 0.4 * below, "upper": mean + 0.6 * above}
    return pd.DataFrame({start + name: own for name, own in found.items()}, index=names)


def compared(variants, failed, rng):
    found = pd.DataFrame({"variant": variants, "elpd_diff": -rng.uniform(0, 9, len(variants))})
    found["dse"], found["subsampling_dse"] = rng.uniform(0.5, 2, (2, len(variants)))
    return found.assign(fit_passed=[variant not in failed for variant in variants])


def predicted(found, frame, prediction_target=("group", "new_group")):
    """A study with predictions of the given rows, others of each variant."""
    rng = np.random.default_rng(3)
    fits = []
    for one in found.fits:
        parts = []
        for asked in prediction_target:
            numbers = [
                spread(frame.index, rng, start) for start in ("", "probability_", "outcome_")
            ]
            numbers = pd.concat([*numbers, frame], axis=1).rename(
                columns={"probability_mean": "probability"}
            )
            parts.append(numbers.drop(columns="outcome_mean").assign(predicted_for=asked))
        rows = pd.concat(parts, ignore_index=True).assign(
            sd=1.0, fit_passed=one.passed, note="", group_status="known"
        )
        fits.append(replace(one, predictions=rows))
    return replace(found, fits=fits)


# What a picture has.


def who(colour):
    known = {to_hex(look.colour): variant for variant, look in LOOKS.items()} | {INK: "data"}
    return known[to_hex(colour)]


def marks(axes, labels=None) -> dict:
    """Numbers drawn, by label of their row (None: through all rows), whose they are, and kind.

    Kinds are point, interval (thick before thin), bar, line, band, and less and more: arrowheads
    where an interval goes on. All that is of one variant in one row must be at one height, and
    bars in the middle of their row.
    """
    rows = dict(enumerate(labels or [label.get_text() for label in axes.get_yticklabels()]))
    assert labels or axes.get_yticks() == pytest.approx([*rows])
    found, heights = defaultdict(list), defaultdict(set)

    def add(kind, colour, at, value, centred=False):
        label, whose = rows[round(at)], who(colour)
        assert not centred or at == pytest.approx(round(at)), (kind, label)
        if whose != "data" and not centred:
            heights[label, whose].add(round(at, 6))
        found[label, whose, kind].append(value)

    for line in axes.lines:
        x, y = np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)
        if line.get_marker() in (None, "None", ""):
            assert x[0] == x[1], "an upright line"
            found[None, who(line.get_color()), "line"].append(x[0])
            continue
        kind = {"<": "less", ">": "more"}.get(line.get_marker(), "point")
        for value, at in zip(x, y, strict=True):
            if np.isfinite(value):
                add(kind, line.get_markeredgecolor(), at, value)
    for lines in sorted(axes.collections, key=lambda one: -one.get_linewidths()[0]):
        colours = lines.get_edgecolors()
        for place, ends in enumerate(lines.get_segments()):
            colour = colours[place % len(colours)]
            if len(ends) < 2:
                continue  # not a number
            (left, low), (right, high) = ends
            if low == high:
                add("interval", colour, low, (left, right))
            else:
                add("bar", colour, (low + high) / 2, left, centred=True)
    for patch in axes.patches:
        box, colour = patch.get_bbox(), patch.get_facecolor()
        if patch.get_data_transform() == axes.transData:
            add("band", colour, (box.y0 + box.y1) / 2, (box.x0, box.x1), centred=True)
        else:
            found[None, who(colour), "band"].append((box.x0, box.x1))
    assert all(len(at) == 1 for at in heights.values()), heights
    return dict(found)


def beside(axes) -> dict:
    """The words at the right end of each row, by its label."""
    [right] = axes.child_axes
    assert right.get_yticks() == pytest.approx(axes.get_yticks())
    names, words = (
        [label.get_text() for label in side.get_yticklabels()] for side in (axes, right)
    )
    return dict(zip(names, words, strict=True))


def hold(found: dict, expected: dict):
    """What is drawn is what is expected, no more and no less."""
    assert found.keys() == expected.keys()
    for key, values in expected.items():
        assert np.array(found[key]) == pytest.approx(np.array(values)), key


def three(whose, label, row) -> dict:
    """The marks of an estimate."""
    return {
        (label, whose, "point"): [row["mean"]],
        (label, whose, "interval"): [(row["lower"], row["upper"])],
    }


def beyond(axes, whose, ends: dict) -> dict:
    """The arrowheads of intervals, by label, that go on outside of what is shown."""
    low, high = axes.get_xlim()
    less = {(k, whose, "less"): [low] for k, (lower, _) in ends.items() if lower < low}
    return less | {(k, whose, "more"): [high] for k, (_, upper) in ends.items() if upper > high}


def of_group(found, factor, label, y, rows=None):
    """The mean, share or rate of one group, of responses `(..., row)`."""
    rows = np.arange(len(found.y)) if rows is None else rows
    own = found.table[factor.name].to_numpy()[rows] == label
    weight = found.weights[rows][own]
    return (weight * y[..., own]).sum(-1) / (weight * found.per[rows][own]).sum()


@pytest.mark.parametrize(("count", "limit"), [(60, 16), (41, 40), (16, 16)])
def test_of_many_groups_some_of_each_size_are_chosen(count, limit):
    sizes = np.random.default_rng(2).permutation(count) + 1
    found = sizes[chosen(sizes, limit)].tolist()
    assert found == sorted({*found}) and len(found) == min(count, limit)
    third = limit // 3
    assert found[:third] == [*range(1, third + 1)]
    assert found[-third:] == [*range(count - third + 1, count + 1)]
    between = np.diff(found[third:-third])
    assert max(between) - min(between) <= 2  # evenly spread, or all of them


# Each picture.


@pytest.mark.parametrize(("outcome", "factor"), [*zip(OUTCOMES, (0, 1, 0, 1, 0), strict=True)])
def test_each_group_is_beside_its_own_replicates(outcome, factor):
    found = study(outcome)
    factor = found.factors[factor]
    [axes] = predictive.groups(found, factor).axes
    expected, observed = {}, []
    for label in [label.get_text() for label in axes.get_yticklabels()]:
        observed.append(of_group(found, factor, label, found.y[found.rows], found.rows))
        expected[label, "data", "bar"] = [observed[-1]]
        for fit in found.fits:
            drawn = of_group(found, factor, label, fit.replicated, found.rows)
            lower, upper = np.percentile(drawn, [10, 90])
            expected |= three(
                fit.variant, label, {"mean": drawn.mean(), "lower": lower, "upper": upper}
            )
    hold(marks(axes), expected)
    assert observed == sorted(observed, reverse=True)
    assert len(observed) == len({*found.table[factor.name][found.rows]})
    assert axes.get_ylabel() == factor.name


def test_of_many_groups_the_largest_and_the_smallest_are_replicated():
    levels = tuple(f"g{7 * i % 60}" for i in range(60))
    rows = tuple(1 + 11 * i % 60 for i in range(60))
    found = study(variants=VARIANTS[1:], levels=levels, rows=rows)
    found = replace(found, rows=np.arange(len(found.y)))
    fits = [replace(f, replicated=f.prior[:, :1] + found.y / 2) for f in found.fits]
    [axes] = predictive.groups(replace(found, fits=fits), found.factors[0]).axes
    shown, drawn = [label.get_text() for label in axes.get_yticklabels()], marks(axes)
    assert len({*shown}) == predictive.GROUPS
    sizes = dict(zip(levels, rows, strict=True))
    assert {1, 2, 59, 60} <= {sizes[label] for label in shown}
    for label in shown:
        own = found.y[found.table["g"] == label].mean()
        assert drawn[label, "data", "bar"] == pytest.approx([own])
        for fit in fits:
            middle = fit.prior[:, 0].mean() + own / 2
            assert drawn[label, fit.variant, "point"] == pytest.approx([middle])


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
    return estimates.shrinkage(found, factor, column), own, factor


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


def test_population_level_estimates_are_in_their_own_panel():
    found = study()
    names = ["beta[Intercept]", "beta[x]", "sigma"]
    wide = found.fits[1].summary.copy()
    wide.loc["beta[Intercept]", ["lower", "upper"]] = -9, 11
    fits = [f if f.variant != "unpooled" else replace(f, summary=wide) for f in found.fits]
    figure = estimates.population(replace(found, fits=fits))
    assert [axes.get_title() for axes in figure.axes] == names
    for axes in figure.axes:
        rows = {fit.variant: fit.summary.loc[axes.get_title()] for fit in fits}
        expected = {}
        for variant, row in rows.items():
            expected |= three(variant, "one", row)
        own = rows["unpooled"]
        expected |= beyond(axes, "unpooled", {"one": (own["lower"], own["upper"])})
        assert ("one", "unpooled", "less") in expected or axes.get_title() != "beta[Intercept]"
        hold(marks(axes, ["one"]), expected)


def test_differences_are_those_of_the_variant_they_are_beside():
    found = study(failed=["unpooled"])
    figure = answers.comparison(found)
    tables = found.comparison, found.comparison_groups
    assert [a.get_title() for a in figure.axes] == ["leaving out rows", "leaving out groups"]
    for axes, table in zip(figure.axes, tables, strict=True):
        expected = {(None, "data", "line"): [0]}
        for row in table.to_dict("records"):
            label = row["variant"] + " ✗" * (row["variant"] == "unpooled")
            reach = 2 * (row["dse"] ** 2 + row["subsampling_dse"] ** 2) ** 0.5
            own = {"mean": row["elpd_diff"], "lower": row["elpd_diff"] - reach}
            own["upper"] = row["elpd_diff"] + reach
            expected |= three(row["variant"], label, own)
        hold(marks(axes), expected)
        order = [label.get_text().partition(" ")[0] for label in axes.get_yticklabels()]
        assert order == list(table["variant"]) and axes.get_ylim() == (2.5, -0.5)


@pytest.mark.parametrize(
    ("outcome", "own_rows"),
    [
        ("gaussian", False),
        ("poisson", False),
        ("poisson", True),
        ("binomial", True),
        ("bernoulli", False),
    ],
)
def test_each_predicted_row_has_its_own_numbers(outcome, own_rows):
    n, first = np.arange(3.0, 9), ["mean", "lower", "upper"]
    found = replace(study(outcome), own_rows=own_rows, formula=Formula("y ~ 1 + (1 | g)"))
    found = replace(found, factors=found.factors[:1])
    found = predicted(found, pd.DataFrame({"g": LEVELS, "n": n}))
    figure = answers.predictions(found)
    assert [axes.get_title() for axes in figure.axes] == ["its own group", "a new group"]
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == [
        f"row {i + 1}: {name}, {n[i]}" if own_rows else name for i, name in enumerate(LEVELS)
    ]
    per = n if outcome == "poisson" and not own_rows else np.ones(6)
    shares = found.family.link == "logit"
    for axes, prediction_target in zip(figure.axes, ("group", "new_group"), strict=True):
        expected = {}
        for fit in found.fits:
            rows = fit.predictions[fit.predictions["predicted_for"] == prediction_target]
            names = ["probability", "probability_lower", "probability_upper"] if shares else first
            numbers = rows[names].to_numpy() / per[:, None]
            outer = rows[["outcome_lower", "outcome_upper"]].to_numpy()
            outer = outer / (n if outcome == "binomial" else per)[:, None]
            for label, own, ends in zip(labels, numbers, outer, strict=True):
                expected |= three(fit.variant, label, dict(zip(first, own, strict=True)))
                if outcome != "bernoulli":
                    expected[label, fit.variant, "interval"].append(tuple(ends))
        hold(marks(axes, labels), expected)


def test_of_many_groups_those_predicted_have_their_own_numbers():
    levels = tuple(f"g{7 * i % 30}" for i in range(30))
    found = study(
        variants=VARIANTS[1:], levels=levels, rows=tuple(1 + 11 * i % 30 for i in range(30))
    )
    found = replace(found, formula=Formula("y ~ 1 + (1 | g)"), factors=found.factors[:1])
    found = predicted(found, pd.DataFrame({"g": sorted(levels)}), ("group",))
    [axes] = answers.predictions(found).axes
    labels = [label.get_text() for label in axes.get_yticklabels()]
    sizes = found.table["g"].value_counts()[labels]
    assert labels == sorted({*labels}) and len(labels) == answers.ROWS
    assert {1, 2, 29, 30} < {*sizes}
    drawn = marks(axes)
    for fit in found.fits:
        own = fit.predictions.set_index("g")
        for label in labels:
            assert drawn[label, fit.variant, "point"] == pytest.approx([own.loc[label, "mean"]])


@pytest.mark.parametrize("outcome", ["gaussian", "poisson", "bernoulli"])
def test_lines_of_predictions_are_in_the_panel_of_their_group(outcome):
    found = study(outcome)
    found = replace(found, formula=Formula("y ~ x + (x | g)"), factors=found.factors[:1])
    grid = pd.DataFrame({"g": np.repeat(LEVELS, 3), "x": np.tile([0.0, 1.0, 2.5], len(LEVELS))})
    grid["n"] = np.arange(2.0, 2 + len(grid))
    found = predicted(found, grid)
    figure = answers.predictions(found)
    panels = {axes.get_title(): axes for axes in figure.axes if axes.get_visible()}
    assert set(panels) == {
        *(f"{label}\nn = {rows}" for label, rows in zip(LEVELS, ROWS, strict=True)),
        "a new group",
    }
    start = "probability" if outcome in ("binomial", "bernoulli") else ""
    names = [f"{start}_{one}".strip("_") for one in ("lower", "upper")]
    for title, axes in panels.items():
        prediction_target = "new_group" if title == "a new group" else "group"
        label = (
            "delta" if prediction_target == "new_group" else title.partition("\n")[0]
        )  # the largest
        lines = list(axes.lines)
        if prediction_target == "group":
            rows = found.table[found.table["g"] == label]
            seen = rows["y"] / (rows["n"] if outcome in ("poisson", "binomial") else 1)
            points = lines.pop(0)
            assert points.get_xdata() == pytest.approx(rows["x"].to_numpy())
            if outcome == "bernoulli":
                assert ((points.get_ydata() > 1) == (seen == 1)).all()
            else:
                assert points.get_ydata() == pytest.approx(seen.to_numpy())
        [band] = axes.collections
        for line, fit in zip(lines, found.fits, strict=True):
            rows = fit.predictions[fit.predictions["predicted_for"] == prediction_target]
            rows = rows[rows["g"] == label]
            per = rows["n"] if outcome == "poisson" else 1
            assert who(line.get_color()) == fit.variant
            assert line.get_xdata() == pytest.approx([0, 1, 2.5])
            assert line.get_ydata() == pytest.approx((rows[start or "mean"] / per).to_numpy())
            if fit.variant == "hierarchical":
                assert who(band.get_facecolor()[0]) == fit.variant
                corners = {tuple(corner) for corner in band.get_paths()[0].vertices.round(9)}
                ends = {
                    (x, round(end, 9))
                    for name in names
                    for x, end in zip(rows["x"], rows[name] / per, strict=True)
                }
                assert ends <= corners
                assert corners <= ends | {(0.0, y) for x, y in ends} | {(2.5, y) for x, y in ends}


def test_true_values_are_beside_their_own_estimates():
    found = study()
    recovery = found.recovery.copy()
    first = (recovery["variant"] == "unpooled") & (recovery["name"] == "coef_g[echo, x]")
    recovery.loc[first, ["lower", "upper"]] = -20, 30
    found = replace(found, recovery=recovery)
    figure = answers.recovery(found)
    panels = {axes.get_title(): axes for axes in figure.axes}
    assert {*panels} == {"", "each g: x", "each h: Intercept"} and len(figure.axes) == 4
    seen = set()
    for axes in figure.axes:
        expected, ends = {}, {}
        each = axes.get_title().removeprefix("each ")
        for label in [label.get_text() for label in axes.get_yticklabels()]:
            factor, _, column = each.partition(": ")
            name = f"coef_{factor}[{label}, {column}]" if each else label
            seen.add(name)
            for variant in VARIANTS:
                rows = recovery[(recovery["variant"] == variant) & (recovery["name"] == name)]
                [row] = rows.to_dict("records")
                expected |= three(variant, label, row)
                expected[label, "data", "bar"] = [row["truth"]]
                if variant == "unpooled":
                    ends[label] = row["lower"], row["upper"]
        expected |= beyond(axes, "unpooled", ends)
        hold(marks(axes), expected)
    assert seen == {*recovery["name"]}


@pytest.mark.parametrize("outcome", ["weighted", "poisson", "binomial"])
def test_prior_intervals_hold_as_many_draws_as_they_say(outcome):
    found = study(outcome, VARIANTS[::2], failed=["pooled"])
    [axes] = predictive.prior(found).axes
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["data", "pooled ✗", "hierarchical"]
    seen = (found.y / found.per)[found.rows]
    expected = {("data", "data", "point"): seen}
    for label, fit in zip(labels[1:], found.fits, strict=True):
        drawn = fit.prior / found.per[found.rows]
        expected[label, fit.variant, "interval"] = [
            tuple(np.percentile(drawn, ends)) for ends in ([25, 75], [10, 90], [2.5, 97.5])
        ]
    hold(marks(axes), expected)


def test_a_prior_that_is_wide_on_purpose_goes_on_at_its_own_height():
    found = study()
    fits = [
        replace(f, prior=80 * (f.prior - f.prior.mean())) if f.variant == "unpooled" else f
        for f in found.fits
    ]
    [axes] = predictive.prior(replace(found, fits=fits)).axes
    low, high = axes.get_xlim()
    ends = np.percentile(fits[1].prior, [2.5, 97.5])
    assert ends[0] < low < found.y.min() and found.y.max() < high < ends[1]
    drawn = marks(axes)
    edges = {key: at for key, at in drawn.items() if key[2] in ("less", "more")}
    hold(edges, beyond(axes, "unpooled", {"unpooled": ends}))
    for fit in (fits[0], fits[2]):
        left, right = drawn[fit.variant, fit.variant, "interval"][-1]
        assert low < left < right < high


def test_priors_of_zeros_and_ones_are_shares_of_tables():
    found = study("bernoulli", VARIANTS[2:])
    [axes] = predictive.prior(found).axes
    shares = found.fits[0].prior.mean(axis=1)
    hold(
        marks(axes),
        {
            ("data", "data", "point"): [found.y[found.rows].mean()],
            ("hierarchical", "hierarchical", "interval"): [
                tuple(np.percentile(shares, ends)) for ends in ([25, 75], [10, 90], [2.5, 97.5])
            ],
        },
    )


@pytest.mark.parametrize(("outcome", "factor"), [*zip(OUTCOMES, (0, 1, 0, 1, 0), strict=True)])
def test_strips_are_the_rows_of_their_group(outcome, factor):
    found = study(outcome)
    factor = found.factors[factor]
    [axes] = data.data(found, factor).axes
    expected, words, means = {(None, "pooled", "line"): [found.average]}, {}, []
    for label in [label.get_text() for label in axes.get_yticklabels()]:
        own = (found.table[factor.name] == label).to_numpy()
        means.append(of_group(found, factor, label, found.y))
        expected[label, "unpooled", "bar"] = means[-1:]
        if own.sum() > 1 and outcome != "bernoulli":
            expected[label, "data", "point"] = (found.y / found.per)[own]
        words[label] = f"n = {own.sum()}"
        if outcome in ("bernoulli", "binomial"):
            words[label] = f"{found.y[own].sum()} of {found.per[own].sum():.0f}"
    hold(marks(axes), expected)
    assert beside(axes) == words and len(words) == len(LEVELS)
    assert means == sorted(means, reverse=True)


@pytest.mark.parametrize("rows", [(1,) * len(LEVELS), ROWS])
def test_strips_of_known_standard_errors(rows):
    """A group of one row is its estimate and error; the precisions of several add up."""
    found = replace(study(rows=rows), outcome=Outcome(sigma="x"))
    figure = data.data(found, found.factors[1])
    [axes] = figure.axes
    expected, words = {(None, "pooled", "line"): [found.average]}, {}
    for label, own in found.table.groupby("h"):
        expected[label, "data", "point"] = own["y"]
        error = sum(own["x"] ** -2) ** -0.5
        words[label] = f"n = {len(own)}, " * (len(own) > 1) + f"se {error:.4g}"
        if len(own) > 1:
            expected[label, "unpooled", "bar"] = [own["y"].mean()]
        else:
            [y] = own["y"]
            expected[label, "data", "interval"] = [(y - error, y + error)]
    hold(marks(axes), expected)
    assert beside(axes) == words
    assert figure.get_label() == ("errors" if max(rows) == 1 else "strips")


def points(found) -> np.ndarray:
    """Dots of a scatter, or a line's markers, as sorted rows `(x, y)`."""
    xy = found.get_offsets() if hasattr(found, "get_offsets") else np.transpose(found.get_data())
    return np.array(sorted(map(tuple, np.asarray(xy, dtype=float))))


def test_of_many_groups_each_point_is_its_size_and_mean():
    levels, rng = tuple(f"g{i}" for i in range(41)), np.random.default_rng(1)
    found = study("binomial", levels=levels, rows=tuple(rng.integers(1, 5, 41)))
    factor = found.factors[1]
    figure = data.data(found, factor)
    [axes] = figure.axes
    dots, average = axes.lines
    own = found.table.groupby("h")[["y", "n"]].sum()
    expected = np.array(sorted(zip(own["n"], own["y"] / own["n"], strict=True)))
    assert figure.get_label() == "sizes" and points(dots) == pytest.approx(expected)
    assert average.get_ydata() == pytest.approx([found.average] * 2)
    assert axes.get_xlabel() == "trials of the h" and axes.get_ylabel() == "y as a share of n"

    alike = replace(factor, sizes=np.full(41, 7))
    figure = data.data(found, alike)
    [axes] = figure.axes
    counts, edges = np.histogram(factor.means, bins=[p.get_x() for p in axes.patches] + [9])
    assert figure.get_label() == "histogram" and len(edges) == len(axes.patches) + 1
    assert [patch.get_height() for patch in axes.patches] == counts.tolist()
    assert axes.lines[0].get_xdata() == pytest.approx([found.average] * 2)


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
    figure = estimates.shrinkage(replace(found, fits=fits), factor, "x")
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


def test_of_many_groups_each_point_is_its_truth_and_estimate():
    levels = tuple(f"g{7 * i % 30}" for i in range(30))
    found = study(levels=levels, rows=(1,) * 30, failed=["unpooled"])
    figure = answers.recovery_groups(found)
    lines = np.array(figure.axes).reshape(2, 3)
    for line, own in zip(lines, ("g: x", "h: Intercept"), strict=True):
        factor, _, column = own.partition(": ")
        assert line[0].get_ylabel() == own
        for axes, fit in zip(line, found.fits, strict=True):
            assert axes.get_title() == fit.variant + " ✗" * (fit.variant == "unpooled")
            rows = found.recovery[
                (found.recovery["variant"] == fit.variant)
                & found.recovery["name"].str.startswith(f"coef_{factor}[")
                & found.recovery["name"].str.endswith(f", {column}]")
            ]
            assert len(rows) == 30 and who(axes.lines[0].get_markeredgecolor()) == fit.variant
            expected = np.array(sorted(zip(rows["truth"], rows["mean"], strict=True)))
            assert points(axes.lines[0]) == pytest.approx(expected)


@pytest.mark.parametrize("outcome", ["poisson", "bernoulli", "weighted"])
def test_without_groups_rows_are_drawn_as_they_are(outcome):
    found = replace(study(outcome), factors=(), formula=Formula("y ~ x"))
    figure = data.data(found, None)
    [axes] = figure.axes
    rows = axes.lines[0]
    assert rows.get_xdata() == pytest.approx(found.table["x"].to_numpy())
    if outcome != "bernoulli":
        assert rows.get_ydata() == pytest.approx(found.y / found.per)
        return
    assert ((rows.get_ydata() > 1) == (found.y == 1)).all()
    tenths = axes.lines[1]
    order = np.argsort(found.table["x"].to_numpy())  # no two are alike
    x, y = found.table["x"].to_numpy()[order], found.y[order]
    first = x <= np.quantile(x, 0.1)
    assert tenths.get_data()[0][0] == pytest.approx(x[first].mean())
    assert tenths.get_data()[1][0] == pytest.approx(y[first].mean())
    assert len(tenths.get_xdata()) == data.BINS and figure.get_label() == "shares"


def test_without_predictors_values_are_counted():
    found = replace(study("poisson"), factors=(), formula=Formula("y ~ 1"))
    found = replace(found, y=np.array([0, 3, 3, 1, 3, 1]), per=np.full(6, 2.0))
    [axes] = data.data(found, None).axes
    bars = {p.get_x() + p.get_width() / 2: p.get_height() for p in axes.patches}
    assert bars == pytest.approx({0: 1, 0.5: 2, 1.5: 3})


def test_replicated_values_are_counted_beside_the_data():
    found = study("binomial", VARIANTS[1:])
    found = replace(found, per=np.full(len(found.y), 50.0))
    fit, y = found.fits[1], found.y[found.rows]
    figure = predictive.density(found, fit)
    assert figure.get_label() == "frequencies"
    [axes] = figure.axes
    [often], [bars] = axes.lines, axes.collections
    values = np.arange(y.min(), y.max() + 1)
    assert often.get_xdata() == pytest.approx(values)
    assert often.get_ydata() == pytest.approx([np.sum(y == value) for value in values])
    for value, ends in zip(values, bars.get_segments(), strict=True):
        drawn = [np.sum(one == value) for one in fit.replicated]
        low, high = np.percentile(drawn, [10, 90])
        assert ends == pytest.approx(np.array([[value, low], [value, high]]))
    assert who(bars.get_color()[0]) == "hierarchical"


def test_replicated_shares_are_beside_that_of_the_data():
    found = study("bernoulli", VARIANTS[1:])
    fit = found.fits[1]
    [axes] = predictive.density(found, fit).axes
    edges = [patch.get_x() for patch in axes.patches]
    edges.append(edges[-1] + axes.patches[-1].get_width())
    shares = fit.replicated.mean(axis=1)
    assert edges[0] == pytest.approx(shares.min()) and edges[-1] == pytest.approx(shares.max())
    assert sum(patch.get_height() for patch in axes.patches) == DRAWS
    assert axes.lines[0].get_xdata() == pytest.approx([found.y[found.rows].mean()] * 2)


@pytest.mark.parametrize("outcome", ["gaussian", "poisson"])
def test_replicated_densities_are_of_one_data_set_each(outcome):
    """A density has its mean where its numbers have theirs."""
    found = study(outcome, VARIANTS[1:])
    fit, per = found.fits[1], found.per[found.rows]
    moved = fit.replicated + np.arange(DRAWS)[:, None] * per
    [axes] = predictive.density(found, replace(fit, replicated=moved)).axes
    *lines, observed = axes.lines
    assert len(lines) == predictive.LINES and axes.get_xlabel() == found.of_row
    assert who(observed.get_color()) == "data"
    numbers = [*(moved / per), (found.y / found.per)[found.rows]]
    for line, values in zip([*lines, observed], numbers, strict=True):
        grid, curve = line.get_data()
        assert np.average(grid, weights=curve) == pytest.approx(values.mean(), abs=0.2)


def sampled(scalars: dict, chains=3, draws=1100):
    """A fit as `convergence` reads it, with energies and a few divergent draws."""
    rng = np.random.default_rng(5)
    diverging = np.zeros((chains, draws), bool)
    diverging[2, 7] = diverging[0, 29] = True
    dims, scale = ("chain", "draw"), np.array([[1.0], [4.0], [0.2]])
    energy = np.cumsum(rng.normal(size=(chains, draws)), axis=1) * scale + rng.normal(
        size=(chains, draws)
    )
    return Fit(
        **dict.fromkeys(("variant", "passed", "groups", "prior", "replicated", "predictions")),
        summary=pd.DataFrame({"rhat": scalars}),
        scalars={name: rng.normal(size=(chains, draws)) for name in reversed(scalars)},
        statistics=xr.Dataset(
            {"energy": (dims, energy), "diverging": (dims, diverging)},
            coords={"chain": range(chains), "draw": range(draws)},
        ),
    )


def test_chains_are_of_the_scalars_that_agree_least():
    one = sampled({"a": 1.01, "b": 1.2, "c": np.nan, "d": 1.05, "e": 1.002, "f": 1.1})
    axes = convergence.chains(one).axes
    names = ["c, R-hat not a number", "b, R-hat 1.200", "f, R-hat 1.100", "d, R-hat 1.050"]
    assert [trace.get_title() for trace in axes[::2]] == names
    for trace, ranks in zip(axes[::2], axes[1::2], strict=True):
        *chains, diverged = trace.lines
        draws = one.scalars[trace.get_title()[0]][:, ::3]  # 367 of 1,100
        assert chains[0].get_xdata() == pytest.approx(np.arange(0, 1100, 3))
        assert np.array([line.get_ydata() for line in chains]) == pytest.approx(draws)
        assert diverged.get_xdata().tolist() == [7, 29]
        assert len(ranks.lines) == 3
    shown = [to_hex(line.get_color()) for line in chains]
    assert shown == [to_hex(line.get_color()) for line in ranks.lines] and len({*shown}) == 3


def test_e_bfmi_is_that_of_its_chain():
    one = sampled({"a": 1.0})
    [dots, *_] = convergence.energy(one).axes[0].collections
    energy = one.statistics["energy"].values
    bfmi = (np.diff(energy) ** 2).mean(axis=1) / energy.var(axis=1, ddof=1)
    assert points(dots) == pytest.approx(np.array(sorted(zip(bfmi, range(3), strict=True))))


def test_each_picture_has_the_name_and_the_verdict_of_what_it_shows(tmp_path, monkeypatch):
    """Those of one fit are marked where this fit failed, those of all where any did."""
    saved = {}

    def save(figure, path, failed):
        saved[path.stem] = figure, failed
        plt.close(figure)

    def of_fit(fit):
        figure, axes = plt.subplots()
        axes.set_title(fit.variant)
        return figure

    monkeypatch.setattr(study_figures, "save", save)
    for picture in ("chains", "energy"):
        monkeypatch.setattr(convergence, picture, of_fit)
    variants = VARIANTS[::2]
    found = study(variants=variants, failed=["pooled"], levels=LEVELS[:3], rows=ROWS[:3])
    grid = pd.DataFrame({"g": LEVELS, "h": LEVELS})
    study_figures.draw(predicted(replace(found, own_rows=True), grid), tmp_path)
    of_all = {"prior", "population", "comparison", "predictions", "recovery"}
    of_factors = {f"{what}{end}" for what in ("groups", "data") for end in ("", "_2")}
    of_one = {f"{what}_{v}" for what in ("chains", "energy", "density") for v in variants}
    shrinkage = {f"shrinkage_{number}" for number in range(1, 5)}
    assert {*saved} == of_all | of_factors | of_one | shrinkage
    for name, (figure, failed) in saved.items():
        alone = name.startswith("data") or name.endswith("_hierarchical")
        assert [*failed] == ([] if alone else ["pooled"]), name
        axes = figure.axes[0]
        if name in of_factors:
            assert axes.get_ylabel() == ("h" if name.endswith("_2") else "g")
        if name in shrinkage:
            factor, slope = divmod(int(name[-1]) - 1, 2)
            assert axes.get_ylabel() == "gh"[factor]
            assert axes.get_xlabel().startswith("coefficient of x" if slope else "expected y")
        if name in of_one:
            assert axes.get_title("left").removesuffix(" ✗") == name.partition("_")[2]
