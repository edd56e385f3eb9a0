"""The config: what it means, and one telling line for each way to get it wrong."""

import copy
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from partialpool import study
from partialpool.errors import UserError

ROOT = Path(__file__).parents[2]


def config(**changes):
    radon = {
        "data": "data/radon.csv",
        "formula": "log_radon ~ floor + (1 + floor | county)",
        "priors": {"floor": "normal(0, 10)", "sd": "half_normal(1)"},
    }
    return {"seed": 1, "studies": {"radon": {**radon, **changes}}}


def complaint(broken):
    with pytest.raises(UserError) as caught:
        study.read(broken)
    message = str(caught.value)
    assert message.startswith("config/config.yaml: ")
    assert "\n" not in message
    return message


def test_default_config_is_the_four_studies():
    studies = study.read(yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8")))
    assert list(studies) == [
        "linear_regression",
        "grouped_means",
        "unequal_variances",
        "eight_schools",
    ]
    assert studies["linear_regression"].variants == ("pooled",)
    assert studies["grouped_means"].variants == study.VARIANTS
    assert studies["grouped_means"].sigma == 1
    assert studies["unequal_variances"].sampler["draws"] == 2000
    assert studies["eight_schools"].sampler["draws"] == 1000
    assert studies["eight_schools"].sigma == "standard_error"


def test_defaults_and_overrides():
    radon = study.read(config(sampler={"draws": 50}) | {"sampler": {"draws": 70, "tune": 80}})
    assert radon["radon"].sampler == {
        "chains": 4,
        "draws": 50,
        "tune": 80,
        "target_accept": 0.9,
        "attempts": 3,
    }
    assert radon["radon"].convergence["max_rhat"] == 1.01
    assert radon["radon"].interval == 0.95
    assert radon["radon"].sigma == "estimated"


def test_block_is_plain_and_a_copy():
    radon = study.read(config())["radon"]
    block = radon.block("variants", "priors")
    assert block == {"variants": ["pooled", "unpooled", "hierarchical"], "priors": radon.priors}
    block["priors"].clear()
    assert radon.priors


def test_seed_of_a_study_depends_on_nothing_but_its_name_and_the_seed():
    alone = study.read(config())["radon"].seed
    more = config()
    more["studies"] = {"other": more["studies"]["radon"], **more["studies"]}
    both = study.read(more)
    assert both["radon"].seed == alone != both["other"].seed
    assert study.read(config() | {"seed": 2})["radon"].seed != alone


@pytest.mark.parametrize(
    ("changes", "telling"),
    [
        ({"formla": "y ~ x"}, "studies.radon: unknown key 'formla'; nearest: 'formula'"),
        ({"draws": 5}, "studies.radon: unknown key 'draws'; it belongs under `sampler:`"),
        ({"sampler": {"drawz": 5}}, "studies.radon.sampler: unknown key 'drawz'; nearest: 'draws'"),
        ({"sampler": {"draws": 0}}, "studies.radon.sampler.draws: 0; it must be a whole number"),
        ({"sigma": 0}, "studies.radon.sigma: 0; it must be"),
        ({"sigma": float("nan")}, "studies.radon.sigma: nan is not a finite number"),
        ({"family": "gausian"}, "\"gausian\"; it must be gaussian; nearest: 'gaussian'"),
        ({"variants": ["poled"]}, 'studies.radon.variants[0]: "poled"'),
        ({"variants": ["pooled", "pooled"]}, "at most once"),
        ({"priors": {"sd": 1}}, "studies.radon.priors.sd: 1 is not a prior"),
        ({"priors": {"sd": "normal(0, __import__('os'))"}}, "is not a prior"),
        ({"data": None}, "studies.radon.data: no value given; it must be a path"),
        ({"simulate": {"rows": 9, "coefficients": {"x": 1}}}, "has both `data` and `simulate`"),
        ({"formula": "y ~ x", "variants": ["hierarchical"]}, "'hierarchical' needs groups"),
        ({"formula": "y ~ `a|b`", "sigma": "by_group"}, "'by_group' needs groups"),
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


def test_five_hundred_studies_are_read_at_once_and_without_scientific_imports():
    many = config()
    radon = many["studies"]["radon"]
    many["studies"] = {f"s{number}": copy.deepcopy(radon) for number in range(500)}
    study.read(config())
    taken = []
    for _ in range(3):
        started = time.process_time()
        study.read(many)
        taken.append(time.process_time() - started)
    assert min(taken) < 0.05
    heavy = (
        "import sys, partialpool.study; print({'numpy', 'pandas', 'formulae'} & set(sys.modules))"
    )
    path = ROOT / "workflow/scripts"
    seen = subprocess.run([sys.executable, "-c", heavy], cwd=path, capture_output=True, text=True)
    assert seen.stdout.strip() == "set()"
