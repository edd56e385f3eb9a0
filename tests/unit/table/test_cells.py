"""Cells of text as numbers, bounds, dates, missing values and labels."""

import numpy as np
import pandas as pd
import pytest

from partialpool.design.formula import Formula
from partialpool.study.outcome import Outcome
from partialpool.table import cells
from partialpool.table.cells import CellKind
from partialpool.table.ingest import ingest

LABELS = [
    "7a 7b 8a 8b",
    "A1 A2 B1",
    "1st 2nd 3rd 4th 11th",
    "<18 18-25 26-64 65+",
    "<18 18–25 >25",
    "2019Q1 2019Q2",
    "2018/19 2019/20",
    "2004-05 2005-06 2006-07",
    "1990s 2000s 2010s",
    "1.2.3 1.2.4 1.10.0",
    "192.168.1.1 10.0.0.1",
    "12-345-6 12-345-7",
    "#1 #2 #3",
    "1|North 2|South 3|East",
    "1|(never) 2|(often) 3|(always)",
    "1-2|years 3-5|years",
    "week|1 week|2 week|3",
    "TRUE yes no",
    "Jan Feb Mar",
    "Mon Tue",
    "I II IV",
    "5- 4- 3-",
    "2a 3a",
    "N/A+ N/A-",
    "1,5,7 2,3,9",
    "C5 c6 k7",
    "low mid high 1,5 25/01/2024",
]


@pytest.mark.parametrize("column", LABELS)
def test_labels(tmp_path, column):
    """They pass as they are."""
    labels = [label.replace("|", " ") for label in column.split()]
    frame = pd.DataFrame(
        {"x": labels * 3, "y": np.random.default_rng(1).normal(size=3 * len(labels))}
    )
    for name in ("t.csv", "t.parquet"):
        stored = tmp_path / name
        frame.to_csv(stored, index=False) if name == "t.csv" else frame.to_parquet(stored)
        found = ingest(stored, Formula("y ~ x"), Outcome(), to=tmp_path / "u.parquet", source=name)
        assert {*found.report["columns"]["x"]["levels"]} == {*labels}


@pytest.mark.parametrize(
    ("cell", "number"),
    {
        "−1": "-1",
        "- 2.5": "-2.5",
        "1,5": "1.5",
        "1,234": "",
        "1,234,567": "1234567",
        "1\u202f000": "1000",
        "12 345 678,9": "",
        "1’000.5": "1000.5",
        "R$ 5": "5",
        "3.50 CHF": "3.50",
        "-€3": "-3",
        "~5": "5",
        "35 °C": "35",
        "12 ‰": "12",
        "0.03**": "0.03",
        "1·5": "1.5",
        "'5": "5",
        '="07"': "07",
        "1½": "",
        "10²": "",
        "0x1F": "",
        "120/80": "",
        "１２．５": "12.5",
        "१२": "12",
        "2.5e3 kg": "",
        "5'11\"": "",
        "5 ft 11 in": "",
        "1 h 30 min": "",
        "51°30'N": "",
        "10 m2": "10",
        "10m²": "10",
    }.items(),
)
def test_numbers_written_in_another_way(cell, number):
    assert cells.kinds([cell]) == {cell: CellKind.NUMBER}
    assert cells.plain_number(cell) == number


@pytest.mark.parametrize(
    "cell",
    [
        *(
            "25/01/2024",
            "01/25/2024",
            "1/25/24",
            "2024/01/25",
            "2024-1-5",
            "25.01.2024",
            "05.01.24",
            "5.1.24",
        ),
        *(
            "25-Jan-24",
            "25jan2024",
            "Jan 2024",
            "Jan-24",
            "5-Jan",
            "January 5, 2024",
            "Mon 5 May 24",
        ),
        *("5. März 2024", "5 août 2024", "1 de enero de 2024", "2024年1月5日", "2024년 1월 5일"),
        *("2024-01", "01/2024", "2024. 1. 5.", "20240105T101500Z", "2024-01-05T10:00:00.000+0000"),
        *(
            "2024-01-05 10:00 CET",
            "5/1/2024 9:05 PM",
            "12:30",
            "9:05:10.5",
            "22h30",
            "9 am",
            "２０２４-０１-０５",
        ),
    ],
)
def test_dates_and_times(cell):
    assert cells.kinds([cell]) == {cell: CellKind.DATE}


def test_magnitudes_are_not_dropped():
    found = {cell: cells.plain_number(cell) for cell in ("1.5k", "$1.5M", "2 million", "5m")}
    assert found == {"1.5k": "", "$1.5M": "", "2 million": "", "5m": "5"}
    assert cells.in_one_unit(["1 day", "2 days", "0.5*", "0.6"])
    assert not cells.in_one_unit(["5 kg", "6 lb"]) and not cells.in_one_unit(["5%", "3 ‰"])


def test_a_word_after_numbers_is_a_unit_if_it_is_always_the_same():
    assert {*cells.kinds(["5x", "10x", "20x"]).values()} == {CellKind.NUMBER}
    assert {*cells.kinds(["5 doses", "1 dose"]).values()} == {CellKind.NUMBER}
    assert {*cells.kinds(["1.2K", "3M", "900K"]).values()} == {CellKind.NUMBER}
    assert {*cells.kinds(["5 mg L-1", "10 mg L-1"]).values()} == {CellKind.NUMBER}
    assert {*cells.kinds(["5 b2", "6 b3", "7 c2"]).values()} == {CellKind.LABEL}
    assert {*cells.kinds(["5x", "10y", "20x"]).values()} == {CellKind.LABEL}


@pytest.mark.parametrize(
    ("values", "dates"),
    [
        ([18000101, 20240131, 21001231], True),
        ([180001, 202412, 210012], True),
        ([20240131, 202401], False),
        *(([20240131, wrong], False) for wrong in (20240100, 20240132, 20240001, 20241301)),
        *(([20240131, wrong], False) for wrong in (17991231, 21010101, 20240131.5, -20240131)),
        *(([202401, wrong], False) for wrong in (202400, 202413, 179912, 210101)),
        ([], False),
    ],
)
def test_numbers_that_are_dates(values, dates):
    assert cells.compact_dates(np.array(values, dtype=float)) is dates
