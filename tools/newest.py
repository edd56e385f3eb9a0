#!/usr/bin/env python3
"""Test on the newest releases of the packages, within our upper bounds and beyond them.

    .venv/bin/python tools/newest.py [allowed] [beyond]

allowed   the newest releases that pyproject.toml allows: a failure is a bug for users today
beyond    the newest releases whatever our upper bounds: a failure is notice of a change to come

A set that is the same as one tested already (the lock by `make test`) is not tested again.
"""

import argparse
import json
import os
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path
from shutil import which

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.lock"
# Every unit and reference test, one whole run with its report, and what Snakemake plans after it.
TESTS = [
    "tests/unit",
    "tests/reference",
    "tests/workflow/test_runs.py::test_a_run_leaves_every_file_in_the_users_folder",
    "tests/workflow/test_plans.py",
]
MEANING = {
    "allowed": "A BUG FOR USERS TODAY: the newest releases that our bounds allow break the tests.",
    "beyond": "A CHANGE TO COME: releases that our upper bounds keep out break the tests.",
}


def main() -> int:
    parser = argparse.ArgumentParser(description="Test on the newest releases of the packages.")
    parser.add_argument("sets", nargs="*", metavar="allowed|beyond", default=list(MEANING))
    sets = parser.parse_args().sets
    if unknown := set(sets) - MEANING.keys():
        parser.error(f"no such set: {', '.join(sorted(unknown))}; there are {', '.join(MEANING)}")

    bounded = requirements()
    open_above = [Requirement(str(r)) for r in bounded]
    for r in open_above:
        r.specifier = SpecifierSet(",".join(str(s) for s in r.specifier if s.operator == ">="))
    wanted = {"allowed": bounded, "beyond": open_above}
    pins = {"lock": read_pins(LOCK)}
    results = {}
    for name, packages in wanted.items():
        file = ROOT / f".venv-{name}.lock"
        resolve(packages, file)
        pins[name] = read_pins(file)
        same = next(earlier for earlier in pins if pins[earlier] == pins[name])
        if name not in sets:
            continue
        print(f"\n== {name} ==\n{newer(pins['lock'], pins[name])}\n{past(bounded, pins[name])}")
        if same != name:
            results[name] = f"not run: the same packages as {same}"
        else:
            results[name] = "passed" if passes(f".venv-{name}", file) else MEANING[name]
    print()
    for name, result in results.items():
        print(f"{name}: {result}")
    return int(any(result == MEANING[name] for name, result in results.items()))


def requirements() -> list[Requirement]:
    """Packages of pyproject.toml with their bounds, those of every extra included."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    written = chain(project["dependencies"], *project["optional-dependencies"].values())
    return [Requirement(text) for text in written]


def resolve(packages: list[Requirement], file: Path) -> None:
    """Write the newest versions that fit together, with hashes, by uv or else by pip."""
    wanted = "\n".join(map(str, packages))
    if which("uv"):
        uv = ["uv", "pip", "compile", "--quiet", "--upgrade", "--generate-hashes", "--no-annotate"]
        hidden = ["--no-header", "--no-emit-index-url", "--no-emit-find-links"]
        command = [*uv, *hidden, "--python", sys.executable, "--output-file", str(file), "-"]
        subprocess.run(command, input=wanted, text=True, check=True, stdout=subprocess.DEVNULL)
        return
    source = file.with_suffix(".in")
    source.write_text(wanted, encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    command = [*pip, "--dry-run", "--ignore-installed", "--report", "-", "-r", str(source)]
    report = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    source.unlink()
    lines = [
        f"{item['metadata']['name']}=={item['metadata']['version']} \\\n"
        f"    --hash=sha256:{item['download_info']['archive_info']['hashes']['sha256']}\n"
        for item in report["install"]
    ]
    file.write_text("".join(sorted(lines)), encoding="utf-8")


def read_pins(file: Path) -> dict[str, str]:
    """Version of each package that a lock installs on this machine."""
    lines = file.read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line.rstrip("\\ ")) for line in lines if line and line[0] not in " #"]
    here = [pin for pin in pins if pin.marker is None or pin.marker.evaluate()]
    return {canonicalize_name(p.name): str(p.specifier).removeprefix("==") for p in here}


def newer(lock: dict[str, str], pins: dict[str, str]) -> str:
    """Packages whose version is not that of the lock, in words."""
    changes = [
        f"{name} {lock.get(name, 'none')} -> {pins.get(name, 'none')}"
        for name in sorted(lock | pins)
        if lock.get(name) != pins.get(name)
    ]
    return f"Other than in the lock: {', '.join(changes) or 'none'}."


def past(bounded: list[Requirement], pins: dict[str, str]) -> str:
    """Packages whose version is beyond our bounds, in words."""
    out = [(r, pins[canonicalize_name(r.name)]) for r in bounded]
    told = [f"{r.name} {v} (bounds {r.specifier})" for r, v in out if v not in r.specifier]
    return f"Beyond the bounds: {', '.join(told) or 'none'}."


def passes(folder: str, file: Path) -> bool:
    """Whether the tests pass in an environment of the versions in a file, made in a folder."""
    environ = os.environ | {"PYTHON": sys.executable}
    subprocess.run([ROOT / "tools" / "setup", folder, file.name], env=environ, check=True)
    programs = ROOT / folder / "bin"
    environ = os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    options = ["--quiet", "--numprocesses", "2", "--dist", "worksteal"]
    command = [programs / "pytest", *options, *TESTS]
    return subprocess.run(command, cwd=ROOT, env=environ).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
