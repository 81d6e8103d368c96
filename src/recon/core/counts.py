"""Counts of several groups of people, as counts of all of them: put together in any order, a few at a time or all."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl


def added(parts: Sequence[pl.DataFrame], key: Sequence[str]) -> pl.DataFrame:
    """The rows of all ``parts``, one for each ``key``: whatever is not in it is added up, and keeps its type.

    So a sum can be put together with further parts, and what may be less than nothing is.
    """
    rows = pl.concat(parts)
    return rows if len(parts) == 1 else rows.group_by(key).agg(pl.exclude(key).sum()).select(
        pl.col(name).cast(kind) for name, kind in rows.schema.items())
