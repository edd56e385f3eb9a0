"""Configs of one study, and what is said of a broken one."""

from functools import partial
from pathlib import Path

import pytest

from partialpool.base.errors import UserError
from partialpool.model import families
from partialpool.study import config as of_study
from partialpool.study.study import KEYS

ROOT = Path(__file__).parents[2]
read = partial(of_study.read, families=families)
SIMULATED = {"rows": 9, "coefficients": {"x": 1}}
SAMPLER = {"chains": 3, "draws": 11, "tune": 12, "target_accept": 0.7, "attempts": 2}


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


def fields(whole) -> dict:
    """The only study's values of all keys, but its seed, as plain values."""
    [study] = read(whole).values()
    return study.params(*(name for name in KEYS if name != "seed"))


def write(path, text):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")
