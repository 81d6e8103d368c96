"""Hypothesis strategies: made-up people whose contributions and credits go wrong in the ways real ones do."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl
from hypothesis import settings
from hypothesis import strategies as st

from recon import tables as canonical

Row = dict[str, Any]
Draw = st.DrawFn


def examples(count: int) -> settings:
    """So many examples in the suite, where each costs much; `make properties` and the thorough profile try hundreds."""
    return settings() if "HYPOTHESIS_PROFILE" in os.environ else settings(max_examples=count)


# Plainly fake: invented birth days, valid check digits, a region that no case's employer lies in.
PEOPLE = (
    ("110105198503074917", "测试甲"),
    ("110105199001010053", "测试乙"),
    ("110105195406054910", "测试丙"),
    ("PSN:4200000001", "测试丁"),
    ("PSN:4200000002", "测试戊"),
    ("PSN:4200000003", "测试己"),
    ("DOC:E00000001", "测试庚"),
    ("DOC:E00000002", "测试辛"),
)
REGIONS = ("420100", "420100", "420100", "110000", "310000", "330100", None)

# What can happen to one month, the ordinary first and most often (hypothesis shrinks towards the front).
PAYMENTS = ("paid",) * 14 + ("unpaid", "absent", "billed", "back_pay", "twice", "top_up", "refund")
CREDITS = ("usual",) * 14 + ("missing", "missing", "later", "much_later", "earlier", "with_next", "split", "short",
                            "double", "reversed", "taken_back")
EXTRAS = ("none",) * 6 + ("spend", "spend", "interest", "subsidy", "premium", "adjustment")


@dataclass(frozen=True, repr=False)
class World:
    """The input tables of some people, and the day they are looked at."""

    tables: dict[str, pl.DataFrame]
    as_of: date

    def __repr__(self) -> str:
        """What a failing example should show: the rows as CSV, without columns that are empty throughout."""
        shown = [f"as of {self.as_of}"]
        for name, frame in self.tables.items():
            told = [column for column in frame.columns if frame[column].null_count() < frame.height]
            if told:
                shown.append(f"{name}:\n{frame.select(told).write_csv()}")
        return "\n".join(shown)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """The same for hypothesis, which would otherwise print the fields."""
        printer.text(repr(self))

    @property
    def people(self) -> list[str]:
        """Everybody who occurs in a table, in order."""
        columns = [frame["person_id"] for frame in self.tables.values() if "person_id" in frame.columns]
        return sorted(set(pl.concat(columns).drop_nulls()))

    def only(self, people: Sequence[str]) -> dict[str, pl.DataFrame]:
        """The tables with the rows of ``people`` alone, and the rows that speak of nobody in particular."""
        return {
            name: frame.filter(pl.col("person_id").is_in(list(people)) | pl.col("person_id").is_null())
            if "person_id" in frame.columns else frame
            for name, frame in self.tables.items()
        }


def month(number: int) -> date:
    """Month ``number`` counted from January 2023."""
    return date(2023 + number // 12, number % 12 + 1, 1)


def day(number: int, of_month: int) -> date:
    """A day of month ``number``."""
    return month(number).replace(day=of_month)


@st.composite
def worlds(draw: Draw, people: int = len(PEOPLE)) -> World:
    """One to ``people`` persons, their files and what those cover. Many at once: a call of the core costs the same."""
    count = draw(st.integers(1, people))
    shared = draw(st.booleans())  # one flow export for all, or one each
    contributions: list[Row] = []
    flows: list[Row] = []
    persons: list[Row] = []
    for number in range(count):
        own = draw(_person(number))
        flow_file = "flow.csv" if shared else f"flow{number}.csv"
        contributions += own["contribution"]
        flows += [row | {"file": flow_file} for row in own["flow"]]
        persons += own["person"]
    if flows and draw(st.integers(0, 4)) == 0:  # the newest lines exported once more
        again = draw(st.integers(1, len(flows)))
        flows += [row | {"file": f"again_{row['file']}"} for row in flows[-again:]]
    contributions = [row | {"file": "contribution.csv"} for row in contributions]
    _number_rows(contributions)
    _number_rows(flows)
    newest = max((row["posted_on"] for row in flows), default=day(18, 12))
    as_of = draw(st.sampled_from([newest, day(19, 28), day(23, 15), day(30, 31), day(35, 31)]))
    coverage = _coverage("contribution", contributions, "accrual_month") + _coverage("flow", flows, "posted_on")
    coverage += draw(_stated(coverage, as_of))
    return World(
        {name: _frame(name, rows) for name, rows in {
            "contribution": contributions, "flow": flows, "person": persons, "coverage": coverage}.items()}
        | {name: canonical.empty(name) for name in canonical.INPUT_TABLES
           if name not in ("contribution", "flow", "person", "coverage")},
        as_of,
    )


@st.composite
def _person(draw: Draw, number: int) -> dict[str, list[Row]]:
    """One person: their contribution lines, account lines and row of the roster."""
    person_id, name = PEOPLE[number]
    region = draw(st.sampled_from(REGIONS))
    retired = draw(st.integers(0, 9)) == 0
    known = {"person_id": person_id, "person_name": name, "region": region}
    roster = known | {
        "employer": "示例公司", "birth_date": date(1985, 3, 7),
        "insured_status": "retired" if retired else "in_service", "retired_from": date(2014, 7, 1) if retired else None,
    }
    if retired:
        return {"contribution": [], "flow": draw(_pension(known)), "person": [roster]}
    contributions, due = draw(_payments(known))
    flow = draw(_credits(known, due)) if draw(st.integers(0, 9)) else []
    return {"contribution": contributions, "flow": flow, "person": [roster] if draw(st.booleans()) else []}


@st.composite
def _payments(draw: Draw, known: Row) -> tuple[list[Row], list[tuple[int, int, int]]]:
    """Contribution lines, and what they put in: (accrual month, month of arrival, fen)."""
    first, length = draw(st.integers(0, 9)), draw(st.integers(2, 14))
    base = draw(st.sampled_from([600_000, 600_000, 500_050, 734_575]))
    stated, dated = draw(st.booleans()), draw(st.integers(0, 3)) > 0
    raised = draw(st.integers(0, 2 * length))
    rows: list[Row] = []
    due: list[tuple[int, int, int]] = []

    def line(at: int, arrival: int, of_base: int, **more: Any) -> None:
        own = of_base * 2 // 100
        rows.append(known | {
            "scheme": "310", "employer": "示例公司", "accrual_month": month(at), "base_fen": of_base,
            "paid_on": day(arrival, 20) if dated else None, "employee_fen": own, "employer_fen": of_base * 8 // 100,
            "into_account_fen": own if stated else None, "payment_kind": "normal", "paid": True,
            "insured_status": "in_service",
        } | more)
        if rows[-1]["paid"]:
            due.append((at, arrival, own))

    for at in range(first, first + length):
        of_base = base + 100_000 if at - first >= raised else base
        kind = draw(st.sampled_from(PAYMENTS))
        if kind == "absent":
            continue
        if kind == "unpaid":
            line(at, at, of_base, paid=False, paid_on=None)
        elif kind == "billed":
            line(at, at, of_base, paid=None, proof="billed", paid_on=None)
        elif kind == "back_pay":
            line(at, at + draw(st.integers(1, 4)), of_base, payment_kind="back_pay")
        else:
            line(at, at, of_base)
        if kind == "twice":
            line(at, at, of_base, employer="另一公司")
        elif kind == "top_up":
            line(at, at + 2, 50_000, payment_kind="top_up")
        elif kind == "refund":
            line(at, at + 1, -of_base, payment_kind="refund")
            due.pop()
    return rows, due


@st.composite
def _credits(draw: Draw, known: Row, due: list[tuple[int, int, int]]) -> list[Row]:
    """Account lines: each due sum is credited with the person's usual lag, or otherwise as CREDITS says."""
    lag, printed = draw(st.sampled_from([1, 1, 1, 0, 2])), draw(st.integers(0, 5)) == 0
    rows: list[Row] = []
    held = 0

    def book(number: int, fen: int, kind: str = "credit", of_month: int = 12, of: int | None = None) -> None:
        if fen:
            rows.append({"person_id": known["person_id"], "region": known["region"], "scheme": "310",
                         "posted_on": day(number, of_month), "flow_kind": kind, "amount_fen": fen,
                         "accrual_month": month(of) if printed and of is not None and kind == "credit" else None})

    for at, arrival, own in due:
        came = arrival + lag
        event = draw(st.sampled_from(CREDITS))
        fen, held = own + held, 0
        if event == "with_next":
            held = fen
        elif event == "later":
            book(came + 1, fen, of=at)
        elif event == "much_later":
            book(came + draw(st.integers(2, 6)), fen, of=at)
        elif event == "earlier":
            book(came - 1, fen, of=at)
        elif event == "split":
            book(came, fen - fen // 6, of=at)
            book(came, fen // 6, of=at)
        elif event == "short":
            book(came, fen - draw(st.sampled_from([1, 3_000, 9_600])), of=at)
        elif event == "double":
            book(came, fen, of=at)
            book(came, fen, of=at)
        elif event == "reversed":
            book(came, fen, of=at)
            book(came, -fen, "reversal", 20)
        elif event == "taken_back":
            book(came, fen, of=at)
            book(came + 1, -1_000, "reversal", 20)
        elif event == "usual":
            book(came, fen, of=at)
        extra = draw(st.sampled_from(EXTRAS))
        if extra != "none":
            book(came, {"interest": 37, "subsidy": 5_000}.get(extra, -2_560), extra, 15)
    return sorted(rows, key=lambda row: row["posted_on"])


@st.composite
def _pension(draw: Draw, known: Row) -> list[Row]:
    """The monthly credits of a retiree, some missing."""
    months = draw(st.lists(st.integers(2, 16), min_size=1, max_size=12, unique=True).map(sorted))
    return [{"person_id": known["person_id"], "region": known["region"], "scheme": "310", "posted_on": day(number, 4),
             "flow_kind": "credit", "amount_fen": 10_000} for number in months]


@st.composite
def _stated(draw: Draw, coverage: list[Row], as_of: date) -> list[Row]:
    """A stated period for some of the flow files: to the as-of date, or ending earlier."""
    rows: list[Row] = []
    for row in coverage:
        if row["table"] == "flow" and draw(st.booleans()):
            end = draw(st.sampled_from([as_of, max(row["to"], day(14, 3))]))
            rows.append(row | {"basis": "stated", "from": draw(st.sampled_from([row["from"], day(0, 1)])), "to": end,
                               "exported_on": end})
    return rows


# What a row of an export can look like when the export is damaged: (column, text, survives).
DAMAGES = (
    ("amount_fen", "1,2O0.00"), ("amount_fen", ""), ("posted_on", "2024-13-01"), ("person_id", "1.10105E+17"),
    ("flow_kind", "unheard of"), ("posted_on", "昨天"), ("person_id", ""),
)


@st.composite
def damaged_flows(draw: Draw) -> list[Mapping[str, str]]:
    """Rows of a native flow file as text; some cells do not mean anything."""
    rows: list[Mapping[str, str]] = []
    for number in range(draw(st.integers(1, 12))):
        row = {
            "person_id": draw(st.sampled_from(PEOPLE))[0], "region": "420100", "accrual_month": "",
            "posted_on": day(number, 12).isoformat(), "flow_kind": "credit",
            "amount_fen": str(draw(st.integers(-99_999, 99_999))),
            "memo": draw(st.sampled_from(["", "划入", "=1+1", "a,b"])),
        }
        if draw(st.integers(0, 2)) == 0:
            column, text = draw(st.sampled_from(DAMAGES))
            row[column] = text
        rows.append(row)
    return rows


def spends(draw_from: World) -> st.SearchStrategy[pl.DataFrame]:
    """Further spend lines for the people of a world, in the files they already have."""
    flow = draw_from.tables["flow"]
    owners = flow.select("person_id", "region", "scheme").unique(maintain_order=True).to_dicts()
    who = st.integers(0, max(len(owners) - 1, 0))
    one = st.tuples(who, st.integers(2, 30), st.integers(1, 28), st.integers(1, 12_000))
    lines = st.lists(one, max_size=8) if owners else st.just([])
    return lines.map(lambda drawn: _frame("flow", [
        owners[owner] | {"row_id": f"flow.csv#X{index}", "posted_on": day(number, of_month), "flow_kind": "spend",
                       "amount_fen": -fen}
        for index, (owner, number, of_month, fen) in enumerate(drawn)
    ]))


# --- helpers ----------------------------------------------------------------------------------------------------------


def _frame(name: str, rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """The rows as table ``name``; what the schema does not know is left out."""
    schema = canonical.TABLES[name]
    return pl.DataFrame([{column: row.get(column) for column in schema} for row in rows], schema=schema, strict=True)


def _number_rows(rows: list[Row]) -> None:
    """Give each row its row_id, counted within its file."""
    counts: dict[str, int] = {}
    for row in rows:
        counts[row["file"]] = counts.get(row["file"], 1) + 1
        row["row_id"] = f"{row['file']}#L{counts[row['file']]}"


def _coverage(table: str, rows: list[Row], column: str) -> list[Row]:
    """What the lines of each file span, as the reader says it."""
    spans: dict[str, list[date]] = {}
    for row in rows:
        spans.setdefault(row["file"], []).append(row[column])
    return [{"table": table, "file": file, "from": min(days), "to": max(days), "basis": "lines"}
            for file, days in spans.items()]
