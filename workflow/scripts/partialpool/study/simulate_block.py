"""Check and draw the values of a `simulate` block: numbers, lists and distributions."""

import numpy as np

from partialpool.base.errors import UserError, nearest
from partialpool.study.study import Study, call

PARAMETERS = {
    "normal": ("mean", "sd"),
    "uniform": ("low", "high"),
    "bernoulli": ("p",),
    "poisson": ("rate",),
    "gamma": ("shape", "rate"),
    "exponential": ("rate",),
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
    numbers = arguments(study, given, tuple(PARAMETERS), where)
    match call(given)[0]:
        case "bernoulli":
            return rng.binomial(1, *numbers, size=size)
        case "gamma":
            shape, rate = numbers
            return rng.gamma(shape, 1 / rate, size=size)
        case "exponential":
            return rng.exponential(1 / numbers[0], size=size)
        case family:
            return getattr(rng, family)(*numbers, size=size)


def arguments(study: Study, text: str, known: tuple[str, ...], where: str):
    """The checked numbers of `family(number, ...)`."""
    family, found = call(text) or ("", ())
    if family not in known or len(found) != len(PARAMETERS[family]):
        forms = [f"{name}({', '.join(PARAMETERS[name])})" for name in known]
        raise error(study, f"{text!r} is none of {', '.join(forms)}", where)
    first, last = found[0], found[-1]
    wrong = {
        "normal": last < 0 and "its sd is negative",
        "uniform": last < first and "its upper end is below its lower end",
        "bernoulli": not 0 <= last <= 1 and "its probability is not between 0 and 1",
        "poisson": not 0 <= last <= 1e15 and "its rate is not between 0 and 1e15",
        "gamma": min(found) <= 0 and "its shape and rate must be over 0",
        "exponential": last <= 0 and "its rate must be over 0",
    }[family]
    if wrong:
        raise error(study, f"{text!r}: {wrong}", where)
    return found


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
