"""Versions agree in all files that name them, and every package imported is among them."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from partialpool.model import families
from partialpool.study import schema

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
spec = spec_from_file_location("newest", ROOT / "tools" / "newest.py")
newest = module_from_spec(spec)
spec.loader.exec_module(newest)
CONDA_NAMES = {"matplotlib-base": "matplotlib"}  # the rest of matplotlib is a desktop toolkit


@pytest.fixture(scope="module")
def declared() -> dict[str, SpecifierSet]:
    """Packages of pyproject.toml, those for clusters and for the tests included."""
    extras = PROJECT["optional-dependencies"]
    written = [*PROJECT["dependencies"], *extras["cluster"], *extras["dev"]]
    requirements = [Requirement(text) for text in written]
    return {canonicalize_name(r.name): r.specifier for r in requirements}


@pytest.fixture(scope="module")
def locked() -> dict[str, list[str]]:
    """Versions in the lock, by package; more than one where platforms differ."""
    pins: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([^\s;\\]+)", LOCK, re.MULTILINE):
        pins.setdefault(canonicalize_name(name), []).append(version)
    return pins


@pytest.fixture(scope="module")
def conda() -> dict[str, SpecifierSet]:
    """Packages of environment.yml, under the names they have in pyproject.toml."""
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    pairs = [text.partition(" ")[::2] for text in environment["dependencies"]]
    return {CONDA_NAMES.get(name, name): SpecifierSet(bounds) for name, bounds in pairs}


def workflow(name: str) -> dict:
    """A workflow of GitHub's; every value is text, and its `on` is not a truth value."""
    text = (ROOT / ".github" / "workflows" / name).read_text(encoding="utf-8")
    return yaml.load(text, Loader=yaml.BaseLoader)


def test_conda_environment_is_that_of_pyproject(declared, conda):
    assert conda == {"python": SpecifierSet(PROJECT["requires-python"]), **declared}


def test_every_package_has_a_lower_and_an_upper_bound(declared):
    operators = {name: sorted(s.operator for s in bounds) for name, bounds in declared.items()}
    assert operators == {name: ["<", ">="] for name in declared}


def test_lock_holds_a_fitting_version_of_every_package(declared, locked):
    unfit = {
        name: locked.get(name)
        for name, bounds in declared.items()
        if name not in locked or not all(v in bounds for v in locked[name])
    }
    assert unfit == {}


def test_lock_has_hashes_and_no_addresses():
    entries = re.split(r"^(?=[\w.-]+==)", LOCK, flags=re.MULTILINE)[1:]
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert "http" not in LOCK
    assert "://" not in LOCK


@pytest.fixture(scope="module")
def supported() -> set[str]:
    """Minor versions of Python that pyproject.toml allows."""
    allowed = SpecifierSet(PROJECT["requires-python"])
    return {f"3.{minor}" for minor in range(100) if f"3.{minor}" in allowed}


def test_python_version_file_names_a_supported_python(supported):
    assert (ROOT / ".python-version").read_text(encoding="utf-8").strip() in supported


def test_set_up_looks_for_every_supported_python(supported):
    looked_for = re.search(r"for version in ([\d. ]+);", (ROOT / "tools" / "setup").read_text())[1]
    assert set(looked_for.split()) == supported


def test_ci_runs_on_every_supported_python(supported):
    jobs = workflow("ci.yml")["jobs"]
    assert set(jobs["ci"]["strategy"]["matrix"]["python"]) == supported
    assert jobs["ci"]["container"]["image"] == "python:${{ matrix.python }}-bookworm"
    assert jobs["ci"]["env"]["PYTHON"] == "python${{ matrix.python }}"


def test_newest_releases_are_tested_on_a_supported_python(supported):
    image = workflow("newest.yml")["jobs"]["newest"]["container"]
    assert re.fullmatch(r"python:([\d.]+)-\w+", image)[1] in supported


def test_newest_releases_are_tested_weekly_within_the_bounds_and_beyond():
    written = workflow("newest.yml")
    assert written["on"]["schedule"]
    sets = {entry["set"] for entry in written["jobs"]["newest"]["strategy"]["matrix"]["include"]}
    assert sets == newest.MEANING.keys()


def test_what_the_newest_releases_are_tested_with_is_there():
    for test in newest.TESTS:
        path, _, name = test.partition("::")
        assert (ROOT / path).exists()
        assert not name or f"def {name}(" in (ROOT / path).read_text(encoding="utf-8")


def test_releases_that_differ_from_the_lock_and_those_beyond_the_bounds_are_named():
    lock, pins = {"a": "1.0", "b": "2.1"}, {"a": "1.1", "b": "3.0", "c": "1"}
    assert (
        newest.newer(lock, pins)
        == "Other than in the lock: a 1.0 -> 1.1, b 2.1 -> 3.0, c none -> 1."
    )
    assert newest.newer(lock, lock) == "Other than in the lock: none."
    bounded = [Requirement("a>=1,<2"), Requirement("b>=2,<3")]
    assert newest.past(bounded, pins) == "Beyond the bounds: b 3.0 (bounds <3,>=2)."
    assert newest.past(bounded, lock) == "Beyond the bounds: none."


def test_pins_are_those_of_this_machine(locked):
    pins = newest.read_pins(ROOT / "requirements.lock")
    assert pins.items() <= {(name, v) for name, versions in locked.items() for v in versions}
    assert "pymc" in pins
    assert ("colorama" in pins) == (sys.platform == "win32")


def test_every_import_is_declared(declared):
    own = {"partialpool", "snakemake"}
    imported = set()
    for path in (ROOT / "workflow" / "scripts").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                imported.add(node.module.partition(".")[0])
    providers = packages_distributions()
    undeclared = {
        name
        for name in imported - own - sys.stdlib_module_names
        if not declared.keys() & {canonicalize_name(d) for d in providers.get(name, [])}
    }
    assert undeclared == set()


def test_every_config_key_is_documented():
    def keys(block):
        for name, inner in block.get("properties", {}).items():
            yield name
            yield from keys(inner)
        more = block.get("additionalProperties")
        if isinstance(more, dict):
            yield from keys(more)

    page = (ROOT / "config" / "README.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    names = tuple(families.FAMILIES), tuple(families.parameter_supports().items())
    assert documented == set(keys(schema.with_families(schema.SCHEMA, *names)))


def test_every_step_has_its_place_on_a_cluster():
    """In a group or a job of its own with Slurm, and in its job without another Snakemake."""
    text = "".join(path.read_text() for path in (ROOT / "workflow" / "rules").glob("*.smk"))
    rules = re.split(r"^rule ", text, flags=re.MULTILINE)[1:]
    steps = {rule.partition(":")[0] for rule in rules if "localrule: True" not in rule}
    profile = yaml.safe_load((ROOT / "profiles" / "slurm" / "config.yaml").read_text())
    grouped = {entry.partition("=")[0] for entry in profile["groups"]}
    assert grouped | {"fit", "compress_part", "compress_merge"} == steps
    inside = re.search(r"localrules:\n((?: +\w+,\n)+)", (ROOT / "Snakefile").read_text())[1]
    assert set(re.findall(r"\w+", inside)) == steps
