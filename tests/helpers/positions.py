"""Positions of a compiled density, as the values of the PyMC model that defines it."""

import numpy as np
from interpreted import INTERPRETED


def places_of(compiled, model) -> dict[str, np.ndarray]:
    """Where each free variable of the model is in a position, in the variable's own shape."""
    point, found = model.initial_point(0), {}
    for name, (field, at, _, shape) in compiled.outputs.items():
        if field == "THETA":
            found[name] = np.arange(at, at + int(np.prod(shape))).reshape(shape)
    end = compiled.beta.start
    names = [variable.name for variable in model.free_RVs]
    in_order = ["z", "z_sigma", "z_effects", *(n for n in names if n.startswith("stretch_"))]
    for name in (name for name in in_order if name in names):
        shape = point[name].shape
        # Effects are stored a group after the other.
        own = np.arange(end, end + int(np.prod(shape))).reshape(shape[::-1]).T
        found[name] = own
        end += own.size
    assert end == len(compiled.density.start) and found.keys() == set(names)
    return found


def defined(compiled, model, position) -> tuple[float, np.ndarray]:
    """Value and gradient of the PyMC model's log density at a position, interpreted."""
    places = places_of(compiled, model)
    by_value = {model.rvs_to_values[model[name]].name: at for name, at in places.items()}
    point = {name: position[at] for name, at in by_value.items()}
    value = float(model.compile_logp(mode=INTERPRETED)(point))
    flat, gradient, begin = model.compile_dlogp(mode=INTERPRETED)(point), position * np.nan, 0
    for one in model.continuous_value_vars:
        at = by_value[one.name]
        gradient[at.ravel()] = flat[begin : begin + at.size]
        begin += at.size
    return value, gradient
