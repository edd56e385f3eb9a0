"""Check and draw the values of a `simulate` block: numbers, lists and distributions."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from partialpool.base.errors import UserError, nearest
from partialpool.study.calls import call
from partialpool.study.study import Study


@dataclass(frozen=True)
class Distribution:
    """A distribution of a `simulate` block.

    Attributes
    ----------
    parameters : tuple of str
    draw : callable
        Draws from a generator, the parameters and a size.
    problem : callable
        From the parameters: what is wrong with them, or None.
    """

    parameters: tuple[str, ...]
    draw: Callable[..., np.ndarray]
    problem: Callable[..., str | None]


DISTRIBUTIONS = {
    "normal": Distribution(
        ("mean", "sd"),
        lambda rng, mean, sd, size: rng.normal(mean, sd, size=size),
        lambda mean, sd: "its sd is negative" if sd < 0 else None,
    ),
    "uniform": Distribution(
        ("low", "high"),
        lambda rng, low, high, size: rng.uniform(low, high, size=size),
        lambda low, high: "its upper end is below its lower end" if high < low else None,
    ),
    "bernoulli": Distribution(
        ("p",),
        lambda rng, p, size: rng.binomial(1, p, size=size),
        lambda p: None if 0 <= p <= 1 else "its probability is not between 0 and 1",
    ),
    "poisson": Distribution(
        ("rate",),
        lambda rng, rate, size: rng.poisson(rate, size=size),
        lambda rate: None if 0 <= rate <= 1e15 else "its rate is not between 0 and 1e15",
    ),
    "gamma": Distribution(
        ("shape", "rate"),
        lambda rng, shape, rate, size: rng.gamma(shape, 1 / rate, size=size),
        lambda shape, rate: "its shape and rate must be over 0" if min(shape, rate) <= 0 else None,
    ),
    "exponential": Distribution(
        ("rate",),
        lambda rng, rate, size: rng.exponential(1 / rate, size=size),
        lambda rate: "its rate must be over 0" if rate <= 0 else None,
    ),
}


def each_group(study: Study, given, groups: int, where: str) -> np.ndarray:
    """A number for all groups, or a list with one for each, as an array of shape `(group,)`."""
    if isinstance(given, list) and len(given) != groups:
        raise error(study, f"a list of {len(given)} for {groups} groups", where)
    return np.broadcast_to(np.asarray(given, dtype=float), groups)


def draw(study: Study, given, rng, size: int, where: str) -> np.ndarray:
    """Values of one column, shape `(row,)`: draws, or the same number in every row."""
    if not isinstance(given, str):
        return np.full(size, given)
    numbers = arguments(study, given, tuple(DISTRIBUTIONS), where)
    return DISTRIBUTIONS[call(given)[0]].draw(rng, *numbers, size=size)


def arguments(study: Study, text: str, known: tuple[str, ...], where: str) -> tuple[float, ...]:
    """Read and check `distribution(number, ...)`.

    Parameters
    ----------
    study : Study
        For messages.
    text : str
    known : tuple of str
        Distributions that it may be.
    where : str
        Key within the `simulate` block, for messages.

    Returns
    -------
    tuple of float
        The parameters of the distribution.

    Raises
    ------
    UserError
    """
    name, numbers = call(text) or ("", ())
    if name not in known or len(numbers) != len(DISTRIBUTIONS[name].parameters):
        forms = [f"{name}({', '.join(DISTRIBUTIONS[name].parameters)})" for name in known]
        raise error(study, f"{text!r} is none of {', '.join(forms)}", where)
    problem = DISTRIBUTIONS[name].problem(*numbers)
    if problem:
        raise error(study, f"{text!r}: {problem}", where)
    return numbers


def require_names(study: Study, written, wanted, what: str, key: str) -> None:
    """Check that a mapping of the block has the wanted names, and no others."""
    for name in written:
        if name not in wanted:
            raise error(study, f"{name!r} is not {what}{nearest(name, wanted)}", key)
    for name in wanted:
        if name not in written:
            raise error(study, f"{name!r} is missing", key)


def error(study: Study, message: str, key: str = "") -> UserError:
    path = f"studies.{study.name}.simulate" + (f".{key}" if key else "")
    return UserError(f"config: {path}: {message}")
