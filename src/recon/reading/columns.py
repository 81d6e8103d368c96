"""Columns of large grids held by polars, and what a column of text becomes: amounts, days, months, words, numbers.

Every function takes a list of cells or a :class:`Column` and gives the same kind back, with the same values. Of a list
the parsers of :mod:`recon.reading.values` and :mod:`recon.reading.identity` read each distinct text. Of a Column the
ordinary spellings are read by polars; whatever is not one of them goes, by distinct text, to the same parsers.
``tests/test_columns.py`` holds both ways equal.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeVar, overload

import polars as pl

from recon.reading import identity, values
from recon.reading.identity import FULL, Identity

T = TypeVar("T")


class Column(Sequence[T]):
    """One column of a large grid; to whoever goes row by row, a sequence of Python values."""

    def __init__(self, series: pl.Series) -> None:
        self.series = series

    @cached_property
    def _made(self) -> list[T]:
        return self.series.to_list()

    def __len__(self) -> int:
        return len(self.series)

    @overload
    def __getitem__(self, at: int) -> T: ...
    @overload
    def __getitem__(self, at: slice) -> list[T]: ...
    def __getitem__(self, at: int | slice) -> T | list[T]:
        return self._made[at]

    def __iter__(self) -> Iterator[T]:
        return iter(self._made)


def series(column: Sequence[Any] | pl.Series, kind: Any) -> pl.Series:
    """The column as polars holds it, of that type."""
    if isinstance(column, Column):
        column = column.series
    if isinstance(column, pl.Series):
        return column if column.dtype == kind else column.cast(kind)
    return pl.Series(column, dtype=kind)


def repeated(value: Any, count: int, kind: Any) -> Column[Any]:
    """A Column that holds one value, or None, everywhere."""
    return Column(pl.repeat(value, count, dtype=kind, eager=True))


def picked(column: Sequence[T], positions: list[int] | None) -> Sequence[T]:
    """The values at those positions; None: all of them."""
    if positions is None:
        return column
    if isinstance(column, Column):
        return Column(column.series.gather(positions))
    return [column[at] for at in positions]


# --------------------------------------------------------------------------------------------- what stands in a column


def distinct(cells: Sequence[T]) -> list[T]:
    """The values of a column, each once, in the order of their first cells."""
    if isinstance(cells, Column):
        return list(cells.series.unique(maintain_order=True))
    return list(dict.fromkeys(cells))


def where(cells: Sequence[Any], texts: Collection[Any]) -> list[int]:
    """The positions, ascending, of the cells that are one of ``texts``."""
    if not texts:
        return []
    if isinstance(cells, Column):
        return list(cells.series.is_in(list(texts)).arg_true())
    known = set(texts)
    return [position for position, text in enumerate(cells) if text in known]


def is_full(column: Sequence[Any]) -> bool:
    """Whether no value is missing."""
    return not column.series.null_count() if isinstance(column, Column) else None not in column


def all_missing(columns: Sequence[Sequence[Any]]) -> list[int]:
    """The positions at which no column has a value (None or an empty text is none)."""
    if not any(isinstance(column, Column) for column in columns):
        return [position for position, each in enumerate(zip(*columns, strict=True))
                if all(value is None or value == "" for value in each)]
    missing = pl.repeat(value=True, n=len(columns[0]), dtype=pl.Boolean, eager=True)
    for column in columns:
        own = column.series if isinstance(column, Column) else pl.Series(column)
        missing &= (own.is_null() | (own == "")).fill_null(value=True) if own.dtype == pl.String else own.is_null()
    return list(missing.arg_true())


def span(column: Sequence[Any]) -> tuple[Any, Any]:
    """The least and the greatest value; (None, None) where there is none."""
    if isinstance(column, Column):
        return column.series.min(), column.series.max()
    known = [value for value in column if value is not None]
    return min(known, default=None), max(known, default=None)


def where_equal(first: Sequence[Any], last: Sequence[Any]) -> Sequence[Any]:
    """The values of ``first`` where ``last`` has the same, else None."""
    if isinstance(first, Column) and isinstance(last, Column):
        return Column(pl.select(pl.when(first.series == last.series).then(first.series)).to_series())
    return [one if one == other else None for one, other in zip(first, last, strict=True)]


def where_less(column: Sequence[Any], other: Sequence[Any]) -> list[int]:
    """The positions at which both have a value and the first is the smaller."""
    if isinstance(column, Column):
        return list((column.series < series(other, column.series.dtype)).fill_null(value=False).arg_true())
    return [at for at, (one, two) in enumerate(zip(column, other, strict=True))
            if one is not None and two is not None and one < two]


def summed(parts: Sequence[tuple[int, Sequence[int | None], bool]]) -> Column[int | None]:
    """The sum of columns, each (sign, values, optional): a missing value is 0, or makes the sum missing."""
    whole = pl.repeat(0, len(parts[0][1]), dtype=pl.Int64, eager=True)
    for sign, column, optional in parts:
        own = series(column, pl.Int64())
        whole = whole + sign * (own.fill_null(0) if optional else own)
    return Column(whole)


def coalesced(*columns: Sequence[Any]) -> Sequence[Any]:
    """The first value of each row that is there."""
    if any(isinstance(column, Column) for column in columns):
        kind = next(column.series.dtype for column in columns if isinstance(column, Column))
        return Column(pl.select(pl.coalesce([series(column, kind) for column in columns])).to_series())
    return [next((value for value in row if value is not None), None) for row in zip(*columns, strict=True)]


def only(column: Sequence[Any], positions: list[int]) -> Sequence[Any]:
    """The column with its values at those positions alone."""
    if isinstance(column, Column):
        rows = pl.int_range(len(column), eager=True)
        return Column(pl.select(pl.when(rows.is_in(positions)).then(column.series)).to_series())
    kept = set(positions)
    return [value if at in kept else None for at, value in enumerate(column)]


def present(column: Sequence[Any]) -> Sequence[bool | None]:
    """True where there is a value, else None."""
    if isinstance(column, Column):
        return Column(pl.select(pl.when(column.series.is_not_null()).then(statement=True)).to_series())
    return [None if value is None else True for value in column]


def filled(column: Sequence[Any], value: Any, kind: Any) -> Sequence[Any]:
    """The column with ``value`` where it has none."""
    if isinstance(column, Column):
        return Column(series(column, kind).fill_null(pl.lit(value, dtype=kind)) if value is not None else column.series)
    return [value if own is None else own for own in column]


# ------------------------------------------------------------------------------------------------------ texts as values


def mapped(cells: Sequence[str], found: Mapping[str, Any], kind: Any) -> Sequence[Any]:
    """For each cell what ``found`` has for its text, None where it has nothing; of type ``kind``."""
    if not isinstance(cells, Column):
        return [found.get(text) for text in cells]
    old, new = pl.Series(list(found), dtype=pl.String), pl.Series(list(found.values()), dtype=kind)
    return Column(cells.series.replace_strict(old, new, default=None, return_dtype=kind))


def by_value(cells: Sequence[str], parse: Callable[[str], Any], kind: Any) -> tuple[Sequence[Any], list[int]]:
    """What ``parse`` makes of each cell, and where it refuses; every distinct text is parsed once."""
    if not isinstance(cells, Column):
        return values.by_value(cells, parse)
    return _by_distinct(cells, distinct(cells), lambda texts: values.by_value(texts, parse), kind)


def _by_distinct(
    cells: Column[str], texts: list[str], parse: Callable[[list[str]], tuple[Sequence[Any], list[int]]], kind: Any,
) -> tuple[Column[Any], list[int]]:
    read, bad = parse(texts)
    found = mapped(cells, dict(zip(texts, read, strict=True)), kind)
    assert isinstance(found, Column)
    return found, where(cells, [texts[at] for at in bad])


_AMOUNT = r"^-?(?:[0-9]{1,13}|[0-9]{1,3}(?:,[0-9]{3}){1,3})(?:\.[0-9]{1,2})?$"


def fen(cells: Sequence[str], factor: int = 1) -> tuple[Sequence[int | None], list[int]]:
    """Fen of amounts in yuan times ``factor``, and where they cannot be read (:func:`values.parse_fen`)."""
    if not isinstance(cells, Column):
        return values.fen_column(cells, factor)
    text = cells.series
    plain = text.str.contains(_AMOUNT)
    bare = text.str.replace_all(",", "", literal=True) if text.str.contains(",", literal=True).any() else text
    if not plain.all():
        bare = pl.select(pl.when(plain).then(bare)).to_series()
    amount = bare.cast(pl.Decimal(18, 2)).to_physical().cast(pl.Int64) * factor
    amount = pl.select(pl.when(amount.abs() < values.MOST_FEN).then(amount)).to_series()
    return _with_rest(cells, amount, lambda texts: values.fen_column(texts, factor))


def whole_fen(cells: Sequence[str]) -> tuple[Sequence[int | None], list[int]]:
    """Fen where the cells hold fen already, and where they cannot be read (:func:`values.parse_whole_fen`)."""
    if not isinstance(cells, Column):
        return values.whole_fen_column(cells)
    plain = cells.series.str.contains(r"^-?[0-9]{1,15}$")
    amount = pl.select(pl.when(plain).then(cells.series)).to_series().cast(pl.Int64)
    return _with_rest(cells, amount, values.whole_fen_column)


def _with_rest(
    cells: Column[str], read: pl.Series, parse: Callable[[list[str]], tuple[Sequence[Any], list[int]]],
) -> tuple[Column[Any], list[int]]:
    """A column whose cells that are null in ``read`` are parsed, by distinct text."""
    left = cells.series.filter(read.is_null()).unique()
    texts = left.filter(left != "").to_list()
    if not texts:
        return Column(read), []
    rest, bad = _by_distinct(cells, texts, parse, read.dtype)
    return Column(pl.select(pl.coalesce(read, rest.series)).to_series()), bad


# A day with a time of day behind it, and how much of it is the day: nearly every such text is another one.
_TIMED = (
    (r"^[0-9]{4}[-/.][0-9]{2}[-/.][0-9]{2}[ T][0-9]{2}:[0-9]{2}(?::[0-9]{2})?$", 10),
    (r"^[0-9]{8} ?[0-9]{6}$", 8),
)


def days(cells: Sequence[str]) -> tuple[Sequence[Any], list[int]]:
    """Days, and where they cannot be read (:func:`values.parse_day`)."""
    if not isinstance(cells, Column):
        return values.day_column(cells)
    text = cells.series
    for pattern, length in _TIMED:
        timed = text.str.contains(pattern)
        if timed.any():
            text = pl.select(pl.when(timed).then(text.str.slice(0, length)).otherwise(text)).to_series()
    return by_value(Column(text), values.parse_day, pl.Date())


def months(cells: Sequence[str]) -> tuple[Sequence[Any], Sequence[Any], list[int]]:
    """First and last months, and where they cannot be read (:func:`values.month_column`)."""
    texts = distinct(cells) if isinstance(cells, Column) else cells
    spans, bad = values.month_column(texts)
    first, last = ([each and each[end] for each in spans] for end in (0, 1))
    if not isinstance(cells, Column):
        return first, last, bad
    return (mapped(cells, dict(zip(texts, first, strict=True)), pl.Date()),
            mapped(cells, dict(zip(texts, last, strict=True)), pl.Date()), where(cells, [texts[at] for at in bad]))


# Texts that cleaning leaves as they are, and too long or too short to say "nothing".
_PLAIN_TEXT, _PLAIN_NAME = r"^[0-9A-Za-z\x{4e00}-\x{9fa5}]{5,}$", r"^[\x{4e00}-\x{9fa5}]{2,20}$"


def texts(cells: Sequence[str]) -> Sequence[str | None]:
    """Names and remarks, cleaned (:func:`values.text_column`)."""
    if not isinstance(cells, Column):
        return values.text_column(cells)
    return _changed(cells, _PLAIN_TEXT, lambda text: None if values.is_empty(text) else values.clean(text))


def names(cells: Sequence[str]) -> Sequence[str | None]:
    """People's names (:func:`identity.read_name`), None where the cell says nothing."""
    def parse(text: str) -> str | None:
        return None if values.is_empty(text) else identity.read_name(text)

    return _changed(cells, _PLAIN_NAME, parse) if isinstance(cells, Column) else values.by_value(cells, parse)[0]


def _changed(cells: Column[str], plain: str, parse: Callable[[str], str | None]) -> Column[str | None]:
    """The column with what ``parse`` makes of the texts that are not ``plain``."""
    left = cells.series.filter(~cells.series.str.contains(plain)).unique().to_list()
    read = {text: parse(text) if text else None for text in left}
    found = {text: value for text, value in read.items() if value != text}
    old, new = pl.Series(list(found), dtype=pl.String), pl.Series(list(found.values()), dtype=pl.String)
    return Column(cells.series.replace(old, new) if found else cells.series)


# ----------------------------------------------------------------------------------------------------- people's numbers

_WEIGHTS, _CHECK_DIGITS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2), "10X98765432"  # GB 11643
_OLDEST = 1900  # an earlier year of birth is looked at by read_id


def ordinary_id(text: pl.Expr) -> pl.Expr:
    """Whether a text is a resident's number with its right check digit: :func:`identity.read_id` changes nothing."""
    digits = [text.str.slice(at, 1).cast(pl.Int32, strict=False) * weight for at, weight in enumerate(_WEIGHTS)]
    check = pl.lit(_CHECK_DIGITS).str.slice(pl.sum_horizontal(digits) % 11, 1)
    born = text.str.slice(6, 8).str.to_date("%Y%m%d", strict=False)
    return (
        text.str.contains(r"^[1-8][0-9]{16}[0-9X]$") & (text.str.slice(17, 1) == check)
        & (born.dt.year() >= _OLDEST).fill_null(value=False)
    )


def ids(cells: Sequence[str]) -> tuple[Sequence[str | None], Sequence[str | None], dict[str, Identity]]:
    """The numbers said in full, those masked or damaged, and by text what :func:`identity.read_id` says.

    What it says of the ordinary numbers of a Column is left out.
    """
    if not isinstance(cells, Column):
        found = {text: identity.read_id(text) for text in distinct(cells)}
        full = {text: known.text if known.kind == FULL else None for text, known in found.items()}
        part = {text: known.text for text, known in found.items() if known.kind in (identity.MASKED, identity.DAMAGED)}
        return mapped(cells, full, pl.String()), mapped(cells, part, pl.String()), found
    once = pl.DataFrame({"text": cells.series.unique(maintain_order=True)}).with_columns(
        ordinary_id(pl.col("text")).alias("ordinary"))
    texts = once.filter(~pl.col("ordinary"))["text"].to_list()
    found = {text: identity.read_id(text) for text in texts}
    if not found:
        return cells, repeated(None, len(cells), pl.String()), found
    read = pl.DataFrame({
        "text": texts,
        "full": [known.text if known.kind == FULL else None for known in found.values()],
        "part": [known.text if known.kind in (identity.MASKED, identity.DAMAGED) else None for known in found.values()],
    }, schema=dict.fromkeys(("text", "full", "part"), pl.String()))
    return (Column(cells.series.replace(read["text"], read["full"])),
            Column(cells.series.replace_strict(read["text"], read["part"], default=None)), found)


def psns(cells: Sequence[str]) -> Sequence[str | None]:
    """个人编号 as they are joined on (:func:`identity.read_psn`)."""
    if not isinstance(cells, Column):
        known = {text: identity.read_psn(text) for text in set(cells)}
        return [known[text] for text in cells]
    plain = cells.series.str.contains("^[0-9]+$")
    read = pl.select(pl.when(plain).then(pl.lit("PSN:") + cells.series)).to_series()
    return _with_rest(cells, read, lambda odd: ([identity.read_psn(text) for text in odd], []))[0]
