"""What a person typed or ticked in one of recon's fill-in workbooks (``recon template``, ``recon confirm``).

A fill-in sheet begins with a mark in its first cell, names its person in labelled cells, and holds sections, each with
a header row of its own: balances and totals, account lines, contributions. Here each section becomes a grid of native
rows with ``proof = human``, whose places are those of the sheet. The sheet is recognised by what it says, so that it
may be saved by any program; rows may be inserted, left out and typed in Chinese or English.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise

from recon.problems import Problem
from recon.reading.claim import Header
from recon.reading.format import Format
from recon.reading.grid import Grid
from recon.reading.lines import SIGNS
from recon.reading.values import Unreadable, clean, fold, is_empty, parse_day, parse_fen, parse_months
from recon.tables import FLOW_KINDS, INPUT_TABLES, PAYMENT_KINDS, PROOFS

# The first cell of a fill-in sheet begins with one of these; a sheet of examples does not.
FILL_MARK, CONFIRM_MARK = "recon 填写表", "recon 核对表"
NOTE_MARK = "recon 说明"  # examples and notes beside a fill-in sheet: not read
HUMAN = "human"
TICK = "use"  # the column of a draft row that says whether it counts


@dataclass(frozen=True)
class Field:
    """One column of a section or one labelled cell; ``kind``: text, day, month, money, word (``words`` to choose)."""

    name: str
    zh: str
    en: str
    kind: str = "text"
    words: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # canonical value -> Chinese, English
    width: int = 14
    hint: tuple[str, str] = ("", "")

    @property
    def labels(self) -> frozenset[str]:
        """The field's names as they are compared."""
        return frozenset({fold(self.zh), fold(self.en)})


READING_KINDS = {
    "ledger": ("账面余额", "ledger balance"), "available": ("可用余额", "available balance"),
    "current_year": ("当年账户余额", "current-year balance"), "past_years": ("历年账户余额", "past-years balance"),
    "year_credited": ("全年划入合计", "credited in the year"), "year_spent": ("全年支出合计", "used in the year"),
}
LINE_KINDS = {
    "credit": ("划入", "credit"), "spend": ("消费", "spending"), "mutual_aid": ("家庭共济", "family use"),
    "premium": ("代缴保费", "premium taken"), "interest": ("利息", "interest"), "subsidy": ("补助", "subsidy"),
    "reversal": ("冲正、退回", "reversal"), "transfer_in": ("转入", "transfer in"),
    "transfer_out": ("转出", "transfer out"), "payout": ("提取", "payout"), "other": ("其他", "other"),
}
PAID_WORDS = {"true": ("已到账", "arrived"), "false": ("未到账", "not arrived"), "": ("不知道", "not known")}
KIND_WORDS = {"normal": ("正常", "normal"), "back_pay": ("补缴", "back pay"), "top_up": ("补差", "top-up"),
              "refund": ("退费", "refund")}
YES_NO = {"yes": ("是", "yes"), "no": ("否", "no")}

TICK_FIELD = Field(TICK, "用", "use", "word", YES_NO, 6, (
    "对的选“是”；不对的改正后选“是”；不要的选“否”或空着", "yes when right or corrected; no or blank leaves it out"))
SECTIONS: dict[str, tuple[Field, ...]] = {
    "reading": (
        Field("kind", "余额或合计", "balance or total", "word", READING_KINDS, 18, (
            "从列表里选", "choose from the list")),
        Field("read_on", "查看日期", "date seen", "day", width=14, hint=(
            "如 2024-12-31；全年合计只写年份", "like 2024-12-31; for a total of a year the year alone")),
        Field("amount_fen", "金额（元）", "amount (yuan)", "money", hint=("如 3215.40", "like 3215.40")),
    ),
    "flow": (
        Field("posted_on", "入账日期", "date posted", "day", width=14, hint=("如 2024-06-12", "like 2024-06-12")),
        Field("flow_kind", "收支类型", "kind", "word", LINE_KINDS, 14, ("从列表里选", "choose from the list")),
        Field("amount_fen", "收支金额（元）", "amount of the line (yuan)", "money", width=16, hint=(
            "写正数，方向看类型；冲正、其他带正负号",
            "positive; the kind says which way; reversal and other with a sign")),
        Field("balance_fen", "余额（可不填）", "balance (optional)", "money", width=16),
        Field("accrual_month", "所属月份（可不填）", "month paid for (optional)", "month", width=18, hint=(
            "明细里印了才填，如 2024-05", "only if it is printed, like 2024-05")),
        Field("memo", "摘要（可不填）", "note (optional)", width=20),
    ),
    "contribution": (
        Field("accrual_month", "缴费所属月", "contribution month", "month", width=14, hint=(
            "如 2024-05", "like 2024-05")),
        Field("base_fen", "缴费基数", "contribution base", "money"),
        Field("employee_fen", "个人缴费", "employee's part", "money"),
        Field("employer_fen", "单位缴费", "employer's part", "money"),
        Field("into_account_fen", "其中划入个人账户（可不填）", "of which credited (optional)", "money", width=24),
        Field("payment_kind", "缴费类型", "kind of payment", "word", KIND_WORDS, 10),
        Field("paid", "是否到账", "arrived?", "word", PAID_WORDS, 10, ("从列表里选", "choose from the list")),
        Field("paid_on", "到账日期（可不填）", "date arrived (optional)", "day", width=18),
    ),
}
IDENTITY: tuple[Field, ...] = (
    Field("person_name", "姓名", "name"), Field("person_id", "证件号码", "ID number", width=22),
    Field("psn_no", "医保个人编号", "personal number", width=22),
    Field("region", "参保地", "place of insurance"), Field("employer", "单位名称", "employer", width=24),
    Field("confirmed_by", "填写人", "filled in by"), Field("confirmed_on", "填写日期", "filled in on", "day"),
    Field("year", "年份", "year", hint=("日期没有年份时用这一年", "the year of dates that lack one")),
    Field("covers_from", "明细完整：从", "complete from", "day", hint=(
        "收支明细一行不缺时才填，否则空着", "only where no line of the period is missing")),
    Field("covers_to", "明细完整：到", "complete to", "day"),
    Field("sha256", "图片指纹", "picture hash"),
)
# What a section cannot do without: where all of these are empty, a row says nothing.
_TELLING = {"reading": ("amount_fen",), "flow": ("amount_fen",),
            "contribution": ("accrual_month", "employee_fen", "employer_fen", "into_account_fen", "base_fen")}
_YES = frozenset({"是", "yes", "y", "1", "true", "✓", "√", "对", "x"})
_MONTH_DAY = re.compile(r"^(\d{1,2})(?:-|/|\.|月)(\d{1,2})日?(?:\s+\d{1,2}:\d{2}(?::\d{2})?)?$")
_YEAR = re.compile(r"^(?:19|20)\d{2}年?(?:度)?$")


@dataclass(frozen=True)
class Filled:
    """One section of a fill-in sheet, ready to be read: ``skipped`` rows were not ticked."""

    grid: Grid
    header: Header
    skipped: int = 0


@dataclass(frozen=True)
class FilledSheet:
    """What a fill-in sheet gave; ``pictures``: the hash of the picture it settles."""

    sections: list[Filled]
    problems: list[Problem]
    pictures: frozenset[str] = frozenset()


def is_filled(grid: Grid) -> bool:
    """Whether a grid is a fill-in sheet."""
    first = next((cell for row in grid.rows[:3] for cell in row if cell), "")
    return clean(first).startswith((FILL_MARK, CONFIRM_MARK))


def is_explanation(grid: Grid) -> bool:
    """Whether a grid is a sheet of notes or examples of a fill-in workbook."""
    return clean(next((cell for row in grid.rows[:3] for cell in row if cell), "")).startswith(NOTE_MARK)


def read_filled(grid: Grid) -> FilledSheet:
    """The sections of a fill-in sheet as native grids."""
    is_draft = clean(next(cell for row in grid.rows for cell in row if cell)).startswith(CONFIRM_MARK)
    starts = [(at, table) for at, row in enumerate(grid.rows) if (table := _section(row))]
    about = _identity(grid.rows[: starts[0][0]] if starts else grid.rows)
    problems: list[Problem] = []
    ends = pairwise([*(at for at, _ in starts), len(grid.rows)])
    rows = {at: [index for index in range(at + 1, end) if any(grid.rows[index])] for at, end in ends}
    sections = [_read_section(grid, at, table, rows[at], about, is_draft) for at, table in starts]
    sections = [each for each in sections if each.grid.rows[1:] or each.skipped]
    ticked = any(each.grid.rows[1:] for each in sections)
    if is_draft and ticked and not (about.get("confirmed_by") and about.get("confirmed_on")):
        # Who and when belongs to every figure a person vouches for.
        problems.append(Problem("not-signed", None, grid.name or None, value=grid.name))
        sections = [Filled(_emptied(each.grid), each.header, each.skipped + len(each.grid.rows) - 1)
                    for each in sections]
        return FilledSheet(sections, problems)
    if not ticked:
        return FilledSheet(sections, problems)
    return FilledSheet(sections, problems, frozenset(filter(None, [about.get("sha256", "")])))


def _emptied(grid: Grid) -> Grid:
    return Grid(grid.name, grid.rows[:1], grid.places[:1], kind=grid.kind)


def _section(row: Sequence[str]) -> str | None:
    """The table whose header a row is: at least two columns of it, the first telling one among them."""
    cells = {fold(cell) for cell in row if cell}
    for table, fields in SECTIONS.items():
        named = [each.name for each in fields if each.labels & cells]
        if len(named) >= 2 and fields[0].name in named:
            return table
    return None


def _identity(rows: Sequence[Sequence[str]]) -> dict[str, str]:
    """What the labelled cells above the sections say: the first cell to the right of each label."""
    labels = {label: each.name for each in IDENTITY for label in each.labels}
    found: dict[str, str] = {}
    for row in rows:
        for at, cell in enumerate(row):
            name = labels.get(fold(cell)) if cell else None
            if name is None:
                continue
            value = next((other for other in row[at + 1:] if other), "")
            if value and fold(value) not in labels and not is_empty(value):
                found.setdefault(name, clean(value))
    return found


def _read_section(
    grid: Grid, at: int, table: str, rows: Sequence[int], about: Mapping[str, str], is_draft: bool
) -> Filled:
    """One section as a native grid: amounts in fen, words and dates as native input spells them."""
    fields = {index: each for index, cell in enumerate(grid.rows[at]) if cell
              for each in (*SECTIONS[table], TICK_FIELD) if fold(cell) in each.labels}
    tick = next((index for index, each in fields.items() if each.name == TICK), None)
    shown = {index: each for index, each in fields.items() if each.name != TICK}
    schema = INPUT_TABLES[table]
    constant = {name: value for name, value in about.items()
                if name in schema or name in ("person_name", "psn_no", "person_id")}
    constant |= {"proof": HUMAN}
    top = [grid.rows[at][index] for index in shown] + [_label(name) for name in constant]
    out = Grid(name=grid.name, rows=[top], places=[grid.places[at]], kind=grid.kind)
    skipped = 0
    telling = [index for index, each in shown.items() if each.name in _TELLING[table]]
    for row_at in rows:
        row = grid.rows[row_at]
        said = {index: row[index] if len(row) > index else "" for index in shown}
        if not any(not is_empty(said[index]) for index in telling):
            continue  # a note, a blank line of the form, or a line nobody filled in
        if tick is not None and fold(row[tick] if len(row) > tick else "") not in _YES:
            skipped += 1
            continue
        for (row_number, column), mark in grid.marks.items():
            if row_number == row_at and column in shown:
                out.marks[len(out.rows), list(shown).index(column)] = mark
        out.rows.append([*_native_row(table, shown, said, about.get("year", "")), *constant.values()])
        out.places.append(grid.places[row_at])
    names = [each.name for each in shown.values()] + list(constant)
    known = _format(table, is_draft)
    facts = {}
    if about.get("covers_from") and about.get("covers_to") and table == "flow":
        facts["period"] = f"{about['covers_from']} 至 {about['covers_to']}"
    return Filled(out, Header(known, 0, {name: index for index, name in enumerate(names)}, facts=facts), skipped)


def _label(name: str) -> str:
    return next((each.zh for each in IDENTITY if each.name == name), name)


def _native_row(table: str, shown: Mapping[int, Field], said: Mapping[int, str], year: str) -> Iterator[str]:
    """The cells of a row as native input spells them; what cannot be read stays as it is, and is refused later."""
    words = {each.name: _word(each, said[index]) for index, each in shown.items() if each.kind == "word"}
    is_total = words.get("kind", "").startswith("year_")
    for index, each in shown.items():
        text = clean(said[index])
        if each.kind == "word":
            yield words[each.name]
        elif is_empty(text):
            yield ""
        elif each.kind == "money":
            sign = SIGNS.get(words.get("flow_kind", ""), 0) if table == "flow" and each.name == "amount_fen" else 0
            yield _fen(text, sign)
        elif each.kind == "day":
            yield _day(text, year, is_total=is_total)
        elif each.kind == "month":
            yield _month(text, year)
        else:
            yield text


def _word(each: Field, text: str) -> str:
    """The canonical value of a dropdown's word; a word nobody offers stays as it is."""
    if is_empty(text):
        return "normal" if each.name == "payment_kind" else ""
    folded = fold(text)
    for value, names in each.words.items():
        if folded in {fold(name) for name in names} or folded == fold(value):
            return value
    return clean(text)


def _fen(text: str, sign: int) -> str:
    try:
        fen = parse_fen(text)
    except Unreadable:
        return text
    return "" if fen is None else str(abs(fen) * sign if sign else fen)


def _day(text: str, year: str, *, is_total: bool = False) -> str:
    if is_total and _YEAR.match(text):
        return f"{text[:4]}-12-31"
    short = _MONTH_DAY.match(text)
    if short and year[:4].isdigit():
        try:
            return date(int(year[:4]), int(short[1]), int(short[2])).isoformat()
        except ValueError:
            return text
    try:
        day = parse_day(text)
    except Unreadable:
        return text
    return day.isoformat() if day else ""


def _month(text: str, year: str) -> str:
    alone = re.match(r"^(\d{1,2})月?$", text)
    if alone and year[:4].isdigit() and 1 <= int(alone[1]) <= 12:
        return f"{year[:4]}-{int(alone[1]):02d}"
    try:
        months = parse_months(text)
    except Unreadable:
        return text
    return f"{months[0]:%Y-%m}" if months and months[0] == months[1] else text


def _format(table: str, is_draft: bool) -> Format:
    """The format a section is read with: native, and with what tells whose it is."""
    columns = {*INPUT_TABLES[table], "psn_no", "person_name"}
    kind = ("confirmed", "核对过的", "confirmed") if is_draft else ("filled", "填写的", "filled in")
    return Format(
        id=f"{kind[0]}_{table}", zh=f"{kind[1]} {table}", en=f"{kind[2]} {table}", table=table,
        header=((SECTIONS[table][0].name,),), aliases={fold(name): (name, 0) for name in columns},
        words={"payment_kind": {value: value for value in PAYMENT_KINDS},
               "flow_kind": {value: value for value in FLOW_KINDS}, "proof": {value: value for value in PROOFS},
               "kind": {value: value for value in READING_KINDS}},
        unknown={"payment_kind": "reject", "flow_kind": "reject", "kind": "reject"}, native=True,
    )
