"""What a page says, read back from its HTML."""

import re
from html.parser import HTMLParser

import pandas as pd


class Tables(HTMLParser):
    """The tables of a page: below which headings, their heads, and the text of their cells."""

    def __init__(self, html):
        super().__init__()
        self.headings, self.tables, self.text = {}, [], None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if tag in ("h2", "h3", "h4", "td", "th"):
            self.text = []
        elif tag == "table":
            self.tables.append(([*self.headings.values()], []))
        elif tag == "tr":
            self.tables[-1][1].append([])
        elif self.text is not None:
            self.text.append(" ")

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.tables[-1][1][-1].append("".join(self.text).strip())
            self.text = None
        elif tag in ("h2", "h3", "h4"):
            below = {k: text for k, text in self.headings.items() if k < tag}
            self.headings = below | {tag: "".join(self.text).strip()}
            self.text = None

    def handle_data(self, data):
        if self.text is not None:
            self.text.append(data)

    def below(self, *headings) -> list[pd.DataFrame]:
        """All tables somewhere below such headings, each with its first column as the index."""
        found = []
        for above, (heads, *rows) in self.tables:
            if [text.partition("  ")[0] for text in above][: len(headings)] == [*headings]:
                index = pd.Index([row[0] for row in rows], name=heads[0])
                found.append(pd.DataFrame([row[1:] for row in rows], index, heads[1:]))
        return found


def says(cell: str, *numbers):
    """A cell has these numbers and no others, rounded as it shows them, to two digits or more."""
    shown = re.findall(r"−?[\d,]*\.?\d+", cell)
    assert len(shown) == len(numbers), (cell, numbers)
    for text, number in zip(shown, numbers, strict=True):
        decimals = len(text.partition(".")[2])
        read = float(text.replace(",", "").replace("−", "-"))
        assert abs(read - number) <= 0.5001 * 10**-decimals, (cell, number)
        digits = re.sub(r"\D", "", text).lstrip("0")
        assert len(digits) > 1 or read == number, (cell, number)
