"""Config files as plain values; `test_bad_inputs.py` has what is refused."""

from pathlib import Path

import pytest
import yaml

from partialpool.base.errors import UserError
from partialpool.run import launch
from partialpool.study import config, yaml_file

STUDY = "studies: {s: {data: t.csv, formula: 'y ~ x'%s}}\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a table and a config of one study."""
    monkeypatch.chdir(tmp_path)
    Path("config").mkdir()
    Path("t.csv").write_text("x,y\n1,2\n", encoding="utf-8")
    write("config/config.yaml", STUDY % "")
    return tmp_path


def write(path, text):
    Path(path).write_text(text, encoding="utf-8", newline="")


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1e-3", 0.001),
        ("1E5", 1e5),
        ("-2e+1", -20.0),
        (".5e1", 5.0),
        ("1_000", 1000),
        ("0.5", 0.5),
        ("0", 0),
        ("'1e-3'", "1e-3"),
        ("e3", "e3"),
        ("1e", "1e"),
        ("2026-01-01", "2026-01-01"),
        ("no", False),
        ("~", None),
        ("=", "="),
    ],
)
def test_values(folder, written, value):
    write("a.yaml", f"a: {written}\n")
    found = yaml_file.read("a.yaml")
    assert found == {"a": value} and type(found["a"]) is type(value)


def test_numbers_without_a_point_are_numbers_in_a_study(folder):
    write("config/config.yaml", "interval: 9e-1\n" + STUDY % ", sigma: 1e-3")
    [study] = config.load().studies.values()
    assert (study.outcome.sigma, study.interval) == (0.001, 0.9)


@pytest.mark.parametrize("text", ["\ufeff" + STUDY % "", "# é\r\n" + STUDY % "" + "seed: 1\r\n"])
def test_byte_order_mark_and_line_ends(folder, text):
    write("config/config.yaml", text)
    assert list(config.load().studies) == ["s"]


def test_anchors_and_merge_keys(folder):
    text = "  s: &s {data: t.csv, formula: y ~ x}\n  t: {<<: *s, family: student_t}\n"
    write("config/config.yaml", f"studies:\n{text}")
    s, t = config.load().studies.values()
    assert (s.outcome.family, t.outcome.family, t.formula) == ("gaussian", "student_t", "y ~ x")


def test_several_files_extend_one_another(folder):
    write("two.yaml", "seed: 7\nstudies: {s: {family: student_t}}\n")
    write("three.json", '{"studies": {"u": {"data": "t.csv", "formula": "y ~ 1"}}, "seed": 8}')
    both = config.load(["two.yaml", "three.json"], {"strict": False})
    seeds = {name: one.seed for name, one in both.studies.items()}
    assert both.studies["s"].outcome.family == "student_t"
    assert both.strict is False
    assert both.places == {
        "s": "two.yaml: studies.s",
        "u": "three.json: studies.u",
    }
    assert seeds["s"] == config.load(["two.yaml"], {"seed": 8}).studies["s"].seed
    alone = config.load(["three.json"], replace=True)
    assert list(alone.studies) == ["u"]


@pytest.mark.parametrize(
    ("text", "telling"),
    [
        ("seed: 1\nseed: 2", "two.yaml: line 2: key 'seed' is there already, in line 1; remove"),
        ("studies: {s: {sigma: -3}}", "two.yaml: studies.s.sigma: -3; it must be"),
        ("studies: {s: {contrasts: [[1, 2]]}}", "two.yaml: studies.s.contrasts: needs the rows"),
        ("studies: {s: {data: u.csv}}", "two.yaml: studies.s.data: no file 'u.csv'"),
        ("studies: {s: {formla: 1}}", "two.yaml: studies.s: unknown key 'formla'; nearest"),
        ("studies: {s: {priors: {x: norml(0)}}}", "two.yaml: studies.s.priors.x: "),
        ("a: ]", "two.yaml: line 1: not valid YAML ("),
        ("", "two.yaml: holds no keys"),
    ],
)
def test_mistakes_are_of_the_file_that_has_them(folder, text, telling):
    write("two.yaml", text)
    write("three.yaml", "seed: 5\n")
    for files in (["two.yaml"], ["two.yaml", "three.yaml"]):
        with pytest.raises(UserError) as caught:
            launch.load(files)
        assert str(caught.value).startswith(telling)


def test_a_limit_of_the_library_on_depth_is_told_as_ours(folder, monkeypatch):
    """libyaml 0.2.6 stops at 1,000 brackets, before the first event."""

    def parse(text, loader):
        mark = yaml.Mark("", 0, 2, 0, None, 0)
        raise yaml.scanner.ScannerError(None, None, "exceeded maximum nesting depth", mark)

    monkeypatch.setattr(yaml_file.yaml, "parse", parse)
    write("deep.yaml", "a: [1]\n")
    with pytest.raises(UserError, match=r"^deep.yaml: line 3: has more than 30 blocks within one"):
        yaml_file.read("deep.yaml")


def test_mistakes_on_the_command_line_and_in_json(folder):
    with pytest.raises(UserError, match=r'^--config: seed: "x"; it must be a whole number'):
        config.load([], {"seed": "x"})
    # Inside of braces Snakemake leaves all as text.
    said = {"strict": "false", "sampler": {"draws": "50"}, "studies": {"s": {"sigma": "1e-3"}}}
    found = config.load([], said)
    assert found.strict is False
    assert found.studies["s"].outcome.sigma == 0.001 and found.studies["s"].sampler["draws"] == 50
    write("two.json", '{"seed": 1,\n "strict": }')
    with pytest.raises(UserError, match=r"^two.json: line 2: not valid JSON \("):
        config.load(["two.json"])


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        *(("2", 2), ("2.0", 2.0), ("1e-3", 0.001), ("-1", -1), ("true", True), ("no", False)),
        *(("~", None), ("a", "a"), ("2026-01-01", "2026-01-01"), ("", None), ("y ~ x", "y ~ x")),
        *((3, 3), (0.5, 0.5), (True, True), (None, None)),  # what Snakemake has read itself
    ],
)
def test_values_of_a_command_line_have_their_type_wherever_they_stand(folder, typed, value):
    """Alone, in a list, in a mapping, and in each of these within another."""
    within = [
        lambda one: one,
        lambda one: [one, "b"],
        lambda one: {"k": one},
        lambda one: [[one], {"k": one}],
        lambda one: {"k": [one], "l": {"m": one}},
    ]
    for place in within:
        found = yaml_file.Sources([], {"a": place(typed)}).merged()["a"]
        # As text, 2 and 2.0 and True differ.
        assert repr(found) == repr(place(value))


def test_a_command_line_says_what_a_file_says(folder):
    """As Snakemake hands it over: words are text, and what is in brackets may be."""
    write("new.csv", "x\n1\n2\n")
    own = {"contrasts": [["1", "2"]], "new_data": "new.csv", "parts": "3", "sigma": "2.5"}
    own |= {"key": ["x"], "sampler": {"draws": "50"}}
    given = {"strict": "false", "interval": "0.5", "studies": {"s": own}}
    loaded = config.load([], given)
    [study] = loaded.studies.values()
    assert (loaded.strict, study.interval, study.contrasts) == (False, 0.5, ((1, 2),))
    assert (study.parts, study.outcome.sigma, study.key) == (3, 2.5, ("x",))
    assert study.sampler["draws"] == 50
    with pytest.raises(UserError, match=r"^--config: studies.s.parts: 2.5; it must be a whole"):
        config.load([], {"studies": {"s": {"parts": "2.5"}}})
    with pytest.raises(UserError, match=r"^--config: 010 is not read in the same way by"):
        config.load([], {"seed": "010"})


LIMITS = {
    # the most, a config of so much, and what is said of more
    "depth": (30, lambda n: '{"a": ' * n + "1" + "}" * n, "more than 30 blocks within one another"),
    "lists": (29, lambda n: '{"a": ' + "[" * n + "1" + "]" * n + "}", "more than 30 blocks within"),
    "by aliases": (
        28,
        lambda n: "a: &a " + "[" * n + "1" + "]" * n + "\nb: [*a]",
        "more than 30 blocks within one another",
    ),
    "digits": (
        400,
        lambda n: f'{{"a": {"0.".ljust(n, "0")}}}',
        "the number 0.000000000000000000... has 401 digits",
    ),
    "bytes": (123, lambda n: '{"a": 1}'.ljust(n), "a config at most"),
    "values": (50, lambda n: f"a: [{'1, ' * (n - 9)}1]", "has over 50 values"),
    "values of aliases": (
        50,
        lambda n: f"a: &a [1, 2, 3, 4]\nb: [{'*a, ' * 7}{'1, ' * (n - 42)}]",
        "stand for over 50 values",
    ),
}


@pytest.mark.parametrize("suffix", ["yaml", "json"])
@pytest.mark.parametrize("limit", LIMITS)
def test_a_config_at_a_limit_is_read_and_one_beyond_is_not(folder, monkeypatch, limit, suffix):
    most, text, telling = LIMITS[limit]
    monkeypatch.setattr(yaml_file, "BYTES", 123 if limit == "bytes" else yaml_file.BYTES)
    monkeypatch.setattr(yaml_file, "VALUES", 50 if "values" in limit else yaml_file.VALUES)
    if suffix == "yaml" and limit.startswith(("depth", "lists", "digits")):
        text = lambda n, json=text: f"# no JSON\n{json(n)}"  # noqa: E731
    write(f"a.{suffix}", text(most))
    yaml_file.read(f"a.{suffix}")
    write(f"a.{suffix}", text(most + 1))
    with pytest.raises(UserError) as caught:
        yaml_file.read(f"a.{suffix}")
    assert telling in str(caught.value)
