"""A log density as a C function with its data."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from compiled_models import model_of

from partialpool.engine.fields import Field


@pytest.fixture
def density():
    return model_of("gaussian", "y ~ x + (1 + x | g)").density


def drawn_position(density, seed: int = 7) -> np.ndarray:
    return density.start + np.random.default_rng(seed).normal(size=len(density.start)) / 3


def test_it_is_called_with_the_addresses_of_its_parts_and_of_its_table(density):
    parts, table = density.pointers
    assert (parts, table) == (density.parts.ctypes.data, density.fields.table.ctypes.data)


def test_a_copy_has_a_workspace_of_its_own(density):
    """Whatever is done with one, the other has what it had computed."""
    first, second = drawn_position(density, 1), drawn_position(density, 2)
    other, expected = density.copy(), density(first)[0]
    assert other.pointers[1] != density.pointers[1]
    kept = {name: array.copy() for name, array in density.fields.work.items()}
    assert other(second)[0] != expected
    assert all((density.fields.work[name] == array).all() for name, array in kept.items())
    value, gradient = other(first)
    assert value == expected and (gradient == density(first)[1]).all()
    table = density.fields.table, other.fields.table
    assert (table[0][Field.DESIGN] == table[1][Field.DESIGN]).all()  # the data are not copied


def test_copies_are_called_from_several_threads(density):
    positions = [drawn_position(density, seed) for seed in range(8)]
    expected = [density(position)[0] for position in positions]

    def many(position):
        own = density.copy()
        return {own(position)[0] for _ in range(200)}

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(many, positions)) == [{value} for value in expected]


def test_positions_may_be_any_numbers(density):
    position = np.repeat(drawn_position(density), 2)[::2]  # not contiguous
    value, gradient = density(position)
    again, same = density(list(position))
    assert value == again and (gradient == same).all()
