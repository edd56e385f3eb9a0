"""Paths in a config: whatever cannot be read as a table of the user's is refused in one line."""

import os
import socket
from pathlib import Path

import pytest
import yaml

from partialpool.base.errors import UserError
from partialpool.study import config, paths

WHERE = "config/config.yaml: studies.s.data: "


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a table, and some results of an earlier run."""
    monkeypatch.chdir(tmp_path)
    for path in (
        "config/x",
        "data/t.csv",
        "tables/t.csv",
        "results/s/pooled/summary.csv",
        "results/t/x.parquet",
    ):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text("x,y\n1,2\n", encoding="utf-8")
    return tmp_path


def load(**keys) -> config.Loaded:
    study = {"data": "data/t.csv", "formula": "y ~ x"} | keys
    text = yaml.safe_dump({"studies": {"s": study}})
    Path("config/config.yaml").write_text(text, encoding="utf-8")
    return config.load()


def complaint(**keys) -> str:
    with pytest.raises(UserError) as caught:
        load(**keys)
    said = str(caught.value)
    assert said == " ".join(said.splitlines()) and len(said) < 700
    return said


def listening() -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("data/socket.csv")


def linked_study() -> None:
    """A study's results on another disk, where its table is, too."""
    Path("disk").mkdir()
    Path("disk/t.csv").write_text("x,y\n1,2\n", encoding="utf-8")
    os.symlink("../disk", "results/u")


NOTHING = lambda: None  # noqa: E731
CASES = [
    (NOTHING, "data/T.csv", "no file 'data/T.csv'; nearest: 'data/t.csv'"),
    (NOTHING, "dat/t.csv", "no file 'dat/t.csv'; no folder 'dat'"),
    (NOTHING, "data/t.csv/u.csv", "'data/t.csv/u.csv' cannot be read (Not a directory)"),
    (NOTHING, f"data/{'a' * 300}.csv", "'data/aaaaaaa"),
    (NOTHING, "data", "folder 'data' has no .parquet files"),
    (NOTHING, "~/t.csv", "'~/t.csv': ~ has no meaning here; write '/"),
    (NOTHING, "https://x.org/t.csv", "'https://x.org/t.csv' is an address, not a file; download"),
    (NOTHING, "s3://bucket/t.csv", "'s3://bucket/t.csv' is an address, not a file; download it"),
    (NOTHING, "data/{x}.csv", "the name 'data/{x}.csv' has braces, which stand for wildcards"),
    (NOTHING, "data/a\nb.csv", r"the name 'data/a\nb.csv' has characters that cannot be printed"),
    (NOTHING, "data/a\0b.csv", r"the name 'data/a\x00b.csv' has characters that cannot be"),
    (NOTHING, "/dev/null", "'/dev/null' is a device, not a file; save what comes from it as a"),
    (NOTHING, "/dev/stdin", "'/dev/stdin' is"),
    (NOTHING, "/proc/self/status", "'/proc/self/status' is another file to each step; save what"),
    (lambda: os.mkfifo("data/f.csv"), "data/f.csv", "'data/f.csv' is a pipe, not a file; save"),
    (listening, "data/socket.csv", "'data/socket.csv' is a socket, not a file; save what comes"),
    (
        lambda: os.symlink("no.csv", "data/z.csv"),
        "data/z.csv",
        "'data/z.csv' is a link to 'no.csv', which does not exist",
    ),
    (
        lambda: os.symlink("l.csv", "data/l.csv"),
        "data/l.csv",
        "'data/l.csv' cannot be read (Too many levels of symbolic links)",
    ),
    (
        lambda: os.utime("data/t.csv", (4e9, 4e9)),
        "data/t.csv",
        "data/t.csv: is dated 2096-10-02",
    ),
    # What a run deletes or writes, by whatever name
    (NOTHING, "results/s/data.parquet", "'results/s/data.parquet' is among the results, which a"),
    (NOTHING, "results/s", "'results/s' is among the results, which a run deletes and makes anew"),
    (NOTHING, "data/../results/t/x.parquet", "'data/../results/t/x.parquet' is among the results"),
    (NOTHING, "./results", "'./results' is among the results, which a run deletes and makes anew"),
    (NOTHING, "results/*/*.parquet", "'results/t/x.parquet' is among the results, which a run"),
    (
        lambda: os.symlink("../results/t/x.parquet", "data/x.parquet"),
        "data/x.parquet",
        "'data/x.parquet' is among the results, which a run deletes and makes anew",
    ),
    (lambda: os.symlink("results", "old"), "old/t", "'old/t' is among the results, which a run"),
    (linked_study, "disk/t.csv", "'disk/t.csv' is among the results, which a run deletes and"),
    (NOTHING, ".", "folder '.' has the results in it; keep the tables in a folder of their own"),
    (NOTHING, "/", "folder '/' has the results in it; keep the tables in a folder of their own"),
]


@pytest.mark.parametrize(
    ("prepare", "data", "telling"),
    CASES,
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_one_line(folder, prepare, data, telling):
    prepare()
    assert complaint(data=data).startswith(WHERE + telling)
    if "*" not in data:
        where = "config/config.yaml: studies.s.new_data: "
        assert complaint(data="tables/t.csv", new_data=data).startswith(where + telling)


def test_a_table_of_studies_is_no_result(folder):
    assert "table: 'results/s/pooled/summary.csv' is among the results, which a run" in complaint(
        table="results/s/pooled/summary.csv"
    )


def test_a_config_is_no_result(folder):
    with pytest.raises(UserError, match=r"results/c.yaml: cannot be used: .* is among the results"):
        Path("results/c.yaml").write_text("seed: 1", encoding="utf-8")
        config.load(["results/c.yaml"])


def test_a_pattern_passes_over_results(folder):
    Path("tables/t.csv").unlink()
    assert list(load(data="**/*.csv").studies) == ["s_t"]


def test_names_of_any_bytes_in_a_pattern(folder):
    for name in (b"data/\xff.csv", b"data/a\nb.csv"):
        Path(os.fsdecode(name)).write_text("x,y\n1,2\n", encoding="utf-8")
        said = complaint(data="data/*.csv")
        assert "has characters that cannot be printed; rename the file" in said
        said.encode()
        os.unlink(name)


@pytest.mark.parametrize("name", ["a b", "it's", 'say "x"', "é", "$HOME", "a;b", "%20", "[x]"])
def test_names_that_are_unusual_and_fine(folder, name):
    data = f"data/{name}.csv"
    Path(data).write_text("x,y\n1,2\n", encoding="utf-8")
    assert load(data=data).studies["s"].data == data


def test_results_on_another_disk(folder):
    Path("results").rename("disk")
    os.symlink("disk", "results")
    paths.require_results()
    assert "'disk/t/x.parquet' is among the results" in complaint(data="disk/t/x.parquet")


def test_what_is_in_the_place_of_results(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths.require_results()
    paths.require_writable()
    os.symlink("nowhere", "results")
    with pytest.raises(UserError, match="results: is a link to 'nowhere', which does not exist"):
        paths.require_results()
    Path("nowhere").write_text("", encoding="utf-8")
    with pytest.raises(UserError, match="results: is a file, where a folder goes; move it away"):
        paths.require_results()


@pytest.mark.parametrize(
    "place",
    [
        ".snakemake",
        ".snakemake/partialpool",
        "results/logs",
        "results/s",
        "results/s/records",
        "results/s/logs",
        "results/s/figures",
        "results/s/pooled",
        "results/s/pooled/records",
    ],
)
def test_what_is_in_the_place_of_a_folder_of_results(tmp_path, monkeypatch, place):
    monkeypatch.chdir(tmp_path)
    Path(place).parent.mkdir(parents=True, exist_ok=True)
    Path(place).write_text("", encoding="utf-8")
    with pytest.raises(UserError, match=f"^{place}: is a file, where a folder goes; move it away"):
        paths.require_results({"s": ["pooled"]})
    Path(place).unlink()
    os.symlink(Path(place).name, place)  # to itself
    with pytest.raises(UserError, match=f"^{place}: is a link to .*, which does not exist"):
        paths.require_results({"s": ["pooled"]})
