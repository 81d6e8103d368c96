"""Large regular tables as grids over columns: the same rows and places, without a Python object for every cell.

Taken only where the columns are sure to say what the row by row reader would say: no quotation marks, guards, control
characters or lines of surprising length in a text. The first rows (title, preamble, header) are always read row by
row. ``tests/test_frames.py`` holds both ways equal.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast, overload

import polars as pl

from recon.reading.grid import Grid

_BLOCK = 4096


class _Rows(Sequence[list[str]]):
    """Rows as lists, made as they are asked for."""

    def __init__(self, head: list[list[str]], frame: pl.DataFrame) -> None:
        self._head, self._frame = head, frame
        self._start, self._made = -1, list[list[str]]()

    def __len__(self) -> int:
        return len(self._head) + self._frame.height

    @overload
    def __getitem__(self, at: int) -> list[str]: ...
    @overload
    def __getitem__(self, at: slice) -> list[list[str]]: ...
    def __getitem__(self, at: int | slice) -> list[str] | list[list[str]]:
        if isinstance(at, slice):
            return [self[each] for each in range(*at.indices(len(self)))]
        if at < 0:
            at += len(self)
        if at < len(self._head):
            return self._head[at]
        at -= len(self._head)
        if at >= self._frame.height:
            raise IndexError(at)
        start = at - at % _BLOCK
        if start != self._start:
            self._start = start
            self._made = [_short(row) for row in self._frame.slice(start, _BLOCK).rows()]
        return self._made[at - start]

    def __iter__(self) -> Iterator[list[str]]:
        return (self[at] for at in range(len(self)))


def _short(row: tuple[str, ...]) -> list[str]:
    cells = list(row)
    while cells and not cells[-1]:
        cells.pop()
    return cells


class _Places(Sequence[str]):
    def __init__(self, head: list[str], numbers: pl.Series, label: str) -> None:
        self._head, self._numbers, self._label = head, numbers, label

    def __len__(self) -> int:
        return len(self._head) + len(self._numbers)

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> list[str]: ...
    def __getitem__(self, at: int | slice) -> str | list[str]:
        if isinstance(at, slice):
            return [self[each] for each in range(*at.indices(len(self)))]
        if at < 0:
            at += len(self)
        return self._head[at] if at < len(self._head) else f"{self._label}{self._numbers[at - len(self._head)]}"


@dataclass
class FrameGrid(Grid):
    """A grid whose rows below the first ones are columns of text (``frame``), "" where empty."""

    frame: pl.DataFrame = field(default_factory=pl.DataFrame)
    numbers: pl.Series = field(default_factory=pl.Series)  # line or row number of each row of ``frame``
    label: str = "L"

    @classmethod
    def over(cls, head: Grid, frame: pl.DataFrame, numbers: pl.Series, label: str) -> FrameGrid:
        """``head`` with the rows of ``frame`` below it; rows without any text are left out."""
        empty = [name for name, nulls in frame.null_count().to_dicts()[0].items() if nulls]
        if len(empty) == frame.width:
            kept = frame.select(pl.any_horizontal(pl.all().is_not_null())).to_series()
            frame, numbers = frame.filter(kept), numbers.filter(kept)
        frame = frame.with_columns(pl.col(empty).fill_null(""))
        return cls(
            name=head.name, kind=head.kind, marks=head.marks, hidden=head.hidden, frame=frame, numbers=numbers,
            label=label,
            rows=cast(list[list[str]], _Rows(head.rows, frame)),
            places=cast(list[str], _Places(head.places, numbers, label)),
        )

    @cached_property
    def _first(self) -> int:
        return len(self.rows) - self.frame.height

    def cells_of(self, index: int, at: list[int]) -> list[str]:
        """See Grid."""
        own = at[:bisect_left(at, self._first)]
        head = super().cells_of(index, own)
        if index >= self.frame.width:
            return head + [""] * (len(at) - len(own))
        column = self.frame.to_series(index)
        below = at[len(own):]  # ``at`` ascends
        if len(below) < self.frame.height:
            column = column.gather(pl.Series(below, dtype=pl.Int64) - self._first)
        return head + cast(list[str], column.to_list())

    def places_of(self, at: list[int]) -> Any:
        """See Grid; as a column."""
        own = [self.places[each] for each in at[:bisect_left(at, self._first)]]
        numbers = self.numbers.gather(pl.Series(at[len(own):], dtype=pl.Int64) - self._first)
        below = pl.select(pl.format(self.label.replace("{", "{{").replace("}", "}}") + "{}", numbers)).to_series()
        return pl.concat([pl.Series(own, dtype=pl.String), below.rename("")])

    def longer_than(self, width: int, at: list[int]) -> list[int]:
        """See Grid."""
        if self.frame.width <= width:
            return super().longer_than(width, at[:bisect_left(at, self._first)])
        return super().longer_than(width, at)

    def sure_rows(self, start: int, column: int, name: str, is_odd: Callable[[str], bool]) -> list[int]:
        """See Grid."""
        frame = self.frame
        if start > self._first or column >= frame.width or not frame.height:
            return []
        first = frame.to_series(0)
        distinct = first.unique()
        odd = [text for text in distinct.to_list() if not text or (not text[0].isdigit() and is_odd(text))]
        sure = ~first.is_in(odd) if odd else first != ""
        sure &= frame.to_series(column) != name
        filled = frame.select(pl.sum_horizontal((pl.all() != "").cast(pl.UInt16))).to_series()
        sure &= filled >= 4
        for each in frame.iter_columns() if frame.width <= 8 else frame.select(pl.nth(range(8))).iter_columns():
            if (total := each.str.contains("计", literal=True)).any():
                sure &= ~total
        return cast(list[int], (sure.arg_true() + self._first).to_list())


def text_codec(data: bytes) -> str:
    """UTF-8 where all of it is, else GB18030, which is then proved block by block."""
    try:
        for block in _blocks(data):
            block.decode("utf-8")
    except UnicodeDecodeError:
        return "gb18030"
    return "utf-8"


def text_frame(data: bytes, codec: str, delimiter: str, width: int) -> pl.DataFrame | None:
    """The cells of regular delimited text, null where empty, decoded block by block; None where it is not regular."""
    separator = delimiter.encode()
    if not _is_regular(data, codec, separator):
        return None
    frames, spaced = [], b" " in data
    for block in _blocks(data):
        if codec == "gb18030":
            try:
                block = block.decode("gb18030").encode("utf-8")
            except UnicodeDecodeError:
                return None
        if (any(lead in block for lead in _LEADS) or b"\xef\xbb\xbf" in block) and _HIDDEN.search(block):
            return None
        spaced = spaced or b"\xc2" in block or b"\xe3\x80\x80" in block  # U+00A0, U+3000
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
    if not spaced and separator != b"\t":
        return frame
    stripped = pl.all().str.strip_chars()
    return frame.with_columns(pl.when(stripped != "").then(stripped))


_NOT_PLAIN = bytes([*range(9), 11, 12, *range(14, 32), 127]) + b"\"'"  # controls, quotation marks, guards
# Zero-width and C1 characters in UTF-8: what a cell must not hold for its text to be taken as it stands.
_LEADS = (b"\xc2", b"\xe1", b"\xe2")  # the first bytes of what _HIDDEN looks for
_HIDDEN = re.compile(rb"\xc2[\x80-\x9f\xad]|\xe2\x80[\x8b-\x8f]|\xe2\x81[\xa0-\xa3]|\xef\xbb\xbf|\xe1\xa0\x8e")


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


def _blocks(data: bytes, size: int = 32 << 20) -> Iterable[bytes]:
    """Pieces cut at line ends: 0x0A is never part of a longer character, in UTF-8 as in GB18030."""
    start = 0
    while start < len(data):
        end = data.find(b"\n", start + size) + 1 if start + size < len(data) else len(data)
        end = end or len(data)
        yield data[start:end]
        start = end
