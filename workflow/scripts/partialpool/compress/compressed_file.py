"""Compressed data as netCDF files: read all of it, or its model description alone."""

import json

from partialpool.compress.group_triangles import GroupTriangles
from partialpool.compress.merged_rows import MergedRows
from partialpool.model.description import ModelDescription


def from_dataset(stored) -> GroupTriangles | MergedRows:
    """Compressed data from the xarray Dataset that its `to_dataset` made."""
    return (GroupTriangles if "triangle" in stored else MergedRows).from_dataset(stored)


def read_description(path) -> ModelDescription:
    """Read the model description in a netCDF file of compressed data, without its arrays."""
    import netCDF4

    with netCDF4.Dataset(path) as stored:
        model = json.loads(stored.getncattr("model"))
    return ModelDescription(**ModelDescription.arguments(model))
