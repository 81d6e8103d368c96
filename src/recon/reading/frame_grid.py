"""Large regular tables as grids over columns: the same rows and places, without a Python object for every cell.

Taken only where the columns are sure to say what the row by row reader would say (:mod:`recon.reading.text_frame`). The
first rows (title, preamble, header) are always read row by row. ``tests/test_frames.py`` holds both ways equal.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast, overload

import polars as pl

from recon.reading.columns import Column
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
    _last: tuple[list[int], list[int], pl.Series] = field(
        default_factory=lambda: ([], [], pl.Series(dtype=pl.Int64)), repr=False)

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

    def cells_of(self, index: int, at: list[int]) -> Column[str]:
        """See Grid; as a column."""
        own, below = self._parted(at)
        head = pl.Series(super().cells_of(index, own), dtype=pl.String)
        if index >= self.frame.width:
            return Column(pl.concat([head, pl.repeat("", len(below), dtype=pl.String, eager=True)]))
        column = self.frame.to_series(index)
        if len(below) < self.frame.height:
            column = column.gather(below)
        return Column(pl.concat([head, column.rename("")], rechunk=True))

    def _parted(self, at: list[int]) -> tuple[list[int], pl.Series]:
        """Of the rows ``at`` those above the frame, and the others as indices of its rows."""
        if self._last[0] is not at:  # asked for every column of the same rows
            own = at[:bisect_left(at, self._first)]
            self._last = at, own, pl.Series(at[len(own):], dtype=pl.Int64) - self._first
        return self._last[1:]

    def places_of(self, at: list[int]) -> Any:
        """See Grid; as a column."""
        above, rows = self._parted(at)
        own = [self.places[each] for each in above]
        numbers = self.numbers.gather(rows)
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
        distinct = first.filter(~first.str.contains("^[0-9]")).unique()
        odd = [text for text in distinct.to_list() if not text or (not text[0].isdigit() and is_odd(text))]
        sure = ~first.is_in(odd) if odd else first != ""
        sure &= frame.to_series(column) != name
        filled = frame.select(pl.sum_horizontal((pl.all() != "").cast(pl.UInt16))).to_series()
        sure &= filled >= 4
        for each in frame.iter_columns() if frame.width <= 8 else frame.select(pl.nth(range(8))).iter_columns():
            if not _is_ascii(each) and (total := each.str.contains("计", literal=True)).any():
                sure &= ~total
        return cast(list[int], (sure.arg_true() + self._first).to_list())


def _is_ascii(column: pl.Series) -> bool:
    return bool(column.str.len_bytes().sum() == column.str.len_chars().sum())
