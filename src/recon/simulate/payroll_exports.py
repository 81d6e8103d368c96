"""The exports of a synthetic firm's payroll legs, as native tables or as files in real layouts, and the truth."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

import polars as pl

from recon.simulate.employer import last_day
from recon.simulate.payroll import COMPANY, FIRST, MONTHS, UNITS, Firm, Line, Slip, Unit
from recon.tables import conform, conform_all

_REGIONS = {unit.city: unit.region for unit in UNITS}


def month_date(month: int) -> date:
    """The first day of a month of the firm."""
    return date((FIRST + month) // 12, (FIRST + month) % 12 + 1, 1)


def seen_slips(firm: Firm) -> list[Slip]:
    """The payslips of the months that the payroll files show."""
    return [slip for slip in firm.slips if 0 <= slip.pay < MONTHS]


def native_tables(firm: Firm) -> dict[str, pl.DataFrame]:
    """The firm as canonical input tables, without any file."""
    payroll = [{
        "row_id": f"pay_{slip.who.unit.number}.csv#L{at}", "person_id": slip.who.id, "person_name": slip.who.name,
        "employee_no": f"N{slip.who.number:04d}", "pay_month": month_date(slip.pay), "item": slip.item,
        "deducted_fen": slip.fen, "base_fen": slip.base, "region": _REGIONS.get(slip.region or ""),
        "payer": slip.who.unit.number, "department": slip.who.department,
    } for at, slip in enumerate(seen_slips(firm))]
    contribution = [{
        "row_id": f"{_file_of(line)}.csv#L{at}", "person_id": line.who.id, "person_name": line.who.name,
        "region": line.unit.region, "scheme": line.scheme, "employer": line.unit.name, "payer": line.unit.number,
        "accrual_month": month_date(line.month),
        "booked_month": None if line.booked is None or line.leg == "declared" else month_date(line.booked),
        "paid_on": line.paid_on if line.paid and line.leg == "arrived" else None, "base_fen": line.base,
        "wage_fen": line.wage, "employee_fen": line.own, "employer_fen": line.firm, "payment_kind": line.kind,
        "paid": line.paid if line.leg == "arrived" else None,
        "proof": "declared" if line.leg == "declared" else "fund_record", "deferred": line.deferred,
    } for at, line in enumerate(firm.lines)]
    person = [{
        "person_id": who.id, "person_name": who.name, "employee_no": f"N{who.number:04d}",
        "department": who.department, "employed_from": who.joined, "employed_to": who.left,
    } for who in firm.people]
    payment = [{
        "row_id": f"bank_{unit.number}.csv#L{at}", "payer": unit.number, "paid_on": day, "amount_fen": fen,
        "memo": memo,
    } for at, (unit, day, fen, memo) in enumerate(firm.debits)]
    frames = {
        name: pl.DataFrame(rows, infer_schema_length=None) for name, rows in
        (("payroll", payroll), ("contribution", contribution), ("person", person), ("payment", payment))
    }
    return conform_all({name: conform(frame, name) for name, frame in frames.items()})


def _file_of(line: Line) -> str:
    if line.leg == "arrived":
        return f"arrived_{line.unit.number}"
    return f"declared_{line.unit.number}_{line.month if line.booked is None else line.booked:02d}"


# -------------------------------------------------------------------------------------------------------------- files


def write_firm(firm: Firm, folder: Path) -> int:
    """FOLDER/exports in real layouts and FOLDER/truth; the number of export files."""
    exports = folder / "exports"
    for unit in UNITS:
        _write_payslips(firm, unit, exports / unit.name)
        _write_declarations(firm, unit, exports / unit.name)
        _write_arrivals(firm, unit, exports / unit.name)
        _write_bank(firm, unit, exports / unit.name)
    _write_roster(firm, exports)
    (exports / "recon.toml").write_text(_settings(), encoding="utf-8")
    truth = folder / "truth"
    truth.mkdir(parents=True, exist_ok=True)
    with (truth / "truth_payroll.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["person_id", "payer", "accrual_month", "label", "cause"])
        writer.writerows(sorted(
            (one.person, "" if one.person else one.payer, f"{month_date(one.month):%Y-%m}", one.label, one.cause)
            for one in firm.truth))
    return sum(1 for path in exports.rglob("*") if path.is_file())


def _yuan(fen: int) -> str:
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def _book(path: Path, sheets: Iterable[tuple[str, Iterable[Sequence[object]]]]) -> None:
    """An xlsx file; whole fen are given as text with two decimals and written as numbers."""
    import xlsxwriter

    path.parent.mkdir(parents=True, exist_ok=True)
    book = xlsxwriter.Workbook(str(path), {"default_date_format": "yyyy-mm-dd"})
    book.set_properties({"created": _made()})
    for name, rows in sheets:
        page = book.add_worksheet(name)
        for at, row in enumerate(rows):
            for column, value in enumerate(row):
                if isinstance(value, float | int):
                    page.write_number(at, column, value)
                elif isinstance(value, date):
                    page.write(at, column, value)
                elif value:
                    page.write_string(at, column, str(value))
    book.close()


def _made() -> object:
    from datetime import datetime

    return datetime(2025, 1, 1, 9, 0, 0)  # noqa: DTZ001  workbooks say when they were made; ours always the same


_PAY_HEAD = (
    "序号", "工号", "姓名", "身份证号", "部门", "参保地", "应发工资", "缴费基数",
    "医疗保险(个人)", "大额医疗(个人)", "医保补扣", "医保退款", "医保滞纳金", "实发工资",
)
_ITEMS = ("medical", "flat", "top_up", "refund", "late_fee")


def _pay_rows(firm: Firm, unit: Unit, month: int) -> list[Sequence[object]]:
    """One row per person of a payslip month: its items side by side; two rows where an item stands twice."""
    people: dict[int, list[Slip]] = {}
    for slip in seen_slips(firm):
        if slip.who.unit is unit and slip.pay == month:
            people.setdefault(slip.who.number, []).append(slip)
    rows: list[Sequence[object]] = []
    for slips in people.values():
        sums = {item: sum(slip.fen for slip in slips if slip.item == item) for item in _ITEMS}
        who = slips[0].who
        base = next((slip.base for slip in slips if slip.base is not None), None)
        region = next((slip.region for slip in slips if slip.region), None)
        wage = who.base(min(max(month, 0), MONTHS - 1)) + 30_000
        cells = [sums[item] / 100 if sums[item] or item == "medical" else None for item in _ITEMS]
        rows.append((
            len(rows) + 1, f"N{who.number:04d}", who.name, who.id, who.department, region, wage / 100,
            base / 100 if base is not None else None, *cells, (wage - sum(sums.values())) / 100,
        ))
    return rows


def _write_payslips(firm: Firm, unit: Unit, folder: Path) -> None:
    """A workbook a month, one workbook with a sheet a month, or sheets that only say ``3月``: by unit."""
    layout = UNITS.index(unit) % 3
    months = [(month, _pay_rows(firm, unit, month)) for month in range(MONTHS)]
    months = [(month, rows) for month, rows in months if rows]

    def page(month: int, rows: list[Sequence[object]], title: str) -> list[Sequence[object]]:
        return [(title,), (f"单位名称：{unit.name}", f"纳税人识别号：{unit.number}"), _PAY_HEAD, *rows,
                ("合计", None, None, None, None, None, sum(float(str(row[6])) for row in rows))]

    if layout == 0:
        for month, rows in months:
            day = month_date(month)
            _book(folder / f"工资表{day:%Y%m}.xlsx", [("工资", page(month, rows, "工资表"))])
    elif layout == 1:
        _book(folder / "工资表2024.xlsx", [
            (f"{month_date(month):%Y}年{month_date(month).month}月", page(month, rows, "工资发放表"))
            for month, rows in months])
    else:
        _book(folder / "工资.xlsx", [
            (f"{month_date(month).month}月", page(month, rows, f"{month_date(month).year}年工资表"))
            for month, rows in months])


_DECLARED_HEAD = (
    "序号", "姓名", "证件类型", "证件号码", "险种", "应缴类型",
    "缴费工资", "缴费基数", "单位应缴金额", "个人应缴金额", "应缴合计",
)
_ARRIVED_HEAD = (
    "姓名", "证件号码", "险种类型", "缴费年月", "台账年月", "应缴类型", "缴费基数", "个人缴费金额", "单位缴费金额",
    "缴费标识", "到账日期", "单位编号", "单位名称", "参保地",
)
_KINDS = {"normal": "正常应缴", "top_up": "基数补差", "refund": "退费", "back_pay": "补缴"}
_SCHEMES = {"310": "职工基本医疗保险", "330": "大额医疗互助", "390": "城乡居民基本医疗保险"}


def _write_declarations(firm: Firm, unit: Unit, folder: Path) -> None:
    """One declaration a month; corrections of earlier months state theirs in a second file."""
    mine = [line for line in firm.lines if line.leg == "declared" and line.unit.number == unit.number]
    regions = sorted({line.unit.region for line in mine})
    for month in range(MONTHS):
        for region in regions:
            lines = [line for line in mine if line.month == month and line.booked is None
                     and line.unit.region == region]
            if not lines:
                continue
            city = lines[0].unit.city
            day = month_date(month)
            rows = [(
                at, line.who.name, "居民身份证", line.who.id, _SCHEMES[line.scheme], _KINDS[line.kind],
                line.wage / 100 if line.wage else None, line.base / 100, line.firm / 100, line.own / 100,
                (line.firm + line.own) / 100,
            ) for at, line in enumerate(lines, start=1)]
            _book(folder / f"社保费申报明细_{day:%Y%m}_{city}.xlsx", [("申报明细", [
                ("社会保险费申报明细表",),
                (f"单位名称：{unit.name}", f"纳税人识别号：{unit.number}"),
                (f"费款所属期：{day:%Y-%m}", f"参保地：{city}"), _DECLARED_HEAD, *rows])])
    booked = sorted({line.booked for line in mine if line.booked is not None})
    for month in booked:
        booked_rows = [(
            at, line.who.name, "居民身份证", line.who.id, _SCHEMES[line.scheme], f"{month_date(line.month):%Y%m}",
            _KINDS[line.kind], line.base / 100, line.firm / 100, line.own / 100, (line.firm + line.own) / 100,
        ) for at, line in enumerate((one for one in mine if one.booked == month), start=1)]
        head = (*_DECLARED_HEAD[:5], "费款所属期", "应缴类型", *_DECLARED_HEAD[7:])
        _book(folder / f"补差申报明细_{month_date(month):%Y%m}.xlsx", [("补差", [
            ("社会保险费申报明细表（补差）",), (f"单位名称：{unit.name}", f"纳税人识别号：{unit.number}"), head,
            *booked_rows])])


def _write_arrivals(firm: Firm, unit: Unit, folder: Path) -> None:
    """The unit portal's record of the whole year."""
    lines = [line for line in firm.lines if line.leg == "arrived" and line.unit.number == unit.number]
    rows: list[Sequence[object]] = [_ARRIVED_HEAD]
    for line in lines:
        booked = line.month if line.booked is None else line.booked
        kind = "单位缓缴" if line.deferred else _KINDS[line.kind]
        rows.append((
            line.who.name, line.who.id + "\t", _SCHEMES[line.scheme], f"{month_date(line.month):%Y%m}",
            f"{month_date(booked):%Y%m}", kind, _yuan(line.base), _yuan(line.own), _yuan(line.firm),
            "已缴" if line.paid else "未到账", f"{line.paid_on}" if line.paid and line.paid_on else "",
            line.unit.number, line.unit.name, line.unit.city,
        ))
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "单位缴费明细查询2024.csv").open("w", encoding="gb18030", newline="") as file:
        csv.writer(file).writerows(rows)


def _write_bank(firm: Firm, unit: Unit, folder: Path) -> None:
    """The unit's bank statement: premiums among other business, and a running balance."""
    mine = [(day, fen, memo) for payer, day, fen, memo in firm.debits if payer is unit]
    if not mine:
        return
    other = [(last_day(FIRST + month), 1_234_500, "货款") for month in range(MONTHS)]
    balance = 900_000_000
    rows: list[Sequence[object]] = [
        ("中国建设银行账户明细信息",), (f"户名：{unit.name}", f"账号：42001865{UNITS.index(unit):04d}"),
        ("交易日期", "借方发生额", "贷方发生额", "余额", "对方户名", "摘要"),
    ]
    for day, fen, memo in sorted([*mine, *other]):
        balance -= fen
        to = "国家税务总局待报解预算收入" if "医疗" in memo else "示例供应商"
        rows.append((f"{day}", _yuan(fen), "", _yuan(balance), to, memo))
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "银行对账单.csv").open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(rows)


def _write_roster(firm: Firm, folder: Path) -> None:
    head = ("工号", "姓名", "证件号码", "部门", "入职日期", "离职日期")
    _book(folder / "花名册.xlsx", [("花名册", [head, *(
        (f"N{who.number:04d}", who.name, who.id, who.department, who.joined, who.left) for who in firm.people)])])


def _settings() -> str:
    """A recon.toml that describes the payers."""
    lines = ["# 虚构的公司 / a made-up firm", "[payroll]", f'company = "{COMPANY}"', "joins_by = 15",
             "leaves_from = 16", ""]
    for unit in UNITS:
        lines += [f'[payers."{unit.number}"]', f'name = "{unit.name}"', f'region = "{unit.region}"',
                  *(["agency = true"] if unit.is_agency else []), ""]
    return "\n".join(lines)
