"""The config: held against its schema, and read as studies.

Imported while the workflow is parsed, so nothing scientific is imported here; and only
then, so that how the config is read is no part of what a job does.
"""

import dataclasses
import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from partialpool.errors import UserError, nearest
from partialpool.studies import expand
from partialpool.study import COUNTS, OUTCOME, VARIANTS, Outcome, Study, call

SCHEMA = Path(__file__).parents[2] / "schemas" / "config.schema.yaml"

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")


def read(config: Mapping, source: str = "config/config.yaml") -> dict[str, Study]:
    """Validate the whole configuration and read its studies.

    Parameters
    ----------
    config : mapping
        The loaded YAML.
    source : str
        Its file, for messages.

    Returns
    -------
    dict of str to Study
        In the order of the config; those of one block in the order of their files or rows.

    Raises
    ------
    UserError
        For the most telling mistake: file, key, value, and what would be right.
    """
    for path, problem in _beyond_json(config):
        raise UserError(f"{source}: {_dotted(path)}: {problem}")
    errors = list(_validator().iter_errors(config))
    if errors:
        raise UserError(f"{source}: {_explain(_most_telling(errors))}")
    studies, places = {}, {}
    for key, block in config["studies"].items():
        where = f"{source}: studies.{key}"
        for name, one, origin in expand(key, block, where):
            place = f"studies.{key}{origin}"
            if name in studies:
                raise UserError(
                    f"{source}: {places[name]} and {place} are both named {name!r}; rename one"
                )
            try:
                if origin:
                    _require_valid(one, where)
                studies[name] = _study(name, one, config, where)
            except UserError as error:
                raise UserError(f"{error}{origin}") from None
            places[name] = place
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

    top = _validator().schema["properties"]
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
def _validator():
    import yaml
    from jsonschema import Draft202012Validator, validators

    # JSON has one kind of number, but what counts or indexes has to be whole: 2, not 2.0.
    whole = Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda checker, value: isinstance(value, int) and not isinstance(value, bool)
    )
    validator = validators.extend(Draft202012Validator, type_checker=whole)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return validator(yaml.load(SCHEMA.read_text(encoding="utf-8"), loader))


@cache
def _study_validator():
    """Of one block under `studies`."""
    schema = _validator().schema["properties"]["studies"]["additionalProperties"]
    return _validator().evolve(schema=schema)


@cache
def _defaults(block: str) -> dict:
    keys = _validator().schema["properties"][block]["properties"]
    return {key: schema["default"] for key, schema in keys.items()}


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


def _explain(error) -> str:
    """One schema error in one line."""
    path = _dotted(error.absolute_path)
    here = f"{path}: " if path else ""
    wanted = error.schema.get("description", "of another form")
    if error.validator == "additionalProperties":
        known = error.schema["properties"]
        key = next(key for key in error.instance if key not in known)
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
    return f"{here}{_shown(error.instance)}; it must be {wanted}"


def _hint(key: str, known: Mapping) -> str:
    """Where an unknown key may have been meant to go."""
    for name, schema in known.items():
        if key in schema.get("properties", {}):
            return f"; it belongs under `{name}:`"
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
