"""The schema of the config: the limits of every key, defaults, and one line for each mistake."""

import json
import re
from dataclasses import asdict

import pytest
import yaml
from configs import ROOT, SAMPLER, SIMULATED, complaint, config, read, write

from partialpool.base.errors import UserError
from partialpool.model import families
from partialpool.model.families import FAMILIES
from partialpool.study import schema
from partialpool.study.outcome import OUTCOME, Outcome
from partialpool.study.study import VARIANTS, Study

TARGETS = ("group", "new_group", "average_group")

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
    "studies.x.family": ([*FAMILIES], ["", "normal", "Gaussian", "betas", 1]),
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
    "studies.x.predict": ([["group"], [*TARGETS]], [[], ["group", "group"], "group"]),
    "studies.x.predict[0]": ([*TARGETS], ["", "groups", 1]),
    "studies.x.contrasts": ([[[1, 2]], [[1, 2], [1, 2]]], [[], 1]),
    "studies.x.contrasts[0]": ([[1, 2]], [[], [1], [1, 2, 3], [2, 2], 1]),
    "studies.x.contrasts[0][0]": ([1, 10**9], [0, 1.0, *BESIDES]),
    "studies.x.sampler": ([{}], [[], 1]),
    **{f"studies.x.sampler.{key}": None for key in SAMPLER},  # those above
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
        if support == "positive"
        else ([1e-9, 0.999], [0, 1, *BESIDES])
        for key, support in ({"sd_log_sigma": "positive"} | families.parameter_supports()).items()
        if key != "sigma"
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


def test_the_limits_of_every_key_are_tested():
    names = tuple(FAMILIES), tuple(families.parameter_supports().items())
    assert {*keys_of(schema.with_families(schema.SCHEMA, *names))} == {*TAKES}


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


TOY = {"description": "a whole number from 1 to 9", "type": "integer", "minimum": 1, "maximum": 9}


@pytest.fixture
def toy_key(tmp_path, monkeypatch):
    """A schema with one key more for each study, and nothing else changed."""
    whole = yaml.safe_load(schema.SCHEMA.read_text(encoding="utf-8"))
    keys = whole["properties"]["studies"]["additionalProperties"]["properties"]
    keys["toy"] = TOY | {"default": 2}
    keys["label"] = {"description": "a text", "type": ["string", "number"]}
    (tmp_path / "schema.yaml").write_text(yaml.safe_dump(whole), encoding="utf-8")
    monkeypatch.setattr(schema, "SCHEMA", tmp_path / "schema.yaml")


def test_a_key_is_added_in_the_schema_alone(toy_key, tmp_path, monkeypatch):
    """It is read, has its default, is checked, and reaches a rule's params."""
    [without], [written] = read(config()).values(), read(config(toy=7)).values()
    assert without.params("toy", "label") == {"toy": 2, "label": None}
    assert written.params("toy", "formula") == {"toy": 7, "formula": written.formula}
    assert complaint(config(toy=10)).endswith(f"radon.toy: 10; it must be {TOY['description']}")
    assert "unknown key 'tooy'; nearest: 'toy'" in complaint(config(tooy=1))
    assert "unknown key 'toy'; it belongs to a study" in complaint(config() | {"toy": 1})
    # As a job of a cluster has it.
    again = Study.from_plain(json.loads(json.dumps(asdict(written))))
    assert again.outcome == written.outcome
    assert again.params("toy") == {"toy": 7}

    monkeypatch.chdir(tmp_path)
    write("t.csv", "name,text\na,one\nb,2.5\n")
    block = {"table": "t.csv", "data": "d.csv", "formula": "y ~ x", "label": "{text}", "toy": 3}
    studies = read({"studies": {"k": block}}).values()
    assert [one.params("toy", "label") for one in studies] == [
        {"toy": 3, "label": "one"},
        {"toy": 3, "label": 2.5},
    ]


def test_defaults_are_the_schemas():
    """Those of Outcome, which is made without a config in places, are the same ones."""
    values = schema.study_values({}, {})
    assert {name: values[name] for name in OUTCOME} == asdict(Outcome())


def test_every_key_and_its_default_are_documented():
    """The tables of config/README.md have the schema's keys, and its defaults where they differ
    from nothing."""
    page = (ROOT / "config/README.md").read_text(encoding="utf-8")
    page = page[: page.index("### Many studies")]  # the sampler's are of another kind after that
    rows = re.findall(r"^\| `(\w+)` \| [^|]* \| ((?:[^|\\]|\\.)*) \| ", page, re.MULTILINE)
    whole = schema.load(schema.SCHEMA)["properties"]
    study = whole["studies"]["additionalProperties"]["properties"]
    inner = whole["sampler"]["properties"] | whole["convergence"]["properties"]
    known = whole | study | inner
    assert {key for key, _ in rows} == {*known}
    documented = {key: yaml.safe_load(v[1:-1]) for key, v in rows if v[0] == v[-1] == "`"}
    defaults = {key: one["default"] for key, one in known.items() if one.get("default")}
    defaults |= {key: one["default"] for key, one in inner.items()}
    assert documented == defaults
