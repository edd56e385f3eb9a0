"""A study: its fields as a rule's parameters."""

import json

from partialpool.study import config
from partialpool.study.outcome import OUTCOME


def test_a_block_has_plain_values_that_survive_json():
    read = config.read({"studies": {"s": {"data": "t.csv", "formula": "y ~ x + (1 | g)"}}})["s"]
    block = read.params("variants", "contrasts", "sampler", *OUTCOME)
    assert block == json.loads(json.dumps(block))
    assert list(block) == ["variants", "contrasts", "sampler", *OUTCOME]
    assert block["variants"] == ["pooled", "unpooled", "hierarchical"]
    assert block["family"] == "gaussian"
    block["sampler"]["draws"] = 1
    assert read.sampler["draws"] != 1
