"""Large regular delimited text as a frame of text columns, without a Python object for every line or cell.

GB18030 is cut into cells before it is decoded: 0x0A and the delimiters below 0x40 are never part of a longer character,
so every byte may stand for one character until the cells are known (Latin-1), and only the distinct texts that hold
more than ASCII are decoded then. Taken only where the columns are sure to say what the row by row reader
(:mod:`recon.reading.csv_grid`) would say.
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from recon.reading import glyphs

_BLOCK = 32 << 20  # bytes read at a time
_PROBE = 1 << 20  # bytes that tell UTF-8 from GB18030 nearly always
_NOT_PLAIN = bytes([*range(9), 11, 12, *range(14, 32), 127]) + b"\"'"  # controls, quotation marks, guards
_FIRST_TRAIL = 0x40  # the lowest second byte of a character of two bytes in GB18030


def text_codec(data: bytes) -> str:
    """UTF-8 where all of it is, else GB18030, which is then proved cell by cell."""
    try:
        for block in _blocks(data, _PROBE):
            block.decode("utf-8")
    except UnicodeDecodeError:
        return "gb18030"
    return "utf-8"


def text_frame(data: bytes, codec: str, delimiter: str, width: int) -> pl.DataFrame | None:
    """The cells of regular delimited text, null where empty, read block by block; None where it is not regular."""
    separator = delimiter.encode()
    if not _is_regular(data, codec, separator):
        return None
    frames = []
    later = codec == "gb18030" and ord(delimiter) < _FIRST_TRAIL
    for block in _blocks(data, _BLOCK):
        if codec == "gb18030":
            try:
                block = block.decode("latin-1" if later else codec).encode("utf-8")
            except UnicodeDecodeError:
                return None
        try:
            frames.append(pl.read_csv(
                block, has_header=False, separator=delimiter, quote_char=None, infer_schema=False,
                schema={str(at): pl.String for at in range(width)}, raise_if_empty=False,
            ))
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
            return None
    frame = pl.concat(frames) if frames else pl.DataFrame()
    if frame.height != data.count(b"\n") + (not data.endswith(b"\n")):
        return None
    spaced = b" " in data or separator == b"\t"
    settled = []
    for column in frame.iter_columns():
        if (read := _settled(column, "gb18030" if later else "utf-8", spaced)) is None:
            return None
        settled.append(read)
    return pl.DataFrame(settled)


def _settled(column: pl.Series, codec: str, spaced: bool) -> pl.Series | None:
    """A column as its texts read: decoded, without padding, null where empty; None where only care can tell."""
    if column.str.len_bytes().sum() == column.str.len_chars().sum():  # ASCII
        return _stripped(column) if spaced else column
    distinct = column.unique()
    few = 2 * len(distinct) < len(column)
    before = distinct.drop_nulls() if few else column.fill_null("")
    text = before.str.join("\n").item()
    if codec != "utf-8":
        try:
            text = text.encode("latin-1").decode(codec)
        except UnicodeDecodeError:
            return None
    if not glyphs.is_clean(text):
        return None
    after = _stripped(pl.Series(column.name, [text], dtype=pl.String).str.split("\n").explode())
    return column.replace_strict(before, after, default=None) if few else after


def _stripped(column: pl.Series) -> pl.Series:
    bare = column.str.strip_chars()
    return pl.select(pl.when(bare != "").then(bare).alias(column.name)).to_series()


def _is_regular(data: bytes, codec: str, separator: bytes) -> bool:
    """Whether lines and cells are what they seem: nothing quoted, guarded, damaged, blank or ended in other ways."""
    if codec not in ("utf-8", "gb18030") or not data:
        return False
    if b"+" in data and (b"E+" in data or b"e+" in data):
        return False
    if separator != b"\t" and b"\t" in data:
        return False
    if b"\r" in data and data.count(b"\r") != data.count(b"\r\n"):
        return False
    return len(data.translate(None, _NOT_PLAIN)) == len(data)


def _blocks(data: bytes, size: int) -> Iterable[bytes]:
    """Pieces cut at line ends: 0x0A is never part of a longer character, in UTF-8 as in GB18030."""
    start = 0
    while start < len(data):
        end = data.find(b"\n", start + size) + 1 if start + size < len(data) else len(data)
        end = end or len(data)
        yield data[start:end]
        start = end
