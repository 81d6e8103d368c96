"""Rows already read, kept by the content of their file: a file that has been read is not parsed again.

The key is the file's sha256 with a mark of everything else that reading depends on (the program and the formats).
What is kept is what one file gave before the files were put together, in Parquet; names of files are not in it.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from recon import __version__, reading, tables
from recon.problems import Problem
from recon.reading import ocr
from recon.reading.file_read import UNREADABLE, Claim, FileRead
from recon.reading.lines import GridRows
from recon.reading.proof import Proof

_CLASSES: dict[str, Any] = {one.__name__: one for one in (FileRead, GridRows, Claim, Problem, Proof)}
_ACCOUNT_TABLES = ("flow", "reading")


def reading_mark(format_files: Iterable[Path]) -> str:
    """A mark of what reading depends on besides the file: this program's reading modules, and the formats."""
    mark = hashlib.sha256(f"{__version__}|{pl.__version__}|{ocr.version()}".encode())
    own = sorted(one for place in reading.__path__ for one in Path(place).rglob("*.py"))
    for path in [*own, Path(tables.__file__), *sorted(format_files)]:
        mark.update(path.name.encode())
        mark.update(path.read_bytes())
    return mark.hexdigest()


class KeptRows:
    """The rows kept in one folder. What is read is held back until :meth:`keep`, for only then the edition is known.

    The hr edition keeps no rows of accounts: spend lines, places and memos must not outlive the run (DESIGN 8).
    """

    def __init__(self, folder: Path, mark: str) -> None:
        self._folder, self._mark = folder, mark
        self._fresh: dict[str, tuple[str, list[FileRead]]] = {}
        self.hits = 0

    def get(self, name: str, digest: str) -> list[FileRead] | None:
        """What the file gave when it was read before, under its present name; None: it has to be read."""
        path = self._path(digest)
        try:
            reads = _unpack(path.read_bytes(), name)
            os.utime(path)  # for prune
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile, pl.exceptions.PolarsError):
            path.unlink(missing_ok=True)  # damaged, or of another shape: read the file again
            return None
        self.hits += 1
        return reads

    def put(self, name: str, digest: str, reads: list[FileRead]) -> None:
        """Hold what a file gave; it may be changed afterwards without harm."""
        self._fresh[digest] = (name, [
            replace(read, parts=[_copied(part) for part in read.parts], problems=list(read.problems))
            for read in reads
        ])

    def keep(self, edition: str) -> int:
        """Write what was held back, each whole or not at all; how many files. A full disk keeps none, and no harm."""
        count = 0
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for digest, (name, reads) in self._fresh.items():
            accounts = any(part.table in _ACCOUNT_TABLES for part in _parts(reads))
            if (edition == "hr" and accounts) or any(read.status == UNREADABLE for read in reads):
                continue
            path = self._path(digest)
            temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
            try:
                temporary.write_bytes(_pack(reads, name))
                temporary.replace(path)
                count += 1
            except TypeError:
                continue
            except OSError:
                break
            finally:
                temporary.unlink(missing_ok=True)
        self._fresh = {}
        return count

    def drop_accounts(self) -> None:
        """Remove what an earlier edition kept of accounts."""
        for path in self._folder.glob("*.rows"):
            try:
                kept = _unpack(path.read_bytes(), "")
            except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile, pl.exceptions.PolarsError):
                kept = None
            if kept is None or any(part.table in _ACCOUNT_TABLES for part in _parts(kept)):
                path.unlink(missing_ok=True)

    def prune(self, before: float) -> None:
        """Remove rows that no run has used since ``before`` (seconds since 1970), and what a killed run left."""
        for path in self._folder.glob("*"):
            if path.suffix == ".part" or path.stat().st_mtime < before:
                path.unlink(missing_ok=True)

    def _path(self, digest: str) -> Path:
        return self._folder / f"{hashlib.sha256(f'{digest}|{self._mark}'.encode()).hexdigest()}.rows"


def _copied(part: GridRows) -> GridRows:
    return replace(part, also=[_copied(one) for one in part.also])


class _Packer:
    """What one file gave as JSON, frames aside as Parquet. The file's own name is left out of it, for the same content
    may come back under another. A value of a kind that is not known here raises TypeError: such a file is not kept.
    """

    def __init__(self, archive: zipfile.ZipFile, name: str) -> None:
        self._archive, self._name, self._frames = archive, name, 0

    def plain(self, value: Any) -> Any:
        """``value`` as JSON can hold it; dataclasses, dates and sets as one-key objects that say what they were."""
        if value is None or isinstance(value, str | int | float):
            return value
        if isinstance(value, pl.DataFrame):
            buffer = io.BytesIO()
            value.write_parquet(buffer)
            self._frames += 1
            self._archive.writestr(f"{self._frames}.parquet", buffer.getvalue())
            return {"!frame": f"{self._frames}.parquet"}
        if isinstance(value, date):
            return {"!date": value.isoformat()}
        if isinstance(value, list):
            return [self.plain(one) for one in value]
        if isinstance(value, tuple):
            return {"!tuple": [self.plain(one) for one in value]}
        if isinstance(value, set | frozenset):
            return {f"!{type(value).__name__}": sorted(value)}
        if type(value).__name__ in _CLASSES:
            members = {one.name: self.plain(getattr(value, one.name)) for one in fields(value)}
            if isinstance(members.get("file"), str):
                members["file"] = members["file"].removeprefix(self._name)
            return {f"!{type(value).__name__}": members}
        if isinstance(value, dict) and all(isinstance(key, str) and key[:1] != "!" for key in value):
            return {key: self.plain(one) for key, one in value.items()}
        raise TypeError(type(value).__name__)

    def back(self, value: Any) -> Any:
        """What was made plain."""
        if isinstance(value, list):
            return [self.back(one) for one in value]
        if not isinstance(value, dict):
            return value
        tagged = next(iter(value), "") if len(value) == 1 else ""
        if tagged[:1] != "!":
            return {name: self.back(one) for name, one in value.items()}
        key, inner = tagged, value[tagged]
        match key[1:]:
            case "frame":
                return pl.read_parquet(io.BytesIO(self._archive.read(inner)))
            case "date":
                return date.fromisoformat(inner)
            case "tuple":
                return tuple(self.back(inner))
            case "set":
                return set(inner)
            case "frozenset":
                return frozenset(inner)
        members = {name: self.back(one) for name, one in inner.items()}
        if isinstance(members.get("file"), str):
            members["file"] = self._name + members["file"]
        return _CLASSES[key[1:]](**members)


def _pack(reads: list[FileRead], name: str) -> bytes:
    """All that one file gave, as an archive of a manifest and one Parquet file per frame; ``name`` is left out."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        manifest = _Packer(archive, name).plain(reads)
        archive.writestr("manifest.json", json.dumps(manifest, ensure_ascii=False))
    return out.getvalue()


def _unpack(data: bytes, name: str) -> list[FileRead]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        reads: list[FileRead] = _Packer(archive, name).back(json.loads(archive.read("manifest.json")))
        return reads


def _parts(reads: list[FileRead]) -> Iterator[GridRows]:
    """Every grid of a file, with what it gave to other tables."""
    waiting = [part for read in reads for part in read.parts]
    while waiting:
        part = waiting.pop()
        yield part
        waiting += part.also
