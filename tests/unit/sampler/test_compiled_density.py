"""A model is compiled once for its shape, and its gradient is that of its density."""

import numpy as np
import pandas as pd
import pytensor.tensor as pt
import pytest
from compiling import Compiling
from pytensor.compile.builders import OpFromGraph

from partialpool.compress import build
from partialpool.design.formula import Formula
from partialpool.engine import gaussian, glm
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


def test_a_shape_that_is_being_compiled_is_waited_for_until_its_process_is_gone(tmp_path):
    waits = "waits for another fit to compile"
    first = Compiling(tmp_path, COMPILING, "a shape", "1", "and stays")
    assert first.says() == "compiling"
    second = Compiling(tmp_path, COMPILING, "a shape", "1")
    assert second.says() == waits
    first.kill()
    waited, *others = second.rest()
    assert waited.startswith("waited ") and waited.endswith(" s for other fits to compile")
    assert others == ["compiling", "done"]
    first.communicate()
    # Whoever waits finds what was compiled meanwhile, and what is there is not waited for.
    first = Compiling(tmp_path, COMPILING, "another", "2", "and stays")
    assert first.says() == "compiling"
    second = Compiling(tmp_path, COMPILING, "another", "2")
    assert second.says() == waits
    assert Compiling(tmp_path, COMPILING, "a shape", "1").rest() == ["done"]
    assert second.poll() is None
    assert first.rest() == ["done"]
    assert [line.split()[0] for line in second.rest()] == ["waited", "done"]
    assert not list(tmp_path.rglob(f"*{compile_queue.TICKET}"))


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
