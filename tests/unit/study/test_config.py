"""The config: what it means, and one telling line for each way to get it wrong."""

import copy
import json
import re
import subprocess
import sys
import time
from itertools import combinations
from pathlib import Path

import pytest
import yaml

from partialpool.base.errors import UserError
from partialpool.study.config import load, read, schema
from partialpool.study.study import FAMILIES, OUTCOME, VARIANTS

ROOT = Path(__file__).parents[3]
SIMULATED = {"rows": 9, "coefficients": {"x": 1}}
WHOM = ("group", "new_group", "average_group")


def config(**changes):
    radon = {
        "data": "data/radon.csv",
        "formula": "log_radon ~ floor + (1 + floor | county)",
        "priors": {"floor": "normal(0, 10)", "sd": "half_normal(1)"},
    }
    return {"seed": 1, "studies": {"radon": {**radon, **changes}}}


def complaint(broken):
    with pytest.raises(UserError) as caught:
        read(broken)
    message = str(caught.value)
    assert message.startswith("config/config.yaml: ")
    assert "\n" not in message
    return message


def test_default_config_is_the_four_studies():
    studies = read(yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8")))
    assert list(studies) == [
        "linear_regression",
        "grouped_means",
        "unequal_variances",
        "eight_schools",
    ]
    assert studies["linear_regression"].variants == ("pooled",)
    assert studies["grouped_means"].variants == VARIANTS
    assert studies["grouped_means"].sigma == 1
    assert studies["unequal_variances"].sampler["draws"] == 2000
    assert studies["eight_schools"].sampler["draws"] == 1000
    assert studies["eight_schools"].sigma == "standard_error"


def test_defaults_and_overrides():
    radon = read(config(sampler={"draws": 50}) | {"sampler": {"draws": 70, "tune": 80}})
    assert radon["radon"].sampler == {
        "chains": 4,
        "draws": 50,
        "tune": 80,
        "target_accept": 0.9,
        "attempts": 3,
    }
    assert radon["radon"].convergence["max_rhat"] == 1.01
    assert radon["radon"].interval == 0.95
    [radon] = radon.values()
    assert (radon.family, radon.sigma, radon.group_effects) == ("gaussian", "estimated", "normal")
    assert radon.trials is radon.offset is radon.exposure is radon.weights is None
    assert (radon.missing, radon.key) == ("error", ())
    assert (radon.predict, radon.contrasts) == (("group",), ())


VALUES = {
    # key: what else is said, and its value
    "data": ({}, "data/other.csv"),
    "formula": ({}, "log_radon ~ 1 + (1 | county)"),
    "family": ({}, "student_t"),
    "trials": ({"family": "binomial", "trials": "m"}, "n"),
    "offset": ({}, "n"),
    "exposure": ({"family": "poisson"}, "n"),
    "weights": ({}, "n"),
    "precision_weights": ({}, "n"),
    "sigma": ({}, 2.5),
    "group_effects": ({}, "student_t"),
    "missing": ({}, "drop"),
    "key": ({}, ["n", "m"]),
    "parts": ({}, 3),
    "priors": ({}, {"floor": "normal(1, 2)"}),
    "variants": ({}, ["unpooled", "hierarchical"]),
    "new_data": ({}, "data/new.csv"),
    "predict": ({}, ["new_group", "group"]),
    "contrasts": ({"new_data": "data/new.csv"}, [[2, 1]]),
}
SETTINGS = {
    "sampler": {"chains": 3, "draws": 11, "tune": 12, "target_accept": 0.7, "attempts": 2},
    "convergence": {"max_rhat": 1.2, "min_ess": 5, "max_divergences": 1, "min_ebfmi": 0.1},
}


def fields(whole) -> dict:
    """The study's fields, but its seed, as plain values."""
    [study] = read(whole).values()
    return study.block(*(name for name in study.__dataclass_fields__ if name != "seed"))


def changed(before, after) -> dict:
    return {name: value for name, value in after.items() if value != before[name]}


@pytest.mark.parametrize("key", VALUES)
def test_a_key_of_a_study_says_that_and_nothing_else(key):
    besides, value = VALUES[key]
    before, after = fields(config(**besides)), fields(config(**besides | {key: value}))
    assert changed(before, after) == {key: value}


@pytest.mark.parametrize(
    ("block", "key"), [(block, key) for block, keys in SETTINGS.items() for key in keys]
)
def test_a_setting_says_that_and_nothing_else(block, key):
    one = {key: SETTINGS[block][key]}
    before = fields(config())
    assert changed(before, fields(config() | {block: one})) == {block: before[block] | one}
    if block == "sampler":
        assert changed(before, fields(config(sampler=one))) == {block: before[block] | one}


def test_what_is_said_in_no_key_is_as_documented():
    """The tables of config/README.md hold what is read from a config without the key."""
    page = (ROOT / "config/README.md").read_text(encoding="utf-8")
    page = page[: page.index("### Many studies")]  # the sampler's are of another kind after that
    rows = re.findall(r"^\| `(\w+)` \| .*? \| `([^`]+)` \| ", page, re.MULTILINE)
    documented = {key: yaml.safe_load(value) for key, value in rows}
    found = fields(config()) | {"seed": 1, "strict": True}  # of these below, and of a run
    found |= found.pop("sampler") | found.pop("convergence")
    assert len(documented) >= 17
    assert documented == {key: found[key] for key in documented}
    assert read(config() | {"seed": 1}) == read({"studies": config()["studies"]})
    assert read(config() | {"interval": 0.5})["radon"].interval == 0.5


def test_what_is_said_of_the_response_and_of_predictions():
    said = {
        "family": "binomial", "trials": "n", "offset": "o", "weights": "w",
        "group_effects": "student_t", "missing": "drop", "key": ["county", "year"],
        "new_data": "new.csv", "predict": ["average_group", "group"],
        "contrasts": [[1, 2], [3, 1]],
    }  # fmt: skip
    radon = read(config(**said))["radon"]
    assert radon.block(*said) == said
    assert radon.block("sigma", "exposure") == {"sigma": "estimated", "exposure": None}
    assert read(config(family="poisson", exposure="area"))["radon"].exposure == "area"


def test_block_is_plain_and_a_copy():
    radon = read(config())["radon"]
    block = radon.block("variants", "priors")
    assert block == {"variants": ["pooled", "unpooled", "hierarchical"], "priors": radon.priors}
    block["priors"].clear()
    assert radon.priors


def test_seed_of_a_study_depends_on_nothing_but_its_name_and_the_seed():
    alone = read(config())["radon"].seed
    more = config()
    more["studies"] = {"other": more["studies"]["radon"], **more["studies"]}
    both = read(more)
    assert both["radon"].seed == alone != both["other"].seed
    assert read(config() | {"seed": 2})["radon"].seed != alone


# What each key takes and what it does not, at its limits; `x` is whatever has a name of the user's.
BESIDES = [True, "1"]  # of numbers: neither of these is one
TAKES = {
    "seed": ([0, 4294967295], [-1, 4294967296, 1.0, *BESIDES]),
    "strict": ([True, False], [0, 1, "true"]),
    "interval": ([1e-9, 0.999999], [0, 1, 1.0, 95, *BESIDES]),
    "sampler": ([{}], [[], 1]),
    "sampler.chains": ([1, 64], [0, 65, 4.0, *BESIDES]),
    "sampler.draws": ([10, 1000000], [9, 1000001, 10.0, *BESIDES]),
    "sampler.tune": ([10, 1000000], [9, 1000001, 10.0, *BESIDES]),
    "sampler.target_accept": ([0.5, 0.999999], [0.499999, 1, *BESIDES]),
    "sampler.attempts": ([1, 10], [0, 11, 1.0, *BESIDES]),
    "convergence": ([{}], [[], 1]),
    "convergence.max_rhat": ([1.000001, 9], [1, 0.9, *BESIDES]),
    "convergence.min_ess": ([0, 0.5, 1e6], [-0.001, *BESIDES]),
    "convergence.max_divergences": ([0, 9], [-1, 0.5, *BESIDES]),
    "convergence.min_ebfmi": ([0, 1], [-0.001, 1.001, *BESIDES]),
    "studies": ([], [[1], 1]),
    "studies.x": ([], [[], "y ~ x"]),
    "studies.x.table": (["t"], ["", 1]),
    "studies.x.data": (["d"], ["", 1]),
    "studies.x.new_data": (["d"], ["", 1]),
    "studies.x.formula": (["y~x", "y~x".ljust(2000)], ["y~", "y~x".ljust(2001), 1]),
    "studies.x.family": ([*FAMILIES], ["", "normal", "Gaussian", "beta", 1]),
    "studies.x.group_effects": (["normal", "student_t"], ["", "gaussian", True]),
    "studies.x.missing": (["error", "drop"], ["", "omit", False]),
    **{
        f"studies.x.{key}": (["n"], ["", 1, ["n"]])
        for key in ("trials", "offset", "exposure", "weights", "precision_weights")
    },
    "studies.x.key": ([["a"], ["a", "b"]], [[], ["a", "a"], "a"]),
    "studies.x.key[0]": (["a"], ["", 1]),
    "studies.x.parts": ([1, 10000], [0, 10001, 2.0, *BESIDES]),
    "studies.x.sigma": ([1e-9, "s", "estimated"], [0, -1, "", True, ["s"]]),
    "studies.x.priors": ([{}], [[], "normal(0, 1)"]),
    "studies.x.variants": ([["pooled"], [*VARIANTS]], [[], ["pooled", "pooled"], "pooled"]),
    "studies.x.variants[0]": ([*VARIANTS], ["", "all", 1]),
    "studies.x.predict": ([["group"], [*WHOM]], [[], ["group", "group"], "group"]),
    "studies.x.predict[0]": ([*WHOM], ["", "groups", 1]),
    "studies.x.contrasts": ([[[1, 2]], [[1, 2], [1, 2]]], [[], 1]),
    "studies.x.contrasts[0]": ([[1, 2]], [[], [1], [1, 2, 3], [2, 2], 1]),
    "studies.x.contrasts[0][0]": ([1, 10**9], [0, 1.0, *BESIDES]),
    "studies.x.sampler": ([{}], [[], 1]),
    **{f"studies.x.sampler.{key}": None for key in SETTINGS["sampler"]},  # those above
    "studies.x.simulate": ([], [[], 1]),
    "studies.x.simulate.groups": ([2, 100000, {"g": 2}], [1, 100001, {}, 2.0, *BESIDES]),
    "studies.x.simulate.groups.x": ([2, 100000], [1, 100001, 2.0, *BESIDES]),
    "studies.x.simulate.rows": ([1, [1, 2], "uniform(1, 9)"], [0, [1], 1.0, True]),
    "studies.x.simulate.rows[0]": ([1], [0, 1.0, *BESIDES]),
    "studies.x.simulate.predictors": ([{}], [[], 1]),
    "studies.x.simulate.predictors.x": ([-1, 0.5, "normal(0, 1)"], [[1, 2], True]),
    "studies.x.simulate.coefficients": ([{"x": 1}], [{}, 1]),
    "studies.x.simulate.coefficients.x": ([-1, [1, 2], "normal(0, 1)"], [[1], [], True]),
    "studies.x.simulate.coefficients.x[0]": ([-1, 0.5], BESIDES),
    "studies.x.simulate.deviations": ([{"g": {"x": 1}}], [{}, 1]),
    "studies.x.simulate.deviations.x": ([{"x": 1}], [{}, 1]),
    "studies.x.simulate.deviations.x.x": ([0, 0.5], [-0.001, *BESIDES]),
    "studies.x.simulate.correlation": ([-0.999999, 0, 0.999999], [-1, 1, *BESIDES]),
    "studies.x.simulate.sigma": ([1e-9, [1, 2]], [0, -1, [1], *BESIDES]),
    "studies.x.simulate.sigma[0]": ([1e-9], [0, *BESIDES]),
    **{
        f"studies.x.simulate.{key}": ([1e-9, 5], [0, -1, *BESIDES])
        for key in ("sd_log_sigma", "nu", "alpha")
    },
}


def with_value(key: str, value) -> dict:
    """A config that says that, and what has to be said besides."""
    study = {"formula": "y ~ x + (1 | g)"}
    study |= {"simulate": SIMULATED} if "simulate" in key else {"data": "d"}
    beside = [7] * ("simulate" in key or key.endswith("[0][0]"))  # where there have to be two

    def within(place, steps):
        if not steps:
            return value
        step, *more = steps
        if step == "0":
            return [within(None, more), *([] if more else beside)]
        place = place if isinstance(place, dict) else {}
        return place | {step: within(place.get(step), more)}

    return within({"studies": {"x": study}}, re.findall(r"\w+", key))


@pytest.mark.parametrize("key", TAKES)
def test_a_value_at_its_limit_is_taken_and_one_beyond_is_named(key):
    taken, refused = TAKES[key] or TAKES[key.removeprefix("studies.x.")]
    for value in taken:
        try:
            read(with_value(key, value))
        except UserError as error:  # of what has to go along with it
            assert "; it must be " not in str(error), value
    absent = [None] * (key != "studies")  # no study at all is told otherwise
    for value in [*refused, *absent]:
        said = complaint(with_value(key, value))
        shown = "no value given" if value is None else json.dumps(value)[:70]
        assert said.startswith(f"config/config.yaml: {key}: {shown}"), said
        assert "; it must be " in said or value is None, said


def keys_of(schema: dict, at: str = ""):
    """The path of each key of a schema."""
    if at:
        yield at
    inner = schema.get("properties", {})
    if isinstance(schema.get("additionalProperties"), dict):
        inner = inner | {"x": schema["additionalProperties"]}
    for name, one in inner.items():
        yield from keys_of(one, f"{at}.{name}".lstrip("."))
    if "items" in schema:
        yield from keys_of(schema["items"], f"{at}[0]")


def test_the_limits_of_every_key_are_held():
    assert {*keys_of(schema())} == {*TAKES}


HAVE = {
    # what is said of the response, and the families that it may be said of
    "trials": ("n", {"binomial"}),
    "exposure": ("n", {"poisson", "negative_binomial"}),
    "precision_weights": ("n", {"gaussian", "student_t"}),
    "offset": ("n", {*FAMILIES}),
    "weights": ("n", {*FAMILIES}),
    "sigma": (2.5, {"gaussian", "student_t"}),
    "sigma, standard errors": ("se", {"gaussian", "student_t"}),
    "sigma, estimated": ("estimated", {"gaussian", "student_t"}),
    "sigma, by group": ("by_group", {"gaussian"}),
    "sigma, pooled": ("~ (1 | county)", {"gaussian"}),
}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("said", HAVE)
def test_what_is_said_of_a_response_goes_with_its_family(said, family):
    value, families = HAVE[said]
    key = said.partition(",")[0]
    besides = {"trials": "m"} if family == "binomial" else {}
    block = config(**besides | {"family": family, key: value})
    if family in families:
        assert getattr(read(block)["radon"], key) == value
    else:
        assert complaint(block).startswith(f"config/config.yaml: studies.radon.{key}: ")


ROLES = ("offset", "exposure", "trials", "weights", "precision_weights", "sigma")


@pytest.mark.parametrize(("one", "other"), [*combinations(ROLES, 2)])
def test_a_column_has_one_role_in_the_response(one, other):
    family = "gaussian"
    if "trials" in (one, other):
        family = "binomial"
    if "exposure" in (one, other):
        family = "poisson"
    said = {"family": family, one: "n", other: "n"}
    if {one, other} in ({"exposure", "trials"}, {"precision_weights", "sigma"}):
        telling = "leave it out"
    elif family != "gaussian" and {"precision_weights", "sigma"} & {one, other}:
        telling = f"family {family} has no"
    else:
        names = {"sigma": "standard errors", "precision_weights": "precision weights"}
        first, second = (names.get(role, role) for role in (one, other))
        said_of_both = complaint(config(**said))
        assert "studies.radon: column 'n' cannot be both the " in said_of_both
        assert {first, second} == {*said_of_both.partition("both the ")[2].split(" and the ")}
        return
    assert telling in complaint(config(**said))


@pytest.mark.parametrize(
    ("changes", "telling"),
    [
        ({"formla": "y ~ x"}, "studies.radon: unknown key 'formla'; nearest: 'formula'"),
        ({"draws": 5}, "studies.radon: unknown key 'draws'; it belongs under `sampler:`"),
        ({"sampler": {"drawz": 5}}, "studies.radon.sampler: unknown key 'drawz'; nearest: 'draws'"),
        ({"sampler": {"draws": 0}}, "studies.radon.sampler.draws: 0; it must be a whole number"),
        ({"sigma": 0}, "studies.radon.sigma: 0; it must be"),
        ({"sigma": float("nan")}, "studies.radon.sigma: nan is not a finite number"),
        ({"sampler": {"draws": 50.0}}, "studies.radon.sampler.draws: 50.0; it must be a whole"),
        ({"family": "gausian"}, '"gausian"; it must be gaussian, student_t, bernoulli, '),
        ({"family": "gausian"}, "; nearest: 'gaussian'"),
        ({"missing": "omit"}, 'studies.radon.missing: "omit"; it must be error or drop'),
        ({"key": ["a", "a"]}, 'studies.radon.key: ["a", "a"]; it must be a list of columns'),
        ({"weights": ""}, 'studies.radon.weights: ""; it must be a column of the table'),
        ({"offset": 1}, "studies.radon.offset: 1; it must be a column of the table"),
        ({"group_effects": "t"}, 'studies.radon.group_effects: "t"; it must be normal or'),
        ({"predict": ["groups"]}, 'studies.radon.predict[0]: "groups"; it must be group, new_'),
        ({"predict": ["group", "group"]}, 'studies.radon.predict: ["group", "group"]; it'),
        ({"contrasts": [[1, 1]]}, "studies.radon.contrasts[0]: [1, 1]; it must be two row numbers"),
        ({"contrasts": [[1, 2, 3]]}, "studies.radon.contrasts[0]: [1, 2, 3]; it must be two row"),
        ({"contrasts": [[1, 2.0]]}, "studies.radon.contrasts[0][1]: 2.0; it must be a row number"),
        ({"contrasts": [[0, 1]]}, "studies.radon.contrasts[0][0]: 0; it must be a row number"),
        ({"variants": ["poled"]}, 'studies.radon.variants[0]: "poled"'),
        ({"variants": ["pooled", "pooled"]}, "at most once"),
        ({"priors": {"sd": 1}}, "studies.radon.priors.sd: 1 is not a prior"),
        ({"priors": {"sd": "normal(0, __import__('os'))"}}, "is not a prior"),
        ({"data": None}, "studies.radon.data: no value given; it must be a path"),
        ({"simulate": SIMULATED}, "has both `data` and `simulate`"),
        ({"formula": "y ~ x", "variants": ["hierarchical"]}, "'hierarchical' needs groups"),
        ({"formula": "y ~ `a|b`", "sigma": "by_group"}, "'by_group' needs groups"),
        ({"formula": "y ~ x", "sigma": "~ (1 | g)"}, ".sigma: '~ (1 | g)' needs groups, and the"),
        ({"formula": "y ~ x", "group_effects": "student_t"}, ".group_effects: there are none, as"),
        ({"formula": "y ~ x", "predict": ["new_group"]}, ".predict: 'new_group' needs groups"),
        ({"formula": "y ~ x", "predict": ["average_group"]}, "'average_group' needs groups"),
        ({"contrasts": [[1, 2]]}, "studies.radon.contrasts: needs the rows of `new_data`; add it"),
        ({"family": "binomial"}, "studies.radon: no `trials`; add the column with the trials of"),
        ({"trials": "n"}, "studies.radon.trials: family gaussian has none; leave it out"),
        ({"family": "bernoulli", "trials": "n"}, ".trials: family bernoulli has none; leave it"),
        (
            {"family": "binomial", "trials": "n", "exposure": "e"},
            "studies.radon.exposure: family binomial has none, only poisson and negative_binomial",
        ),
        ({"exposure": "e"}, "studies.radon.exposure: family gaussian has none, only poisson and"),
        ({"family": "poisson", "sigma": 1}, ".sigma: family poisson has none; leave it out"),
        ({"family": "negative_binomial", "sigma": "~ (1 | g)"}, ".sigma: family negative_binomial"),
        ({"sigma": "se", "weights": "se"}, "'se' cannot be both the standard errors and the weig"),
        (
            {"family": "poisson", "exposure": "a", "offset": "a"},
            "studies.radon: column 'a' cannot be both the offset and the exposure",
        ),
    ],
)
def test_one_telling_line(changes, telling):
    assert telling in complaint(config(**changes))


def test_whole_config_mistakes():
    assert "no study" in complaint({})
    assert "no study" in complaint({"studies": {}})
    assert "no study" in complaint({"studies": None})
    assert "unknown key 'strickt'; nearest: 'strict'" in complaint(config() | {"strickt": True})
    assert "2020: a key must be text; put it in quotes" in complaint(config() | {2020: 1})
    named = {"studies": {"a b": config()["studies"]["radon"]}}
    assert "studies.a b: a study's name has letters" in complaint(named)
    for key, telling in (("data", "neither `data` nor"), ("formula", "no `formula`")):
        broken = config()
        del broken["studies"]["radon"][key]
        assert telling in complaint(broken)


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


def write(path, text):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")


def expanded(**block):
    return {name: one.data for name, one in read({"studies": {"k": block}}).items()}


@pytest.mark.parametrize("said", [{}, {"strict": True}, {"strict": False}])
def test_a_run_is_strict_unless_it_says_otherwise(folder, said):
    write("data/radon.csv", "log_radon,floor\n1,2\n")
    write("config/config.yaml", yaml.safe_dump(config() | said))
    loaded = load()
    assert loaded.strict is said.get("strict", True)
    assert loaded.files == ["config/config.yaml"]
    assert loaded.places == {"radon": "config/config.yaml: studies.radon"}


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
    assert (one.sigma, one.new_data, one.priors) == (1.5, "new.csv", block["priors"])
    assert (two.name, two.data, two.sigma) == ("k_c_d", "d/c d.csv", "error")
    assert two.formula == "`{sd}` ~ x + (1 | g)"  # what a cell says is not read again
    assert {one.sigma for one in read({"studies": {"k": block | {"sigma": 2}}}).values()} == {2}


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
        assert [getattr(one, name) for one in studies] == expected[name]
    [one, _] = read({"studies": {"k": block | {"weights": "{cell}"}}}).values()
    assert one.weights == "{n}"  # what a cell says is not read again


@pytest.mark.parametrize(
    ("block", "telling"),
    [
        ({"data": "s/*.tsv"}, "k.data: no file matches 's/*.tsv'; there is, for example, 's/a.csv"),
        ({"data": "no/*/x.csv"}, "k.data: no file matches 'no/*/x.csv'; no folder 'no'"),
        ({"data": "none/*"}, "no file matches 'none/*'; folder 'none' is empty"),
        ({"data": "s/*", "new_data": "{stm}"}, "k.new_data: nothing to put for '{stm}'"),
        ({"data": "s/*", "variants": ["unpooled"]}, "'unpooled' needs groups"),
        ({"data": f"{'w' * 70}.*"}, f"not 'k_{'w' * 70}' ({'w' * 70}.csv)"),
        ({"data": "s/a*"}, "studies.k (s/a.csv.gz) and studies.k_a are both named"),
        ({"table": "T.csv"}, "k.table: no file 'T.csv'; nearest: 't.csv'"),
        ({"table": "none"}, "k.table: none: cannot be read (Is a directory)"),
        ({"table": "t.csv", "simulate": SIMULATED}, "k: has both `table` and `simulate`"),
        ({"table": "t.csv", "data": None}, "k: has neither `data` nor `simulate`"),
        ({"table": "t.csv", "formula": "{z} ~ x"}, "k.formula: nothing to put for '{z}' (t.csv"),
        ({"table": "t.csv", "priors": {"x": "{sd}"}}, 'k.priors.x: "1" is not a prior'),
        (
            {"table": "t.csv", "priors": {"x": "normal(0, {sd})"}},
            "k.priors.x: column 'sd' is empty (t.csv, line 4); fill it in",
        ),
        ({"table": "t.csv", "weights": "{w}"}, "k.weights: nothing to put for '{w}' (t.csv, line"),
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


def test_five_hundred_studies_are_read_at_once_and_without_scientific_imports():
    many = config()
    radon = many["studies"]["radon"]
    many["studies"] = {f"s{number}": copy.deepcopy(radon) for number in range(500)}
    read(config())
    taken = []
    for _ in range(3):
        started = time.process_time()
        read(many)
        taken.append(time.process_time() - started)
    assert min(taken) < 0.05
    heavy = (
        "import sys, partialpool.study.config; "
        "print({'numpy', 'pandas', 'formulae'} & set(sys.modules))"
    )
    path = ROOT / "workflow/scripts"
    seen = subprocess.run([sys.executable, "-c", heavy], cwd=path, capture_output=True, text=True)
    assert seen.stdout.strip() == "set()"
