"""The config: held against its schema, and read as studies.

Imported while the workflow is parsed, so nothing scientific is imported here; and only
then, so that how the config is read is no part of what a job does.
"""

import dataclasses
import hashlib
import json
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

from partialpool.base.errors import UserError, nearest
from partialpool.study import checks, paths
from partialpool.study.expand import expand
from partialpool.study.study import COUNTS, OUTCOME, VARIANTS, Outcome, Study, call
from partialpool.study.yaml_file import Sources

DEFAULT = "config/config.yaml"
SCHEMA = Path(__file__).parents[3] / "schemas" / "config.schema.yaml"

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")


def load(files=(), given: Mapping | None = None, replace: bool = False) -> "Loaded":
    """Read a run's config files, and check them and the paths in them.

    Parameters
    ----------
    files : sequence of path
        Those of `--configfile`; they extend `config/config.yaml`, where that is.
    given : mapping, optional
        What `--config` says; it comes last.
    replace : bool
        Whether `files` replace `config/config.yaml` rather than extend it.

    Raises
    ------
    UserError
        For the first mistake: file, key, value, and what would be right.
    """
    files = [min(str(file), os.path.relpath(file), key=len) for file in files]
    if not files or (os.path.lexists(DEFAULT) and not replace and DEFAULT not in files):
        files.insert(0, DEFAULT)
    sources = Sources(files, given)
    config, places = sources.merged(), {}
    studies = read(config, sources.of, places)
    for name, block in studies.items():
        paths.require(block.data, f"{places[name]}.data")
        paths.require(block.new_data, f"{places[name]}.new_data")
    strict = config.get("strict", schema()["properties"]["strict"]["default"])
    return Loaded(files, config, studies, places, strict)


@dataclasses.dataclass(frozen=True)
class Loaded:
    """A config that has been read.

    Attributes
    ----------
    files : list of str
        In the order in which they extend one another.
    config : dict
        All of them as one.
    studies : dict of str to Study
    places : dict of str to str
        The file and block of each study, for messages.
    strict : bool
    """

    files: list[str]
    config: dict
    studies: dict[str, Study]
    places: dict[str, str]
    strict: bool


def read(
    config: Mapping, source: str | Callable[..., str] = DEFAULT, places: dict | None = None
) -> dict[str, Study]:
    """Validate the whole configuration and read its studies.

    Parameters
    ----------
    config : mapping
        The loaded YAML.
    source : str or callable
        Its file, or what gives the file that a path of keys comes from, for messages.
    places : dict, optional
        Filled with the file and block of each study.

    Returns
    -------
    dict of str to Study
        In the order of the config; those of one block in the order of their files or rows.

    Raises
    ------
    UserError
        For the most telling mistake: file, key, value, and what would be right.
    """
    of = source if callable(source) else lambda *keys: source
    for path, problem in _beyond_json(config):
        raise UserError(f"{of(*path)}: {_dotted(path)}: {problem}")
    error = _most_telling(list(_validator().iter_errors(config)))
    if error:
        raise UserError(f"{of(*_keys(error))}: {_explain(error)}")
    studies, origins, folded = {}, {}, {}
    places = {} if places is None else places
    for key, block in config["studies"].items():
        where = f"{of('studies', key)}: studies.{key}"
        for name, one, origin in expand(key, block, where):
            place = f"studies.{key}{origin}"
            other = folded.setdefault(name.casefold(), name)
            if other in origins:
                both = f"both named {name!r}"
                if other != name:
                    both = f"named {other!r} and {name!r}, one folder where file names ignore case"
                raise UserError(
                    f"{of('studies', key)}: {origins[other]} and {place} are {both}; rename one"
                )
            try:
                if origin:
                    _require_valid(one, where)
                studies[name] = _study(name, one, config, where)
            except UserError as error:
                raise UserError(f"{error}{origin}") from None
            origins[name], places[name] = place, where
    return studies


def _study(name: str, block: Mapping, config: Mapping, where: str) -> Study:
    """One validated block as a Study, after the checks that span keys."""
    if not _NAME.fullmatch(name):
        raise UserError(
            f"{where}: a study's name has letters, digits, `_` and `-`, "
            f"at most 64 of them, and begins with a letter; not {name!r}"
        )
    if ("data" in block) == ("simulate" in block):
        which = "both `data` and" if "data" in block else "neither `data` nor"
        raise UserError(f"{where}: has {which} `simulate`; give one of the two")
    for key, text in block.get("priors", {}).items():
        if not isinstance(text, str) or call(text) is None:
            raise UserError(
                f"{where}.priors.{key}: {_shown(text)} is not a prior; "
                'write a name and numbers, such as "normal(0, 10)"'
            )

    formula = block["formula"]
    quoted = r"`[^`]*`|'[^']*'|\"[^\"]*\""
    grouped = "|" in re.sub(quoted, "", formula).partition("~")[2]
    variants = block.get("variants", VARIANTS if grouped else ("pooled",))
    ungrouped = f"the formula {_shown(formula)} has no group term such as (1 | group)"
    beyond = [variant for variant in variants if variant != "pooled"]
    if beyond and not grouped:
        raise UserError(f"{where}.variants: {beyond[0]!r} needs groups, and {ungrouped}")
    outcome = Outcome(**{name: block[name] for name in OUTCOME if name in block})
    _check_outcome(block, outcome, where)
    if not grouped:
        if outcome.sigma_by_group:
            raise UserError(f"{where}.sigma: {outcome.sigma!r} needs groups, and {ungrouped}")
        if "group_effects" in block:
            raise UserError(f"{where}.group_effects: there are none, as {ungrouped}")
        for wanted in block.get("predict", ()):
            if wanted != "group":
                raise UserError(f"{where}.predict: {wanted!r} needs groups, and {ungrouped}")
    if "contrasts" in block and "new_data" not in block:
        raise UserError(f"{where}.contrasts: needs the rows of `new_data`; add it")

    top = schema()["properties"]
    return Study(
        name=name,
        data=block.get("data"),
        simulate=block.get("simulate"),
        formula=formula,
        **dataclasses.asdict(outcome),
        group_effects=block.get("group_effects", "normal"),
        missing=block.get("missing", "error"),
        key=tuple(block.get("key", ())),
        parts=block.get("parts", 1),
        priors=dict(block.get("priors", {})),
        variants=tuple(variant for variant in VARIANTS if variant in variants),
        new_data=block.get("new_data"),
        predict=tuple(block.get("predict", ("group",))),
        contrasts=tuple(map(tuple, block.get("contrasts", ()))),
        sampler={**_defaults("sampler"), **config.get("sampler", {}), **block.get("sampler", {})},
        convergence={**_defaults("convergence"), **config.get("convergence", {})},
        interval=config.get("interval", top["interval"]["default"]),
        seed=_seed(config.get("seed", top["seed"]["default"]), name),
    )


def _check_outcome(block: Mapping, outcome: Outcome, where: str) -> None:
    """Check that the keys about the response go with its family."""
    family = outcome.family
    if family == "binomial" and not outcome.trials:
        raise UserError(f"{where}: no `trials`; add the column with the trials of each row")
    if outcome.trials and family != "binomial":
        raise UserError(f"{where}.trials: family {family} has none; leave it out")
    if outcome.exposure and family not in COUNTS:
        raise UserError(
            f"{where}.exposure: family {family} has none, only {' and '.join(COUNTS)} have; "
            "leave it out"
        )
    if "sigma" in block and not outcome.has_sigma:
        raise UserError(f"{where}.sigma: family {family} has none; leave it out")
    if outcome.sigma_by_group and family != "gaussian":
        raise UserError(
            f"{where}.sigma: {outcome.sigma!r} goes with family gaussian; {family} takes "
            "'estimated', a number or a column of standard errors"
        )
    if outcome.precision_weights and not outcome.has_sigma:
        raise UserError(
            f"{where}.precision_weights: family {family} has no sigma that they could divide; "
            "leave it out"
        )
    if outcome.precision_weights and outcome.errors:
        raise UserError(
            f"{where}.precision_weights: the standard errors in {outcome.errors!r} are known; "
            "divide these by the roots of the weights, and leave it out"
        )
    roles: dict[str, str] = {}
    for role, column in outcome.columns.items():
        if column in roles:
            raise UserError(
                f"{where}: column {column!r} cannot be both the {roles[column]} and the {role}"
            )
        roles[column] = role


def _require_valid(block: Mapping, where: str) -> None:
    """Hold one study against the schema once its placeholders have their values."""
    error = _most_telling(list(_study_validator().iter_errors(block)))
    if error:
        raise UserError(f"{where}.{_explain(error)}")


def _seed(seed: int, name: str) -> int:
    """A seed of 32 bits from the config's and the study's name."""
    return int.from_bytes(hashlib.sha256(f"{seed} {name}".encode()).digest()[:4])


@cache
def schema() -> dict:
    """The schema of the config, with the limits of all checks as keys of `convergence`."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found = yaml.load(SCHEMA.read_text(encoding="utf-8"), loader)
    limits = {key: limit.schema for key, limit in checks.limits().items()}
    found["properties"]["convergence"]["properties"] = limits
    return found


@cache
def _validator():
    from jsonschema import Draft202012Validator, validators

    # JSON has one kind of number, but what counts or indexes has to be whole: 2, not 2.0.
    whole = Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda checker, value: isinstance(value, int) and not isinstance(value, bool)
    )
    validator = validators.extend(Draft202012Validator, type_checker=whole)
    return validator(schema())


@cache
def _study_validator():
    """Of one block under `studies`."""
    block = schema()["properties"]["studies"]["additionalProperties"]
    return _validator().evolve(schema=block)


@cache
def _defaults(block: str) -> dict:
    keys = schema()["properties"][block]["properties"]
    return {key: one["default"] for key, one in keys.items()}


def _beyond_json(value) -> Iterator[tuple[tuple, str]]:
    """Path and problem of whatever YAML can say and the schema cannot judge."""
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


def _most_telling(errors):
    """An unknown key before a missing one before a wrong value: a typo explains the others."""
    from jsonschema.exceptions import best_match

    for keyword in ("additionalProperties", "required"):
        found = [error for error in errors if error.validator == keyword]
        if found:
            return min(found, key=lambda error: len(error.absolute_path))
    return best_match(errors)


def _keys(error) -> tuple:
    """Path of keys that an error is about."""
    path = tuple(error.absolute_path)
    if error.validator == "additionalProperties":
        known = error.schema["properties"]
        return (*path, next(key for key in error.instance if key not in known))
    return path


def _explain(error) -> str:
    """One schema error in one line."""
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
        return f"{here}{_shown(error.instance)}; it must be {wanted}" + nearest(
            error.instance, error.validator_value
        )
    as_text = isinstance(error.instance, bool) and "string" in error.schema.get("type", ())
    hint = "; yes, no, on and off are true and false: put text in quotes" if as_text else ""
    return f"{here}{_shown(error.instance)}; it must be {wanted}{hint}"


def _hint(key: str, known: Mapping) -> str:
    """Where an unknown key may have been meant to go."""
    for name, block in known.items():
        if key in block.get("properties", {}):
            return f"; it belongs under `{name}:`"
        if name == "studies" and key in block["additionalProperties"]["properties"]:
            return f"; it belongs to a study, under `{name}:`"
    word, colon, value = key.partition(":")
    if colon and word in known:
        return f"; put a space after the colon: `{word}: {value.strip()}`"
    return nearest(key, known) or f"; known: {', '.join(known)}"


def _dotted(path) -> str:
    """A key path as `studies.radon.variants[0]`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).lstrip(".")


def _shown(value) -> str:
    """A value for a message: on one line, and not a page of it."""
    if value is None:
        return "no value given"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else f"{text[:77]}..."
