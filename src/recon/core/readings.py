"""Single figures without lines: two balances and what was paid between them, yearly totals, ledger and available.

A figure from a screenshot proves bounds, not lines: what should have come in between is known from the contributions,
what the balance grew by from two readings; the rest was used or did not come, and the year's spend total tells which.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import polars as pl

from recon.core import months
from recon.core.text import yuan_text

PARTS = {
    "person_id": pl.String(), "region": pl.String(), "scheme": pl.String(), "accrual_month": pl.Date(),
    "label": pl.String(), "cause": pl.String(), "status": pl.String(), "amount_fen": pl.Int64(),
    "evidence": pl.String(), "evidence_en": pl.String(),
}
# A credit may be booked and not yet be usable for so many days.
USABLE_DAYS = 5
# Two readings further apart than this say little about the same moment.
SAME_TIME_DAYS = 31


@dataclass(frozen=True)
class _Account:
    """What is known of one account beside its readings."""

    key: tuple[str, str | None, str]
    lines: list[dict[str, Any]]  # posted_on, amount_fen, flow_kind, after_fen, memo
    due: list[tuple[date, int]]  # due month, fen
    cover: list[tuple[date, date]]
    prints: bool

    def covers(self, start: date, end: date) -> bool:
        """Whether one export covers all these days."""
        return any(first <= start and last >= end for first, last in self.cover)

    def moved(self, start: date, end: date) -> int:
        """What the lines moved after ``start`` until ``end``."""
        return sum(row["amount_fen"] for row in self.lines if start < row["posted_on"] <= end)


@dataclass(frozen=True)
class _Part:
    day: date
    label: str
    cause: str | None
    status: str
    fen: int
    zh: str
    en: str
    rows: tuple[str, ...]


def reading_parts(
    reading: pl.DataFrame, lines: pl.DataFrame, expected: pl.DataFrame, cover: pl.DataFrame, anchored: set[str]
) -> pl.DataFrame:
    """What readings say, as parts of basis balance (columns :data:`PARTS`).

    lines: the account's lines (with after_fen); expected: the result table; anchored: rows of readings that already
    stand among the lines as their balances. Dates decide; a reading without one is left out.
    """
    told = reading.filter(pl.col("read_on").is_not_null() & pl.col("amount_fen").is_not_null()).sort(
        "read_on", "kind", "row_id")
    if told.is_empty():
        return pl.DataFrame(schema=PARTS)
    rows: list[dict[str, Any]] = []
    theirs = [(_by_person(frame, told), frame.clear()) for frame in (lines, expected, cover)]
    for (person, region), group in told.group_by("person_id", "region", maintain_order=True):
        own = [of.get((person,), nothing) for of, nothing in theirs]
        account = _account(str(person), region if region is None else str(region), *own)
        found = _parts(account, group.rows(named=True), anchored)
        rows += [{
            "person_id": account.key[0], "region": account.key[1], "scheme": account.key[2],
            "accrual_month": part.day.replace(day=1), "label": part.label, "cause": part.cause, "status": part.status,
            "amount_fen": part.fen, "evidence": f"{part.zh} [{'; '.join(part.rows)}]", "evidence_en": part.en,
        } for part in found]
    return pl.DataFrame(rows, schema=PARTS)


def _by_person(frame: pl.DataFrame, told: pl.DataFrame) -> dict[tuple[object, ...], pl.DataFrame]:
    """The rows of ``frame`` of everybody in ``told``, by (person_id,)."""
    people = told.select("person_id").unique()
    own = frame.join(people, on="person_id", how="semi", maintain_order="left")
    return own.partition_by("person_id", as_dict=True, maintain_order=True)


def _account(
    person: str, region: str | None, lines: pl.DataFrame, expected: pl.DataFrame, cover: pl.DataFrame
) -> _Account:
    """The person's account in the region (any region, where the reading names none), from the person's own rows."""
    def mine(own: pl.DataFrame) -> pl.DataFrame:
        return own if region is None else own.filter(pl.col("region").eq_missing(pl.lit(region)))

    flow, due = mine(lines).sort("posted_on", "n"), mine(expected).filter(pl.col("expected_fen").is_not_null())
    flow = flow.filter(pl.col("flow_kind") != "reading")
    known = pl.concat([due.select("region", "scheme"), flow.select("region", "scheme")]).drop_nulls("scheme")
    scheme, home = (known["scheme"][0], known["region"][0]) if known.height else ("310", region)
    return _Account(
        (person, region if region is not None else home, scheme),
        flow.select("posted_on", "amount_fen", "flow_kind", "after_fen", "memo", "row_id").rows(named=True),
        due.drop_nulls("due_month").select("due_month", "expected_fen").rows(),
        mine(cover).select("from", "to").rows(), flow["after_fen"].drop_nulls().len() > 0,
    )


def _parts(account: _Account, read: list[dict[str, Any]], anchored: set[str]) -> list[_Part]:
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for row in read:
        by_kind.setdefault(row["kind"] or "ledger", []).append(row)
    ledger = _ledger(by_kind)
    found = []
    for row in ledger:
        if row["row_id"] not in anchored:
            found += _against_lines(account, row)
    for earlier, later in pairwise(ledger):
        if later["read_on"] > earlier["read_on"] and not account.covers(earlier["read_on"], later["read_on"]):
            found += _between(account, earlier, later, by_kind)
    found += _year_totals(account, by_kind)
    if ledger and by_kind.get("available"):
        found += _available(account, ledger, by_kind)
    return found


def _ledger(by_kind: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The ledger readings; where there is none, current and past years of one day added up."""
    if by_kind.get("ledger"):
        return by_kind["ledger"]
    past = {row["read_on"]: row for row in by_kind.get("past_years", [])}
    return [row | {"amount_fen": row["amount_fen"] + past[row["read_on"]]["amount_fen"]}
            for row in by_kind.get("current_year", []) if row["read_on"] in past]


def _against_lines(account: _Account, row: dict[str, Any]) -> list[_Part]:
    """A reading against the printed balance of its day, where an export covers the day."""
    day = row["read_on"]
    before = [line for line in account.lines if line["posted_on"] <= day and line["after_fen"] is not None]
    if not before or not account.prints or not account.covers(before[-1]["posted_on"], day):
        return []
    # A reading may have been taken before, between or after the lines of its day.
    same = [line for line in before if line["posted_on"] == day]
    fits = {before[-1]["after_fen"], *(line["after_fen"] for line in same),
            *(line["after_fen"] - line["amount_fen"] for line in same)}
    if row["amount_fen"] in fits:
        return []
    gap = row["amount_fen"] - before[-1]["after_fen"]
    return [_Part(
        day, "unexplained", "reading_differs", "unknown", -gap,
        f"{day}的余额读数{yuan_text(row['amount_fen'])}元，明细当日余额{yuan_text(before[-1]['after_fen'])}元，"
        f"差{yuan_text(gap)}元",
        f"read on {day}: {yuan_text(row['amount_fen'])} yuan; the export's balance is "
        f"{yuan_text(before[-1]['after_fen'])}, a difference of {yuan_text(gap)}",
        (row["row_id"], before[-1]["row_id"]),
    )]


def _between(
    account: _Account, earlier: dict[str, Any], later: dict[str, Any], by_kind: dict[str, list[dict[str, Any]]]
) -> list[_Part]:
    """Two balances without lines between them: a bound, and what the yearly totals make of it."""
    start, end = earlier["read_on"], later["read_on"]
    least, most = _due_between(account, start, end)
    if not most:
        return []
    grew = later["amount_fen"] - earlier["amount_fen"]
    rows = (earlier["row_id"], later["row_id"])
    should = yuan_text(most) if least == most else f"{yuan_text(least)}–{yuan_text(most)}"
    rest = yuan_text(least - grew) if least == most else f"{yuan_text(least - grew)}–{yuan_text(most - grew)}"
    zh = f"{start}至{end}若没有消费，应增{should}元，实增{yuan_text(grew)}元"
    en = (f"from {start} to {end} the balance should have grown by {should} yuan without spend, "
          f"it grew by {yuan_text(grew)}")
    if grew >= most:
        return [_Part(end, "unexplained", "reading_fits", "explained", 0, f"{zh}：该到的都到了",
                      f"{en}: everything due has come", rows)]
    spent, exact = _spent(by_kind, start, end)
    credited = _total(by_kind, "year_credited", start, end)
    if credited is not None and credited[1]:
        came, row = credited[0], credited[2]
        lost = max(least - came, 0)
        used = yuan_text(came - grew)
        return _split(end, lost, max(came - grew, 0), f"{zh}；期间划入合计{yuan_text(came)}元，所以支出{used}元",
                      f"{en}; {yuan_text(came)} yuan were credited in that time, so {used} were used", (*rows, row))
    if spent is not None:
        lost = least - grew - spent[0]
        also = f"{zh}；期间支出合计{yuan_text(spent[0])}元"
        also_en = f"{en}; {yuan_text(spent[0])} yuan were used in that time"
        if exact:
            return _split(end, max(lost, 0), spent[0], also, also_en, (*rows, spent[1]))
        if lost > 0:
            return [_Part(
                end, "unexplained", "reading_bound", "unknown", lost,
                f"{also}（当年合计，至多这些），所以至少{yuan_text(lost)}元没有划入或另有支出",
                f"{also_en} at most (total of the year), so at least {yuan_text(lost)} did not come",
                (*rows, spent[1]))]
    return [_Part(
        end, "unexplained", "reading_bound", "unknown", max(least - grew, 0),
        f"{zh}；差{rest}元是消费或未划入，给出这一年的支出合计即可判定",
        f"{en}; {rest} is spend or missing: the year's spend total settles it", rows)]


def _split(day: date, lost: int, used: int, zh: str, en: str, rows: tuple[str, ...]) -> list[_Part]:
    """Both sides known: what was used, and what did not come."""
    if lost:
        zh, en = f"{zh}，没有划入的是{yuan_text(lost)}元", f"{en}, and {yuan_text(lost)} did not come"
    else:
        zh, en = f"{zh}，该到的都到了", f"{en}, and everything due has come"
    parts = [_Part(day, "spend", "by_totals", "explained", used, zh, en, rows)] if used else []
    if lost or not parts:
        cause, status = ("reading_bound", "unknown") if lost else ("reading_fits", "explained")
        parts.append(_Part(day, "unexplained", cause, status, lost, zh, en, rows))
    return parts


def _due_between(account: _Account, start: date, end: date) -> tuple[int, int]:
    """What should have been credited after ``start`` until ``end``: surely, and at most.

    A month counts surely when all of it lies between the days; the months of the days themselves may or may not.
    """
    surely = [fen for month, fen in account.due if month > start and _last_day(month) <= end]
    perhaps = [fen for month, fen in account.due if _last_day(month) > start and month <= end]
    return sum(surely), sum(perhaps)


def _last_day(month: date) -> date:
    return months.last_day(months.index(month))


def _spent(
    by_kind: dict[str, list[dict[str, Any]]], start: date, end: date
) -> tuple[tuple[int, str] | None, bool]:
    found = _total(by_kind, "year_spent", start, end)
    return (None, False) if found is None else ((found[0], found[2]), found[1])


def _total(
    by_kind: dict[str, list[dict[str, Any]]], kind: str, start: date, end: date
) -> tuple[int, bool, str] | None:
    """A yearly total for the days after ``start`` until ``end``: fen, whether exactly for these days, its row.

    Totals run from 1 January to the day they were read; that of an earlier day of the year is taken off.
    """
    totals = [row for row in by_kind.get(kind, []) if row["read_on"].year == end.year]
    until = [row for row in totals if row["read_on"] >= end]
    if not until:
        return None
    total = until[0]
    if start < date(end.year, 1, 1):
        whole = start == date(end.year - 1, 12, 31)
        return total["amount_fen"], whole and total["read_on"] == end, total["row_id"]
    off = [row for row in totals if row["read_on"] <= start]
    if off:
        exact = off[-1]["read_on"] == start and total["read_on"] == end
        return total["amount_fen"] - off[-1]["amount_fen"], exact, total["row_id"]
    return total["amount_fen"], start == date(end.year, 1, 1) and total["read_on"] == end, total["row_id"]


def _year_totals(account: _Account, by_kind: dict[str, list[dict[str, Any]]]) -> list[_Part]:
    """Yearly totals against the lines of the year, or, without lines, against what was due in it."""
    found = []
    for kind, kinds, zh, en in (
        ("year_credited", ("credit", "subsidy"), "划入", "credited"),
        ("year_spent", ("spend", "mutual_aid"), "支出", "used"),
    ):
        for row in by_kind.get(kind, []):
            first, day, total = date(row["read_on"].year, 1, 1), row["read_on"], yuan_text(row["amount_fen"])
            if account.lines and account.covers(first, day):
                lines = abs(sum(line["amount_fen"] for line in account.lines
                                if first <= line["posted_on"] <= day and line["flow_kind"] in kinds))
                if lines != row["amount_fen"]:
                    gap = row["amount_fen"] - lines
                    found.append(_Part(
                        day, "unexplained", "year_total", "unknown", gap,
                        f"{day.year}年{zh}合计（至{day}）{total}元，明细相加{yuan_text(lines)}元，差{yuan_text(gap)}元",
                        f"{day.year} until {day}: {total} yuan {en} by the yearly total, {yuan_text(lines)} by the "
                        f"lines, a difference of {yuan_text(gap)}", (row["row_id"],)))
            elif kind == "year_credited" and account.due and not account.lines:
                least, most = _due_between(account, first - timedelta(days=1), day)
                if row["amount_fen"] < least:
                    gap = least - row["amount_fen"]
                    found.append(_Part(
                        day, "unexplained", "year_total", "unknown", gap,
                        f"{day.year}年划入合计（至{day}）{total}元，按缴费应划{yuan_text(least)}元，少{yuan_text(gap)}元",
                        f"{day.year} until {day}: {total} yuan were credited by the yearly total, {yuan_text(least)} "
                        f"were due, {yuan_text(gap)} less", (row["row_id"],)))
                elif most and row["amount_fen"] <= most:
                    found.append(_Part(
                        day, "unexplained", "reading_fits", "explained", 0,
                        f"{day.year}年划入合计（至{day}）{total}元，与按缴费应划的相符",
                        f"{day.year} until {day}: {total} yuan credited by the yearly total, as due",
                        (row["row_id"],)))
    return found


def _available(
    account: _Account, ledger: list[dict[str, Any]], by_kind: dict[str, list[dict[str, Any]]]
) -> list[_Part]:
    """Ledger against available balance, the two nearest readings: two dates, then scope, then what is held back."""
    pairs = [(abs((book["read_on"] - usable["read_on"]).days), book, usable)
             for book in ledger for usable in by_kind["available"]]
    apart, book, usable = min(pairs, key=lambda pair: (pair[0], -pair[1]["read_on"].toordinal()))
    difference = book["amount_fen"] - usable["amount_fen"]
    if not difference or apart > SAME_TIME_DAYS:
        return []
    rows = (book["row_id"], usable["row_id"])
    day = max(book["read_on"], usable["read_on"])
    found = []
    rest = difference
    if apart:
        early, late = sorted([book["read_on"], usable["read_on"]])
        moved = account.moved(early, late) * (1 if late == book["read_on"] else -1)
        if moved:
            rest -= moved
            posted = [line for line in account.lines if early < line["posted_on"] <= late]
            days = "、".join(sorted({line["posted_on"].isoformat() for line in posted}))
            found.append(_Part(
                day, "in_transit", "between_dates", "explained", moved,
                f"两个数相隔{apart}天，其间（{days}）账户变动{yuan_text(moved)}元",
                f"the two figures are {apart} days apart; {yuan_text(moved)} yuan moved in between ({days})",
                (*rows, *(line["row_id"] for line in posted))))
    return found + ([_held(account, by_kind, book, usable, rest, apart)] if rest else [])


def _held(
    account: _Account, by_kind: dict[str, list[dict[str, Any]]], book: dict[str, Any], usable: dict[str, Any],
    rest: int, apart: int,
) -> _Part:
    """The rest of the difference: the scope of the figure, not usable yet, frozen, or not to be told."""
    rows = (book["row_id"], usable["row_id"])
    day, sum_ = max(book["read_on"], usable["read_on"]), yuan_text(rest)
    for kind, zh, en in (("past_years", "历年账户", "past years"), ("current_year", "当年账户", "the current year")):
        hit = next((row for row in by_kind.get(kind, []) if row["amount_fen"] == rest), None)
        if hit is not None:
            return _Part(day, "scope_limited", None, "explained", rest,
                         f"差的{sum_}元正是{zh}的余额：可用余额没有算它",
                         f"the {sum_} yuan are the balance of {en}, which the available figure leaves out",
                         (*rows, hit["row_id"]))
    fresh = [line for line in account.lines if line["flow_kind"] == "credit" and line["amount_fen"] == rest
             and timedelta(0) <= usable["read_on"] - line["posted_on"] <= timedelta(days=USABLE_DAYS)]
    if fresh:
        return _Part(day, "in_transit", None, "pending", rest,
                     f"{fresh[-1]['posted_on']}划入的{sum_}元刚记账，尚不可用",
                     f"the {sum_} yuan credited on {fresh[-1]['posted_on']} were just booked and not usable yet",
                     (*rows, fresh[-1]["row_id"]))
    ice = [line for line in account.lines if "冻结" in (line["memo"] or "") and "解冻" not in line["memo"]
           and line["posted_on"] <= day and (abs(line["amount_fen"]) == rest or yuan_text(rest) in line["memo"])]
    if ice:
        return _Part(day, "frozen", None, "pending", rest, f"{ice[-1]['posted_on']}冻结{sum_}元，账没有少",
                     f"{sum_} yuan were frozen on {ice[-1]['posted_on']}; nothing is lost", (*rows, ice[-1]["row_id"]))
    dates = "，两个数不是同一天" if apart else ""
    dates_en = "; the figures are of two days" if apart else ""
    if rest < 0:
        return _Part(day, "unexplained", "held_back", "unknown", rest,
                     f"可用余额比账面多{yuan_text(-rest)}元{dates}：常见是家庭共济额度或另一地账户也算在内",
                     f"{yuan_text(-rest)} yuan more are available than booked{dates_en}: often family funds or another "
                     "region's account", rows)
    return _Part(day, "unexplained", "held_back", "unknown", rest,
                 f"另{sum_}元暂时没有依据说明{dates}：常见是冻结或在途，账没有少",
                 f"{sum_} yuan cannot be explained yet{dates_en}: often frozen or in transit; nothing is lost", rows)


def anchors(lines: pl.DataFrame) -> set[str]:
    """Readings that stand among the lines as balances."""
    return set(lines.filter(pl.col("flow_kind") == "reading")["row_id"])

