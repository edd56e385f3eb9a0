"""A model is compiled once for its shape, and its gradient is that of its density."""

import errno
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytensor.tensor as pt
import pytest
from pytensor.compile.builders import OpFromGraph

from partialpool.compress import build
from partialpool.design.formula import Formula
from partialpool.engine import collapse, collapse_op, gaussian, glm
from partialpool.model import families, priors
from partialpool.sampler import compile_queue, compiled_density
from partialpool.study.outcome import Outcome

FORMULA = "y ~ x + (1 + x | g)"
PRIORS = {"Intercept": "normal(0, 5)", "sd": "half_normal(1)"}
OTHER_PRIORS = {"Intercept": "normal(-2.5, 30)", "sd": "half_normal(0.5)"}
STUDIES = {  # sigma, group effects
    "one sigma": ("estimated", "normal"),
    "sigma by group": ("by_group", "normal"),
    "sigma drawn by group": ("~ (1 | g)", "normal"),
    "Student-t effects": ("estimated", "student_t"),
}


def table(groups: int, rows: int, seed: int, prefix="g") -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    found = pd.DataFrame({"g": np.repeat([f"{prefix}{i}" for i in range(groups)], rows)})
    found["x"] = rng.normal(size=len(found))
    found["y"] = np.repeat(rng.normal(size=groups), rows) + rng.normal(size=len(found))
    return found


def gaussian_model(rows, sigma="estimated", effects="normal", given=PRIORS):
    data = build.compress(Formula(FORMULA).design(rows), Outcome(sigma=sigma), {})
    return gaussian.model(data, priors.complete(given, data, effects), "hierarchical")


def poisson_model(rows, given=PRIORS):
    outcome = Outcome(family="poisson")
    rows = rows.assign(y=rows["y"].abs().round())
    values = families.columns(rows, outcome)
    data = build.compress(Formula(FORMULA).design(rows), outcome, values)
    completed = priors.complete(given, data, "normal")
    return glm.SampledEffectsTarget(data, completed, "hierarchical").model()


def compiled(model):
    return compiled_density.compiled(model, model.initial_point(0))


@pytest.mark.parametrize("study", [*STUDIES, "Poisson"])
def test_another_study_of_the_same_shape_compiles_nothing(study):
    """Other rows, groups, names of groups and numbers of the priors; one group, even."""

    def of(rows, given):
        if study == "Poisson":
            return poisson_model(rows, given)
        return gaussian_model(rows, *STUDIES[study], given)

    compiled(of(table(5, 8, 1), PRIORS))
    for rows in (table(70, 3, 2, "other"), table(1, 30, 3)):
        assert compiled(of(rows, OTHER_PRIORS)).function.cache_hits


@pytest.mark.parametrize("study", STUDIES)
@pytest.mark.parametrize("groups", [1, 63, 130])
def test_gradient_is_that_of_the_density(study, groups):
    found = compiled(gaussian_model(table(groups, 6, 4), *STUDIES[study]))
    rng = np.random.default_rng(7)
    position = found.start + rng.uniform(-0.5, 0.5, len(found.start))
    direction = rng.normal(size=len(found.start))
    ahead, behind = (found(position + step * direction)[0] for step in (1e-5, -1e-5))
    along = found(position)[1] @ direction
    assert along == pytest.approx((ahead - behind) / 2e-5, rel=1e-5, abs=1e-4)


@pytest.mark.parametrize("size", [1, 2, 4])
def test_one_pass_is_gram_schmidt_of_every_group(size):
    """Whatever is in the last block of groups, and by group or not."""
    rng = np.random.default_rng(size)
    groups, width = collapse_op.BLOCK + 3, 3
    design = np.triu(rng.normal(size=(groups, size, size))).T.swapaxes(0, 1)
    columns, mix = rng.normal(size=(size, width, groups)), rng.normal(size=(width, 2))
    scale, nothing = np.tril(rng.normal(size=(size, size))), np.zeros(0)
    for ratio, unit in ((nothing, nothing), rng.uniform(0.5, 2, (2, groups))):
        squares, log_t, *_ = collapse_op.integrate(
            *map(np.ascontiguousarray, (columns, mix, design, scale, ratio, unit))
        )
        rho, tau = (part if len(part) else np.ones(groups) for part in (ratio, unit))
        entries = [[scale[i, k] * rho for k in range(i + 1)] for i in range(size)]
        directions, triangle = collapse.orthogonalise(
            collapse.stacked(design, entries, np.ones(()), np), np
        )
        b = np.einsum("rcg,cs->srg", columns, mix) * tau
        for one, side in zip(squares, b, strict=True):
            left, _ = collapse.remove(directions, np.concatenate([side, np.zeros_like(side)]))
            assert one == pytest.approx((left**2).sum(), rel=1e-12)
        expected = sum(np.log(triangle[i, i]).sum() for i in range(size))
        assert float(log_t) == pytest.approx(expected, rel=1e-12)


COMPILING = """
import sys
import numba, numpy as np
from partialpool.sampler import compiled_density

data = [np.zeros(int(sys.argv[2]))]

def jitted():
    print("compiling", flush=True)
    sys.stdin.read() if len(sys.argv) > 3 else None
    return numba.njit(lambda position, data: (np.array(position.sum()), position))

compiled_density._stored(compiled_density._source(data), sys.argv[1], jitted)
print("done", flush=True)
"""


QUEUEING = """
import sys
from pathlib import Path
from partialpool.sampler import compile_queue

for mine in compile_queue.turns(Path(sys.argv[1])):
    print("compiling" if mine else "another is done", flush=True)
    if mine:
        sys.stdin.read()
"""


class Compiling(subprocess.Popen):
    """A process that compiles, and stays at it if it is told to."""

    def __init__(self, folder, *arguments, script=COMPILING):
        environment = os.environ | {
            "PYTENSOR_FLAGS": f"base_compiledir={folder}",
            "PYTHONPATH": os.pathsep.join(sys.path),
        }
        super().__init__(
            [sys.executable, "-c", script, *arguments],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def says(self) -> str:
        return self.stdout.readline().rstrip()

    def compiles(self) -> bool:
        """Whether it does, once it has looked for what others compiled as often as it may."""
        waited, said = 0.0, "another is done"
        while said == "another is done" or said.startswith("waited "):
            waited = float(said.split()[1]) if said.startswith("waited ") else waited
            said = self.says()
        return said == "compiling" and 0 < waited < 60

    def rest(self) -> list[str]:
        return self.communicate(timeout=60)[0].splitlines()


def test_a_shape_that_is_being_compiled_is_waited_for_until_its_process_is_gone(tmp_path):
    waits = "waits for another fit to compile"
    first = Compiling(tmp_path, "a shape", "1", "and stays")
    assert first.says() == "compiling"
    second = Compiling(tmp_path, "a shape", "1")
    assert second.says() == waits
    first.kill()
    waited, *others = second.rest()
    assert waited.startswith("waited ") and waited.endswith(" s for other fits to compile")
    assert others == ["compiling", "done"]
    first.communicate()
    # Whoever waits finds what was compiled meanwhile, and what is there is not waited for.
    first = Compiling(tmp_path, "another", "2", "and stays")
    assert first.says() == "compiling"
    second = Compiling(tmp_path, "another", "2")
    assert second.says() == waits
    assert Compiling(tmp_path, "a shape", "1").rest() == ["done"]
    assert second.poll() is None
    assert first.rest() == ["done"]
    assert [line.split()[0] for line in second.rest()] == ["waited", "done"]
    assert not list(tmp_path.rglob(f"*{compile_queue.TICKET}"))


def test_processes_compile_in_the_order_they_came(tmp_path):
    """Those who are killed while they wait hold nobody up, nor do those who came later."""
    first = Compiling(tmp_path, str(tmp_path), script=QUEUEING)
    assert first.says() == "compiling"
    waiting = []
    for _ in range(4):
        waiting.append(Compiling(tmp_path, str(tmp_path), script=QUEUEING))
        assert waiting[-1].says().startswith("waits for")
    waiting[1].kill()
    waiting[1].communicate()
    first.communicate()
    assert waiting[3].says() == "another is done"
    for turn in (0, 2, 3):
        assert waiting[turn].compiles()
        assert waiting[turn].rest() == []


@pytest.mark.parametrize("queue", [True, False])
def test_who_compiles_has_the_lock_until_the_end_of_the_turn(tmp_path, queue):
    """With a queue and, where there can be none, by the lock alone."""
    if not queue:
        (tmp_path / "partialpool-queue").write_text("a file, not a folder", encoding="utf-8")
    mine = compile_queue.turns(tmp_path)
    assert next(mine) is True
    other = Compiling(tmp_path, str(tmp_path), script=QUEUEING)
    assert other.says().startswith("waits for")
    assert list(mine) == []
    assert other.compiles()
    assert other.rest() == []


def test_nobody_waits_where_files_cannot_be_locked(tmp_path, monkeypatch):
    def no_locks(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(compile_queue.fcntl, "lockf", no_locks)
    assert list(compile_queue.turns(tmp_path)) == [True]


def test_whoever_is_not_done_in_time_holds_nobody_up(tmp_path, monkeypatch):
    first = Compiling(tmp_path, str(tmp_path), script=QUEUEING)
    assert first.says() == "compiling"
    monkeypatch.setattr(compile_queue, "LONGEST_WAIT", 0.5)
    assert list(compile_queue.turns(tmp_path)) == [True]
    first.kill()
    first.communicate()


def test_a_graph_that_computes_something_else_is_another_shape():
    """By its operations, their order, its constants, and what is known of its inputs."""
    x, y = pt.dvector("x"), pt.dvector("y")
    same = compiled_density._structure([x, y], [pt.exp(x) - 2 * y])
    a, b = pt.dvector("a"), pt.dvector("b")
    assert compiled_density._structure([a, b], [pt.exp(a) - 2 * b]) == same
    others = [
        ([x, y], [pt.exp(y) - 2 * x]),
        ([x, y], [pt.exp(x) + 2 * y]),
        ([x, y], [pt.exp(x) - 3 * y]),
        ([x, y], [pt.exp(x) - 2 * y, y]),
        ([x, y], [OpFromGraph([a], [pt.exp(a)])(x) - 2 * y]),
        ([x, y], [OpFromGraph([a], [pt.exp(a) + 1])(x) - 2 * y]),
    ]
    x = pt.tensor("x", shape=(3,))
    others.append(([x, y], [pt.exp(x) - 2 * y]))
    found = {compiled_density._structure(inputs, outputs) for inputs, outputs in others}
    assert len(found) == len(others)
    assert same not in found
