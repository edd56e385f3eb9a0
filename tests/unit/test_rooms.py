"""The order of the rooms: what a module imports is in its own room, or in one to its left."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from running import ROOT

PACKAGE = ROOT / "workflow/scripts/partialpool"
# Rooms of one place do not know each other.
ORDER = [
    {"base"},
    {"study"},
    {"design", "model"},
    {"table"},
    {"compress"},
    {"sampler"},
    {"engine"},
    {"answers"},
    {"figures", "report"},
    {"run"},  # for the Snakefile and the scripts alone
]
PLACE = {room: place for place, rooms in enumerate(ORDER) for room in rooms}
MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.name != "__init__.py"
}

# Modules that scripts/fit.py reaches, without `run` and the records of the response families.
LARGEST_FIT = 57


CLASSES = {
    node.name: name
    for name, path in MODULES.items()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    if isinstance(node, ast.ClassDef)
}


def quoted(tree: ast.AST) -> set[str]:
    """Names in annotations that are written as text, which need no import to be read."""
    annotations = (
        part
        for node in ast.walk(tree)
        for part in (getattr(node, "annotation", None), getattr(node, "returns", None))
        if part
    )
    texts = (
        node.value
        for annotation in annotations
        for node in ast.walk(annotation)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    parsed = (ast.parse(text, mode="eval") for text in texts)
    return {node.id for one in parsed for node in ast.walk(one) if isinstance(node, ast.Name)}


def imported(path: Path) -> set[str]:
    """Modules of the package that a file imports, or names in quotes, anywhere in it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    found = {CLASSES[name] for name in quoted(tree) - defined if name in CLASSES}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert not any(alias.name.startswith("partialpool") for alias in node.names), path
        elif isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "partialpool":
            names = {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
            found |= {name.removeprefix("partialpool.") for name in names} & MODULES.keys()
    return found


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_from_its_own_room_and_those_before_it(name):
    room = name.partition(".")[0]
    for other in imported(MODULES[name]):
        their = other.partition(".")[0]
        assert their == room or PLACE[their] < PLACE[room], other


def test_no_module_needs_one_that_needs_it():
    [*TopologicalSorter({name: imported(path) for name, path in MODULES.items()}).static_order()]


def test_an_annotation_in_quotes_counts_as_an_import(tmp_path):
    path = tmp_path / "module.py"
    path.write_text('class Own:\n    def of(self, data: "list[Formula | None]") -> "Own": ...\n')
    assert imported(path) == {"design.formula"}


def test_packages_are_empty():
    """Or importing one module would run others."""
    for path in PACKAGE.rglob("__init__.py"):
        assert path.parent == PACKAGE or not path.read_text(encoding="utf-8"), path


def test_a_fit_depends_on_few_modules_and_no_formula_table_or_page():
    """Each more is one whose changes fit every study again."""
    script = imported(PACKAGE.parent / "fit.py")
    waiting, seen = [name for name in script if not name.startswith("run.")], set()
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += imported(MODULES[name])
    rooms = {name.partition(".")[0] for name in seen}
    assert rooms == {"base", "study", "model", "compress", "sampler", "engine"}
    records = {name for name in imported(MODULES["model.families"]) if name.startswith("model.")}
    assert len(seen - records) <= LARGEST_FIT, sorted(seen - records)


def test_every_module_has_a_test_file_of_its_name():
    tests = Path(__file__).parent
    files = {name: name.replace(".", "/").rpartition("/") for name in MODULES}
    missing = [
        name
        for name, (room, _, module) in files.items()
        if not (tests / room / f"test_{module}.py").exists()
    ]
    assert missing == []


def test_no_file_is_longer_than_a_reader_can_follow():
    """350 lines, tests too."""
    places = [ROOT / place for place in ("workflow", "tests", "tools", "benchmarks")]
    long = {
        str(path.relative_to(ROOT)): lines
        for place in places
        for path in place.rglob("*.py")
        if ".venv" not in path.parts
        and (lines := len(path.read_text(encoding="utf-8").splitlines())) > 350
    }
    assert long == {}
