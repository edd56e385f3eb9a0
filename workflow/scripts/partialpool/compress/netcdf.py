"""Compressed data, or its description alone, from the netCDF file that holds it."""

import json

from partialpool.compress.gaussian import GroupTriangles
from partialpool.compress.merged_rows import MergedRows
from partialpool.model.description import ModelDescription


def read(stored) -> GroupTriangles | MergedRows:
    """What a fit reads, from the xarray Dataset it was stored as."""
    return (GroupTriangles if "triangle" in stored else MergedRows).from_dataset(stored)


def describe(path) -> ModelDescription:
    """What compressed data says of its model, from the netCDF file it was stored in."""
    import netCDF4

    with netCDF4.Dataset(path) as stored:
        model = json.loads(stored.getncattr("model"))
    return ModelDescription(**ModelDescription.described(model))
