"""Writing files whole or not at all.

A file is written under a temporary name in its own folder and renamed when it is complete, so
that no reader and no crash ever meets half of it.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from twill_ilp.errors import OptionError

__all__ = ["check_writable", "write_text", "writing"]


def check_writable(path: str | Path) -> None:
    """Refuse a path that cannot be written, before anybody computes what belongs there.

    Raises:
        OptionError: the folder does not exist or takes no files, or the path is something
            other than a regular file.
    """
    target = _target(path)
    try:
        irregular = target.exists() and not target.is_file()
        if irregular or str(path).endswith((os.sep, "/")):
            raise OptionError(f"{path or '(no name)'}: not a regular file; give the path of a file")
        if target.exists() and not os.access(target, os.W_OK):
            raise OptionError(f"{path}: the file is read-only; choose another name")
        if not target.parent.is_dir():
            raise OptionError(f"{path}: folder {target.parent} does not exist; create it")
        with tempfile.TemporaryFile(dir=target.parent):
            pass
    except OSError as e:
        raise OptionError(f"{path}: cannot be written: {e.strerror}; choose another path") from None


@contextmanager
def writing(path: str | Path) -> Iterator[Path]:
    """The temporary path to write to; becomes ``path`` if the block succeeds, else vanishes.

    A link is followed: what it points to is replaced.  The suffix is that of ``path``.

    Raises:
        OSError: the block could not write, or the file could not be renamed.
    """
    target = _target(path)
    temporary = target.with_name(f".twill-ilp-{secrets.token_hex(8)}{target.suffix}")
    try:
        yield temporary
        os.replace(temporary, target)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def write_text(path: str | Path, text: str) -> None:
    """Write ``text`` as UTF-8 with Unix line ends.

    Raises:
        OSError: as :func:`writing`.
    """
    with writing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def _target(path: str | Path) -> Path:
    return Path(os.path.realpath(path))
