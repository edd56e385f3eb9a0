"""Functions of plain loops as machine code that is compiled once for all models, and stored.

Dimensions of a model are data of these functions, so one of them serves models of every size. Each
is a C function, which NUTS calls without Python from as many threads as there are chains. The code
is stored under a hash of the source it is made of, of the versions of the compiler, and of the
kind of processor. Where several processes need the same functions at once, each function is
compiled by one of them while the others compile another one.
"""

import atexit
import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import FunctionType
from uuid import uuid4

import numba
from llvmlite import ir
from numba import types
from numba.core.registry import cpu_target
from numba.extending import intrinsic

NUMBERS, POINTERS = types.CPointer(types.double), types.CPointer(types.voidptr)
# length, position, gradient, value, pointers to the data: as nutpie calls a density
DENSITY = types.int64(types.uint64, NUMBERS, NUMBERS, NUMBERS, POINTERS)
NO_GRADIENT, NO_VALUE = 3, 4  # what a density returns where it is not finite
# lengths, addresses of arrays: a part of a density
PART = types.int64(types.CPointer(types.int64), types.CPointer(types.int64))
# `progress` shows a line that begins with "waits for" while it is the last of a log.
WAITS = "waits for another fit to compile"
STORED = "stored"  # name of a file beside code that is complete
PAUSE = 0.05  # seconds between two looks at what another process compiles
# Fast math is off: it lets the compiler reorder sums, differently in code just compiled and code
# loaded from its cache. Without checks of divisions, loops may become vector instructions.
OPTIONS = {"error_model": "numpy", "no_cfunc_wrapper": True}
jit = numba.njit(**OPTIONS)
# Loops over arrays that their function has made itself become vector instructions if all of a
# loop is in that function.
inlined = numba.njit(forceinline=True, **OPTIONS)
# As `inlined`, and compiled as a part of the function that calls it.
pasted = numba.njit(inline="always", **OPTIONS)


@intrinsic
def address(context, array):
    """Address of the first number of a contiguous array."""

    def generate(context, builder, signature, arguments):
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        return builder.ptrtoint(array.data, ir.IntType(64))

    return types.int64(array), generate


@intrinsic
def address_of(context, numbers):
    """The address that a pointer to numbers has."""

    def generate(context, builder, signature, arguments):
        return builder.ptrtoint(arguments[0], ir.IntType(64))

    return types.int64(numbers), generate


@intrinsic
def pointer(context, place):
    """Pointer to the numbers at an address, for `carray`."""

    def generate(context, builder, signature, arguments):
        return builder.inttoptr(arguments[0], ir.DoubleType().as_pointer())

    return NUMBERS(place), generate


@intrinsic
def integer_pointer(context, place):
    """Pointer to the integers at an address, for `carray`."""

    def generate(context, builder, signature, arguments):
        return builder.inttoptr(arguments[0], ir.IntType(64).as_pointer())

    return types.CPointer(types.int64)(place), generate


@intrinsic
def call(context, function, lengths, addresses):
    """Call a part of a density at an address with two contiguous arrays of integers."""

    def generate(context, builder, signature, arguments):
        integer = ir.IntType(64)
        kind = ir.FunctionType(integer, [integer.as_pointer(), integer.as_pointer()])
        data = [
            context.make_array(one)(context, builder, value).data
            for one, value in zip(signature.args[1:], arguments[1:], strict=True)
        ]
        return builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), data)

    return types.int64(function, lengths, addresses), generate


@dataclass(frozen=True)
class Code:
    """A function to be compiled.

    Attributes
    ----------
    function : callable
        Without a closure.
    signature : numba.core.typing.Signature
    sources : tuple of str
        Paths of the modules that it is made of: other text in one is other code.
    names : dict
        Global names that it uses besides those of its module.
    """

    function: Callable
    signature: types.Type
    sources: tuple[str, ...]
    names: dict = field(default_factory=dict, compare=False)

    @property
    def key(self) -> str:
        """Name of the folder of the code."""
        made_by = [f"{name} {version(name)}" for name in ("numba", "llvmlite", "numpy")]
        made_by += map(str, cpu_target.target_context.codegen().magic_tuple())
        made_by += [self.function.__module__, self.function.__qualname__]
        texts = [_text(source) for source in (__file__, *self.sources)]
        return hashlib.sha256("\0".join([*made_by, *texts]).encode()).hexdigest()[:24]

    def load(self, place: Path):
        """The compiled function: loaded from a folder, or compiled and stored there."""
        # numba stores code beside the file of the source, under its name, time and size.
        source = place / "source.py"
        if not source.exists():
            new = place / f"{uuid4().hex}.new"
            new.write_text(self.function.__qualname__, encoding="utf-8")
            os.utime(new, (0, 0))  # whichever process writes it last
            new.rename(source)
        found = FunctionType(
            self.function.__code__.replace(co_filename=str(source)),
            {**self.function.__globals__, **self.names},
        )
        found.__module__, found.__qualname__ = __name__, self.function.__name__
        compiled = numba.cfunc(self.signature, cache=True, error_model="numpy")(found)
        if not self.is_stored(place):
            (place / STORED).touch()
        return compiled

    def is_stored(self, place: Path) -> bool:
        """Whether a process has compiled the code and stored it."""
        # Not by numba's own files, which are elsewhere if `NUMBA_CACHE_DIR` is set.
        return (place / STORED).exists()


@cache
def _text(source: str) -> str:
    return Path(source).read_text(encoding="utf-8")


@cache
def folder() -> Path:
    """Folder of the stored code: `NUMBA_CACHE_DIR`, or in the user's cache.

    Where it cannot be written to, code is stored for as long as the process lives.
    """
    home = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    chosen = Path(os.environ.get("NUMBA_CACHE_DIR") or home) / "partialpool"
    try:
        chosen.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=chosen):
            return chosen
    except OSError:
        own = tempfile.mkdtemp(prefix="partialpool-")
        atexit.register(shutil.rmtree, own, ignore_errors=True)
        return Path(own)


LOADED: dict[str, object] = {}


def load(wanted: Iterable[Code]) -> list:
    """Load functions, and compile those that are not stored.

    A function that another process is compiling is left to it until all others are done.

    Returns
    -------
    list of numba.core.ccallback.CFunc
    """
    keys, waits = {code.key: code for code in wanted}, None
    waiting = [key for key in keys if key not in LOADED]
    while waiting:
        for key in list(waiting):
            if (function := _load(keys[key], folder() / key)) is not None:
                LOADED[key] = function
                waiting.remove(key)
                break
        else:
            if waits is None:
                print(WAITS, flush=True)
                waits = time.monotonic()
            time.sleep(PAUSE)
    if waits is not None:
        print(f"waited {time.monotonic() - waits:.1f} s for another fit to compile", flush=True)
    return [LOADED[key] for key in keys]


def _load(code: Code, place: Path):
    """Load or compile a function; None while another process compiles it."""
    place.mkdir(exist_ok=True)
    if code.is_stored(place):
        return code.load(place)
    with (place / "lock").open("a") as lock:
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            return None
        except OSError:
            pass  # a file system without locks: each process compiles for itself
        return code.load(place)
