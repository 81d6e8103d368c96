"""Writes the exports of a planted world in eight layouts, and notes what each account's exports cover."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import polars as pl

from recon.simulate.employer import (
    Credit,
    Line,
    Person,
    Profile,
    Region,
    Unit,
    Window,
    World,
    day_in,
    last_day,
    month_of,
)
from recon.tables import conform

SHARD = 400
_KINDS = {"normal": "正常", "back_pay": "补缴", "top_up": "基数补差", "refund": "退费"}
_CODES = {"normal": "10", "back_pay": "30", "top_up": "34", "refund": "20"}
_MADE = datetime(2025, 1, 1, 9, 0, 0)  # noqa: DTZ001  workbooks say when they were made; ours always the same
EMPLOYER_PER_CENT = 8


@dataclass(frozen=True)
class Entry:
    """One line of an account as an export shows it."""

    person: Person
    day: date
    fen: int
    kind: str
    month: int | None
    memo: str = ""
    other_number: bool = False


def write_exports(world: World, folder: Path) -> int:
    """Write every export into ``folder``; each person's ``cover`` is filled. Returns the number of files."""
    by_unit: dict[int, list[tuple[Person, Line]]] = {}
    for person in world.people:
        for line in person.lines:
            if line.kind != "retiree":
                by_unit.setdefault(line.unit.number, []).append((person, line))
    for unit in world.units:
        _write_contributions(world, folder, unit, by_unit.get(unit.number, []))
    _write_flows(world, folder)
    _write_roster(world, folder)
    return sum(1 for path in folder.rglob("*") if path.is_file())


# ------------------------------------------------------------------------------------------------------------ helpers


def yuan(fen: int) -> str:
    """An amount as exports print it."""
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def label(month: int) -> str:
    """A month as YYYYMM."""
    return f"{month // 12}{month % 12 + 1:02d}"


def _place(region: Region) -> str:
    return region.name if region.shipped else region.code


def _csv(path: Path, rows: Iterable[Sequence[object]], encoding: str) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.getvalue().encode(encoding))


def _xlsx(path: Path, rows: Iterable[Sequence[object]]) -> None:
    import xlsxwriter

    path.parent.mkdir(parents=True, exist_ok=True)
    book = xlsxwriter.Workbook(str(path), {"default_date_format": "yyyy-mm-dd", "strings_to_numbers": False})
    book.set_properties({"created": _MADE})
    page = book.add_worksheet("Sheet1")
    for at, row in enumerate(rows):
        for column, value in enumerate(row):
            if isinstance(value, str):
                if value:
                    page.write_string(at, column, value)
            elif value is not None:
                page.write(at, column, value)
    book.close()


# ------------------------------------------------------------------------------------------------------ contributions


@dataclass(frozen=True)
class _Sums:
    employee: int
    employer: int
    into: int
    side: int  # a line of scheme 330 beside this one


def _sums(line: Line, unit: Unit) -> _Sums:
    sign = -1 if line.kind == "refund" else 1
    own = (line.base * 2 + 50) // 100
    whole = line.kind in ("normal", "refund") and not line.in_part and unit.region.flat_fen
    beside = whole if unit.region.code == "420100" and unit.number % 2 == 0 else 0
    inside = whole if whole and not beside else 0
    return _Sums(sign * (own + inside), sign * ((line.base * EMPLOYER_PER_CENT + 50) // 100),
                 sign * (line.due_fen + line.returned), sign * beside)


def _kind(line: Line) -> str:
    return "单位缓缴" if line.deferred else _KINDS[line.kind]


def _said(line: Line, paid: str, unpaid: str, deferred: str) -> str:
    """What the record says of the payment; nothing where it says nothing."""
    return deferred if line.deferred and not line.paid else paid if line.paid else unpaid if line.paid is False else ""


def _order(item: tuple[Person, Line]) -> tuple[int, int, str]:
    return item[1].month, item[0].number, item[1].kind


def _write_contributions(world: World, folder: Path, unit: Unit, lines: list[tuple[Person, Line]]) -> None:
    if not lines:
        return
    name = f"{unit.region.name}/{unit.number:03d}"
    lines = sorted(lines, key=_order)
    profile = unit.profile
    if profile.format == "portal":
        years = sorted({line.month // 12 for _, line in lines})
        for year in years:
            rows = [item for item in lines if item[1].month // 12 == year]
            _portal(world, folder / f"{name}_单位缴费明细_{year}.csv", unit, profile, rows, year)
    elif profile.format == "national":
        _national(folder / f"{name}_职工人员缴费明细.csv", unit, lines)
    elif profile.format == "city":
        _city(folder / f"{name}_个人缴费明细.xlsx", unit, lines)
    else:
        frame = _native(unit, profile, lines)
        path = folder / f"{name}_contribution.{profile.format}"
        path.parent.mkdir(parents=True, exist_ok=True)
        if profile.format == "parquet":
            frame.write_parquet(path)
        else:
            frame.drop("row_id", "duplicate_of").write_csv(path)


def _portal(
    world: World, path: Path, unit: Unit, profile: Profile, lines: list[tuple[Person, Line]], year: int
) -> None:
    head = [
        "公民身份证号码", "姓名", "险种类型", "缴费年月", *(["台账年月"] if profile.booked else []), "应缴类型",
        "缴费基数", "应缴金额", "个人缴费金额", *(["划入个人账户金额"] if profile.stated else []),
        *(["到账日期"] if profile.paid_on else []), "缴费标识", "单位编号", "单位名称",
    ]
    start, end = max(min(world.first, lines[0][1].month), year * 12), min(world.last, year * 12 + 11)
    rows: list[Sequence[object]] = [
        ("职工医保缴费明细查询",), (f"单位编号：{unit.payer}", "", f"单位名称：{unit.name}"),
        (f"统筹区：{_place(unit.region)}", "",
         f"缴费年月范围：{label(start)} 至 {label(end)}", "", f"打印日期：{world.as_of}"), head,
    ]
    for person, line in lines:
        sums = _sums(line, unit)
        booked = [label(_booked(line))] if profile.booked else []
        day: list[object] = [line.arrived or ""] if profile.paid_on else []
        end_cells = (*day, _said(line, "已缴", "欠缴", "缓缴"), unit.payer, unit.name)
        kind = _kind(line)
        into = [yuan(sums.into)] if profile.stated else []
        rows.append((
            person.id + "\t", person.name, "职工基本医疗保险", label(line.month), *booked, kind, yuan(line.base),
            yuan(sums.employee + sums.employer), yuan(sums.employee), *into, *end_cells,
        ))
        if sums.side:
            rows.append((
                person.id + "\t", person.name, "职工大额医疗互助保险", label(line.month), *booked, kind,
                yuan(line.base), yuan(sums.side), yuan(sums.side), *(["0.00"] if into else []), *end_cells,
            ))
    _csv(path, rows, "gb18030")


def _booked(line: Line) -> int:
    return month_of(line.arrived) if line.arrived else line.month


def _national(path: Path, unit: Unit, lines: list[tuple[Person, Line]]) -> None:
    head = ("psn_no", "psn_name", "certno", "emp_no", "emp_name", "poolarea_no", "insutype", "psn_type", "cashym",
            "accrym_begn", "accrym_end", "clct_type", "psn_clctstd", "emp_clct_amt", "psn_clct_amt",
            "emp_clct_into_acct_amt", "psn_clct_into_acct_amt", "clct_sumamt", "latefee", "clct_flag", "clct_time",
            "traf_time", "intsury_time")
    rows: list[Sequence[object]] = [head]
    for person, line in lines:
        sums = _sums(line, unit)
        clock = f"{line.arrived} 10:00:00" if line.arrived else ""
        rows.append((f"9{person.number:011d}", person.name, person.id, unit.payer, unit.name, unit.region.code, "310",
                     "11", label(_booked(line)), label(line.month), label(line.month),
                     "992" if line.deferred else _CODES[line.kind],
                     yuan(line.base), yuan(sums.employer), yuan(sums.employee), "0.00", yuan(sums.into),
                     yuan(sums.employee + sums.employer), "0.00", _said(line, "1", "0", "0"), clock,
                     clock if line.allocated else "", clock))
    _csv(path, rows, "utf-8-sig")


def _city(path: Path, unit: Unit, lines: list[tuple[Person, Line]]) -> None:
    head = ("证件号码", "姓名", "缴费月份", "险种", "单位编号", "单位名称", "缴费类别", "缴费基数", "单位缴费",
            "个人缴费", "划入个人账户", "缴费状态", "实收时间")
    rows: list[Sequence[object]] = [("参保人员缴费记录",), (f"参保地：{unit.region.code}",), head]
    for person, line in lines:
        sums = _sums(line, unit)
        month = f"{line.month // 12}-{line.month % 12 + 1:02d}"
        rows.append((person.id, person.name, month, "职工基本医疗保险", unit.payer, unit.name, _kind(line),
                     line.base / 100, sums.employer / 100, sums.employee / 100, sums.into / 100,
                     _said(line, "已缴费", "未缴费", "缓缴"), str(line.arrived or "")))
    _xlsx(path, rows)


def _native(unit: Unit, profile: Profile, lines: list[tuple[Person, Line]]) -> pl.DataFrame:
    rows = []
    for person, line in lines:
        sums = _sums(line, unit)
        rows.append({
            "person_id": person.id, "person_name": person.name, "region": unit.region.code, "scheme": "310",
            "tier": {"一档": "1", "二档": "2", "三档": "3"}.get(person.tier), "employer": unit.name,
            "payer": unit.payer, "accrual_month": day_in(line.month, 1),
            "booked_month": day_in(_booked(line), 1) if profile.booked and line.proof == "fund_record" else None,
            "paid_on": line.arrived, "treasury_on": line.arrived,
            "allocated_on": line.arrived if line.allocated else None, "base_fen": line.base,
            "employee_fen": sums.employee, "employer_fen": sums.employer,
            "into_account_fen": sums.into if profile.stated else None, "payment_kind": line.kind,
            "paid": False if line.deferred and not line.paid else line.paid,
            "proof": line.proof, "insured_status": "in_service", "deferred": line.deferred,
        })
    return conform(pl.DataFrame(rows, infer_schema_length=None), "contribution")


# -------------------------------------------------------------------------------------------------------------- flows


def entries(person: Person, window: Window, *, torn: bool = True) -> list[Entry]:
    """What an export with this window shows of a person's account, oldest first; with ``torn=False`` all it held."""
    def income(credit: Credit, *, other: bool = False) -> Entry:
        memo = "补助" if credit.cause == "subsidy" else ""
        return Entry(person, credit.posted, credit.fen, credit.kind, credit.printed if window.printed else None, memo,
                     other)

    shown = [income(credit) for credit in person.credits]
    shown += [income(credit, other=True) for credit in person.doubles]
    shown += [Entry(person, day, -fen, "spend", None, "示例大药房") for day, fen in person.spends]
    gone = person.torn if torn and person.torn else (date.max, date.min)
    return sorted((entry for entry in shown if window.start <= entry.day <= window.end
                   and not gone[0] <= entry.day <= gone[1]),
                  key=lambda entry: (entry.day, entry.kind != "credit", entry.fen))


def _write_flows(world: World, folder: Path) -> None:
    shared: dict[int, list[Person]] = {}
    for person in world.people:
        if not person.windows:
            continue
        first = person.spells[0].unit
        if person.windows[0] is first.window:
            shared.setdefault(first.number, []).append(person)
            continue
        for at, window in enumerate(person.windows):
            shown = entries(person, window)
            path = folder / first.region.name / f"账户明细_{person.number:05d}_{at + 1}"
            _grid(path, person, window)
            _note_cover([person], window, shown)
    declared: list[tuple[object, ...]] = []
    for unit in world.units:
        people = shared.get(unit.number, [])
        for at in range(0, len(people), SHARD):
            shard, window = people[at:at + SHARD], unit.window
            shown = [entry for person in shard for entry in entries(person, window)]
            name = f"{unit.region.name}/{unit.number:03d}_账户收支_{at // SHARD + 1}"
            if not shown:
                continue
            if window.format == "backoffice":
                _backoffice(folder / f"{name}.xlsx", unit, window, shown)
            else:
                file = f"{name}.{window.format}"
                _native_flow(folder / file, unit, shown)
                if window.basis == "declared":
                    declared.append(("flow", file, "", "", window.start, window.end, "", "declared"))
            _note_cover(shard, window, shown)
    if declared:
        _csv(folder / "coverage.csv",
             [("table", "file", "person_id", "region", "from", "to", "exported_on", "basis"), *declared], "utf-8")


def _note_cover(people: list[Person], window: Window, shown: list[Entry]) -> None:
    """What the export says it covers; where it says nothing, its lines, in whole months."""
    days = [entry.day for entry in shown]
    if not days:
        return
    start, end, is_open = window.start, window.end, False
    if window.basis in ("none", "exported"):
        start = day_in(month_of(min(days)), 1)
    if window.basis == "none":
        end, is_open = last_day(month_of(max(days))), True
    seen = {entry.person.number for entry in shown if not entry.other_number}
    for person in people:
        if person.number in seen:
            person.cover.append((start, end, is_open))


def _above(title: str, window: Window) -> list[Sequence[object]]:
    said = []
    if window.basis == "stated":
        said.append(f"查询时间：{window.start} 至 {window.end}")
    if window.basis in ("stated", "exported"):
        said.append(f"打印日期：{window.end}")
    return [(title,), *([tuple(said)] if said else [])]


_FLOW_NAMES = {"credit": "个人账户划账", "spend": "医保消费", "reversal": "划账退收"}


def _backoffice(path: Path, unit: Unit, window: Window, shown: list[Entry]) -> None:
    printed = ["对应费款所属期"] if window.printed else []
    rows: list[Sequence[object]] = [
        *_above("个人账户收支查询", window),
        ("姓名", "证件号码", "医保区划", "年度", "收支时间", "账户收支类型", "收支总金额", "备注", *printed),
    ]
    for entry in shown:
        number = f"E{entry.person.number:08d}" if entry.other_number else entry.person.id
        month = [label(entry.month) if entry.month is not None else ""] if printed else []
        rows.append((entry.person.name, number, unit.region.code, entry.day.year, f"{entry.day} 08:30:00",
                     _FLOW_NAMES[entry.kind], abs(entry.fen) / 100, entry.memo, *month))
    _xlsx(path, rows)


def _native_flow(path: Path, unit: Unit, shown: list[Entry]) -> None:
    frame = conform(pl.DataFrame([{
        "person_id": entry.person.id, "region": unit.region.code, "scheme": "310", "posted_on": entry.day,
        "accrual_month": day_in(entry.month, 1) if entry.month is not None else None, "flow_kind": entry.kind,
        "amount_fen": entry.fen, "memo": entry.memo or None,
    } for entry in shown], infer_schema_length=None), "flow")
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        frame.write_parquet(path)
    else:
        frame.drop("row_id", "duplicate_of").write_csv(path)


def _grid(path: Path, person: Person, window: Window) -> None:
    printed = ["对应费款所属期"] if window.printed else []
    place = _place(person.region)
    rows: list[Sequence[object]] = [
        ("医疗保险个人账户收支明细",), (f"姓名：{person.name}", f"证件号码：{person.id}", f"统筹区：{place}"),
        *_above("", window)[1:], ("收支时间", "收支类型", "备注", "收入（元）", "支出（元）", "余额（元）", *printed),
    ]
    balance = 100_000 + sum(entry.fen for entry in entries(person, Window(date(1, 1, 1), window.start, "", ""))
                            if entry.day < window.start)
    gone = person.torn or (date.max, date.min)
    for entry in entries(person, window, torn=False):
        balance += entry.fen
        if gone[0] <= entry.day <= gone[1]:
            continue
        month = [label(entry.month) if entry.month is not None else ""] if printed else []
        rows.append((str(entry.day), _FLOW_NAMES[entry.kind], entry.memo, yuan(entry.fen) if entry.fen > 0 else "",
                     yuan(-entry.fen) if entry.fen < 0 else "", yuan(balance), *month))
    if window.format == "grid_xlsx":
        _xlsx(path.with_suffix(".xlsx"), rows)
    else:
        _csv(path.with_suffix(".csv"), rows, "gb18030" if person.number % 2 else "utf-8-sig")


# ------------------------------------------------------------------------------------------------------------- roster


def _write_roster(world: World, folder: Path) -> None:
    rows: list[Sequence[object]] = [("工号", "姓名", "证件号码", "参保地", "单位编号", "单位名称", "档次", "人员类别",
                                     "出生日期", "退休年月", "入职日期", "离职日期")]
    for person in world.people:
        if not person.in_roster:
            continue
        retired = person.retired_from is not None
        spell = person.spells[-1]
        joined = day_in(spell.first, 1) if spell.first > world.first else date(2018, 3, 1)
        left = "" if retired or person.stops or spell.last >= world.last else str(day_in(spell.last, 28))
        rows.append((f"E{person.number:05d}", person.name, person.id, person.region.code, spell.unit.payer,
                     spell.unit.name, person.tier, "退休" if retired else "在职", str(person.born),
                     label(person.retired_from) if person.retired_from is not None else "", str(joined), left))
    _xlsx(folder / "花名册.xlsx", rows)
