"""The log of a state folder: counts, codes and times in rotating files, never a name, an ID or an amount."""

from __future__ import annotations

import contextlib
import logging
import traceback
from collections.abc import Iterator
from logging.handlers import RotatingFileHandler
from pathlib import Path

_BYTES, _FILES = 512 * 1024, 5


@contextlib.contextmanager
def log_to(folder: Path) -> Iterator[logging.Logger]:
    """A logger that writes to ``folder``/logs/recon.log; a log that cannot be written never stops a run."""
    logger = logging.Logger("recon.job")
    handler: logging.Handler
    try:
        place = folder / "logs"
        place.mkdir(mode=0o700, exist_ok=True)
        handler = RotatingFileHandler(place / "recon.log", maxBytes=_BYTES, backupCount=_FILES, encoding="utf-8")
    except OSError:
        handler = logging.NullHandler()
    handler.handleError = _say_nothing  # type: ignore[method-assign] # a full disk is said elsewhere
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S%z"))
    logger.addHandler(handler)
    try:
        yield logger
    finally:
        with contextlib.suppress(OSError):
            handler.close()


def _say_nothing(record: logging.LogRecord) -> None:
    pass


def where(error: BaseException) -> str:
    """The kind of an error and the lines it came through: its message may quote what stands in a file."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    places = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
    return f"{type(error).__name__} {places}"
