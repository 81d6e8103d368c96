"""What the matching works on, account by account: its lines, its credits, and where links and margins are put."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast

import polars as pl

from recon.core.links import Link
from recon.core.months import first_day
from recon.core.prepare import is_subsidy
from recon.problems import Problem
from recon.tables import ACCOUNT

LINK_SCHEMA = {
    "line": pl.UInt32, "credit": pl.UInt32, "person_id": pl.String, "region": pl.String, "scheme": pl.String,
    "month": pl.Int32, "amount_fen": pl.Int64, "kind": pl.String, "surplus": pl.Boolean,
}
MARGIN_SCHEMA = {
    "line": pl.UInt32, "margin": pl.Int32, "in_question": pl.Boolean, "tied": pl.Boolean, "openable": pl.Boolean,
    "bounded": pl.Boolean, "proved": pl.Boolean,
}

END_MONTHS = 3  # so many months in a row at the begin or the end of a record show what holds there


@dataclass
class Matched:
    """links (:data:`LINK_SCHEMA`; line null where a surplus has no line) and margins (:data:`MARGIN_SCHEMA`)."""

    links: pl.DataFrame
    margins: pl.DataFrame
    problems: list[Problem] = field(default_factory=list)


@dataclass
class Row:
    """A line as the solver and the placing need it."""

    number: int
    stream: str
    month: int
    arrival: int | None
    day: int | None
    amount: int | None
    accepts: list[int]
    half_yuan: bool
    due: int | None
    usual: int
    open_price: int
    payable: bool
    by_place: bool  # the amount is unknown or only billed: linked by place
    annual: bool
    steady: bool  # the usual lag is one that many people share
    shift: int  # months by which everybody's credits were later at that arrival
    prepaid: bool
    weak: bool
    run_late: bool  # the shift is of that run alone; else it lasts
    paid: bool | None  # None: billed, no record of a payment
    absent: bool = False  # no line, though there ought to be one
    unrefunded: int | None = None  # the amount before a part of it was refunded: what may have come first
    followed: bool = False  # its payer's records speak of later months, too
    estimate: int | None = None  # what is likely to be due where ``amount`` is not known
    rounding: int | None = None  # the sum due, a fen more or less, by another rounding
    once: bool | None = None  # that is the sum of both shares rounded once
    ahead: int = 0  # months by which the schedule's own place comes before a due month that was learned
    behind: int = 0  # months after its own in which the premium of a bill is likely to have arrived
    # The amount due less deductions seen again and again, and before a refund.
    deducted: list[int] = field(default_factory=list)
    # What came, where this and another month's credit net to the fen: there is nothing to make good.
    netted: int | None = None

    @property
    def likely(self) -> int:
        """What it is due, or likely to be; 0 where nothing tells."""
        return self.amount if self.amount is not None else self.estimate or 0

    @property
    def due_place(self) -> int | None:
        """The month in which the credit of a line of unknown amount is looked for; None where none is due."""
        return None if self.due is None else self.due + self.behind

    @property
    def clock(self) -> int:
        """The month its premium arrived, else the month it is for."""
        return self.month if self.arrival is None else self.arrival

    @property
    def is_beside(self) -> bool:
        """Back pay or a top-up, one of those that arrive together beside the months' own."""
        return self.stream.startswith(("back_pay", "top_up"))

    @property
    def place(self) -> int:
        """The month in which its credit usually comes."""
        return self.clock + self.behind + self.usual + self.shift


@dataclass
class Coin:
    """A credit."""

    number: int
    month: int
    day: int
    amount: int
    printed: int | None
    file: str
    named: bool  # its memo says that it is something else than a month's credit
    gross: int  # before a reversal took a part of it back

    @property
    def says_nothing(self) -> bool:
        """Neither a printed month nor a memo says what it is for."""
        return self.printed is None and not self.named


_LINE_COLUMNS = [
    "line", "stream", "month", "arrival", "arrival_day", "expected_fen", "accepts", "whole_yuan", "due", "usual",
    "open_price", "payable", "by_place", "is_annual", "steady", "shift", "prepaid", "weak",
    "run_late", "paid", "absent", "unrefunded_fen", "followed", "estimated_fen",
    "other_fen", "once", "ahead",
]


def nulls_last(account: tuple[str | None, ...]) -> tuple[tuple[bool, str], ...]:
    """A key that puts accounts in order, unknown parts last."""
    return tuple((part is None, part or "") for part in account)


Account = tuple[str | None, ...]


def in_order(lines: pl.DataFrame) -> pl.DataFrame:
    """The lines of each account in the order in which they are matched."""
    return lines.sort(
        "stream", pl.coalesce("arrival", "month"), "month", pl.col("arrival_day").dt.day(), "expected_fen", "payer",
        "total_fen", "row_id", nulls_last=True,
    )


def rows_by_account(lines: pl.DataFrame) -> dict[Account, list[Row]]:
    """The lines of each account, in the order of ``lines``."""
    useful = lines.with_columns(pl.col("arrival_day").dt.day().cast(pl.Int32))
    found: dict[Account, list[Row]] = defaultdict(list)
    for row in useful.select(*ACCOUNT, *_LINE_COLUMNS).iter_rows():
        found[row[:3]].append(Row(*row[3:]))
    return found


def coins_by_account(credit: pl.DataFrame) -> dict[Account, list[Coin]]:
    """The credits of each account, in the order of ``credit``."""
    found: dict[Account, list[Coin]] = defaultdict(list)
    numbered = credit.select(
        *ACCOUNT, "credit", "month", pl.col("posted_on").dt.day().cast(pl.Int32).alias("day"), "net_fen", "printed",
        pl.col("row_id").str.split("#").list.first().alias("file"),
        is_subsidy(), "amount_fen",
    )
    for row in numbered.iter_rows():
        found[row[:3]].append(Coin(*row[3:]))
    return found


class Output:
    """Collects links and margins as columns."""

    def __init__(self) -> None:
        self.links: dict[str, list[object]] = {name: [] for name in LINK_SCHEMA}
        self.margins: dict[str, list[object]] = {name: [] for name in MARGIN_SCHEMA}
        self.problems: dict[tuple[str, str], Problem] = {}
        self._margin_of: dict[int, int] = {}  # line: place in margins

    def link(
        self, account: Account, row: Row | None, coin: Coin, amount: int, kind: str, *, month: int | None = None,
        surplus: bool = False,
    ) -> None:
        """So much of a credit is that of a line (of no line where only a month is told)."""
        at = row.month if month is None and row is not None else month
        values = (row.number if row else None, coin.number, *account, at, amount, kind, surplus)
        for name, value in zip(LINK_SCHEMA, values, strict=True):
            self.links[name].append(value)

    def links_of(self, number: int, begin: int) -> list[tuple[int, int, str]]:
        """Place, amount and kind of a line's own links from place ``begin`` on, no surplus."""
        of = self.links
        return [(at, cast(int, of["amount_fen"][at]), cast(str, of["kind"][at]))
                for at in range(begin, len(of["line"])) if of["line"][at] == number and not of["surplus"][at]]

    def share(self, at: int, shares: Mapping[int, int], kind: str) -> None:
        """Share the link at a place out among lines (by number): one link for each that has a share."""
        whole = {name: values[at] for name, values in self.links.items()}
        for count, (number, fen) in enumerate((number, fen) for number, fen in shares.items() if fen):
            for name, value in (whole | {"line": number, "amount_fen": fen, "kind": kind}).items():
                if count:
                    self.links[name].append(value)
                else:
                    self.links[name][at] = value

    def margin(
        self, row: Row, margin: int | None, *, question: bool, tied: bool = False, openable: bool = False,
        bounded: bool = False, proved: bool = True,
    ) -> None:
        """How sure it is whether a line is open (see :data:`MARGIN_SCHEMA`)."""
        self._margin_of[row.number] = len(self.margins["line"])
        values = (row.number, margin, question, tied, openable, bounded, proved)
        for name, value in zip(MARGIN_SCHEMA, values, strict=True):
            self.margins[name].append(value)

    def margin_as(self, row: Row, others: Iterable[Row]) -> None:
        """The same of other lines as of ``row``."""
        at = self._margin_of[row.number]
        for other in others:
            self._margin_of[other.number] = len(self.margins["line"])
            for name, values in self.margins.items():
                values.append(other.number if name == "line" else values[at])

    def settle(self, row: Row) -> None:
        """What later made the line good leaves no question about its month."""
        self.margins["tied"][self._margin_of[row.number]] = False

    def doubt(self, row: Row, *, tied: bool) -> None:
        """The sums do not prove whether a line is open; tied: another answer that opens it is as good."""
        at = self._margin_of.get(row.number)
        if at is None:
            return
        self.margins["proved"][at] = False
        if tied:
            self.margins["margin"][at], self.margins["tied"][at], self.margins["openable"][at] = 0, True, True

    def problem(self, code: str, file: str, value: str | None = None) -> None:
        """Something about a file that is said once."""
        self.problems.setdefault((code, file), Problem(code, file, value=value))

    def matched(self) -> Matched:
        """All of it as tables."""
        return Matched(
            pl.DataFrame(self.links, schema=LINK_SCHEMA), pl.DataFrame(self.margins, schema=MARGIN_SCHEMA),
            [self.problems[key] for key in sorted(self.problems)],
        )


def span_of(rows: list[Row]) -> tuple[int, int]:
    """First and last month in which credits of the person's own lines usually come.

    By accrual month: that a premium was paid late once, or a run came late, makes no room for months without a line.
    """
    # Where all credits come later (or earlier) for good, the first or last month's own does too.
    first, last = min(rows, key=lambda row: row.month), max(rows, key=lambda row: row.month)
    lasting = [0 if row.run_late else row.shift for row in (first, last)]
    return first.month + offset_of(rows, first) + lasting[0], last.month + offset_of(rows, last) + lasting[1]


def offset_of(rows: list[Row], like: Row) -> int:
    """Months after their own in which credits usually come: those of retirement, or those of the months before.

    Where all months next to ``like``, at the begin or the end of the record, have another number (a payer that pays
    later), it is theirs.
    """
    retired = like.stream == "retiree"
    mine = [row for row in rows if row.stream == ("retiree" if retired else "normal")] or rows
    near = sorted(mine, key=lambda row: abs(row.month - like.month))[:END_MONTHS]
    here = {row.clock - row.month + row.usual for row in near}
    if len(near) == END_MONTHS and len(here) == 1:
        return here.pop()
    usual = Counter(row.clock - row.month + row.usual for row in mine)
    often = max(usual.values())
    return min(months for months, count in usual.items() if count == often)


def emit(account: Account, link: Link, rows: list[Row], coins: list[Coin], out: Output) -> None:
    """The link's shares: the oldest month first from the earliest credit."""
    if len(link.lines) == 1:
        row = rows[link.lines[0]]
        kind = "inexact" if sum(coins[j].amount for j in link.credits) in row.deducted else link.kind
        for j in link.credits:
            out.link(account, row, coins[j], coins[j].amount, kind)
        return
    if not link.which:  # amounts known to the whole yuan only: the sum is shared evenly
        each, over = divmod(coins[link.credits[0]].amount, len(link.lines))
        for at in link.lines:
            out.link(account, rows[at], coins[link.credits[0]], each + (over if at == link.lines[0] else 0), link.kind)
        return
    left = {j: coins[j].amount for j in link.credits}
    for at, which in zip(link.lines, link.which, strict=True):
        due = amounts_of(rows[at])[which]
        if link.kind == "inexact" and at == link.lines[-1]:
            due = sum(left.values())  # what is lacking or too much is the last month's
        for j in link.credits:
            share = min(due, left[j])
            if share:
                out.link(account, rows[at], coins[j], share, link.kind)
                left[j] -= share
                due -= share
    newest = coins[link.credits[-1]]
    if any(rows[at].annual and rows[at].due not in (newest.month, newest.month - 1) for at in link.lines):
        months = [rows[at].month for at in link.lines]
        span = f"{first_day(min(months)):%Y-%m}~{first_day(max(months)):%Y-%m}"
        out.problem("annual-window-differs", newest.file, span)


def amounts_of(row: Row) -> tuple[int, ...]:
    """The amounts a line may take: the one due, of the other rules accepted, after a deduction, rounded otherwise."""
    if not row.accepts and not row.deducted and row.rounding is None:
        return (row.amount or 0,)
    rounding = () if row.rounding is None else (row.rounding,)
    return (row.amount or 0, *[other for other in row.accepts if other != row.amount], *row.deducted, *rounding)
