"""Texts for readers are no part of the logic that makes a fit, nor are those of errors of any."""

import ast
import shutil
from pathlib import Path

import pytest

from partialpool.run import fingerprint

# Texts of `model` that a fit reads: default priors, roles of columns, punctuation of priors.
COMPUTED = {
    *(
        "half_student_t(4, {scale})",
        "gamma(2, 0.1)",
        "beta(1, 1)",
        "precision weights",
        "standard errors",
    ),
    *(", ", ": "),
}
SHOWN = [
    ("model/links.py", ", in log odds", ", in logits"),
    ("model/links.py", "log of the {expected}", "logarithm of the {expected}"),
    ("model/continuous.py", '"σ"', '"s"'),
    ("model/counts.py", '"α"', '"a"'),
    ("model/counts.py", "on the scale of the log of", "logarithms of"),
    ("model/family.py", '"μ"', '"m"'),
    ("study/checks.py", '"at most"', '"up to"'),
]
ERRORS = [
    ("base/errors.py", "; nearest: ", "; did you mean "),
    ("design/grammar.py", "formula {quoted", "the formula {shown"),
    ("design/grammar.py", "cannot be read: after | is", "after | comes"),
    ("design/grammar.py", "its signs if you mean", "its signs where you mean"),
    ("design/algebra.py", "arithmetic is written I(-x)", "a product is written I(-x)"),
    ("design/algebra.py", "leave it out, or write I(-x)", "write I(-x)"),
    ("design/tokens.py", "lists cannot be written", "there are no lists"),
    ("design/tokens.py", "parentheses within each other", "nested parentheses"),
    ("design/refusals.py", "a column is taken as labels", "labels are made"),
    ("design/refusals.py", "the natural logarithm is log(x)", "write log(x)"),
    ("design/refusals.py", "write True, not TRUE", "TRUE is written True"),
    ("design/refusals.py", "a formula has no comments", "there are no comments"),
    ("design/refusals.py", "write a plain one", "write a space"),
    ("model/priors.py", "this parameter is over 0", "this parameter is positive"),
    ("model/successes.py", "give the number of successes", "write the number of successes"),
    ("model/successes.py", "and {values[1]:g} 0 and 1", "and {values[1]:g} zero and one"),
]


@pytest.fixture
def edited(tmp_path, monkeypatch):
    """A function from an edit of a module to the scripts whose hash it changes."""
    copy = tmp_path / "scripts"
    shutil.copytree(fingerprint.SCRIPTS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(fingerprint, "SCRIPTS", copy)
    monkeypatch.setattr(fingerprint, "HASH_CACHE", tmp_path / "known/modules.json")
    fingerprint._known.cache_clear()

    def edited(module, old, new):
        path = copy / "partialpool" / module
        before, text = fingerprint.hashes(), path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")
        after = fingerprint.hashes()
        return {script for script in before if before[script] != after[script]}

    yield edited
    fingerprint._known.cache_clear()


@pytest.mark.parametrize("edit", SHOWN, ids=lambda edit: edit[1])
def test_a_text_that_pages_show_fits_nothing_again(edited, edit):
    changed = edited(*edit)
    assert "report" in changed and not {"fit", "compress", "ingest"} & changed


@pytest.mark.parametrize("edit", ERRORS, ids=lambda edit: edit[1])
def test_a_text_of_an_error_reruns_nothing(edited, edit):
    assert edited(*edit) == set()


def test_another_key_of_a_table_of_refusals_counts(edited):
    """It may refuse a formula that was fitted before."""
    assert {"ingest", "predict"} <= edited("design/refusals.py", '"NaN": ', '"nan": ')


def texts(logic) -> set[str]:
    """Text in nested tuples that is no name."""
    if isinstance(logic, str):
        return {logic} if " " in logic or not logic.isascii() else set()
    return set().union(*map(texts, logic)) if isinstance(logic, tuple) else set()


def test_no_text_of_the_models_counts_but_what_a_fit_reads():
    found = set()
    for path in (fingerprint.SCRIPTS / "partialpool/model").glob("*.py"):
        if path.stem != "prior_keys":  # no fit imports it
            tree = ast.parse(path.read_text(encoding="utf-8"))
            found |= texts(fingerprint._logic(tree, wording=False))
    assert found == COMPUTED


def of_errors() -> dict[str, Path]:
    """Names of the functions that make texts of errors, and the files they are in."""
    return {
        node.name: path
        for path in fingerprint.SCRIPTS.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
        and fingerprint.ERROR_TEXT in map(ast.unparse, node.decorator_list)
    }


def uses(tree: ast.Module, path: Path) -> set[str]:
    """Names of functions that make texts of errors, as a module imports or defines them."""
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    return {name for name, own in of_errors().items() if name in imported or own == path}


def test_a_text_of_an_error_is_used_in_an_error_only():
    """What is made by a marked function, or marked itself, is raised, or part of what is."""
    for path in fingerprint.SCRIPTS.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        makers = uses(tree, path)
        for function in ast.walk(tree):
            if not isinstance(function, ast.FunctionDef):
                continue
            if fingerprint.ERROR_TEXT in map(ast.unparse, function.decorator_list):
                continue
            ends = [one for one in ast.walk(function) if isinstance(one, ast.Raise)]
            ends += called(function, {fingerprint.ERROR_TEXT})
            raised = {one for end in ends for one in ast.walk(end)}
            for node in ast.walk(function):
                if isinstance(node, ast.Assign) and called(node.value, makers):
                    [name] = [target.id for target in node.targets]
                    read = [one for one in ast.walk(function) if getattr(one, "id", "") == name]
                    read = [one for one in read if isinstance(one.ctx, ast.Load)]
                    assert {*read} <= raised, f"{path}, line {node.lineno}"
                    raised |= {*ast.walk(node)}
            assert not called(function, makers, raised), f"{path}, {function.name}"


def called(tree: ast.AST, names: set[str], but=frozenset()) -> list[ast.AST]:
    """Calls of functions by these names."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node not in but]
    return [node for node in calls if getattr(node.func, "id", "") in names]
