"""PyMC models evaluated by PyTensor's interpreter, on the variables' own scale."""

import numpy as np
import pytensor
from pytensor.compile.mode import Mode

INTERPRETED = Mode(linker="py", optimizer=None)


def evaluated(model):
    """`values of the free variables -> (log density, beta, deviations)`, interpreted."""
    inputs = list(model.rvs_to_values.values())
    wanted = [model["beta"], *(d for d in model.deterministics if d.name.startswith("u_"))]
    outputs = [model.logp(jacobian=False), *model.replace_rvs_by_values(wanted)]
    function = pytensor.function(inputs, outputs, mode=INTERPRETED, on_unused_input="ignore")
    transforms = {}
    for variable, value in model.rvs_to_values.items():
        transform = model.rvs_to_transforms[variable]
        if transform is not None:
            raw = variable.type(f"{variable.name}_raw")
            transforms[value.name] = pytensor.function(
                [raw], transform.forward(raw, *variable.owner.inputs), mode=INTERPRETED
            )

    def evaluate(point):
        """`point` has values on the variables' own scale, by name."""
        arguments = [
            transforms.get(value.name, lambda v: v)(np.asarray(point[variable.name], dtype=float))
            for variable, value in model.rvs_to_values.items()
        ]
        density, beta, *u = function(*arguments)
        return float(density), beta, dict(zip([d.name for d in wanted[1:]], u, strict=True))

    return evaluate


def drawn_point(model, rng) -> dict:
    """Random values of every free variable, on its own scale."""
    point = {}
    for variable, value in model.rvs_to_values.items():
        shape = model.initial_point(0)[value.name].shape
        if variable.name in ("z", "z_effects"):
            point[variable.name] = rng.normal(size=shape)
        elif variable.name.startswith(("partial", "zi", "hu")):
            point[variable.name] = rng.uniform(0.2, 0.8, shape)
        else:
            point[variable.name] = rng.uniform(0.4, 2, shape)
    return point
