"""Write files whole or not at all, and read them with one-line errors.

Imported while the workflow is parsed, so nothing scientific is imported at module level.
"""

import glob
import hashlib
import json
import os
import platform
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from partialpool.base import session
from partialpool.base.errors import UserError


@contextmanager
def replacing(path) -> Iterator[Path]:
    """Yield a temporary name beside `path`; rename it to `path` only if the block succeeds.

    Readers see the old file or the new one, never half of either, and an open
    netCDF file is never overwritten in place. What a killed job left is removed.

    Raises
    ------
    UserError
        If the folder cannot be written, or another run has taken it over.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{platform.node()}-{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for left in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
            left.unlink(missing_ok=True)
        yield temporary
        session.require_current()
        os.replace(temporary, path)
    except UserError:
        raise
    except Exception as error:
        # HDF5 says only that something went wrong, so ask the folder itself.
        reason = unwritable(path.parent) or error
        if isinstance(reason, OSError):
            what = reason.strerror or reason
            raise UserError(f"{path}: cannot be written ({what})") from None
        raise
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def unwritable(folder: Path, size: int = 1 << 20) -> OSError | None:
    """Return the error of writing `size` bytes to a folder; None if that works."""
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(size))
    except OSError as error:
        return error


def write_text(path, text: str) -> None:
    """Write `text` as UTF-8, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_cache(path: Path, value: dict) -> None:
    """Write a cache file that :func:`read_cache` reads; nothing is raised if it cannot be written.

    Its first line is a hash of the rest, so that :func:`read_cache` notices damage.
    """
    text = json.dumps(value)
    text = f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}"
    with suppress(OSError):
        if not path.exists() or path.read_text(encoding="utf-8", errors="replace") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_suffix(f".{os.getpid()}.tmp")
            temporary.write_text(text, encoding="utf-8")
            os.replace(temporary, path)


def read_cache(path: Path) -> dict:
    """Read a cache file of :func:`write_cache`; empty if it is damaged or missing."""
    with suppress(OSError, ValueError):
        found, _, text = path.read_text(encoding="utf-8").partition("\n")
        if found == hashlib.sha256(text.encode()).hexdigest():
            return json.loads(text)
    return {}


def write_json(path, value) -> None:
    """Write `value` as indented JSON; numbers JSON cannot hold (nan, inf) are refused."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")


def read_json(path):
    """Read a JSON file.

    Raises
    ------
    UserError
        If it is cut off or damaged.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(
            f"{path}: damaged, or not a JSON file ({error}); delete it and run again: it is made "
            "anew, and so is what came from it"
        ) from None


def write_csv(path, frame) -> None:
    """Write a DataFrame without its index, at full precision."""
    with replacing(path) as temporary:
        frame.to_csv(temporary, index=False)


def write_parquet(path, frame, index: bool = False) -> None:
    """Write a DataFrame as Parquet, with or without its index."""
    with replacing(path) as temporary:
        frame.to_parquet(temporary, index=index)


def write_netcdf(path, data) -> None:
    """Write an xarray Dataset or DataTree as compressed netCDF-4.

    Shuffled zlib at its fastest level: draws shrink little, constant columns to nothing.
    Each chunk has a checksum (Fletcher's), so that a damaged one is noticed when it is read.
    """
    groups = {node.path: node.to_dataset() for node in data.subtree} if is_tree(data) else None
    packed = {"zlib": True, "complevel": 1, "shuffle": True, "fletcher32": True}

    def encoding(dataset):
        return {name: packed for name, v in dataset.data_vars.items() if v.dtype.kind in "fiub"}

    with replacing(path) as temporary:
        if groups is None:
            data.to_netcdf(temporary, engine="netcdf4", encoding=encoding(data))
        else:
            data.to_netcdf(
                temporary,
                engine="netcdf4",
                encoding={where: encoding(dataset) for where, dataset in groups.items()},
            )


def is_tree(data) -> bool:
    """Whether `data` is an xarray DataTree rather than a Dataset."""
    return hasattr(data, "subtree")


def read_netcdf(path):
    """Load a netCDF file into memory: as a DataTree if it has groups, else as a Dataset.

    Raises
    ------
    UserError
        If it is cut off or damaged.
    """
    import xarray as xr

    try:
        with xr.open_datatree(path, engine="netcdf4") as tree:
            loaded = tree.load()
    except (OSError, RuntimeError, ValueError) as error:
        raise UserError(
            f"{path}: damaged, or not a netCDF file ({getattr(error, 'strerror', None) or error}); "
            "delete it and run again: it is made anew, and so is what came from it"
        ) from None
    return loaded if loaded.children else loaded.to_dataset()


def parts(path: str) -> list[str]:
    """List the files of a table: the file itself, or the Parquet files of a folder, by name."""
    if not Path(path).is_dir():
        return [str(Path(path))]  # Snakemake wants no // in it
    found = (part for part in Path(path).rglob("*.parquet") if part.name[0] not in "._")
    return sorted(map(str, found))
