"""Many studies from one block: patterns of files, and tables with a row for each study."""

from pathlib import Path

import pytest
from configs import SIMULATED, complaint, config, read, write

from partialpool.study.outcome import OUTCOME


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where paths of the config begin: files of many studies, and tables that name some."""
    monkeypatch.chdir(tmp_path)
    for path in ("s/b 10.csv", "s/b 2.csv", "s/a.csv.gz", "s/.c.csv", "odd/[x].csv", "odd/x.csv"):
        write(path, "")
    write("parts/p.1/1.parquet", "")
    write("parts/p.2/1.parquet", "")
    (tmp_path / "none").mkdir()
    write("t.csv", "\ufeffname,y,se,sd\nb-1,pain,1.5,1\n\nc d,`{sd}`,error,\n,,,\n")
    return tmp_path


def expanded(**block):
    return {name: one.data for name, one in read({"studies": {"k": block}}).items()}


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("s/*", {"k_a": "s/a.csv.gz", "k_b_2": "s/b 2.csv", "k_b_10": "s/b 10.csv"}),
        ("s/b ?.csv", {"k_b_2": "s/b 2.csv"}),
        ("**/[x].csv", {"k_x": "odd/x.csv"}),
        ("odd/[x].csv", {"k": "odd/[x].csv"}),
        ("parts/*", {"k_p_1": "parts/p.1", "k_p_2": "parts/p.2"}),
        ("s/no.csv", {"k": "s/no.csv"}),
    ],
)
def test_pattern_is_a_study_a_file(folder, pattern, found):
    assert list(expanded(data=pattern, formula="y ~ x").items()) == list(found.items())


def test_studies_of_a_pattern_share_all_but_data_new_rows_and_seed(folder):
    block = config(data="s/b*.csv", new_data="new/{stem}.csv")["studies"]["radon"]
    ten = read({"studies": {"k": block}})["k_b_10"]
    assert ten.new_data == "new/b 10.csv"
    alone = {"k_b_10": block | {"data": "s/b 10.csv", "new_data": "new/b 10.csv"}}
    assert read({"studies": alone})["k_b_10"] == ten


def test_table_is_a_study_a_row(folder):
    block = {
        "table": "t.csv",
        "data": "d/{name}.csv",
        "formula": "{y} ~ x + (1 | g)",
        "sigma": "{se}",
        "new_data": "new.csv",
        "priors": {"x": "normal(0, 2)"},
    }
    one, two = read({"studies": {"k": block}}).values()
    assert (one.name, one.data, one.formula) == ("k_b-1", "d/b-1.csv", "pain ~ x + (1 | g)")
    assert (one.outcome.sigma, one.new_data, one.priors) == (1.5, "new.csv", block["priors"])
    assert (two.name, two.data, two.outcome.sigma) == ("k_c_d", "d/c d.csv", "error")
    assert two.formula == "`{sd}` ~ x + (1 | g)"  # what a cell says is not read again
    assert {
        one.outcome.sigma for one in read({"studies": {"k": block | {"sigma": 2}}}).values()
    } == {2}


def test_cells_name_the_columns_of_the_response(folder):
    write("u.csv", "name,n,years,risk,weight,cell\na,tried,t 1,base,w,{n}\nb,2,3,4,5,6\n")
    block = {"table": "u.csv", "data": "d.csv", "formula": "y ~ x"}
    found = {
        "trials": {"family": "binomial", "trials": "{n}"},
        "exposure": {"family": "poisson", "exposure": "{years}"},
        "offset": {"offset": "log_{risk}"},
        "weights": {"weights": "{weight}"},
        "precision_weights": {"precision_weights": "{n}"},
        "sigma": {"sigma": "~ (1 | {weight})", "formula": "y ~ x + (1 | {weight})"},
    }
    expected = {
        "trials": ["tried", "2"],  # a column, also where it reads as a number
        "exposure": ["t 1", "3"],
        "offset": ["log_base", "log_4"],
        "weights": ["w", "5"],
        "precision_weights": ["tried", "2"],
        "sigma": ["~ (1 | w)", "~ (1 | 5)"],
    }
    assert found.keys() == {*OUTCOME} - {"family"}
    for name, keys in found.items():
        studies = read({"studies": {"k": block | keys}}).values()
        assert [getattr(one.outcome, name) for one in studies] == expected[name]
    [one, _] = read({"studies": {"k": block | {"weights": "{cell}"}}}).values()
    assert one.outcome.weights == "{n}"  # what a cell says is not read again


@pytest.mark.parametrize(
    ("block", "telling"),
    [
        ({"data": "s/*.tsv"}, "k.data: no file matches 's/*.tsv'; there is, for example, 's/a.csv"),
        ({"data": "no/*/x.csv"}, "k.data: no file matches 'no/*/x.csv'; no folder 'no'"),
        ({"data": "none/*"}, "no file matches 'none/*'; folder 'none' is empty"),
        ({"data": "s/*", "new_data": "{stm}"}, "k.new_data: no value for '{stm}'"),
        ({"data": "s/*", "variants": ["unpooled"]}, "'unpooled' needs groups"),
        ({"data": f"{'w' * 70}.*"}, f"not 'k_{'w' * 70}' ({'w' * 70}.csv)"),
        ({"data": "s/a*"}, "studies.k (s/a.csv.gz) and studies.k_a are both named"),
        ({"table": "T.csv"}, "k.table: no file 'T.csv'; nearest: 't.csv'"),
        ({"table": "none"}, "k.table: none: cannot be read (Is a directory)"),
        ({"table": "t.csv", "simulate": SIMULATED}, "k: has both `table` and `simulate`"),
        ({"table": "t.csv", "data": None}, "k: has neither `data` nor `simulate`"),
        ({"table": "t.csv", "formula": "{z} ~ x"}, "k.formula: no value for '{z}' (t.csv"),
        ({"table": "t.csv", "priors": {"x": "{sd}"}}, 'k.priors.x: "1" is not a prior'),
        (
            {"table": "t.csv", "priors": {"x": "normal(0, {sd})"}},
            "k.priors.x: column 'sd' is empty (t.csv, line 4); fill it in",
        ),
        ({"table": "t.csv", "weights": "{w}"}, "k.weights: no value for '{w}' (t.csv, line"),
        ({"table": "t.csv", "offset": "{sd}"}, "k.offset: column 'sd' is empty (t.csv, line 4)"),
        (
            {"table": "t.csv", "offset": "{y}", "weights": "pain"},
            "k: column 'pain' cannot be both the offset and the weights (t.csv, line 2)",
        ),
        ({"cells": "name\n"}, "k.table: table.csv: has no rows"),
        ({"cells": ""}, "k.table: table.csv: no column 'name', to name each study; columns: none"),
        ({"cells": "id;y\na;b"}, "no column 'name', to name each study; columns: 'id;y'"),
        ({"cells": "name,y,y\na,b,c"}, "k.table: table.csv: column 'y' is there twice"),
        ({"cells": "name,y\n,b"}, "k.table: table.csv, line 2: column 'name' is empty"),
        ({"cells": "name,y\na"}, "k.table: table.csv, line 2: has 1 cells, for 2 columns"),
        ({"cells": 'name,y\na,"b'}, "k.table: table.csv, line 2: not valid CSV ("),
        ({"cells": "name\nä"}, "k.table: table.csv: is not UTF-8"),
        (
            {"cells": "name\na b\na.b"},
            "(table.csv, line 2) and studies.k (table.csv, line 3) are both named 'k_a_b'",
        ),
        (
            {"cells": "name,se\na,2\nb,-1", "sigma": "{se}"},
            'k.sigma: -1.0; it must be "estimated", ',
        ),
    ],
)
def test_one_telling_line_about_many(folder, block, telling):
    write(f"{'w' * 70}.csv", "")
    if "cells" in block:
        block = block | {"table": "table.csv"}
        Path("table.csv").write_text(block.pop("cells"), encoding="latin-1")
    block = {"data": "d", "formula": "y ~ x"} | block
    studies = {"k": {key: value for key, value in block.items() if value is not None}}
    studies["k_a"] = {"data": "d", "formula": "y ~ x"}
    assert telling in complaint({"studies": studies})
