"""Read the numbers that a figure shows back from its artists."""

from collections import defaultdict

import numpy as np
import pytest
from matplotlib.colors import to_hex

from partialpool.figures.style import INK, LOOKS


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


def points(found) -> np.ndarray:
    """Dots of a scatter, or a line's markers, as sorted rows `(x, y)`."""
    xy = found.get_offsets() if hasattr(found, "get_offsets") else np.transpose(found.get_data())
    return np.array(sorted(map(tuple, np.asarray(xy, dtype=float))))
