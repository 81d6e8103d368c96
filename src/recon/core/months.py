"""Months as whole numbers (year * 12 + month - 1), so that lags are plain differences."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl


def index(month: date) -> int:
    """The number of the month ``month`` lies in."""
    return month.year * 12 + month.month - 1


def first_day(number: int) -> date:
    """The first day of month ``number``."""
    return date(number // 12, number % 12 + 1, 1)


def last_day(number: int) -> date:
    """The last day of month ``number``."""
    return first_day(number + 1) - timedelta(days=1)


def last_over(as_of: date) -> int:
    """The newest month that is over: a month is over when ``as_of`` is its last day or later."""
    number = index(as_of)
    return number if as_of == last_day(number) else number - 1


def index_of(column: pl.Expr) -> pl.Expr:
    """Month numbers (Int32) of a date column; null stays null."""
    return column.dt.year() * 12 + column.dt.month().cast(pl.Int32) - 1


def date_of(column: pl.Expr) -> pl.Expr:
    """First days of a column of month numbers; null stays null."""
    return pl.date(column // 12, column % 12 + 1, 1)


def last_date_of(column: pl.Expr) -> pl.Expr:
    """Last days of a column of month numbers."""
    return date_of(column + 1).dt.offset_by("-1d")
