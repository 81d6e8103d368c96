"""What a binary .xls claims of itself, checked before any reader sees it: chains that end, cells within the sheet."""

from __future__ import annotations

import struct

_FREE = 0xFFFFFFFA  # sector numbers from here on are marks
_CELLS = frozenset((0x0006, 0x00BD, 0x00BE, 0x00D6, 0x00FD, 0x0201, 0x0203, 0x0204, 0x0205, 0x0206, 0x027E, 0x0406))
_SEVERAL = (0x00BD, 0x00BE)  # the last two bytes are the last column
MAX_COLUMN = 255  # BIFF8 has 256 columns


def is_unsafe(data: bytes) -> bool:
    """Whether a reader could run in a circle, or would ask for a rectangle that the format does not have.

    A chain of sectors that contains itself never ends; a damaged cell in column 60,000 makes readers ask for
    gigabytes. A container that cannot be followed at all is left to the reader, which then fails by itself.
    """
    try:
        size, follow = _sectors(data)
        if _has_circle(follow):
            return True
        first, = struct.unpack_from("<I", data, 60)
        small = _chain(data, size, follow, first)
        if _has_circle(list(struct.unpack(f"<{len(small) // 4}I", small[:len(small) // 4 * 4]))):
            return True
        stream = _workbook(data, size, follow)
    except (struct.error, ValueError):
        return False
    return _reaches_too_far(stream)


def _reaches_too_far(stream: bytes) -> bool:
    at, end = 0, len(stream)
    unpack = struct.Struct("<HH").unpack_from
    while at + 4 <= end:
        kind, size = unpack(stream, at)
        at += 4
        if kind in _CELLS and size >= 4 and at + size <= end:
            _, column = unpack(stream, at)
            if kind in _SEVERAL:
                column = max(column, *struct.unpack_from("<H", stream, at + size - 2))
            if column > MAX_COLUMN:
                return True
        at += size
    return False


def _sectors(data: bytes) -> tuple[int, list[int]]:
    """The size of a sector, and for each sector the one that follows it."""
    shift, = struct.unpack_from("<H", data, 30)
    if shift not in (9, 12):
        raise ValueError("sector size")
    size = 1 << shift
    places = list(struct.unpack_from("<109I", data, 76))
    next_table, tables = struct.unpack_from("<II", data, 68)
    while next_table < _FREE and tables > 0 and len(places) < len(data) // size:
        more = struct.unpack_from(f"<{size // 4}I", data, (next_table + 1) * size)
        places += more[:-1]
        next_table, tables = more[-1], tables - 1
    follow: list[int] = []
    for place in places:
        if place < _FREE:
            part = data[(place + 1) * size:(place + 2) * size]
            follow += struct.unpack(f"<{len(part) // 4}I", part[:len(part) // 4 * 4])
            follow += [_FREE] * (size // 4 - len(part) // 4)
    return size, follow


def _has_circle(follow: list[int]) -> bool:
    """Whether some chain comes back to a sector of its own."""
    seen = bytearray(len(follow))  # 1: on the chain being walked, 2: known to end
    for start in range(len(follow)):
        walked, at = [], start
        while at < len(follow) and not seen[at]:
            seen[at] = 1
            walked.append(at)
            at = follow[at]
        if at < len(follow) and seen[at] == 1:
            return True
        for each in walked:
            seen[each] = 2
    return False


def _chain(data: bytes, size: int, follow: list[int], sector: int) -> bytes:
    pieces = []
    while sector < len(follow):  # no chain is a circle
        pieces.append(data[(sector + 1) * size:(sector + 2) * size])
        sector = follow[sector]
    return b"".join(pieces)


def _workbook(data: bytes, size: int, follow: list[int]) -> bytes:
    """The stream of the workbook in an OLE2 container."""
    directory, = struct.unpack_from("<I", data, 48)
    entries = _chain(data, size, follow, directory)
    for at in range(0, len(entries) - 127, 128):
        name = entries[at:at + 64].decode("utf-16-le", "ignore").split("\0")[0]
        if name in ("Workbook", "Book"):
            start, length = struct.unpack_from("<II", entries, at + 116)
            return _chain(data, size, follow, start)[:length]
    raise ValueError("no workbook")
