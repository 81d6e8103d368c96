"""The state folder itself: private, locked by one run at a time, with a heartbeat that others may watch."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from io import FileIO
from pathlib import Path
from typing import Any

MARK = "recon-state"  # a file of this name tells the reading that a folder is recon's own
HEARTBEAT = "heartbeat.json"
_LOCK = "lock"


class Locked(Exception):
    """Another run is at work in the state folder; ``since`` is when it began, if it has said so."""

    def __init__(self, since: str = "") -> None:
        super().__init__(since)
        self.since = since


class StateError(Exception):
    """The state folder cannot be used: a sentence that says what to do."""


def open_place(folder: Path) -> Path:
    """The state folder, made if need be, readable by its owner alone (0700). Raises StateError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.name == "posix":
            folder.chmod(0o700)
        mark = folder / MARK
        if not mark.exists():
            mark.write_text("recon: 状态文件夹，含个人信息 / state folder, holds personal data\n", encoding="utf-8")
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise StateError(
            f"状态文件夹用不了：{folder.name}（{why}）；换一个本人可写的文件夹 / "
            "the state folder cannot be used; choose one you can write to"
        ) from None
    return folder


@contextlib.contextmanager
def locked(folder: Path, started: str) -> Iterator[str | None]:
    """Holds the folder's lock; yields when an earlier run began that never came to its end, else None.

    The lock is the operating system's: it is released when a process ends, however it ends. Raises Locked.
    """
    path = folder / _LOCK
    with path.open("a+b", buffering=0) as file:
        if not _take(file):
            raise Locked(_told(path))
        left_behind = _told(path)
        _tell(file, started)
        try:
            yield left_behind or None
        finally:
            # Not after a kill: then what the file says stays, and the next run knows.
            _tell(file, "")
            _release(file)


def is_locked(folder: Path) -> str | None:
    """When the run began that is at work in ``folder``; None when none is."""
    path = folder / _LOCK
    if not path.exists():
        return None
    with path.open("a+b", buffering=0) as file:
        if _take(file):
            _release(file)
            return None
    return _told(path) or "?"


def _tell(file: FileIO, text: str) -> None:
    with contextlib.suppress(OSError):  # a full disk: who holds the lock is good to know, no more
        file.truncate(0)
        file.write(text.encode())


def _told(path: Path) -> str:
    with contextlib.suppress(OSError):  # Windows does not let others read a locked file
        return path.read_text(encoding="utf-8").strip()
    return ""


if sys.platform == "win32":
    import msvcrt

    _FAR = 1 << 30  # a byte far behind the text, so that the text can be read

    def _take(file: FileIO) -> bool:
        file.seek(_FAR)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _release(file: FileIO) -> None:
        file.seek(_FAR)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
else:
    import fcntl

    def _take(file: FileIO) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def _release(file: FileIO) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)


def write_heartbeat(folder: Path, facts: Mapping[str, Any]) -> None:
    """``heartbeat.json``, whole or not at all: for people and for whatever watches the machine."""
    path = folder / HEARTBEAT
    temporary = path.with_name(f".{path.name}.part")
    try:
        temporary.write_text(json.dumps(facts, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_heartbeat(folder: Path) -> dict[str, Any]:
    """What the last run said of itself; nothing where there was none or the file is damaged."""
    try:
        facts = json.loads((folder / HEARTBEAT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}
