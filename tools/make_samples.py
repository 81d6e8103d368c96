"""Write ``sample_statements``: the exports of one made-up employer, in every layout recon reads.

Everything is synthetic and the same on every run: names are plainly invented, ID numbers only have a valid check
digit. ``python tools/make_samples.py`` writes the exports, ``--golden`` also the expected rows beside them (then read
the diff: they are what the tests compare with). The story of each person stands in ``sample_statements/README.md``.
"""

from __future__ import annotations

import argparse
import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recon.reading.file_read import ReadResult

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "sample_statements"
EMPLOYER = "示例科技有限公司"
YEAR = [date(2024, month, 1) for month in range(1, 13)]
QUERY_FROM, QUERY_TO, PRINTED = date(2024, 1, 1), date(2025, 1, 31), date(2025, 2, 8)


@dataclass(frozen=True)
class Person:
    """One made-up person and what the roster says of them."""

    key: str
    name: str
    area: str
    born: date
    order: int
    base: int  # yuan
    city: str
    number: str
    department: str
    centre: str
    tier: str = ""
    status: str = "在职"
    retired: str = ""
    joined: date = date(2019, 3, 1)
    left: date | None = None
    unit: str = EMPLOYER

    @property
    def id(self) -> str:
        """An ID number with a valid check digit."""
        digits = f"{self.area}{self.born:%Y%m%d}{self.order:03d}"
        weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
        return digits + "10X98765432"[sum(int(d) * w for d, w in zip(digits, weights, strict=True)) % 11]

    @property
    def psn(self) -> str:
        """The personal number of the insurance."""
        return f"{self.area[:4]}00{int(self.number[1:]):010d}"

    @property
    def credit(self) -> int:
        """Fen a normal month puts into the account: 2% of the base."""
        return self.base * 2


_BJ, _SZ, _SH = "示例科技有限公司北京分公司", "示例科技有限公司深圳分公司", "示例科技有限公司上海分公司"
PEOPLE = {person.key: person for person in (
    Person("甲", "测试甲", "420106", date(1988, 4, 12), 101, 6000, "武汉市", "A001", "研发部", "C100"),
    Person("王", "王样例", "420106", date(1990, 9, 3), 102, 6000, "武汉市", "A002", "研发部", "C100"),
    Person("李", "李示范", "420106", date(1985, 1, 25), 103, 6000, "武汉市", "A003", "销售部", "C200"),
    Person("赵", "赵演示", "420106", date(1992, 7, 8), 104, 5500, "武汉市", "A004", "销售部", "C200"),
    Person("钱", "钱模拟", "420106", date(1983, 11, 30), 105, 7000, "武汉市", "A005", "财务部", "C300"),
    Person("孙", "孙假设", "420106", date(1987, 2, 14), 106, 6500, "武汉市", "A006", "财务部", "C300"),
    Person("周", "周虚构", "420106", date(1995, 6, 21), 107, 6000, "武汉市", "A007", "研发部", "C100"),
    Person("吴", "吴例子", "420106", date(1998, 12, 5), 108, 5000, "武汉市", "A008", "行政部", "C400",
           joined=date(2023, 7, 1)),
    Person("何", "何占位", "420106", date(1993, 3, 3), 109, 6000, "武汉市", "A009", "行政部", "C400"),
    Person("郑", "郑样板", "110105", date(1986, 5, 17), 201, 10000, "北京市", "B001", "北京办", "C500", unit=_BJ),
    Person("冯", "冯演练", "110105", date(1956, 3, 9), 202, 0, "北京市", "B002", "北京办", "C500", status="退休",
           retired="201604", joined=date(2001, 5, 8), unit=_BJ),
    Person("陈", "陈样本", "110105", date(1991, 10, 2), 203, 9000, "北京市", "B003", "北京办", "C500", unit=_BJ),
    Person("褚", "褚试验", "440305", date(1989, 8, 19), 301, 8000, "深圳市", "S001", "深圳办", "C600", tier="一档",
           unit=_SZ),
    Person("卫", "卫例证", "440305", date(1996, 2, 28), 302, 6000, "深圳市", "S002", "深圳办", "C600", tier="二档",
           unit=_SZ),
    Person("蒋", "蒋练习", "310101", date(1984, 7, 7), 401, 8000, "上海市", "H001", "上海办", "C700", unit=_SH),
)}


# ------------------------------------------------------------------------------------------------------------- helpers


def money(fen: int) -> str:
    """Yuan with two decimals."""
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def commas(fen: int) -> str:
    """Yuan with thousands commas."""
    return f"{fen / 100:,.2f}" if fen else ""


def after(month: date, months: int, day: int) -> date:
    """A day in the month so many months later."""
    years, index = divmod(month.month - 1 + months, 12)
    return date(month.year + years, index + 1, day)


def write_csv(path: Path, rows: Iterable[Sequence[object]], encoding: str) -> None:
    """Rows as CSV with CRLF, as portals write it."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.getvalue().encode(encoding))


def write_xlsx(path: Path, sheet: str, rows: Iterable[Sequence[object]], widths: Sequence[int]) -> None:
    """Rows as one sheet; ``date`` values as dates, numbers as numbers, the same bytes on every run."""
    import xlsxwriter

    path.parent.mkdir(parents=True, exist_ok=True)
    book = xlsxwriter.Workbook(str(path), {"default_date_format": "yyyy-mm-dd"})
    book.set_properties({"created": datetime(2025, 2, 8, 9, 0, 0)})  # noqa: DTZ001  a workbook has no time zone
    page = book.add_worksheet(sheet)
    for at, width in enumerate(widths):
        page.set_column(at, at, width)
    for number, row in enumerate(rows):
        for at, value in enumerate(row):
            if isinstance(value, str):
                if value:
                    page.write_string(number, at, value)
            elif value is not None:
                page.write(number, at, value)
    book.close()


# ----------------------------------------------------------------------------------------------------- contributions


@dataclass(frozen=True)
class Paid:
    """One contribution line of the unit portal."""

    person: Person
    month: date
    booked: date
    base: int
    kind: str = "正常"
    flag: str = "已缴"
    flat: int = 0  # fen paid with the personal share and not credited


def wuhan_lines() -> Iterator[Paid]:
    """2024 of the people in Wuhan."""
    for month in YEAR:
        for key in "甲王李赵钱孙周吴何":
            person = PEOPLE[key]
            if key == "赵" and month.month == 6:
                yield Paid(person, month, month, person.base, flag="欠缴")
            elif key == "赵" and month.month == 9:
                continue
            elif key == "钱" and month.month in (3, 4):
                yield Paid(person, month, date(2024, 6, 1), person.base, "补缴")
            elif key == "孙" and month.month > 6:
                yield Paid(person, month, month, 7500)
            else:
                yield Paid(person, month, month, person.base)
    for month in YEAR[:6]:
        yield Paid(PEOPLE["孙"], month, date(2024, 9, 1), 1000, "补差")


def portal(lines: Iterable[Paid], *, credited: bool, rate: int, employer_rate: int) -> list[list[object]]:
    """Header, lines and total of the unit portal's query; rates in per mille of the base."""
    header = [
        "公民身份证号码", "姓名", "险种类型", "缴费年月", "台账年月", "应缴类型", "缴费方式", "缴费基数", "应缴金额",
        "个人缴费金额", "划入个人账户金额", "划入统筹金额", "补缴利息", "滞纳金", "缴费标识", "单位编号", "单位名称",
    ]
    rows: list[list[object]] = []
    sums = [0, 0, 0, 0]
    for line in sorted(lines, key=lambda line: (line.booked, line.month, line.person.number, line.kind)):
        own = line.base * rate // 10 + line.flat
        firm = line.base * employer_rate // 10
        into = line.base * rate // 10
        for at, amount in enumerate((own + firm, own, into, own + firm - into)):
            sums[at] += amount
        rows.append([
            line.person.id + "\t", line.person.name, "职工基本医疗保险", f"{line.month:%Y%m}", f"{line.booked:%Y%m}",
            line.kind, "单位缴费", money(line.base * 100), money(own + firm), money(own), money(into),
            money(own + firm - into), "0.00", "0.00", line.flag, "42010600018" if credited else "11010500027",
            line.person.unit,
        ])
    rows.append(["合计", *[""] * 7, *map(money, sums), "", "", "", "", ""])
    if not credited:
        header = [*header[:10], *header[11:]]
        rows = [[*row[:10], *row[11:]] for row in rows]
    return [header, *rows]


def write_wuhan_portal(path: Path) -> None:
    """GB18030, with the credited column."""
    rows = [
        ["职工医保缴费明细查询"], ["单位编号：42010600018", "", f"单位名称：{EMPLOYER}"],
        ["统筹区：武汉市", "", "缴费年月范围：202401 至 202412", "", f"打印日期：{PRINTED}"],
        *portal(wuhan_lines(), credited=True, rate=20, employer_rate=80), ["第1页 共1页"],
    ]
    write_csv(path, rows, "gb18030")


def write_beijing_portal(path: Path) -> None:
    """UTF-8 with a byte order mark, without the credited column: the rule has to tell what is due."""
    lines = [Paid(PEOPLE[key], month, month, PEOPLE[key].base, flat=300) for month in YEAR for key in "郑陈"]
    rows = [
        ["社会保险缴费明细查询"], [f"单位名称：{_BJ}"],
        ["统筹区：北京市", "缴费年月范围：2024-01 至 2024-12", f"打印日期：{PRINTED}"],
        *portal(lines, credited=False, rate=20, employer_rate=98),
    ]
    write_csv(path, rows, "utf-8-sig")


_NATIONAL = (
    ("psn_no", "人员编号"), ("psn_name", "姓名"), ("certno", "证件号码"), ("emp_no", "单位编号"),
    ("emp_name", "单位名称"), ("poolarea_no", "统筹区"), ("insutype", "险种类型"), ("psn_type", "人员类别"),
    ("cashym", "费款所属期"),
    ("accrym_begn", "对应费款所属期起始"), ("accrym_end", "对应费款所属期结束"), ("clct_type", "缴费类型"),
    ("psn_clctstd", "人员缴费基数"), ("psn_clct_paraval", "个人缴费比例"), ("emp_clct_amt", "单位缴费金额"),
    ("psn_clct_amt", "个人缴费金额"),
    ("emp_clct_into_acct_amt", "单位缴费划入个人账户金额"), ("psn_clct_into_acct_amt", "个人缴费划入个人账户金额"),
    ("clct_sumamt", "缴费总金额"), ("latefee", "滞纳金"), ("clct_flag", "缴费标志"), ("revs_flag", "核销标志"),
    ("clct_time", "缴费时间"), ("traf_time", "划拨时间"), ("intsury_time", "入国库时间"),
)


def national_row(
    person: Person, first: date, last: date, paid_on: date, *, own: int, firm: int, into: int | None, rate: str,
    reversal: str = "Z", sign: int = 1,
) -> list[object]:
    """One row of 职工人员缴费明细; amounts in fen for all months together."""
    return [
        person.psn, person.name, person.id, "44030500036", person.unit, "440300", "310", "11", f"{paid_on:%Y%m}",
        f"{first:%Y%m}", f"{last:%Y%m}", "10", money(person.base * 100), rate, money(sign * firm), money(sign * own),
        "" if into is None else "0.00", "" if into is None else money(sign * into), money(sign * (own + firm)), "0.00",
        "1", reversal, f"{paid_on} 10:00:00", f"{paid_on} 18:00:00", f"{paid_on} 12:00:00",
    ]


def write_shenzhen_codes(path: Path) -> None:
    """Field codes as header; one row for two months, and a booking that was reversed and booked again."""
    person = PEOPLE["褚"]
    own, firm = person.credit, person.base * 5
    rows: list[Sequence[object]] = [[code for code, _ in _NATIONAL]]
    for month in YEAR:
        paid_on = month.replace(day=18)
        if month.month == 8:
            wrong = {"own": own + 2000, "firm": firm, "into": own + 2000, "rate": "0.02"}
            rows.append(national_row(person, month, month, paid_on, reversal="+", **wrong))  # type: ignore[arg-type]
            rows.append(national_row(person, month, month, paid_on, reversal="-", sign=-1, **wrong))  # type: ignore[arg-type]
        if month.month == 10:
            rows.append(national_row(person, month, after(month, 1, 1), date(2024, 11, 18), own=own * 2, firm=firm * 2,
                                     into=own * 2, rate="0.02"))
        elif month.month != 11:
            rows.append(national_row(person, month, month, paid_on, own=own, firm=firm, into=own, rate="0.02"))
    write_csv(path, rows, "utf-8")


def write_shenzhen_labels(path: Path) -> None:
    """The same layout with Chinese names as header, for a member of tier 2, which has no account."""
    person = PEOPLE["卫"]
    rows: list[Sequence[object]] = [
        ["职工人员缴费明细"], [f"导出时间：{PRINTED} 15:20:11"], [label for _, label in _NATIONAL],
    ]
    rows += [
        national_row(person, month, month, month.replace(day=18), own=person.base // 2, firm=person.base * 3 // 2,
                     into=None, rate="0.005")
        for month in YEAR
    ]
    write_csv(path, rows, "gb18030")


def write_shanghai_page(path: Path) -> None:
    """One person's page: newest first, the person above the table; Shanghai credits once a year in July."""
    person = PEOPLE["蒋"]
    months = [date(2023, month, 1) for month in range(4, 13)] + YEAR
    rows: list[Sequence[object]] = [
        ["职工基本医疗保险个人缴费明细"], ["姓名：", person.name, "证件号码：", person.id, "参保地：", "上海市"],
        ["查询日期：", f"{PRINTED}"], [],
        ["缴费月份", "单位名称", "缴费基数（元）", "单位缴费金额", "个人缴费金额", "划入账户金额", "单位缴费比例",
         "个人缴费比例", "实收时间"],
    ]
    rows += [
        [f"{month.year}年{month.month}月", _SH, person.base, person.base * 9 / 100, person.base * 2 / 100,
         person.base * 2 / 100, "9%", "2%", month.replace(day=22)]
        for month in reversed(months)
    ]
    write_xlsx(path, "缴费明细", rows, [14, 34, 14, 14, 14, 14, 14, 14, 12])


# ------------------------------------------------------------------------------------------------------------- accounts


@dataclass
class Account:
    """The lines of one account in the order of days, with what the account held before."""

    person: Person
    opening: int
    lines: list[tuple[date, str, str, int]] = field(default_factory=list)  # day, type, place, signed fen

    def add(self, day: date, kind: str, fen: int, place: str = "") -> Account:
        """One more line."""
        self.lines.append((day, kind, place, fen))
        return self

    def ordered(self) -> list[tuple[date, str, str, int, int]]:
        """Lines by day with the running balance."""
        balance, result = self.opening, []
        for day, kind, place, fen in sorted(self.lines, key=lambda line: line[0]):
            balance += fen
            result.append((day, kind, place, fen, balance))
        return result

    def spend_monthly(self, start: int, places: Sequence[str], every: int = 1) -> Account:
        """A purchase in every n-th month from 2024-01 to 2025-01, of ever different but fixed amounts."""
        for number in range(0, 13, every):
            month = after(date(2024, 1, 1), number, 1)
            fen = 1500 + (start * 137 + number * 911) % 4200
            self.add(month.replace(day=15 + (start + number) % 12), "医保消费", -fen, places[number % len(places)])
        return self


_PLACES = ("示例大药房一店", "样例社区卫生服务中心", "示例大药房二店", "测试医院门诊部")


def usual(key: str, opening: int, *, skip: Sequence[int] = (), day: int = 10, months: int = 1) -> Account:
    """An account whose credits come regularly, except for the months named."""
    account = Account(PEOPLE[key], opening)
    for month in YEAR:
        if month.month not in skip:
            account.add(after(month, months, day), "个人账户划账", account.person.credit)
    return account.add(date(2024, 1, day), "个人账户划账", account.person.credit)  # for December 2023


def accounts() -> dict[str, Account]:
    """Every account of the story, by the person's key."""
    made = {
        "甲": usual("甲", 84000).spend_monthly(1, _PLACES, 3).add(date(2024, 6, 30), "年度结息", 126),
        "王": usual("王", 51230, skip=[5]).spend_monthly(2, _PLACES, 4),
        "李": usual("李", 23075, skip=[8, 9, 11]).spend_monthly(3, _PLACES, 2),
        "赵": usual("赵", 40000, skip=[6, 9]),
        "钱": usual("钱", 118840, skip=[3, 4]).spend_monthly(5, _PLACES),
        "孙": usual("孙", 66600, skip=range(7, 13)).spend_monthly(6, _PLACES),
        "周": usual("周", 9900).spend_monthly(7, _PLACES, 5),
        "何": usual("何", 30500, skip=[10]),
        "郑": usual("郑", 32000, day=4).spend_monthly(8, _PLACES, 2),
        "褚": usual("褚", 45500, skip=[10, 11], day=20),
    }
    made["甲"].add(date(2025, 1, 1), "年度结转支出", -100000).add(date(2025, 1, 1), "上年结转收入", 100000)
    made["李"].add(date(2024, 10, 10), "个人账户划账", 24000)
    made["李"].add(date(2024, 12, 10), "个人账户划账", 10000).add(date(2024, 12, 18), "个人账户划账", 2000)
    made["李"].add(date(2024, 7, 22), "家庭共济支出", -3600, "样例社区卫生服务中心")
    made["李"].add(date(2024, 6, 30), "年度结息", 87)
    made["钱"].add(date(2024, 7, 10), "个人账户划账", 28000)
    for month in YEAR[6:]:
        made["孙"].add(after(month, 1, 10), "个人账户划账", 15000)
    made["孙"].add(date(2024, 10, 18), "个人账户划账", 12000)
    made["周"].add(date(2024, 4, 25), "个人账户划账", 12000)
    made["何"].add(date(2024, 11, 10), "个人账户划账", 10000)
    made["褚"].add(date(2024, 12, 20), "个人账户划账", 32000)
    retiree = made["冯"] = Account(PEOPLE["冯"], 7300)
    for number in range(13):
        retiree.add(after(date(2024, 1, 1), number, 4), "退休人员统筹划账户", 9700)
    retiree.spend_monthly(9, _PLACES, 2)
    made["蒋"] = Account(PEOPLE["蒋"], 210000).add(date(2024, 7, 1), "本年划入", 192000).spend_monthly(4, _PLACES, 3)
    return made


def write_backoffice(path: Path, made: dict[str, Account]) -> None:
    """Several people in one sheet, amounts unsigned; one row holds an amount that cannot be read."""
    rows: list[Sequence[object]] = [
        ["个人账户收支查询"], [f"查询期间：{QUERY_FROM} 至 {QUERY_TO}", "", "", "", f"导出时间：{PRINTED} 09:12:40"],
        ["姓名", "证件号码", "医保区划", "年度", "收支时间", "账户收支类型", "收支总金额", "经办机构编号"],
    ]
    for key in "甲王赵周何":
        for day, kind, _, fen, _ in made[key].ordered():
            person = made[key].person
            rows.append([
                person.name, person.id, "420100", day.year, f"{day} 08:30:00", kind, abs(fen) / 100, "420106001",
            ])
    person = PEOPLE["周"]
    rows.append([person.name, person.id, "420100", 2025, "2025-01-20 16:01:00", "医保消费", "35.2O", "420106001"])
    write_xlsx(path, "Sheet1", rows, [10, 22, 10, 8, 20, 16, 12, 14])


def grid_rows(lines: Iterable[tuple[date, str, str, int, int]]) -> list[list[str]]:
    """Lines of 个人账户收支明细: type, place, in, out, balance."""
    return [
        [f"{day}", kind, place, commas(max(fen, 0)), commas(max(-fen, 0)), f"{balance / 100:,.2f}"]
        for day, kind, place, fen, balance in lines
    ]


_GRID = ["收支时间", "收支类型", "医疗机构名称", "收入（元）", "支出（元）", "余额（元）"]


def grid_head(account: Account, first: date, last: date) -> list[list[str]]:
    """Title, person and period above the lines."""
    person = account.person
    return [
        ["医疗保险个人账户收支明细"], [f"姓名：{person.name}", f"证件号码：{person.id}", f"统筹区：{person.city}"],
        [f"查询时间：{first} 至 {last}", f"打印日期：{PRINTED}"],
    ]


def write_grid_csv(path: Path, account: Account, first: date, last: date, encoding: str) -> None:
    """One person's detail with totals, oldest first."""
    lines = [line for line in account.ordered() if first <= line[0] <= last]
    came, went = (sum(abs(fen) for *_, fen, _ in lines if (fen > 0) is positive) for positive in (True, False))
    rows = [*grid_head(account, first, last), _GRID, *grid_rows(lines),
            ["合计", "", "", commas(came), commas(went), ""]]
    write_csv(path, rows, encoding)


def write_grid_xlsx(path: Path, account: Account) -> None:
    """The same as a sheet, newest first, amounts as numbers."""
    rows: list[Sequence[object]] = [*grid_head(account, QUERY_FROM, QUERY_TO), _GRID]
    for day, kind, place, fen, balance in reversed(account.ordered()):
        rows.append([day, kind, place, fen / 100 if fen > 0 else None, -fen / 100 if fen < 0 else None, balance / 100])
    write_xlsx(path, "收支明细", rows, [14, 20, 26, 12, 12, 12])


_FONT = "STSong-Light"
_COLUMNS = (40, 118, 216, 356, 424, 488, 556)  # left edges of six columns and the right edge, in points
_PER_PAGE = 24


def write_pdf(path: Path, account: Account, *, ruled: bool) -> None:
    """The same as a PDF of several pages, the header on each, with rules or without."""
    from reportlab.lib.pagesizes import A4
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfgen.canvas import Canvas

    pdfmetrics.registerFont(UnicodeCIDFont(_FONT))
    path.parent.mkdir(parents=True, exist_ok=True)
    page = Canvas(str(path), pagesize=A4, invariant=1)
    rows = grid_rows(account.ordered())
    pages = [rows[at:at + _PER_PAGE] for at in range(0, len(rows), _PER_PAGE)]
    person, height = account.person, A4[1]
    for number, part in enumerate(pages, start=1):
        top = height - 60
        page.setFont(_FONT, 15)
        page.drawCentredString(A4[0] / 2, top, "医疗保险个人账户收支明细")
        page.setFont(_FONT, 9)
        page.drawString(40, top - 26, f"姓名：{person.name}")
        page.drawString(180, top - 26, f"证件号码：{person.id}")
        page.drawString(420, top - 26, f"统筹区：{person.city}")
        page.drawString(40, top - 42, f"起止日期：{QUERY_FROM} 至 {QUERY_TO}")
        page.drawString(420, top - 42, f"个人编号：{person.psn}")
        line = top - 66
        for at, cells in enumerate([_GRID, *part]):
            y = line - at * 22
            for left, right, cell, column in zip(_COLUMNS[:-1], _COLUMNS[1:], cells, range(6), strict=True):
                if column < 3 or not at:
                    page.drawString(left + 4, y, cell)
                else:
                    page.drawRightString(right - 4, y, cell)
            if ruled:
                page.line(_COLUMNS[0], y - 7, _COLUMNS[-1], y - 7)
        bottom = line - len(part) * 22 - 7
        if ruled:
            page.line(_COLUMNS[0], line + 15, _COLUMNS[-1], line + 15)
            for x in _COLUMNS:
                page.line(x, line + 15, x, bottom)
        if number == len(pages):
            page.drawString(40, bottom - 24, f"打印日期：{PRINTED}")
        page.drawCentredString(A4[0] / 2, 40, f"第{number}页 共{len(pages)}页")
        page.showPage()
    page.save()


def write_native_flow(path: Path) -> None:
    """A flow table in recon's own columns, kept by hand: it ends in November and says nowhere when it was copied."""
    person = PEOPLE["陈"]
    rows: list[Sequence[object]] = [["person_id", "region", "posted_on", "flow_kind", "amount_fen", "memo"]]
    for number in range(11):
        month = after(date(2024, 1, 1), number, 1)
        rows.append([person.id, "110000", month.replace(day=4), "credit", person.credit, "医保划入"])
        if number % 3 == 1:
            rows.append([person.id, "110000", month.replace(day=21), "spend", -(2350 + number * 73), "购药"])
    write_csv(path, rows, "utf-8")


def write_roster(path: Path) -> None:
    """The employer's list of all people."""
    rows: list[Sequence[object]] = [["员工花名册（示例）"], [
        "工号", "姓名", "身份证号码", "医保个人编号", "参保地", "档次", "人员类别", "退休年月", "出生日期", "所属单位",
        "部门", "成本中心", "入职日期", "离职日期",
    ]]
    rows += [
        [p.number, p.name, p.id, p.psn, p.city, p.tier, p.status, p.retired, p.born, p.unit, p.department, p.centre,
         p.joined, p.left]
        for p in PEOPLE.values()
    ]
    write_xlsx(path, "花名册", rows, [8, 10, 22, 20, 10, 8, 10, 10, 12, 34, 10, 10, 12, 12])


# ----------------------------------------------------------------------------------------------------------------- all


def write_all(folder: Path) -> None:
    """Every export of the story under ``folder``."""
    made = accounts()
    write_roster(folder / "花名册.xlsx")
    write_wuhan_portal(folder / "武汉" / "单位缴费明细2024.csv")
    write_backoffice(folder / "武汉" / "个人账户收支.xlsx", made)
    write_grid_csv(folder / "武汉" / "个人账户收支明细_A003.csv", made["李"], QUERY_FROM, QUERY_TO, "gb18030")
    write_pdf(folder / "武汉" / "个人账户收支明细_A005.pdf", made["钱"], ruled=True)
    write_pdf(folder / "武汉" / "个人账户收支明细_A006.pdf", made["孙"], ruled=False)
    write_beijing_portal(folder / "北京" / "缴费明细查询.csv")
    write_grid_csv(folder / "北京" / "个人账户收支明细_B001_1.csv", made["郑"], QUERY_FROM, date(2024, 7, 31), "utf-8")
    write_grid_csv(folder / "北京" / "个人账户收支明细_B001_2.csv", made["郑"], date(2024, 7, 1), QUERY_TO, "utf-8")
    write_grid_xlsx(folder / "北京" / "个人账户收支明细_B002.xlsx", made["冯"])
    write_native_flow(folder / "北京" / "flow_B003.csv")
    write_shenzhen_codes(folder / "深圳" / "职工人员缴费明细.csv")
    write_shenzhen_labels(folder / "深圳" / "职工人员缴费明细_中文表头.csv")
    write_grid_csv(folder / "深圳" / "个人账户收支明细_S001.csv", made["褚"], QUERY_FROM, QUERY_TO, "utf-8-sig")
    write_shanghai_page(folder / "上海" / "个人缴费明细.xlsx")
    write_grid_csv(folder / "上海" / "个人账户收支明细_H001.csv", made["蒋"], QUERY_FROM, QUERY_TO, "utf-8")


EXPECTED = ".expected.tsv"
MARK = "# recon expected rows"


def read(folder: Path) -> ReadResult:
    """What recon reads from a folder of samples."""
    from recon.policy import load_policy
    from recon.reading.folder import read_folder
    from recon.reading.formats import shipped

    return read_folder(folder, mappings=[shipped()], region_of=load_policy([shipped()]).region_of, workers=1)


def expected_rows(result: ReadResult) -> dict[str, str]:
    """Per sample, the text of its expected rows: its canonical rows, its coverage and its problems."""
    import polars as pl

    texts = {}
    for source in result.sources.iter_rows(named=True):
        name = source["file"]
        if source["status"] == "own_output" or name.endswith(EXPECTED):
            continue
        text = io.StringIO()
        text.write(f"{MARK}: {source['format']}, read {source['rows_read']} used {source['rows_used']} "
                   f"rejected {source['rows_rejected']} skipped {source['rows_skipped']}\n")
        for table in sorted(result.tables):
            frame = result.tables[table]
            key = "file" if table == "coverage" else "row_id"
            if table == "person" and source["table"] == "person":
                mine = frame
            elif key in frame.columns:
                mine = frame.filter((pl.col(key) == name) | pl.col(key).str.starts_with(name + "#"))
            else:
                continue
            mine = mine[[column.name for column in mine if column.null_count() < mine.height]]
            if mine.height:
                text.write(f"## {table}\n" + mine.write_csv(separator="\t"))
        mine_too = [problem for problem in result.problems if problem.file == name]
        if mine_too:
            text.write("## problem\n")
            text.writelines(
                "\t".join([problem.code, problem.place or "", problem.column or "", problem.value or ""]) + "\n"
                for problem in mine_too
            )
        texts[name] = text.getvalue()
    return texts


def write_expected(folder: Path) -> None:
    """The expected rows beside each sample."""
    for name, text in expected_rows(read(folder)).items():
        (folder / (name + EXPECTED)).write_text(text, encoding="utf-8", newline="\n")


def main() -> None:
    """Write the samples; with ``--golden`` their expected rows too."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--golden", action="store_true", help="rewrite the expected rows beside the samples")
    arguments = parser.parse_args()
    write_all(SAMPLES)
    if arguments.golden:
        write_expected(SAMPLES)


if __name__ == "__main__":
    main()
