"""Partially centred effects: the sampler's coordinates are nearly N(0, I) at any variances."""

import numpy as np
import pandas as pd
import pytest
from interpreted import evaluated

from partialpool.compress import build
from partialpool.design.formula import Formula
from partialpool.engine import glm, pirls
from partialpool.engine.centring import EffectCoordinates
from partialpool.model import priors
from partialpool.study.outcome import Outcome


def curvature(log_density, size: int):
    """Eigenvalues of minus the second derivatives of a quadratic at the origin, and its mode."""
    unit = np.eye(size)
    here, ahead = log_density(np.zeros(size)), [log_density(step) for step in unit]
    behind = np.array([log_density(-step) for step in unit])
    second = np.array(
        [[log_density(a + b) for b in unit] for a in unit]
    ) - np.add.outer(ahead, ahead) + here  # fmt: skip
    return np.linalg.eigvalsh(-second), np.linalg.solve(-second, (ahead - behind) / 2)


@pytest.mark.parametrize("formula", ["y ~ x + (1 + x | a) + (1 + x | b)", "y ~ x + (1 + x | a)"])
@pytest.mark.parametrize("sizes", [(8, 8, 8), (60, 11, 1)], ids=["even", "uneven"])
def test_coordinates_follow_the_variances(formula, sizes):
    """Given the variances, what NUTS moves in has curvatures near one, whatever the variances.

    So no parameter is tied to them, also where groups are few and their sizes very different.
    """
    rng = np.random.default_rng(1)
    cells = [
        (a, b) for a, size in zip("pqr", sizes, strict=True) for b in "uvw" for _ in range(size)
    ]
    rows = pd.DataFrame(cells, columns=["a", "b"]).assign(x=rng.normal(size=len(cells)))
    effects = {label: value for label, value in zip("pqruvw", rng.normal(size=6) / 2, strict=True)}
    rows["y"] = rows["x"] / 2 + rows["a"].map(effects) + rows["b"].map(effects)
    rows["y"] += rng.normal(size=len(rows))
    # Of a family that leaves effects in the model, with tails that are as good as normal.
    outcome = Outcome("student_t") if "b)" not in formula else Outcome()
    design = Formula(formula).design(rows)
    data = build.compress(design, outcome, {})
    completed = priors.complete({}, data)
    found = pirls.solve(data, completed, "hierarchical")
    model = glm.model(data, completed, "hierarchical", found, EffectCoordinates.of(data, found))
    evaluate = evaluated(model)
    shapes = {
        variable.name: model.initial_point(0)[value.name].shape
        for variable, value in model.rvs_to_values.items()
    }
    for between in (0.05, 0.5, 5):
        point = {name: np.full(shape, between) for name, shape in shapes.items()}
        point |= {name: np.full(shapes[name], 0.6) for name in shapes if name.startswith("partial")}
        point |= {name: np.float64(value) for name, value in found.response.items()}
        flat = [name for name in shapes if name.startswith("z")]
        ends = np.cumsum([np.prod(shapes[name], dtype=int) for name in flat])

        def log_density(z, point=point, flat=flat, ends=ends):
            parts = np.split(z, ends[:-1])
            own = {n: p.reshape(shapes[n]) for n, p in zip(flat, parts, strict=True)}
            return evaluate(point | own)[0]

        values, mode = curvature(log_density, ends[-1])
        assert values.min() > 0.3 and values.max() < 3, between
        assert np.abs(mode).max() < 0.3, between
