"""The formats of a run: found in the directories of mappings, shipped or a user's own, and read once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from recon.reading.format import FormatError, Formats
from recon.reading.format_toml import SHARED, build_format, check_head, merge_shared, read_toml


def shipped() -> Path:
    """The mappings that come with recon: inside the installed package, else the checkout's own."""
    inside = Path(str(resources.files("recon"))) / "mappings"
    return inside if inside.is_dir() else Path(__file__).resolve().parents[3] / "mappings"


def format_files(directory: Path) -> list[Path]:
    """The format files of a mappings directory: ``formats/*.toml``, or ``*.toml`` where it has no such folder."""
    inside = directory / "formats"
    if inside.is_dir():
        return sorted(inside.glob("*.toml"))
    if (directory / "policy").is_dir():
        return []
    return sorted(path for path in directory.glob("*.toml") if path.name == SHARED or _is_format(path))


def load_formats(directories: Sequence[Path]) -> Formats:
    """Every format of ``directories``, checked; a later one replaces an earlier one of the same id.

    Raises FormatError at the first mistake. Files that have not changed are not read again by the same process.
    """
    files = [path for directory in directories for path in format_files(Path(directory))]
    return _loaded(tuple((path, (state := path.stat()).st_mtime_ns, state.st_size) for path in files))


@lru_cache(maxsize=8)
def _loaded(files: tuple[tuple[Path, int, int], ...]) -> Formats:
    shared: dict[str, dict[str, Any]] = {}
    raw: dict[str, tuple[Path, dict[str, Any]]] = {}
    for path, *_ in files:
        if path.name == SHARED:
            merge_shared(path, shared, read_toml(path))
    for path, *_ in files:
        if path.name != SHARED:
            data = read_toml(path)
            check_head(path, data)
            raw[data["id"]] = (path, data)
    formats = {key: build_format(path, data, shared) for key, (path, data) in sorted(raw.items())}
    for key, (path, _) in raw.items():
        for other in formats[key].replaces - formats.keys():
            raise FormatError(path, "claim.replaces", f"no format is called {other!r}")
    return Formats(formats)


def shared_words(directories: Iterable[Path]) -> dict[str, dict[str, Any]]:
    """What all formats have in common: the sections of every shared.toml of ``directories``, put together.

    Raises FormatError at the first mistake.
    """
    shared: dict[str, dict[str, Any]] = {}
    for path in (path for directory in directories for path in format_files(Path(directory)) if path.name == SHARED):
        merge_shared(path, shared, read_toml(path))
    return shared


def _is_format(path: Path) -> bool:
    return "columns" in read_toml(path)
