"""Read a run's config files as studies, with the checks that span several keys.

Imported while the workflow is parsed, so nothing scientific is imported here; and only
then, so that how the config is read is no part of what a job does.
"""

import dataclasses
import hashlib
import os
import re
from collections.abc import Callable, Mapping

from partialpool.base.errors import UserError
from partialpool.study import paths, schema
from partialpool.study.calls import call
from partialpool.study.expand import expand
from partialpool.study.outcome import OUTCOME, Outcome
from partialpool.study.study import KEYS, VARIANTS, Study
from partialpool.study.yaml_file import Sources

DEFAULT = "config/config.yaml"

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")


def load(files=(), given: Mapping | None = None, replace: bool = False, families=None) -> "Loaded":
    """Read a run's config files, and check them and the paths in them.

    Parameters
    ----------
    files : sequence of path
        Files given by `--configfile`; they extend `config/config.yaml`, if it exists.
    given : mapping, optional
        Keys given by `--config`; they come last.
    replace : bool
        Whether `files` replace `config/config.yaml` rather than extend it.
    families : module, optional
        As for :func:`read`.

    Raises
    ------
    UserError
        For the first mistake: file, key, value, and what to write instead.
    """
    files = [min(str(file), os.path.relpath(file), key=len) for file in files]
    if not files or (os.path.lexists(DEFAULT) and not replace and DEFAULT not in files):
        files.insert(0, DEFAULT)
    sources = Sources(files, given)
    config, places = sources.merged(), {}
    studies = read(config, sources.of, places, families)
    for name, block in studies.items():
        paths.require(block.data, f"{places[name]}.data")
        paths.require(block.new_data, f"{places[name]}.new_data")
    return Loaded(files, config, studies, places, schema.of_run(config, "strict"))


@dataclasses.dataclass(frozen=True)
class Loaded:
    """A config that has been read.

    Attributes
    ----------
    files : list of str
        In the order in which they extend one another.
    config : dict
        All files merged.
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
    config: Mapping,
    source: str | Callable[..., str] = DEFAULT,
    places: dict | None = None,
    families=None,
) -> dict[str, Study]:
    """Validate the whole configuration and read its studies.

    Parameters
    ----------
    config : mapping
        The loaded YAML.
    source : str or callable
        Its file, or a function that gives the file of a path of keys, for messages.
    places : dict, optional
        Filled with the file and block of each study.
    families : module, optional
        `partialpool.model.families`, which this room cannot import: the names of the families and
        of their parameters, and `check`. Without it, these are not checked.

    Returns
    -------
    dict of str to Study
        In the order of the config; those of one block in the order of their files or rows.

    Raises
    ------
    UserError
        For the most informative mistake: file, key, value, and what to write instead.
    """
    of = source if callable(source) else lambda *keys: source
    schema.check(config, of, families)
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
                    schema.check_study(one, where, families)
                studies[name] = _study(name, one, config, where, families)
            except UserError as error:
                raise UserError(f"{error}{origin}") from None
            origins[name], places[name] = place, where
    return studies


def _study(name: str, block: Mapping, config: Mapping, where: str, families) -> Study:
    """Make a study of a valid block, after checks that span several keys."""
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
                f"{where}.priors.{key}: {schema.yaml_value(text)} is not a prior; "
                'write a name and numbers, such as "normal(0, 10)"'
            )

    formula = block["formula"]
    quoted = r"`[^`]*`|'[^']*'|\"[^\"]*\""
    grouped = "|" in re.sub(quoted, "", formula).partition("~")[2]
    variants = block.get("variants", VARIANTS if grouped else ("pooled",))
    ungrouped = f"the formula {schema.yaml_value(formula)} has no group term such as (1 | group)"
    beyond = [variant for variant in variants if variant != "pooled"]
    if beyond and not grouped:
        raise UserError(f"{where}.variants: {beyond[0]!r} needs groups, and {ungrouped}")
    values = schema.study_values(config, block, families)
    outcome = Outcome.of(values)
    if families:
        families.check(outcome, block, where)
    _check_columns(outcome, where)
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

    values |= {
        "name": name,
        "priors": dict(values["priors"]),
        "variants": tuple(variant for variant in VARIANTS if variant in variants),
        "seed": _seed(values["seed"], name),
    }
    keys = {key: _as_tuples(values.pop(key)) for key in KEYS}
    own = {key: value for key, value in keys.items() if key not in OUTCOME}
    return Study(**own, outcome=outcome, settings=values)


def _check_columns(outcome: Outcome, where: str) -> None:
    """Check that no column has two roles in the response."""
    roles: dict[str, str] = {}
    for role, column in outcome.columns.items():
        if column in roles:
            raise UserError(
                f"{where}: column {column!r} cannot be both the {roles[column]} and the {role}"
            )
        roles[column] = role


def _as_tuples(value):
    """Lists as tuples, but not those within mappings."""
    return tuple(map(_as_tuples, value)) if isinstance(value, list) else value


def _seed(seed: int, name: str) -> int:
    """A seed of 32 bits from the config's seed and the study's name."""
    return int.from_bytes(hashlib.sha256(f"{seed} {name}".encode()).digest()[:4])
