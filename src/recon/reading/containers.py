"""Any file as grids of text: the first bytes decide what it is, never its name."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from recon.problems import Problem
from recon.reading.grid import Opened
from recon.reading.xlsx_grid import ARCHIVE_ERRORS, Refused, check_package, damaged_archive, read_xls, read_xlsx

MAX_BYTES = 1 << 30
MAX_DEPTH = 2  # archives in archives
MAX_PASSWORDS = 100
_OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PK = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_SKIPPED_NAMES = {"thumbs.db", "desktop.ini", "__macosx", "icon\r", "recon.toml"}
_SKIPPED_ENDS = (".tmp", ".temp", ".part", ".partial", ".crdownload", ".download", ".lock", ".lck")
_STATE_MARK = "recon-state"  # stands in a state folder, which holds no exports
# Pictures, whose text can be read where the extra recon[ocr] is installed.
_PICTURES = ((b"\x89PNG", "PNG"), (b"\xff\xd8\xff", "JPEG"), (b"BM", "BMP"), (b"II*\0", "TIFF"), (b"MM\0*", "TIFF"))
# Files that people keep beside their exports and that hold no table.
_OTHERS = (
    (b"GIF8", "GIF"), (b"Rar!", "RAR"), (b"7z\xbc\xaf\x27\x1c", "7z"), (b"\x1f\x8b", "gzip"), (b"{\\rtf", "RTF"),
    (b"SQLite format 3\0", "SQLite"),
)
# First bytes of texts that lie in a folder and are no data: expected rows beside a sample, notes beside exports.
_OWN_TEXTS = (b"# recon expected rows", b"<!-- recon notes")
_OWN_WORKBOOK = b"recon-report"  # in the document properties of recon's own workbooks


@dataclass
class OpenedFile:
    """One file or archive member as it was opened; ``data`` only where the caller still has to read it (Parquet)."""

    name: str  # of a member: archive.zip!member
    sha256: str
    opened: Opened
    data: bytes = b""


@dataclass
class Shared:
    """What every reader of a folder needs to know; ``formats`` are loaded where they are needed and never sent."""

    mappings: tuple[Path, ...] = ()
    header_words: frozenset[str] = frozenset()
    passwords: tuple[str, ...] = field(default=(), repr=False)
    formats: Any = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "formats": None}


def open_task(shared: Shared, name: str, path: Path, sha256: str, only: str | None = None) -> list[OpenedFile]:
    """The file, or each member of the archive it is, opened: the task of a worker."""
    return list(open_path(name, path, sha256, shared.header_words, shared.passwords, only))


def open_file(
    path: Path, header_words: frozenset[str] = frozenset(), passwords: Sequence[str] = ()
) -> Opened:
    """The grids of one file and what was wrong with it; never raises for bad input.

    ``header_words`` are folded header names (``glyphs.fold``) of all known formats: a PDF's table needs them to find
    its columns. ``passwords`` are tried in order on a protected file.
    """
    data = load(path)
    return data if isinstance(data, Opened) else open_bytes(data, header_words, passwords)


def open_path(
    name: str, path: Path, sha256: str, header_words: frozenset[str] = frozenset(), passwords: Sequence[str] = (),
    only: str | None = None,
) -> Iterator[OpenedFile]:
    """The file, or each member of the archive it is, opened one after the other; ``only`` that member of it."""
    data = load(path)
    if isinstance(data, Opened):
        yield OpenedFile(name, sha256, data)
    else:
        yield from _open_all(name, data, sha256, header_words, passwords, only, 0)


def open_bytes(
    data: bytes, header_words: frozenset[str] = frozenset(), passwords: Sequence[str] = ()
) -> Opened:
    """The same as ``open_file`` for bytes in memory, such as the member of an archive."""
    passwords = passwords[:MAX_PASSWORDS]
    head = data[:1024].lstrip(b"\0 \t\r\n")
    if not head and not data.strip(b"\0 \t\r\n"):
        return Opened(problems=[Problem("empty-file")])
    if is_package(data):
        return _open_package(data)
    if b"%PDF-" in data[:1024]:
        from recon.reading.pdf_grid import read_pdf

        return read_pdf(data, header_words, passwords)
    if data.startswith(_OLE2):
        return _open_ole(data, passwords)
    if data.startswith(b"PAR1"):
        ends = data.endswith(b"PAR1") and len(data) >= 12
        return Opened(kind="parquet", problems=[] if ends else [Problem("truncated-file")])
    if data[:64].removeprefix(b"\xef\xbb\xbf").startswith(_OWN_TEXTS):
        return Opened(kind="own")
    if kind := picture_kind(data):
        from recon.reading.picture import open_picture

        return open_picture(data, kind)
    name = next((name for magic, name in _OTHERS if data.startswith(magic)), None)
    if name or data[4:8] == b"ftyp":
        return Opened(problems=[Problem("not-a-table", value=name or "HEIC/MP4")])
    from recon.reading.markup_grid import is_markup, read_markup

    if is_markup(data[:1024]):
        return read_markup(data)
    from recon.reading.csv_grid import read_text

    return read_text(data)


def picture_kind(data: bytes) -> str | None:
    """Which kind of picture that can be read a file is; None: none."""
    kind = next((name for magic, name in _PICTURES if data.startswith(magic)), None)
    return kind if kind != "BMP" or b"\0" in data[:16] else None  # a text may well begin with BM


def is_package(data: bytes) -> bool:
    """Whether a file is a ZIP archive or a workbook kept in one."""
    return data.startswith(_PK)


def is_archive(opened: Opened) -> bool:
    """Whether what was opened is an archive whose members are files of their own and may be unpacked."""
    return opened.kind == "zip" and not opened.problems


def member_names(_: Shared, path: Path) -> list[str]:
    """The members of an archive that would be opened, by name; nothing is unpacked."""
    try:
        with zipfile.ZipFile(path) as archive:
            if any(name.lower() in ("[content_types].xml", "mimetype") for name in archive.namelist()):
                return []  # a workbook: its parts are no files
            return [_member_name(member) for member in _wanted(archive)]
    except ARCHIVE_ERRORS:
        return []


def is_plain_text(head: bytes) -> bool:
    """Whether a file begins like delimited text: what is read without any library that a file could upset."""
    from recon.reading.markup_grid import is_markup

    known = (*_PK, _OLE2, b"PAR1", *(magic for magic, _ in (*_PICTURES, *_OTHERS)), b"\0\0\0\x18ftyp")
    return not (head.startswith(known) or b"%PDF-" in head[:1024] or is_markup(head[:1024]))


def list_files(folder: Path) -> list[tuple[str, Path]]:
    """The files to read under ``folder`` as (posix path relative to it, path), sorted."""
    return survey(folder)[0]


def survey(folder: Path) -> tuple[list[tuple[str, Path]], list[str]]:
    """The files to read under ``folder`` as (posix path relative to it, path), and the names of those left out.

    Left out are lock and temporary files, unfinished downloads, links that lead out of the folder or to a folder,
    what is no file, and (without a word) hidden files and what systems leave in folders.
    """
    root = folder.resolve()
    found, left = [], []
    for parent, folders, names in os.walk(root):
        links = [name for name in folders if Path(parent, name).is_symlink()]
        folders[:] = sorted(name for name in folders if not _is_skipped(name) and name not in links and not (
            Path(parent, name, _STATE_MARK).exists()))
        for name in [*names, *links]:
            path = Path(parent, name)
            relative = path.relative_to(root).as_posix()
            try:
                inside = not path.is_symlink() or path.resolve().is_relative_to(root)
                if not _is_skipped(name) and inside and path.is_file():
                    found.append((relative, folder / relative))
                    continue
            except (OSError, RuntimeError):  # a link that leads to itself
                pass
            if not name.startswith(".") and name.lower() not in _SKIPPED_NAMES:
                left.append(relative)
    return sorted(found), sorted(left)


def _is_skipped(name: str) -> bool:
    lower = name.lower()
    return lower.startswith((".", "~")) or lower in _SKIPPED_NAMES or lower.endswith(_SKIPPED_ENDS)


def load(path: Path) -> bytes | Opened:
    """The bytes of a file, or why they are not read: larger than MAX_BYTES, not readable."""
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            return Opened(problems=[Problem("too-large", value=f"{size >> 20} MiB")])
        return path.read_bytes()
    except OSError as error:
        return Opened(problems=[Problem("unreadable-file", value=error.strerror or "")])


# ------------------------------------------------------------------------------------------------- archives, packages


def _open_all(
    name: str, data: bytes, sha256: str, header_words: frozenset[str], passwords: Sequence[str], only: str | None,
    depth: int,
) -> Iterator[OpenedFile]:
    opened = open_bytes(data, header_words, passwords)
    if not is_archive(opened) or depth >= MAX_DEPTH:
        if is_archive(opened):
            opened.problems.append(Problem("not-a-table", value="ZIP in ZIP"))
        yield OpenedFile(name, sha256, opened, data if opened.kind == "parquet" else b"")
        return
    del opened
    for member, content in members(data, passwords, only):
        inner = f"{name}!{member}"
        if isinstance(content, Problem):
            yield OpenedFile(inner, "", Opened(problems=[content]))
        else:
            yield from _open_all(inner, content, hashlib.sha256(content).hexdigest(), header_words, passwords, None,
                                 depth + 1)


def _open_package(data: bytes) -> Opened:
    """A workbook where the archive is one; kind zip where its members are files of their own."""
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            names = {name.lower().replace("\\", "/") for name in archive.namelist()}
            if names & {"xl/workbook.xml", "xl/workbook.bin"} or _says_workbook(archive):
                return Opened(kind="own") if _is_own_workbook(archive) else read_xlsx(data)
            if "[content_types].xml" in names or "mimetype" in names:
                return Opened(problems=[Problem("not-a-table", value="Office")])
            check_package(archive, protected=True)
            if not _wanted(archive):
                return Opened(problems=[Problem("empty-file")], kind="zip")
    except Refused as refused:
        return Opened(problems=[refused.problem], kind="zip")
    except ARCHIVE_ERRORS:
        return Opened(problems=[damaged_archive(data)], kind="zip")
    return Opened(kind="zip")


def members(
    data: bytes, passwords: Sequence[str] = (), only: str | None = None
) -> Iterator[tuple[str, bytes | Problem]]:
    """(name, content or why there is none) of each member, unpacked in memory one after the other, never to disk."""
    from recon.reading.protected import Archive

    with zipfile.ZipFile(BytesIO(data)) as plain:
        wanted = sorted(((_member_name(member), member) for member in _wanted(plain)), key=lambda each: each[0])
        protected = Archive(data, passwords) if any(member.flag_bits & 1 for _, member in wanted) else None
        for name, member in wanted:
            if only is not None and name != only:
                continue
            try:
                yield name, protected.read(member) if protected and member.flag_bits & 1 else plain.read(member)
            except ARCHIVE_ERRORS:
                yield name, Problem("unreadable-file", value="damaged archive")


def _wanted(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    return [
        member for member in archive.infolist()
        if not member.is_dir() and not any(_is_skipped(part) for part in member.filename.split("/") if part.strip("."))
    ]


def _is_own_workbook(archive: zipfile.ZipFile) -> bool:
    """Whether recon has written a workbook: its document properties say so."""
    try:
        info = archive.getinfo("docProps/core.xml")
        return info.file_size < 65_536 and _OWN_WORKBOOK in archive.read(info)
    except (KeyError, *ARCHIVE_ERRORS):
        return False


def _says_workbook(archive: zipfile.ZipFile) -> bool:
    """Whether the package declares a workbook that does not stand in its usual place."""
    name = next((m for m in archive.infolist() if m.filename.lower() == "[content_types].xml"), None)
    if name is None or name.file_size > 1 << 20 or name.flag_bits & 1:
        return False
    return b"spreadsheetml.sheet.main" in archive.read(name)


def _member_name(member: zipfile.ZipInfo) -> str:
    """The name of a member; without the UTF-8 flag Chinese systems write it in UTF-8 or GB18030 all the same."""
    if member.flag_bits & 0x800:
        return member.filename
    raw = member.filename.encode("cp437", "replace")
    for codec in ("utf-8", "gb18030"):
        try:
            return raw.decode(codec)
        except UnicodeDecodeError:
            continue
    return member.filename


# ----------------------------------------------------------------------------------------------------- OLE2 containers


def _open_ole(data: bytes, passwords: Sequence[str]) -> Opened:
    """A binary workbook, or the encrypted workbook kept in the same container."""
    from recon.reading.protected import open_office

    opened = read_xls(data)
    if not any(problem.code == "password-required" for problem in opened.problems):
        return opened
    plain = open_office(data, passwords)
    if isinstance(plain, Problem):
        return Opened(problems=[plain], kind="xlsx")
    return open_bytes(plain) if plain.startswith(_PK) else read_xls(plain)
