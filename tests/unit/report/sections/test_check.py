"""Replicated data sets of all fits are side by side, with one note."""

import re


def test_densities_are_in_one_row_with_one_note(run_page):
    section = run_page[run_page.index('<section id="check"') :]
    row = section[section.index('<div class="side">') : section.index('<p class="note">')]
    shown = re.findall(r"%3E(density_\w+)%3C", row)
    assert shown == ["density_pooled", "density_unpooled", "density_hierarchical"]
    assert "<figcaption" not in row
    assert run_page.count("the model misses something in your data") == 1
