"""Which files are opened and written, by the kernel's own account: C libraries open theirs, too."""

import ctypes
import os
import struct
from collections.abc import Iterable
from pathlib import Path

OPENED, WRITTEN, RENAMED, OF_FOLDER = 0x20, 0x8, 0x80, 0x40000000
HEADER = struct.Struct("iIII")  # inotify(7): watch, mask, cookie, length of the name


class Watch:
    """Files of some folders, not of those in them."""

    def __init__(self, folders: Iterable[Path]):
        libc = ctypes.CDLL(None, use_errno=True)
        self.stream = libc.inotify_init1(os.O_NONBLOCK)
        mask = OPENED | WRITTEN | RENAMED
        self.folders = {
            libc.inotify_add_watch(self.stream, os.fsencode(folder), mask): folder
            for folder in folders
        }
        assert min(self.folders) > 0, os.strerror(ctypes.get_errno())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.stream)

    def seen(self) -> dict[int, set[Path]]:
        """What was opened, written, and put in its place by another name since last asked."""
        found = {OPENED: set(), WRITTEN: set(), RENAMED: set()}
        while events := self._read():
            while events:
                watch, mask, _, length = HEADER.unpack_from(events)
                name, events = events[HEADER.size :][:length], events[HEADER.size + length :]
                path = self.folders[watch] / os.fsdecode(name.rstrip(b"\0"))
                for kind in found:
                    if mask & kind and not mask & OF_FOLDER:
                        found[kind].add(path)
        return found

    def _read(self) -> bytes:
        try:
            return os.read(self.stream, 1 << 20)
        except BlockingIOError:
            return b""
