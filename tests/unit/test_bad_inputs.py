"""Whatever is wrong with a config or a table: one line, soon, and nothing is written."""

import csv
import io
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
import yaml
from bad_configs import BAD_CONFIGS
from bad_inputs import BINARY, BINOMIAL, COUNTS, NEW, STUDY, TABLE
from bad_responses import BAD_RESPONSES
from bad_tables import BAD_TABLES
from hypothesis import given, settings
from hypothesis import strategies as st

from partialpool.base import files
from partialpool.base.errors import UserError
from partialpool.compress import build
from partialpool.design.formula import Formula
from partialpool.design.transforms import FittedTransforms
from partialpool.model import prior_keys, priors
from partialpool.run import launch
from partialpool.study.outcome import Outcome
from partialpool.table import ingest
from partialpool.table.reader import TableFile


def check(path: str = "config/config.yaml") -> None:
    """Check all studies as the workflow does before it samples, in one process."""
    for study in launch.load().studies.values():
        formula = Formula.read(study.formula, TableFile(study.data, study.data).columns())
        outcome = study.outcome
        named = {"missing": study.missing, "key": study.key, "source": study.data}
        with tempfile.TemporaryDirectory() as folder, files.replacing(f"{folder}/t.parquet") as to:
            learned = ingest.ingest(study.data, formula, outcome, to=to, **named).learned
        where = f"{path}: studies.{study.name}.priors"
        supports, design = prior_keys.supports(study.priors), learned.design
        prior_keys.check_keys(supports, design, outcome, study.group_effects, where)
        if study.new_data:
            new = study.new_data
            rows = ingest.ingest_new(new, learned, outcome, source=new)
            ingest.check_contrasts(study.contrasts, len(rows), new)


def complaint() -> str:
    """The error of the check, in one line."""
    before, started = listing(), time.process_time()
    with pytest.raises(UserError) as caught:
        check()
    assert time.process_time() - started < 30  # far from what it takes
    assert listing() == before
    said = str(caught.value)
    assert said == " ".join(said.splitlines())
    assert len(said) < 700
    return said


def listing() -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in Path(".").rglob("*")}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder to work in, with a place for the config."""
    monkeypatch.chdir(tmp_path)
    Path("config").mkdir()
    return tmp_path


def write(study, table: str | dict = TABLE, new: str | None = None) -> None:
    """Put a study and its tables, or a config that is none, where the check looks for them."""
    tables = {"t.csv": table} if isinstance(table, str) else table
    if isinstance(study, dict):
        study = {key: value for key, value in (STUDY | study).items() if value is not None}
        study |= {"new_data": "new.csv"} if new is not None else {}
        study = yaml.safe_dump({"studies": {"s": study}}, allow_unicode=True)
    for name, text in {**tables, "new.csv": new, "config/config.yaml": study}.items():
        Path(name).parent.mkdir(exist_ok=True)
        if text is not None:
            Path(name).write_bytes(text if isinstance(text, bytes) else text.encode())


def test_studies_without_a_mistake_are_accepted(folder):
    for study in ({}, COUNTS, BINARY, BINOMIAL):
        write(study, TABLE, NEW if study is not BINOMIAL else NEW.replace("id", "n"))
        check()


@pytest.mark.parametrize(
    ("study", "table", "new", "telling"), BAD_CONFIGS + BAD_TABLES + BAD_RESPONSES
)
def test_one_telling_line(folder, study, table, new, telling):
    write(study, table, new)
    assert complaint().startswith(telling)


SPECIAL = ["", "NA", "nan", "inf", "-inf", "0", "1", "-1", "1e308", "1e-320", "1e49", "0.1", "true"]
SPECIAL += ["007", " ", "\0", '"', "a", "A", "a:b", "\\", "e\u0301", "1,5", "2026-01-01", "9" * 25]
CELLS = st.one_of(
    st.sampled_from(SPECIAL),
    st.integers(-5, 5).map(str),
    st.integers().map(str),
    st.floats().map(repr),
    st.text(max_size=6),
)
NUMBERS = {
    "normal": lambda rng, size: rng.normal(size=size),
    "binary": lambda rng, size: rng.integers(0, 2, size),
    "counts": lambda rng, size: rng.poisson(2, size),
    "trials": lambda rng, size: rng.integers(8, 10, size),
    "positive": lambda rng, size: rng.gamma(2, size=size),
    "far": lambda rng, size: (
        10.0 ** rng.uniform(-40, 40) * rng.normal(1, 10.0 ** -rng.integers(9), size)
    ),
    "wide": lambda rng, size: np.exp(rng.normal(scale=40, size=size)),
}
WORDS = [("a", "b"), ("1", "01", "1.0"), ("a:b", "a", "b:c", "\\"), ("é", "e\u0301", "<b>", "a,b")]


@st.composite
def any_table(draw, model) -> str:
    """A table as it should be, more or less, of which a few cells are anything."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = draw(st.sampled_from([*range(8, 40), *range(8)]))
    kinds = [draw(st.sampled_from([*[likely] * 20, *NUMBERS])) for likely in model[2].split()]
    columns = [NUMBERS[kind](rng, size) for kind in kinds]
    columns += [rng.choice(draw(st.sampled_from(WORDS)), size) for _ in range(2)]
    rows = [list(map(str, row)) for row in zip(*columns, strict=True)]
    header = list("yxzngh")
    for _ in range(draw(st.sampled_from([0, 0, 1, 2])) if rows else 0):
        row = rows[draw(st.integers(0, size - 1))]
        row[draw(st.integers(0, len(row) - 1))] = draw(CELLS)
    if draw(st.integers(0, 19)) == 7:
        header[draw(st.integers(0, 5))] = draw(st.text(max_size=4))
    if draw(st.integers(0, 19)) == 7:
        rows.append(draw(st.lists(CELLS, max_size=8)))
    text = io.StringIO()
    kind = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    writer = csv.writer(text, delimiter=draw(st.sampled_from(",,;\t")), quoting=kind)
    writer.writerows([header, *rows])
    return text.getvalue()


# A formula, the keys about its response, and what y, x, z and n are like where it makes sense.
MODELS = [
    ("y ~ x", {}, "normal normal normal positive"),
    ("y ~ x + z + (1 + x | g)", {"sigma": "n"}, "normal normal positive positive"),
    ("y ~ x + C(z) + (1 | g) + (1 | h)", {"weights": "n"}, "normal far counts positive"),
    ("log(y) ~ x + (1 | g/h)", {"family": "student_t"}, "positive normal normal normal"),
    (
        "y ~ x * z + (1 | g:h)",
        {"family": "bernoulli", "offset": "n"},
        "binary normal binary normal",
    ),
    ("y ~ z + (x | g)", {"family": "binomial", "trials": "n"}, "counts normal binary trials"),
    ("y ~ scale(x) + h", {"family": "poisson", "exposure": "n"}, "counts far normal positive"),
    (
        "y ~ poly(x, 2) + I(x > 1) + (1 | g)",
        {"family": "negative_binomial", "offset": "n"},
        "counts normal normal normal",
    ),
]
TABLES = st.sampled_from(MODELS).flatmap(lambda model: st.tuples(st.just(model), any_table(model)))


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(study=TABLES, missing=st.sampled_from(["error", "drop"]))
def test_any_table_is_refused_in_one_line_or_gives_finite_numbers(tmp_path_factory, study, missing):
    (text, keys, _), table = study
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_text(table, encoding="utf-8", errors="replace", newline="")
    formula, outcome = Formula(text), Outcome(**keys)
    try:
        to = path.with_name("any.parquet")
        found = ingest.ingest(path, formula, outcome, to=to, missing=missing, source="any.csv")
    except UserError as error:
        assert str(error) == " ".join(str(error).splitlines())
        assert str(error).startswith("any.csv: ")
        return
    json.dumps(found.report, allow_nan=False)
    stored = json.loads(json.dumps(found.learned.to_dict(), allow_nan=False))
    data = build.compress_table(to, FittedTransforms.from_dict(formula, stored), outcome)
    for name, values in data.to_dataset().data_vars.items():
        assert np.isfinite(values.values).all(), name
    for prior in priors.complete({}, data).beta.values():
        assert np.isfinite(prior.arguments).all()
