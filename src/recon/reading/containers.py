"""Any file as grids of text: the first bytes decide what it is, never its name."""

from __future__ import annotations

import os
import zipfile
from io import BytesIO
from pathlib import Path

from recon.problems import Problem
from recon.reading.grid import Opened

MAX_BYTES = 1 << 30
_OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SKIPPED_NAMES = {"thumbs.db", "desktop.ini", "__macosx", "icon\r", "recon.toml"}
_SKIPPED_ENDS = (".tmp", ".temp", ".part", ".partial", ".crdownload", ".download", ".lock", ".lck")
# Files that people keep beside their exports and that hold no table.
_OTHERS = (
    (b"\x89PNG", "PNG"), (b"\xff\xd8\xff", "JPEG"), (b"GIF8", "GIF"), (b"BM", "BMP"), (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"), (b"Rar!", "RAR"), (b"7z\xbc\xaf\x27\x1c", "7z"), (b"\x1f\x8b", "gzip"), (b"{\\rtf", "RTF"),
    (b"SQLite format 3\0", "SQLite"),
)


def open_file(path: Path, header_words: frozenset[str] = frozenset()) -> Opened:
    """The grids of one file and what was wrong with it; never raises for bad input.

    ``header_words`` are folded header names (``glyphs.fold``) of all known formats: a PDF's table needs them to find
    its columns. ``kind`` is csv, xlsx, pdf, parquet (no grids: the caller reads it), zip (see ``members``) or "".
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            return Opened(problems=[Problem("too-large", value=f"{size >> 20} MiB")])
        return open_bytes(path.read_bytes(), header_words)
    except OSError as error:
        return Opened(problems=[Problem("unreadable-file", value=error.strerror or "")])


def open_bytes(data: bytes, header_words: frozenset[str] = frozenset()) -> Opened:
    """The same for bytes in memory, such as the member of an archive."""
    head = data[:1024].lstrip(b"\0 \t\r\n")
    if not head and not data.strip(b"\0 \t\r\n"):
        return Opened(problems=[Problem("empty-file")])
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return _open_zip(data)
    if b"%PDF-" in data[:1024]:
        from recon.reading.pdf_grid import read_pdf

        return read_pdf(data, header_words)
    if data.startswith(_OLE2):
        from recon.reading.xlsx_grid import read_xls

        return read_xls(data)
    if data.startswith(b"PAR1"):
        ends = data.endswith(b"PAR1") and len(data) >= 12
        return Opened(kind="parquet", problems=[] if ends else [Problem("truncated-file")])
    for magic, name in _OTHERS:
        if data.startswith(magic) and (magic != b"BM" or b"\0" in data[:16]):
            return Opened(problems=[Problem("not-a-table", value=name)])
    from recon.reading.markup_grid import is_markup, read_markup

    if is_markup(data[:1024]):
        return read_markup(data)
    from recon.reading.csv_grid import read_text

    return read_text(data)


def list_files(folder: Path) -> list[tuple[str, Path]]:
    """The files to read under ``folder`` as (posix path relative to it, path), sorted.

    Left out: hidden, lock and temporary files, unfinished downloads, and links that lead out of the folder.
    """
    root = folder.resolve()
    found = []
    for parent, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not _is_skipped(name))
        for name in names:
            path = Path(parent, name)
            if _is_skipped(name) or not path.is_file():
                continue
            if path.is_symlink() and not path.resolve().is_relative_to(root):
                continue
            relative = path.relative_to(root).as_posix()
            found.append((relative, folder / relative))
    return sorted(found)


def _is_skipped(name: str) -> bool:
    lower = name.lower()
    return lower.startswith((".", "~")) or lower in _SKIPPED_NAMES or lower.endswith(_SKIPPED_ENDS)


def _open_zip(data: bytes) -> Opened:
    """A workbook where the archive is one, else its members, unpacked in memory and never to disk."""
    from recon.reading.xlsx_grid import ARCHIVE_ERRORS, Refused, check_package, damaged_archive, read_xlsx

    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            names = {name.lower().replace("\\", "/") for name in archive.namelist()}
            if names & {"xl/workbook.xml", "xl/workbook.bin"} or _says_workbook(archive):
                return read_xlsx(data)
            if "[content_types].xml" in names or "mimetype" in names:
                return Opened(problems=[Problem("not-a-table", value="Office")])
            check_package(archive)
            members = [
                (_member_name(m), archive.read(m)) for m in archive.infolist()
                if not m.is_dir() and not any(_is_skipped(part) for part in m.filename.split("/") if part)
            ]
    except Refused as refused:
        return Opened(problems=[refused.problem], kind="zip")
    except ARCHIVE_ERRORS:
        return Opened(problems=[damaged_archive(data)], kind="zip")
    if not members:
        return Opened(problems=[Problem("empty-file")], kind="zip")
    return Opened(kind="zip", members=sorted(members))


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
