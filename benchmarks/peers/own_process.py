"""What every peer written in Python does: read the table, fit, and write what it found.

Timed is the fit alone, from the table in memory to draws in memory: building the model,
compiling it, sampling, and whatever checks the tool makes by itself.
"""

import argparse
import json
import os
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd


def write(folder: Path, draws: dict, **said) -> None:
    """Write `draws.csv`, columns chain, draw and the parameters, and `result.json`."""
    arrays = {name: np.asarray(values, dtype=float) for name, values in draws.items()}
    chains, length = next(iter(arrays.values())).shape
    chain, draw = np.indices((chains, length))
    columns = {"chain": chain, "draw": draw, **arrays}
    frame = pd.DataFrame({name: values.ravel() for name, values in columns.items()})
    frame.to_csv(folder / "draws.csv", index=False)
    (folder / "result.json").write_text(json.dumps(said))


def run(read, fit, parameters, packages: tuple[str, ...]) -> None:
    """The script of one peer: its arguments are the data, a folder for the result and a seed.

    Parameters
    ----------
    read : callable
        From the first argument to what `fit` takes.
    fit : callable
        From that and a seed to a tree with `posterior` and `sample_stats`.
    parameters : callable
        From the posterior to a dict of arrays (chain, draw).
    packages : tuple of str
        Whose versions to write.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("folder", type=Path)
    parser.add_argument("seed", type=int)
    given = parser.parse_args()
    data = read(given.data)
    begun = time.perf_counter()
    tree = fit(data, given.seed)
    seconds = time.perf_counter() - begun
    write(
        given.folder,
        parameters(tree["posterior"]),
        fit_seconds=seconds,
        divergences=int(np.sum(tree["sample_stats"]["diverging"].values)),
        versions=", ".join(f"{package} {version(package)}" for package in packages),
    )
    # Without Python's clean-up, which takes up to a second and is nobody's work.
    os._exit(0)


def table(path: str) -> pd.DataFrame:
    """The table, read as fast as Python can."""
    from pyarrow import csv

    return csv.read_csv(path).to_pandas()
