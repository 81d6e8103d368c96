"""Two ledgers of one account, the app's (the insurer's) and the bank's, line by line: what is only in one."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl

from recon.core.overlap import MIRROR_DAYS
from recon.tables import ACCOUNT

COLUMNS = {
    **dict.fromkeys(ACCOUNT, pl.String()), "row_id": pl.String(), "posted_on": pl.Date(), "amount_fen": pl.Int64(),
    "only_in": pl.String(),
}
_NEAR = timedelta(days=MIRROR_DAYS)


def only_in_one(flow: pl.DataFrame) -> pl.DataFrame:
    """Lines of the days both ledgers cover that only one of them has (columns :data:`COLUMNS`; only_in: app, bank).

    Lines agree when their amounts do and their days lie a few apart. The first and last days of the common time are
    left out: the other ledger may show such a line outside it.
    """
    kept = flow.filter(pl.col("duplicate_of").is_null() & pl.col("posted_on").is_not_null()).with_columns(
        pl.col("ledger").fill_null("app"))
    both = kept.group_by(ACCOUNT).agg(pl.col("ledger").n_unique().alias("_n")).filter(pl.col("_n") > 1)
    if both.is_empty():
        return pl.DataFrame(schema=COLUMNS)
    found: list[dict[str, Any]] = []
    mine = kept.join(both, on=ACCOUNT, how="semi", nulls_equal=True).sort("posted_on", "row_id")
    for _, group in mine.group_by(ACCOUNT, maintain_order=True):
        found += _differences(group.rows(named=True))
    return pl.DataFrame(found, schema=COLUMNS)


def _differences(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    own = [row for row in rows if row["ledger"] != "bank"]
    bank = [row for row in rows if row["ledger"] == "bank"]
    start = max(own[0]["posted_on"], bank[0]["posted_on"]) + _NEAR
    end = min(own[-1]["posted_on"], bank[-1]["posted_on"]) - _NEAR
    lone = []
    free = list(bank)
    for row in own:
        twin = _nearest(row, free)
        if twin is None:
            lone.append(row | {"only_in": "app"})
        else:
            free.remove(twin)
    lone += [row | {"only_in": "bank"} for row in free]
    return [{name: row[name] for name in COLUMNS} for row in lone if start <= row["posted_on"] <= end]


def _nearest(row: dict[str, Any], others: list[dict[str, Any]]) -> dict[str, Any] | None:
    day: date = row["posted_on"]
    near = [one for one in others if one["amount_fen"] == row["amount_fen"] and abs(one["posted_on"] - day) <= _NEAR]
    return min(near, key=lambda one: (abs(one["posted_on"] - day), one["row_id"]), default=None)
