"""Compressed data, or its description alone, from the netCDF file that holds it."""

import json

from partialpool.compress.gaussian import Compressed
from partialpool.compress.merged_rows import Rows
from partialpool.model.description import Described


def read(stored) -> Compressed | Rows:
    """What a fit reads, from the xarray Dataset it was stored as."""
    return (Compressed if "triangle" in stored else Rows).from_dataset(stored)


def describe(path) -> Described:
    """What compressed data says of its model, from the netCDF file it was stored in."""
    import netCDF4

    with netCDF4.Dataset(path) as stored:
        model = json.loads(stored.getncattr("model"))
    return Described(**Described.described(model))
