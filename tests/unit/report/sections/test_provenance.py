"""The config on a page can be run again."""

import pytest
import yaml
from reports import results

from partialpool.report.sections import provenance
from partialpool.study import config
from partialpool.study.study import KEYS


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"family": "poisson", "exposure": "weeks"},
        {"family": "student_t", "group_effects": "student_t", "missing": "drop"},
    ],
)
def test_the_config_of_a_page_can_be_run_again(keys):
    found = results(**keys)
    again = config.read(yaml.safe_load(provenance.config(found)))["radon"]
    assert again.params(*KEYS) == found.study
