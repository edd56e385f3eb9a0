"""Figures of a page are in their place."""

import re
from html import unescape
from urllib.parse import unquote

from fake_run_files import N, R, S, X, Y
from reports import VARIANTS

FIGURES = [  # in the order of the page, and a word of what is said of each
    *(("data", f" group of {S}"), ("data_2", f" group of {R}"), ("prior", "prior predictive")),
    *((f"{kind}_{v}", f" the {v} fit") for v in VARIANTS for kind in ("chains", "energy")),
    ("population", "80% intervals"),
    *((f"shrinkage_{number}", "Partial pooling of the ") for number in (1, 2, 3)),
    *((f"density_{v}", f" the {v} fit,") for v in VARIANTS),
    *(("groups", "each group"), ("groups_2", "each group"), ("comparison", "between the variants")),
    *(
        ("predictions", "Predictions"),
        ("recovery", "True values"),
    ),
]


def test_figures_of_a_page_are_in_their_place_and_of_their_size(run_page):
    """A point is 4 / 3 pixels; those that stand alone are a quarter larger."""
    found = re.findall(
        r'<img src="data:image/svg[+]xml,([^"]*)" width="(\d+)" alt="([^"]*)"', run_page
    )
    shown = [re.search(r">(\w+)<", unquote(source))[1] for source, *_ in found]
    assert shown == [name for name, _ in FIGURES]
    for (_, width, alt), (name, words) in zip(found, FIGURES, strict=True):
        assert words in unescape(alt), name
        assert int(width) == (480 if name.startswith("density") else 600)
    captions = dict(
        re.findall(r"%3E(\w+)%3C/svg%3E[^>]*></div>\s*<figcaption>([^<]*)</figcaption>", run_page)
    )
    for number, factor in (("", S), ("_2", R)):
        assert f"By {factor}, the highest first." in unescape(captions[f"data{number}"])
    for number in "123":
        assert "Each arrow goes" in captions[f"shrinkage_{number}"]
    assert f"each {S}'s observed {Y} per unit of {N}" in unescape(captions["groups"])
    assert f"each {R}'s observed {Y} per unit of {N}" in unescape(captions["groups_2"])
    for number, heading in (
        (1, f"Each {S}: expected {Y} per unit of {N}"),
        (2, f"Each {S}: coefficient of {X}, on the log scale"),
        (3, f"Each {R}: expected {Y} per unit of {N}"),
    ):
        before = run_page[: run_page.index(f"shrinkage_{number}%3C")]
        assert unescape(re.findall("<h3>([^<]*)</h3>", before)[-1]) == heading
