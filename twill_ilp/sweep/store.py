"""Where finished points are kept: ``points.jsonl``, one line of JSON per point, only appended.

A line is written by a single call and ends in a newline, so that a crash can tear the last line
only, and a torn line is one without its newline.  It is cut off when the store is next opened,
and its point is solved again.  A full disk leaves no torn line: what was written of it is cut
off at once.  A lock keeps a second runner out.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from twill_ilp.errors import TwillError

__all__ = ["POINTS", "Store", "StoreError", "read_rows"]

POINTS = "points.jsonl"

SYNC_SECONDS = 1.0
"""How much work a power failure may cost.  A killed process loses nothing that was written."""

Row = dict[str, Any]


class StoreError(TwillError):
    """A store that is damaged, in use, or cannot be written."""


class Store:
    """The store of one sweep, open for appending; a context manager.

    Args:
        folder: of the results; created if it is missing.

    Attributes:
        path: the file.
        keys: of the rows in it.
        torn: bytes of a torn last line that were cut off.

    Raises:
        StoreError: another runner has it open, it is damaged, or the folder takes no files.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / POINTS
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        except OSError as e:
            raise StoreError(f"{self.path}: {e.strerror}; choose another folder") from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._file)
            raise StoreError(
                f"{self.path}: another runner writes it; wait for it or end it"
            ) from None
        try:
            self.torn = _cut_torn_line(self._file)
            self.keys = {str(row["key"]) for row in read_rows(self.path)}
        except BaseException:
            os.close(self._file)
            raise
        self._synced = time.monotonic()

    def append(self, row: Mapping[str, Any]) -> None:
        """Write one row, whole or not at all.

        Raises:
            StoreError: the disk is full, or the like.
        """
        line = json.dumps(row, allow_nan=False, separators=(",", ":")).encode() + b"\n"
        end = os.fstat(self._file).st_size
        self.keys.add(str(row["key"]))  # first, so that Ctrl-C cannot make it twice
        try:
            written = os.write(self._file, line)
            if written < len(line):  # the disk became full in the middle
                os.write(self._file, line[written:])
        except OSError as e:
            os.ftruncate(self._file, end)
            self.keys.discard(str(row["key"]))
            raise StoreError(
                f"{self.path}: {e.strerror} after {len(self.keys)} points, which are safe; "
                "make room and go on with --resume"
            ) from None
        if time.monotonic() - self._synced > SYNC_SECONDS:
            self._sync()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._sync()
        finally:
            os.close(self._file)

    def _sync(self) -> None:
        try:
            os.fsync(self._file)
        except OSError as e:
            raise StoreError(f"{self.path}: cannot be written to disk: {e.strerror}") from None
        self._synced = time.monotonic()


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a store in the order in which they ended; a torn last line is left out.

    Raises:
        StoreError: a whole line that is no row.
    """
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.endswith(b"\n"):
                return
            try:
                row = json.loads(line)
                _ = row["key"], row["point"]
            except (ValueError, TypeError, KeyError):
                raise StoreError(
                    f"{path}:{number}: not a row of a sweep; delete the line, and its point is "
                    "solved again"
                ) from None
            yield row


def _cut_torn_line(file: int) -> int:
    """Cut the file behind its last newline; the number of bytes that were cut off."""
    size = os.fstat(file).st_size
    end, block = size, 1 << 16
    while end:
        begin = max(0, end - block)
        newline = os.pread(file, end - begin, begin).rfind(b"\n")
        if newline >= 0:
            end = begin + newline + 1
            break
        end = begin
    if end < size:
        os.ftruncate(file, end)
    return size - end
