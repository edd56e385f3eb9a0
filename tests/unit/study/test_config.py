"""Reading a config: studies and their defaults, and one line for each mistake in several keys."""

import copy
import subprocess
import sys
import time
from itertools import combinations

import pytest
import yaml
from configs import ROOT, SAMPLER, SIMULATED, complaint, config, fields, read, write

from partialpool.model.families import FAMILIES
from partialpool.study.config import load
from partialpool.study.outcome import Outcome
from partialpool.study.study import VARIANTS


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
    assert studies["grouped_means"].outcome.sigma == 1
    assert studies["unequal_variances"].sampler["draws"] == 2000
    assert studies["eight_schools"].sampler["draws"] == 1000
    assert studies["eight_schools"].outcome.sigma == "standard_error"


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
    assert (radon.outcome, radon.group_effects) == (Outcome("gaussian", "estimated"), "normal")
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
    "sampler": SAMPLER,
    "convergence": {"max_rhat": 1.2, "min_ess": 5, "max_divergences": 1, "min_ebfmi": 0.1},
}


def changed(before, after) -> dict:
    return {name: value for name, value in after.items() if value != before[name]}


@pytest.mark.parametrize("key", VALUES)
def test_a_key_of_a_study_changes_that_and_nothing_else(key):
    besides, value = VALUES[key]
    before, after = fields(config(**besides)), fields(config(**besides | {key: value}))
    assert changed(before, after) == {key: value}


@pytest.mark.parametrize(
    ("block", "key"), [(block, key) for block, keys in SETTINGS.items() for key in keys]
)
def test_a_setting_changes_that_and_nothing_else(block, key):
    one = {key: SETTINGS[block][key]}
    before = fields(config())
    assert changed(before, fields(config() | {block: one})) == {block: before[block] | one}
    if block == "sampler":
        assert changed(before, fields(config(sampler=one))) == {block: before[block] | one}


def test_what_is_said_of_the_response_and_of_predictions():
    said = {
        "family": "binomial", "trials": "n", "offset": "o", "weights": "w",
        "group_effects": "student_t", "missing": "drop", "key": ["county", "year"],
        "new_data": "new.csv", "predict": ["average_group", "group"],
        "contrasts": [[1, 2], [3, 1]],
    }  # fmt: skip
    radon = read(config(**said))["radon"]
    assert radon.params(*said) == said
    assert radon.params("sigma", "exposure") == {"sigma": "estimated", "exposure": None}
    assert read(config(family="poisson", exposure="area"))["radon"].outcome.exposure == "area"


def test_keys_of_the_whole_run():
    assert read(config() | {"seed": 1}) == read({"studies": config()["studies"]})
    assert read(config() | {"interval": 0.5})["radon"].interval == 0.5


def test_block_is_plain_and_a_copy():
    radon = read(config())["radon"]
    block = radon.params("variants", "priors")
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


HAVE = {
    # what is said of the response, and the families that it may be said of
    "trials": ("n", {"binomial", "beta_binomial"}),
    "exposure": ("n", {n for n in FAMILIES if n.endswith(("poisson", "negative_binomial"))}),
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
    value, having = HAVE[said]
    key = said.partition(",")[0]
    besides = {"trials": "m"} if "trials" in FAMILIES[family].needs else {}
    block = config(**besides | {"family": family, key: value})
    if family in having:
        assert getattr(read(block)["radon"].outcome, key) == value
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
            "studies.radon.exposure: family binomial has none, only poisson, negative_binomial",
        ),
        ({"exposure": "e"}, "studies.radon.exposure: family gaussian has none, only poisson, "),
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


@pytest.mark.parametrize("said", [{}, {"strict": True}, {"strict": False}])
def test_a_run_is_strict_unless_it_says_otherwise(tmp_path, monkeypatch, said):
    monkeypatch.chdir(tmp_path)
    write("data/radon.csv", "log_radon,floor\n1,2\n")
    write("config/config.yaml", yaml.safe_dump(config() | said))
    loaded = load()
    assert loaded.strict is said.get("strict", True)
    assert loaded.files == ["config/config.yaml"]
    assert loaded.places == {"radon": "config/config.yaml: studies.radon"}


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
