"""A folder such as a payroll bureau has: 300 made-up people, 19 months, about 45 files of all kinds.

``python bench/generate.py FOLDER`` writes it; the same arguments give the same files.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from random import Random

PEOPLE, MONTHS, PDFS, PAGES, GRIDS = 300, 19, 6, 8, 5
FIRST_MONTH = 2023 * 12  # January 2023, counted as year * 12 + month - 1
REGION, PLACE, EMPLOYER = "420100", "武汉市", "示例集团有限公司"
SHARE = 90  # of a hundred people, so many have an account export


@dataclass
class Person:
    """One made-up person with what was paid and what the account shows."""

    number: int
    id: str
    name: str
    joined: int
    base: int  # fen
    flows: list[tuple[date, str, int]] = field(default_factory=list)  # day, kind, fen (in +, out -)

    @property
    def months(self) -> range:
        """The months paid for, as year * 12 + month - 1."""
        return range(self.joined, FIRST_MONTH + MONTHS)


def first_day(number: int, day: int = 1) -> date:
    """A day of month ``number``."""
    return date(number // 12, number % 12 + 1, day)


def yuan(fen: int) -> str:
    """An amount as exports print it."""
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def resident_id(number: int) -> str:
    """A made-up resident ID with a valid check digit; nobody was born before 1960 in this made-up town."""
    body = f"420106{1960 + number % 45}{number % 12 + 1:02d}{number % 28 + 1:02d}{number:03d}"
    total = sum(int(digit) * weight for digit, weight in
                zip(body, (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2), strict=True))
    return body + "10X98765432"[total % 11]


def people(random: Random) -> list[Person]:
    """Everybody, with an account in which one credit of fifty is missing, late, or comes with the next."""
    made = []
    for number in range(PEOPLE):
        person = Person(number, resident_id(number), f"测试{'甲乙丙丁戊己庚辛壬癸'[number % 10]}{number}",
                        FIRST_MONTH + (random.randrange(15) if number % 3 == 0 else 0), random.randrange(4200, 24000) * 100)
        held = 0
        for month in person.months:
            fen, held = person.base * 2 // 100 + held, 0
            event = random.randrange(150)
            if event == 0:
                continue
            if event == 1:
                held = fen
                continue
            person.flows.append((first_day(month + (2 if event == 2 else 1), 12), "credit", fen))
            for _ in range(random.choice((0, 0, 1, 1, 1, 1, 1, 2))):
                spent = random.randrange(800, 9000)
                person.flows.append((first_day(month + 1, random.randrange(13, 28)), "spend", -spent))
        person.flows.sort()
        made.append(person)
    return made


def contribution_lines(person: Person) -> Iterable[tuple[int, int, int, int]]:
    """(month, base, employee's part, employer's part), in fen."""
    return ((month, person.base, person.base * 2 // 100, person.base * 8 // 100) for month in person.months)


def write_csv(path: Path, rows: Iterable[Sequence[object]], encoding: str) -> None:
    """Rows as an office's portal writes them."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))


PORTAL_HEAD = ("公民身份证号码", "姓名", "险种类型", "缴费年月", "台账年月", "应缴类型", "缴费方式", "缴费基数", "应缴金额", "个人缴费金额", "划入个人账户金额",
               "划入统筹金额", "滞纳金", "缴费标识", "到账日期", "单位编号", "单位名称")


def portal(folder: Path, group: list[Person]) -> None:
    """The unit portal's contribution query: one GB18030 file a month, with a preamble and a totals line."""
    for month in range(FIRST_MONTH, FIRST_MONTH + MONTHS):
        label = f"{month // 12}{month % 12 + 1:02d}"
        lines = [(p, base, own, unit) for p in group for at, base, own, unit in contribution_lines(p) if at == month]
        body = [(f"{p.id}\t", p.name, "职工基本医疗保险", label, label, "正常", "单位缴费", yuan(base), yuan(own + unit), yuan(own), yuan(own),
                 yuan(unit), "0.00", "已缴", first_day(month, 20), "42010600018", EMPLOYER) for p, base, own, unit in lines]
        total = ("合计", *[""] * 7, yuan(sum(x[2] + x[3] for x in lines)), yuan(sum(x[2] for x in lines)), *[""] * 7)
        above = [("职工医保缴费明细查询",), ("单位编号：42010600018", "", f"单位名称：{EMPLOYER}"), (f"统筹区：{PLACE}",)]
        write_csv(folder / f"单位缴费查询_{label}.csv", [*above, PORTAL_HEAD, *body, total], "gb18030")


def national(folder: Path, group: list[Person], files: int) -> None:
    """The national field codes, UTF-8, several files."""
    head = ("psn_no", "certno", "psn_name", "emp_no", "emp_name", "insutype", "cashym", "accrym_begn", "accrym_end",
            "psn_clctstd", "emp_clct_amt", "psn_clct_amt", "psn_clct_into_acct_amt", "emp_clct_into_acct_amt",
            "clct_sumamt", "clct_flag", "clct_type", "clct_time", "poolarea_no")
    for index in range(files):
        rows = []
        for person in group[index::files]:
            for month, base, own, unit in contribution_lines(person):
                label = f"{month // 12}{month % 12 + 1:02d}"
                rows.append((f"42{person.number:010d}", person.id, person.name, "4200000001", EMPLOYER, "310", label, label,
                             label, yuan(base), yuan(unit), yuan(own), yuan(own), "0.00", yuan(own + unit), "1", "10",
                             f"{first_day(month, 20)} 10:00:00", REGION))
        write_csv(folder / f"STAF_PSN_CLCT_DETL_D_{index + 1}.csv", [head, *rows], "utf-8-sig")


def city_pages(folder: Path, group: list[Person]) -> None:
    """One person's page of a city, saved as XLSX."""
    for person in group:
        rows: list[Sequence[object]] = [
            ("参保人员缴费记录查询",), ("姓名：" + person.name, "身份证号：" + person.id, "参保地：" + PLACE), (),
            ("缴费月份", "险种", "单位名称", "缴费基数", "单位缴费", "个人缴费", "划入个人账户", "缴费状态", "实收时间")]
        rows += [(f"{month // 12}-{month % 12 + 1:02d}", "职工基本医疗保险", EMPLOYER, base / 100, unit / 100, own / 100,
                  own / 100, "已缴费", str(first_day(month, 20))) for month, base, own, unit in contribution_lines(person)]
        write_xlsx(folder / f"缴费记录_{person.number}.xlsx", rows)


def back_office(folder: Path, group: list[Person], files: int) -> None:
    """个人账户收支 of many people, the sign only in the type."""
    names = {"credit": "个人账户划账", "spend": "医保消费"}
    for index in range(files):
        rows: list[Sequence[object]] = [
            ("个人账户收支查询",), ("查询期间：2023-01-01 至 2024-09-30", "", "", "", "导出时间：2024-10-01 09:12:40"),
            ("姓名", "证件号码", "医保区划", "年度", "收支时间", "账户收支类型", "收支总金额", "经办机构编号")]
        rows += [(p.name, p.id, REGION, day.year, f"{day} 08:30:00", names[kind], abs(fen) / 100, "420106001")
                 for p in group[index::files] for day, kind, fen in p.flows]
        write_xlsx(folder / f"个人账户收支_{index + 1}.xlsx", rows)


def grid_rows(person: Person) -> list[tuple[str, ...]]:
    """个人账户收支明细 of one person: 收入, 支出 and 余额."""
    rows, balance = [], 0
    for day, kind, fen in person.flows:
        balance += fen
        rows.append((str(day), "划入" if kind == "credit" else "药店购药", yuan(fen) if fen > 0 else "",
                     yuan(-fen) if fen < 0 else "", yuan(balance)))
    return rows


GRID_HEAD = ("日期", "摘要", "收入", "支出", "余额")


def grids(folder: Path, group: list[Person]) -> None:
    """The same as XLSX, one person each."""
    for person in group:
        rows: list[Sequence[object]] = [
            ("个人账户收支明细",), ("姓名：" + person.name, "身份证号：" + person.id, "参保地：" + PLACE), GRID_HEAD]
        write_xlsx(folder / f"收支明细_{person.number}.xlsx", rows + list(grid_rows(person)))


def pdfs(folder: Path, group: list[Person]) -> None:
    """The same as PDF, ruled and un-ruled in turn, the header repeated on each page."""
    from reportlab.lib.pagesizes import A4
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfgen.canvas import Canvas

    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    stops = (50, 150, 290, 370, 450, 540)
    for index, person in enumerate(group):
        page = Canvas(str(folder / f"个账明细_{person.number}.pdf"), pagesize=A4)
        rows = grid_rows(person)
        for start in range(0, len(rows), 20):
            y = 780
            page.setFont("STSong-Light", 12)
            if start == 0:
                page.drawString(220, 810, "个人账户收支明细")
                page.setFont("STSong-Light", 9)
                page.drawString(50, y, f"姓名：{person.name}  身份证号：{person.id}  参保地：{PLACE}")
                y -= 24
            page.setFont("STSong-Light", 9)
            for cells in (GRID_HEAD, *rows[start:start + 20]):
                for left, right, cell in zip(stops, stops[1:], cells, strict=False):
                    page.drawString(left + 4, y, cell)
                    if index % 2 == 0:
                        page.rect(left, y - 6, right - left, 20)
                y -= 20
            page.drawString(270, 30, f"第 {start // 20 + 1} 页")
            page.showPage()
        page.save()


def roster(folder: Path, everybody: list[Person]) -> None:
    """The employer's list of people."""
    rows: list[Sequence[object]] = [("工号", "姓名", "身份证号码", "医保个人编号", "参保地", "人员类别", "出生日期", "所属单位")]
    rows += [(f"E{p.number:04d}", p.name, p.id, f"42{p.number:010d}", PLACE, "在职", f"{p.id[6:10]}-{p.id[10:12]}-{p.id[12:14]}",
              EMPLOYER) for p in everybody]
    write_xlsx(folder / "花名册.xlsx", rows)


def write_xlsx(path: Path, rows: Iterable[Sequence[object]]) -> None:
    """Rows as one plain sheet."""
    from xlsxwriter import Workbook

    with Workbook(str(path), {"strings_to_numbers": False, "strings_to_formulas": False}) as book:
        sheet = book.add_worksheet("Sheet1")
        for index, row in enumerate(rows):
            sheet.write_row(index, 0, row)


def generate(folder: Path) -> dict[str, int]:
    """Write the folder; how many people, files, contribution and flow lines it holds."""
    folder.mkdir(parents=True, exist_ok=True)
    everybody = people(Random(20240731))
    pages, rest = everybody[:PAGES], everybody[PAGES:]
    by_portal, by_code = rest[: len(rest) * 2 // 3], rest[len(rest) * 2 // 3:]
    shown = everybody[: PEOPLE * SHARE // 100]
    portal(folder, by_portal)
    national(folder, by_code, 3)
    city_pages(folder, pages)
    pdfs(folder, shown[:PDFS])
    grids(folder, shown[PDFS:PDFS + GRIDS])
    back_office(folder, shown[PDFS + GRIDS:], 3)
    roster(folder, everybody)
    return {
        "people": len(everybody), "files": sum(1 for _ in folder.iterdir()),
        "contributions": sum(len(p.months) for p in everybody), "flows": sum(len(p.flows) for p in shown),
    }


if __name__ == "__main__":
    print(generate(Path(sys.argv[1])))
