"""What a file prints about itself, held against its lines: running balances, sums and counts, sums within a row.

Nothing here changes a line; each function says where the file contradicts itself and by how much.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, cast

import polars as pl

from recon.reading.columns import Column, series

MOST_REPEATED = 5  # lines that a page may print again from the page before it


@dataclass(frozen=True)
class Chain:
    """How the running balance of a file fits its amounts, in the order that fits best."""

    links: int = 0  # neighbours that could be compared
    breaks: tuple[tuple[int, int], ...] = ()  # (position, fen missing between it and the line before it in time)
    order: str = ""  # oldest_first | newest_first | days_reversed
    key: int = 0  # which of the ways to tell accounts apart it goes by

    @property
    def holds(self) -> bool:
        """Whether the chain proves the columns: something was compared, and more of it fits than not."""
        return self.links > 0 and 2 * len(self.breaks) <= self.links

    @property
    def refuted(self) -> bool:
        """Whether the chain speaks against the columns."""
        return self.links > 0 and not self.holds


def chain(
    amounts: Sequence[int | None] | pl.Series, balances: Sequence[int | None] | pl.Series,
    days: Sequence[date | None] | pl.Series, keys: Sequence[Mapping[str, Sequence[Any] | pl.Series]],
    left_out: set[int],
) -> Chain:
    """The running balance in every order it may be printed in; the one with the fewest breaks is the file's own.

    ``amounts`` and ``balances`` in fen, one per line as printed; ``keys`` are ways to tell several accounts apart, each
    with its columns; lines in ``left_out`` (printed twice, void) do not count. A line whose amount could not be read
    breaks nothing, because nobody knows what it moved; a line without a balance is added to the next one with one.
    """
    frame = _lines(amounts, balances, days, keys, left_out)
    if frame["balance"].null_count() == frame.height:
        return Chain()
    known = frame["day"].drop_nulls()
    rising = bool(known.is_sorted())
    frame = frame.with_columns(same_days().alias("run"))
    asked = best_chain(len(keys), rising=rising, days_twice=known.n_unique() < len(known),
                       all_known=not frame["amount"].null_count())
    orders: dict[str, pl.DataFrame] = {}
    number, name = next(asked)
    while True:
        if name not in orders:
            orders[name] = ordered(frame, name, rising=rising)
        try:
            number, name = asked.send(links_of(orders[name], f"key{number}", name))
        except StopIteration as done:
            return cast(Chain, done.value)


def best_chain(
    keys: int, *, rising: bool, days_twice: bool, all_known: bool
) -> Generator[tuple[int, str], Chain, Chain]:
    """Asks for the chain by one key and in one order after the other; the best of them.

    rising: the days never go back from one line to the next; days_twice: some day has several lines; all_known: every
    line has an amount.
    """
    names = ["oldest_first", "newest_first"] if rising else ["newest_first", "oldest_first"]
    if days_twice:
        names.append("days_reversed")
    best: Chain | None = None
    for number in range(keys):
        for name in names:
            found = replace((yield number, name), key=number)
            if best is None or (len(found.breaks), -found.links) < (len(best.breaks), -best.links):
                best = found
            if all_known and not found.breaks:  # no other order links more lines, and no finer key
                if not number:
                    return best
                break
    return best or Chain()


def _lines(
    amounts: Sequence[int | None] | pl.Series, balances: Sequence[int | None] | pl.Series,
    days: Sequence[date | None] | pl.Series, keys: Sequence[Mapping[str, Sequence[Any] | pl.Series]],
    left_out: set[int],
) -> pl.DataFrame:
    """at, amount, balance, day and key0, key1, … (whose a line is, by each way to tell) of the lines that count."""
    frame = pl.DataFrame({
        "at": pl.int_range(len(amounts), eager=True), "amount": series(amounts, pl.Int64()),
        "balance": series(balances, pl.Int64()), "day": series(days, pl.Date()),
    })
    for number, columns in enumerate(keys):
        key = [series(values, pl.String()).fill_null("") for values in columns.values()]
        frame = frame.with_columns(
            (pl.concat_str(key, separator="\x1f") if key else pl.lit("")).alias(f"key{number}")
        )
    return frame.filter(~pl.col("at").is_in(sorted(left_out))) if left_out else frame


def in_chain_order(
    amounts: Sequence[int | None] | pl.Series, balances: Sequence[int | None] | pl.Series,
    days: Sequence[date | None] | pl.Series, key: Mapping[str, Sequence[Any] | pl.Series], left_out: set[int],
    order: str,
) -> pl.DataFrame:
    """at, amount, balance, day and account of the lines of a chain, from the oldest to the newest."""
    frame = _lines(amounts, balances, days, [key], left_out).rename({"key0": "account"}).with_columns(
        same_days().alias("run"))
    return ordered(frame, order, rising=bool(frame["day"].drop_nulls().is_sorted()))


def same_days() -> pl.Expr:
    """A number for each run of lines of one day, as printed."""
    return (pl.col("day") != pl.col("day").shift(1)).fill_null(True).cum_sum()


def ordered(frame: pl.DataFrame, name: str, *, rising: bool) -> pl.DataFrame:
    """The lines (at, amount, balance, run, keys) from the oldest to the newest, if they are printed in that order."""
    if name != "days_reversed":
        return frame if name == "oldest_first" else frame.reverse()
    mixed = frame.sort("run", "at", descending=[False, True])
    return mixed if rising else mixed.reverse()


def links_of(rows: pl.DataFrame, key: str, order: str) -> Chain:
    """The links of lines in one order: every balance against the one before it and what moved since."""
    moved = rows.with_columns(
        pl.col("amount").fill_null(0).cum_sum().over(key).alias("moved"),
        pl.col("amount").is_null().cast(pl.Int32).cum_sum().over(key).alias("unknown"),
    ).filter(pl.col("balance").is_not_null())
    before = {name: pl.col(name).shift(1).over(key) for name in ("balance", "moved", "unknown")}
    linked = moved.with_columns(
        (pl.col("balance") - before["balance"] - (pl.col("moved") - before["moved"])).alias("gap"),
        (pl.col("unknown") - before["unknown"]).alias("unread"),
    ).filter(pl.col("gap").is_not_null() & (pl.col("unread") == 0))
    broken = linked.filter(pl.col("gap") != 0).sort("at")
    return Chain(linked.height, tuple(broken.select("at", "gap").iter_rows()), order)


def page_repeats(rows: Sequence[Sequence[str]], pages: Sequence[str], proofs: Sequence[bool]) -> set[int]:
    """Positions of lines that the top of a page prints again from the foot of the page before it.

    ``proofs`` says of each line whether it moves money and prints a balance: a second payment of the same sum would
    have moved the balance, so an equal line with an equal balance is the same line. True twins differ in the balance.
    """
    repeats: set[int] = set()
    for at in range(1, len(rows)):
        if pages[at] == pages[at - 1]:
            continue
        for many in range(min(MOST_REPEATED, at, len(rows) - at), 0, -1):
            again = range(at, at + many)
            if (all(rows[k] == rows[k - many] and proofs[k] for k in again)
                    and all(pages[k] == pages[at] and pages[k - many] == pages[at - 1] for k in again)):
                repeats.update(again)
                break
    return repeats


@dataclass(frozen=True)
class Sums:
    """What lines add up to: fen that came and went, and how many lines of each."""

    came: int = 0
    went: int = 0
    count: int = 0
    count_in: int = 0
    count_out: int = 0
    count_neutral: int = 0


def sums(amounts: Sequence[int | None], ways: Sequence[str | None], left_out: set[int]) -> Sums:
    """The sums of lines; ``ways`` is the printed direction (in, out, none) where the file has one, else the sign."""
    if isinstance(amounts, Column):
        return _sums_by_column(amounts.series, ways, left_out)
    came = went = 0
    counts = {"in": 0, "out": 0, "none": 0}
    total = 0
    for position, (amount, way) in enumerate(zip(amounts, ways, strict=True)):
        if position in left_out:
            continue
        total += 1
        value = amount or 0
        way = way or ("in" if value > 0 else "out" if value < 0 else "none")
        counts[way] += 1
        if way == "in":
            came += value
        elif way == "out":
            went -= value
    return Sums(came, went, total, counts["in"], counts["out"], counts["none"])


def _sums_by_column(amounts: pl.Series, ways: Sequence[str | None], left_out: set[int]) -> Sums:
    frame = pl.DataFrame({"value": amounts.fill_null(0), "way": series(ways, pl.String())})
    if left_out:
        frame = frame.filter(~pl.int_range(pl.len()).is_in(sorted(left_out)))
    sign = pl.when(pl.col("value") > 0).then(pl.lit("in")).when(pl.col("value") < 0).then(pl.lit("out"))
    told = {way: (moved, count) for way, moved, count in frame.group_by(
        pl.coalesce("way", sign.otherwise(pl.lit("none")))).agg(pl.col("value").sum(), pl.len()).iter_rows()}
    (came, count_in), (went, count_out), (_, neutral) = (told.get(way, (0, 0)) for way in ("in", "out", "none"))
    return Sums(came, -went, frame.height, count_in, count_out, neutral)
