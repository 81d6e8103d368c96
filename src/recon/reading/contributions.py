"""Contribution lines: amounts in pieces, bookings that were reversed, money given back, rows for several months."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from recon.problems import Problem
from recon.reading import columns, values
from recon.reading.lines import IDENTITY_COLUMNS, Reading, yuan
from recon.reading.values import fold

MONEY = ("employee_fen", "employer_fen", "into_account_fen")
_RATE = re.compile(r"\d*\.?\d+")
YEARLY_SCHEMES = frozenset({"380", "390", "391", "392"})  # residents


def finish_contribution(reading: Reading) -> None:
    """What the columns of a contribution line mean together: its months, its amounts, whether it was taken back."""
    read = reading.read
    if "accrual_to_month" in read:
        last = columns.coalesced(read["accrual_to_month"], read["_last_month"])
        for position in columns.where_less(last, read["accrual_month"]):
            reading.refuse("unreadable-month", position, "accrual_to_month",
                           reading.cells["accrual_to_month"][position])
        read["_last_month"] = last
    if reading.format.native:
        return
    if "employer_base_fen" in read:
        read["base_fen"] = columns.coalesced(reading.column("base_fen"), read["employer_base_fen"])
    if {"party", "party_fen"} <= reading.read.keys():
        _give_parties(reading)
    _derive(reading)
    _mark_deferred(reading)
    if "reversed" in read:
        _cancel_reversed(reading)
    (_turn_refunds_by_column if reading.wide else _turn_refunds)(reading)


def _give_parties(reading: Reading) -> None:
    """Rows of one share each (个人缴纳, 单位缴纳): its amount is that party's, and both of one payment are one line.

    They are of one person, month, day, payer and base; the line stands where the person's share does, and the other
    row is skipped. What has no other half stays a line of its own.
    """
    keys: dict[str, pl.Series] = {name: reading.series(name, kind) for name, kind in (
        ("accrual_month", pl.Date()), ("_last_month", pl.Date()), ("paid_on", pl.Date()), ("base_fen", pl.Int64()))}
    keys |= {name: columns.series(reading.cells[name], pl.String())
             for name in (*IDENTITY_COLUMNS, "payer", "employer") if name in reading.cells}
    gone = pl.col("at").is_in(sorted(reading.drop | reading.reject))
    rows = pl.DataFrame({
        **keys, "party": reading.series("party", pl.String()), "fen": reading.series("party_fen", pl.Int64()),
    }).with_row_index("at").with_columns(
        (pl.col("fen") < 0).alias("back"), pl.when(gone).then(None).otherwise("party").alias("party"))
    one = [*keys, "back", "nth"]
    told = rows.filter(pl.col("party").is_not_null()).with_columns(
        pl.int_range(pl.len()).over(*keys, "back", "party").alias("nth"))
    other = told.filter(pl.col("party") == "employer").select(
        *one, pl.col("at").alias("half"), pl.col("fen").alias("firm"))
    pairs = told.filter(pl.col("party") == "person").join(other, on=one, nulls_equal=True).select("at", "half", "firm")
    reading.drop |= set(pairs["half"])
    own = pl.col("party") == "person"
    amounts = rows.join(pairs, on="at", how="left", maintain_order="left").select(
        pl.when(own).then("fen").alias("employee_fen"),
        pl.when(own).then("firm").when(pl.col("party") == "employer").then("fen").alias("employer_fen"))
    reading.read |= {name: columns.Column(amounts[name]) for name in amounts.columns}


def _turn_refunds(reading: Reading) -> None:
    """Money given back is negative and called a refund; more into the account than was paid is said."""
    own, firm, into = (list(reading.column(name)) for name in MONEY)
    kinds = list(reading.column("payment_kind"))
    for position, (one, other, part) in enumerate(zip(own, firm, into, strict=True)):
        total = (one or 0) + (other or 0)
        if total < 0:
            kinds[position] = "refund"
        elif kinds[position] == "refund" and total > 0:
            own[position], firm[position], into[position] = (
                None if amount is None else -amount for amount in (one, other, part)
            )
        elif part and part > total and not one is other is None:
            reading.note("into-account-exceeds", position, "into_account_fen", yuan(part))
    reading.read |= dict(zip((*MONEY, "payment_kind"), (own, firm, into, kinds), strict=True))


def _turn_refunds_by_column(reading: Reading) -> None:
    """The same for columns."""
    own, firm, into = (pl.col(name) for name in MONEY)
    frame = pl.DataFrame({
        **{name: reading.series(name, pl.Int64()) for name in MONEY},
        "payment_kind": reading.series("payment_kind", pl.String()),
    }).with_columns((own.fill_null(0) + firm.fill_null(0)).alias("total"))
    total, back = pl.col("total"), pl.col("payment_kind").eq_missing(pl.lit("refund"))
    turned = back & (total > 0)
    exceeds = (into.fill_null(0) != 0) & (into > total) & ~(total < 0) & ~turned & ~(own.is_null() & firm.is_null())
    for position in frame.select(exceeds.fill_null(value=False)).to_series().arg_true():
        reading.note("into-account-exceeds", position, "into_account_fen", yuan(frame[position, "into_account_fen"]))
    read = frame.select(
        *(pl.when(turned).then(-amount).otherwise(amount) for amount in (own, firm, into)),
        pl.when(total < 0).then(pl.lit("refund")).otherwise("payment_kind").alias("payment_kind"),
    )
    reading.read |= {name: columns.Column(read[name]) for name in read.columns}


def _mark_deferred(reading: Reading) -> None:
    """``deferred``: lines whose type or state says that payment is put off (缓缴), by ``[values.deferred]``."""
    words = reading.format.words.get("deferred", {})
    cells = [reading.cells[name] for name in ("payment_kind", "paid") if name in reading.cells]
    hits = {text for column in cells for text in columns.distinct(column) if fold(text) in words} if words else ()
    if hits:
        found = {position for column in cells for position in columns.where(column, hits)}
        reading.read["deferred"] = [at in found for at in range(len(reading.at))]


def _derive(reading: Reading) -> None:
    """Amounts the file states in pieces: a sum of columns, where the column itself is empty."""
    for column, terms in reading.format.derive.items():
        if any(name not in reading.read for _, name, optional in terms if not optional):
            continue
        parts = [(sign, reading.read[name], optional) for sign, name, optional in terms if name in reading.read]
        if reading.wide:
            total = columns.summed(parts)
            reading.read[column] = columns.coalesced(reading.read[column], total) if column in reading.read else total
            continue
        own = reading.column(column)
        reading.read[column] = [
            own[at] if own[at] is not None
            else None if any(piece[at] is None for _, piece, optional in parts if not optional)
            else sum(sign * (piece[at] or 0) for sign, piece, _ in parts)
            for at in range(len(reading.at))
        ]


def _cancel_reversed(reading: Reading) -> None:
    """A booking and its reversal in one file cancel and are skipped; a lone reversal is a refund."""
    state = reading.read["reversed"]
    reversing = columns.where(state, {"reversing"})
    if not reversing:
        return
    told = [reading.cells[name] for name in IDENTITY_COLUMNS if name in reading.cells]
    told += [reading.column("scheme"), reading.column("accrual_month")]
    money = {name: list(reading.read[name]) for name in MONEY if name in reading.read}
    paid = [money[name] for name in MONEY[:2] if name in money]

    def key(position: int) -> tuple[Any, ...]:
        return (*(column[position] for column in told), *(abs(column[position] or 0) for column in paid))

    originals: dict[tuple[Any, ...], list[int]] = {}
    for position in columns.where(state, {"original"}):
        originals.setdefault(key(position), []).append(position)
    for position in reversing:
        if mates := originals.get(key(position)):
            reading.drop |= {position, mates.pop()}
            reading.note("reversed-pair", position)
            continue
        for amounts in money.values():
            if amounts[position] is not None:
                amounts[position] = -abs(amounts[position])
    reading.read |= money


def split_ranges(frame: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    """A line for several months as one line per month, where base and amounts divide evenly; else one lump, said."""
    last = "_last_month"
    if last not in frame.columns:
        return frame
    is_range = frame[last] > frame["accrual_month"]
    if is_range.any() and "scheme" in frame.columns:  # those paid once for a year have no account to follow
        is_range &= ~frame["scheme"].is_in(sorted(YEARLY_SCHEMES)).fill_null(value=False)
    if not is_range.any():
        return frame.drop(last)
    is_range = is_range.fill_null(value=False)
    several = frame.filter(is_range)
    parts: list[dict[str, Any]] = []
    rates = reading.cells.get("employee_rate")
    positions = {at: position for position, at in enumerate(reading.at)} if rates is not None else {}
    for row in several.iter_rows(named=True):
        months = months_between(row["accrual_month"], row[last]) + 1
        base = _monthly_base(row, months, rates[positions[row["_at"]]] if rates is not None else "")
        amounts = [name for name in MONEY if row.get(name) is not None]
        if base is None or any(row[name] % months for name in amounts):
            reading.problems.append(Problem("range-not-split", None, row["_place"], reading.shown("accrual_month"),
                                            f"{row['accrual_month']:%Y-%m}–{row[last]:%Y-%m}"))
            parts += _lump(row, months, amounts)
            continue
        for step in range(months):
            month = add_months(row["accrual_month"], step)
            part = {**row, "accrual_month": month, "_place": f"{row['_place']}/{month:%Y-%m}"}
            part |= {name: row[name] // months for name in amounts}
            if row.get("base_fen") is not None:
                part["base_fen"] = base
            if step and row.get("late_fee_fen") is not None:
                part["late_fee_fen"] = 0
            parts.append(part)
    whole = pl.concat([frame.filter(~is_range), pl.DataFrame(parts, schema=frame.schema)])
    return whole.sort("_at", "accrual_month", maintain_order=True).drop(last)


def _lump(row: dict[str, Any], months: int, amounts: list[str]) -> list[dict[str, Any]]:
    """The months of a range that cannot be split: all money in the first, so that each month still has its line.

    What one of them would be due is not known, unless the row states what all of them put into the account.
    """
    rest = dict.fromkeys(("base_fen", "wage_fen") & row.keys())
    lines = [row | rest]
    for step in range(1, months):
        month = add_months(row["accrual_month"], step)
        nothing = dict.fromkeys([*amounts, *(("into_account_fen", "late_fee_fen") & row.keys())], 0)
        lines.append(row | rest | nothing | {"accrual_month": month, "_place": f"{row['_place']}/{month:%Y-%m}"})
    return lines


def _monthly_base(row: dict[str, Any], months: int, rate_text: str) -> int | None:
    """The base of one month of a range: the printed one, or its even share where it is a sum; None: cannot tell."""
    base, paid = row.get("base_fen"), row.get("employee_fen")
    if base is None:
        return 0
    if not paid or base <= 0:
        return int(base)
    rate = _rate(rate_text)
    if rate is not None:
        if abs(base * rate * months - paid) <= months:
            return int(base)
        return int(base) // months if abs(base * rate - paid) <= months and base % months == 0 else None
    # Without a rate: the personal share is 2% of the base nearly everywhere, so 2% of the printed base over all
    # months together means the base is a sum.
    if paid * 100 > base * 3:
        return int(base)
    return int(base) // months if base % months == 0 else None


def _rate(text: str) -> Decimal | None:
    """A rate printed as ``0.02``, ``2`` or ``2%``; None where it is none."""
    bare = values.clean(text).removesuffix("%")
    if not _RATE.fullmatch(bare) or not (rate := Decimal(bare)):
        return None
    return rate / 100 if "%" in text or rate >= Decimal("0.2") else rate


def months_between(first: date, last: date) -> int:
    """Calendar months from one month to another."""
    return (last.year - first.year) * 12 + last.month - first.month


def add_months(month: date, count: int) -> date:
    """The first of the month so many months later."""
    years, index = divmod(month.month - 1 + count, 12)
    return date(month.year + years, index + 1, 1)
