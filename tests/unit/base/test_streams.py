"""Streams of random numbers: one for each purpose, and each is used for one."""

import ast

import numpy as np
from running import ROOT

from partialpool.base.streams import Stream

PACKAGE = ROOT / "workflow/scripts/partialpool"


def test_every_stream_has_a_number_of_its_own():
    numbers = [stream.value for stream in Stream.__members__.values()]
    assert len({*numbers}) == len(numbers) and min(numbers) > 0
    first = {np.random.default_rng([1, stream]).integers(2**63) for stream in Stream}
    assert len(first) == len(Stream)


def test_a_stream_gives_the_random_numbers_of_its_number():
    assert np.random.default_rng([5, Stream.STARTING_POINTS]).random() == (
        np.random.default_rng([5, 7]).random()
    )


def test_every_stream_is_used_in_one_place_and_none_is_a_bare_number():
    used = []
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Attribute(value=ast.Name(id="Stream"), attr=name):
                    used.append(name)
                case ast.Call(
                    func=ast.Attribute(attr="default_rng"),
                    args=[ast.List(elts=[_, ast.Constant() as stream, *_])],
                ):
                    raise AssertionError(f"{path}:{stream.lineno}: give {stream.value} a name")
    assert sorted(used) == sorted(Stream.__members__)
