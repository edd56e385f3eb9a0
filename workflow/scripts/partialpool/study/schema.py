"""The schema of the config: check a config against it, explain mistakes, and give defaults.

`config.schema.yaml` is the one place for a key's type, limits, default and description; but the
keys of `convergence` are limits of checks, in `partialpool.study.checks`. Imported while the
workflow is parsed, so nothing scientific is imported here.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path

from partialpool.base.errors import UserError, error_text, nearest
from partialpool.study import checks

SCHEMA = Path(__file__).parents[3] / "schemas" / "config.schema.yaml"
PROBABILITY = {
    "description": "a number between 0 and 1",
    "type": "number",
    "exclusiveMinimum": 0,
    "exclusiveMaximum": 1,
}
# Keys that are no property of a study: those of a run, and what stands for several studies.
_NOT_OF_A_STUDY = {"studies", "strict", "table"}


def check(config: Mapping, source_of: Callable[..., str], families=None) -> None:
    """Check a whole config.

    Parameters
    ----------
    config : mapping
    source_of : callable
        Gives the file of a path of keys, for messages.
    families : module, optional
        As for :func:`partialpool.study.config.read`.

    Raises
    ------
    UserError
        For the most informative mistake: file, key, value, and what to write instead.
    """
    for path, problem in _beyond_json(config):
        raise UserError(f"{source_of(*path)}: {_dotted(path)}: {problem}")
    validator = _validator(SCHEMA, *_vocabulary(families))
    error = _most_informative(list(validator.iter_errors(config)))
    if error:
        raise UserError(f"{source_of(*_keys(error))}: {_explain(error)}")


def check_study(block: Mapping, where: str, families=None) -> None:
    """Check one study once its placeholders have their values.

    Parameters
    ----------
    block : mapping
    where : str
        The file and the block, for messages.
    families : module, optional
        As for :func:`partialpool.study.config.read`.

    Raises
    ------
    UserError
    """
    validator = _validator(SCHEMA, *_vocabulary(families))
    study = validator.schema["properties"]["studies"]["additionalProperties"]
    error = _most_informative(list(validator.evolve(schema=study).iter_errors(block)))
    if error:
        raise UserError(f"{where}.{_explain(error)}")


def of_run(config: Mapping, key: str):
    """The value of a key of the whole run: as written, or its default."""
    return _with_defaults(load(SCHEMA)["properties"][key], config.get(key))


def study_values(config: Mapping, block: Mapping, families=None) -> dict:
    """The value of every key of a study: as written for it, or for the whole run, or its default.

    Parameters
    ----------
    config : mapping
        The whole config.
    block : mapping
        The study's own part of it.
    families : module, optional
        As for :func:`partialpool.study.config.read`.

    Returns
    -------
    dict
        None for keys that are not written and have no default.
    """
    whole = with_families(SCHEMA, *_vocabulary(families))["properties"]
    keys = whole | whole["studies"]["additionalProperties"]["properties"]
    values = {}
    for name, schema in keys.items():
        if name in _NOT_OF_A_STUDY:
            continue
        written = block.get(name, config.get(name))
        if isinstance(written, Mapping):
            written = {**config.get(name, {}), **block.get(name, {})}
        values[name] = _with_defaults(schema, written)
    return values


def text_or_number() -> set[str]:
    """Keys of a study that take text as well as numbers."""
    keys = _study_schema()["properties"].items()
    return {name for name, schema in keys if {"string", "number"} <= {*schema.get("type", ())}}


def _with_defaults(schema: Mapping, value):
    """A value, or its default, with the defaults of keys that a mapping does not have."""
    value = schema.get("default") if value is None else value
    known = schema.get("properties")
    if not isinstance(value, Mapping) or not known:
        return value
    filled = {key: _with_defaults(inner, value.get(key)) for key, inner in known.items()}
    filled = {key: one for key, one in filled.items() if one is not None or key in value}
    return filled | {key: one for key, one in value.items() if key not in known}


@cache
def load(path: Path) -> dict:
    """Read the schema, with the limits of all checks as keys of `convergence`."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    schema = yaml.load(path.read_text(encoding="utf-8"), loader)
    limits = {key: limit.schema for key, limit in checks.limits().items()}
    schema["properties"]["convergence"]["properties"] = limits
    return schema


def _vocabulary(families) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Names of the response families, and of their parameters with the supports of these."""
    if families is None:
        return (), ()
    return tuple(families.FAMILIES), tuple(families.parameter_supports().items())


@cache
def with_families(path: Path, families: tuple[str, ...], parameters: tuple) -> dict:
    """The schema with the names of the response families, and their parameters to simulate with."""
    schema = deepcopy(load(path))
    keys = schema["properties"]["studies"]["additionalProperties"]["properties"]
    if families:
        known = f"{', '.join(families[:-1])} or {families[-1]}"
        keys["family"] |= {"enum": list(families), "description": known}
    simulated = keys["simulate"]["properties"]
    positive = simulated["sd_log_sigma"]
    for name, support in parameters:
        simulated.setdefault(name, PROBABILITY if support == "probability" else positive)
    return schema


@cache
def _validator(path: Path, families: tuple[str, ...], parameters: tuple):
    from jsonschema import Draft202012Validator, validators

    # JSON has one kind of number, but what counts or indexes has to be whole: 2, not 2.0.
    whole = Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda checker, value: isinstance(value, int) and not isinstance(value, bool)
    )
    validator = validators.extend(Draft202012Validator, type_checker=whole)
    return validator(with_families(path, families, parameters))


def _study_schema() -> dict:
    """The schema of one block under `studies`."""
    return load(SCHEMA)["properties"]["studies"]["additionalProperties"]


def _beyond_json(value) -> Iterator[tuple[tuple, str]]:
    """Path and problem of values that YAML has and JSON, and so the schema, has not."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if not isinstance(key, str):
                yield (str(key),), "a key must be text; put it in quotes"
            if not isinstance(inner, str):
                for path, problem in _beyond_json(inner):
                    yield (key, *path), problem
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            for path, problem in _beyond_json(inner):
                yield (index, *path), problem
    elif isinstance(value, float) and not math.isfinite(value):
        yield (), f"{value} is not a finite number"


def _most_informative(errors):
    """The first unknown key, else the first missing one, else the best match of wrong values."""
    from jsonschema.exceptions import best_match

    for keyword in ("additionalProperties", "required"):
        found = [error for error in errors if error.validator == keyword]
        if found:
            return min(found, key=lambda error: len(error.absolute_path))
    return best_match(errors)


def _keys(error) -> tuple:
    """Path of the key that an error is about."""
    path = tuple(error.absolute_path)
    if error.validator == "additionalProperties":
        known = error.schema["properties"]
        return (*path, next(key for key in error.instance if key not in known))
    return path


@error_text
def _explain(error) -> str:
    """A message of one line for a schema error."""
    path = _dotted(error.absolute_path)
    here = f"{path}: " if path else ""
    wanted = error.schema.get("description", "of another form")
    if error.validator == "additionalProperties":
        known = error.schema["properties"]
        key = _keys(error)[-1]
        return f"{here}unknown key {key!r}{_hint(key, known)}"
    if error.validator == "required":
        key = next(key for key in error.validator_value if key not in error.instance)
        if key == "studies":
            return "no study; add one under `studies:`"
        return f"{here}no `{key}`; add {error.schema['properties'][key]['description']}"
    if path == "studies" and not error.instance:
        return "no study; add one under `studies:`"
    if error.validator == "enum":
        return f"{here}{yaml_value(error.instance)}; it must be {wanted}" + nearest(
            error.instance, error.validator_value
        )
    as_text = isinstance(error.instance, bool) and "string" in error.schema.get("type", ())
    hint = "; yes, no, on and off are true and false: put text in quotes" if as_text else ""
    return f"{here}{yaml_value(error.instance)}; it must be {wanted}{hint}"


@error_text
def _hint(key: str, known: Mapping) -> str:
    """A hint at what an unknown key may have been meant to be."""
    for name, schema in known.items():
        if key in schema.get("properties", {}):
            return f"; it belongs under `{name}:`"
        if name == "studies" and key in schema["additionalProperties"]["properties"]:
            return f"; it belongs to a study, under `{name}:`"
    word, colon, value = key.partition(":")
    if colon and word in known:
        return f"; put a space after the colon: `{word}: {value.strip()}`"
    return nearest(key, known) or f"; known: {', '.join(known)}"


def _dotted(path) -> str:
    """A path of keys as text, such as `studies.radon.variants[0]`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).lstrip(".")


def yaml_value(value) -> str:
    """A value for a message: on one line, and not a page of it."""
    if value is None:
        return "no value given"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else f"{text[:77]}..."
