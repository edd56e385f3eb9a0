"""Traces, ranks and energy are those of their fit."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.colors import to_hex
from read_figure import points

from partialpool.figures import (
    convergence,
)
from partialpool.figures.figure_data import FigureFit


def sampled(scalars: dict, chains=3, draws=1100):
    """A fit as `convergence` reads it, with energies and a few divergent draws."""
    rng = np.random.default_rng(5)
    diverging = np.zeros((chains, draws), bool)
    diverging[2, 7] = diverging[0, 29] = True
    dims, scale = ("chain", "draw"), np.array([[1.0], [4.0], [0.2]])
    energy = np.cumsum(rng.normal(size=(chains, draws)), axis=1) * scale + rng.normal(
        size=(chains, draws)
    )
    return FigureFit(
        **dict.fromkeys(("variant", "passed", "groups", "prior", "replicated", "predictions")),
        summary=pd.DataFrame({"rhat": scalars}),
        scalars={name: rng.normal(size=(chains, draws)) for name in reversed(scalars)},
        statistics=xr.Dataset(
            {"energy": (dims, energy), "diverging": (dims, diverging)},
            coords={"chain": range(chains), "draw": range(draws)},
        ),
    )


def test_chains_are_of_the_scalars_that_agree_least():
    one = sampled({"a": 1.01, "b": 1.2, "c": np.nan, "d": 1.05, "e": 1.002, "f": 1.1})
    axes = convergence.chains(None, one).axes
    names = ["c, R-hat not a number", "b, R-hat 1.200", "f, R-hat 1.100", "d, R-hat 1.050"]
    assert [trace.get_title() for trace in axes[::2]] == names
    for trace, ranks in zip(axes[::2], axes[1::2], strict=True):
        *chains, diverged = trace.lines
        draws = one.scalars[trace.get_title()[0]][:, ::3]  # 367 of 1,100
        assert chains[0].get_xdata() == pytest.approx(np.arange(0, 1100, 3))
        assert np.array([line.get_ydata() for line in chains]) == pytest.approx(draws)
        assert diverged.get_xdata().tolist() == [7, 29]
        assert len(ranks.lines) == 3
    shown = [to_hex(line.get_color()) for line in chains]
    assert shown == [to_hex(line.get_color()) for line in ranks.lines] and len({*shown}) == 3


def test_e_bfmi_is_that_of_its_chain():
    one = sampled({"a": 1.0})
    [dots, *_] = convergence.energy(None, one).axes[0].collections
    energy = one.statistics["energy"].values
    bfmi = (np.diff(energy) ** 2).mean(axis=1) / energy.var(axis=1, ddof=1)
    assert points(dots) == pytest.approx(np.array(sorted(zip(bfmi, range(3), strict=True))))


@pytest.mark.parametrize("case", ["one chain", "constant draws", "constant energy"])
def test_chains_that_have_no_diagnostics_are_drawn(case):
    rng = np.random.default_rng(1)
    dims, shape = ("chain", "draw"), (1 if case == "one chain" else 4, 50)
    draws, energy = rng.normal(size=(2, *shape))
    if case == "constant draws":
        draws = np.ones(shape)
    elif case == "constant energy":
        energy = np.ones(shape)
    fit = SimpleNamespace(
        scalars={"sigma": draws},
        summary=pd.DataFrame({"rhat": {"sigma": np.nan}}),
        statistics=xr.Dataset(
            {"energy": (dims, energy), "diverging": (dims, np.zeros(shape, bool))},
            coords={"chain": np.arange(shape[0]), "draw": np.arange(shape[1])},
        ),
    )
    figure = convergence.chains(None, fit)
    assert len(figure.axes) == (1 if case == "one chain" else 2)
    assert figure.axes[0].get_title() == "sigma, R-hat not a number"
    assert convergence.energy(None, fit) is not None
