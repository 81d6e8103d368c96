"""Write ``tests/formats``: one made-up sample for each layout of an export that the sample statements do not show.

Each follows the layout as far as it is published, in its own container and encoding: preambles, footers, padding, lines
wrapped above and below their row. Synthetic and the same on every run. ``python tools/make_format_samples.py`` writes
the exports, ``--golden`` also the rows expected from them (then read the diff).
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from make_samples import ROOT, money, write_csv, write_expected

FOLDER = ROOT / "tests" / "formats"
ID, NAME = "420106198804121018", "测试甲"
FIFTH_ID = "420106199812051085"
OTHER_ID, OTHER_NAME = "110105198605172016", "郑样板"
EMPLOYER = "示例科技有限公司"
PSN, OTHER_PSN = "42010000000000000001", "11010000000000000002"
CREDIT = 12000


# -------------------------------------------------------------------------------------------------------------- stories


@dataclass(frozen=True)
class Line:
    """One line of a bank account: when, how much (fen), and what the bank prints of it."""

    day: date
    time: str
    fen: int
    summary: str
    party: str = ""
    account: str = ""
    memo: str = ""
    channel: str = "网上银行"
    balance: int = 0

    @property
    def came(self) -> str:
        """Money in, two decimals, "" for none."""
        return money(self.fen) if self.fen > 0 else ""

    @property
    def went(self) -> str:
        """Money out."""
        return money(-self.fen) if self.fen < 0 else ""

    @property
    def signed(self) -> str:
        """With an explicit sign."""
        return f"{'+' if self.fen > 0 else ''}{money(self.fen)}"


def _day(text: str) -> date:
    return date.fromisoformat("2024-" + text)


def balanced(opening: int, lines: Iterable[Line]) -> list[Line]:
    """The lines with their running balance."""
    result = []
    for line in lines:
        opening += line.fen
        result.append(Line(**{**line.__dict__, "balance": opening}))
    return result


def person_lines(opening: int = 351_207) -> list[Line]:
    """A person's account into which the medical account is paid: four credits and two purchases, and a whole life besides.

    A reimbursement, a premium and a salary also speak of insurance; none of them is a line of the medical account.
    """
    insurer, account = "武汉市医疗保障事业中心", "42001865****0018"
    return balanced(opening, [
        Line(_day("01-05"), "09:12:40", 812_345, "工资", EMPLOYER, "42050110****0027", "一月工资"),
        Line(_day("01-12"), "08:30:11", CREDIT, "医保个人账户划入", insurer, account),
        Line(_day("01-15"), "18:21:04", -5_630, "快捷支付", "支付宝-示例超市", "2088****0156", "日用百货", "快捷支付"),
        Line(_day("02-12"), "08:30:09", CREDIT, "医保个人账户划入", insurer, account),
        Line(_day("02-20"), "20:15:59", -23_900, "转账", "王样例", "6222****3344", "房租", "手机银行"),
        Line(_day("03-01"), "10:02:27", 123_456, "医保零星报销", insurer, account, "门诊报销"),
        Line(_day("03-12"), "08:30:15", CREDIT, "医保个人账户划入", insurer, account),
        Line(_day("03-18"), "16:44:31", -3_520, "医保消费", "示例大药房一店", "8000****1303", "购药", "POS"),
        Line(_day("03-20"), "11:11:11", -40_000, "代扣医疗保险费", "国家税务总局武汉市税务局", "", "灵活就业缴费"),
        Line(_day("03-21"), "00:05:00", 123, "结息"),
        Line(_day("04-12"), "08:30:12", CREDIT, "医保个人账户划入", insurer, account),
        Line(_day("04-25"), "17:03:48", -1_880, "医保消费", "样例社区卫生服务中心", "8000****1311", "门诊", "POS"),
    ])


def firm_lines(opening: int = 98_765_432) -> list[Line]:
    """A firm's account: premiums, one of them given back in part, among wages, taxes and trade."""
    tax, treasury = "国家税务总局武汉市江岸区税务局", "待报解预算收入-社会保险费"
    return balanced(opening, [
        Line(_day("01-08"), "10:00:00", -6_543_210, "代发工资", "批量代发", "", "一月工资"),
        Line(_day("01-15"), "09:30:00", -2_345_678, "社会保险费", tax, "42001860****9999", "202401社保费"),
        Line(_day("01-18"), "14:20:00", 5_000_000, "货款", "样例贸易有限公司", "42050111****0101", "合同款"),
        Line(_day("02-05"), "11:05:00", -311_100, "增值税", tax, "42001860****9999", "税款"),
        Line(_day("02-18"), "09:31:00", -2_345_678, "社会保险费", treasury, "", "202402社保费"),
        Line(_day("03-15"), "09:32:00", -2_401_200, "医疗保险费", tax, "42001860****9999", "202403医保费"),
        Line(_day("03-22"), "15:47:00", 12_000, "社会保险费退回", tax, "42001860****9999", "退费"),
        Line(_day("03-25"), "16:00:00", -880_000, "住房公积金", "武汉住房公积金管理中心", "", "汇缴"),
    ])


# ------------------------------------------------------------------------------------------------------------ containers


def write_text(path: Path, text: str, encoding: str, newline: str = "\n") -> None:
    """A text file in an encoding, its bytes the same everywhere."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.replace("\n", newline).encode(encoding))


def write_sheets(
    path: Path, sheets: dict[str, Sequence[Sequence[Any]]], merged: Sequence[tuple[int, int, int, int]] = ()
) -> None:
    """XLSX with several sheets; ``merged`` are ranges (first row, first column, last row, last column)."""
    import xlsxwriter

    path.parent.mkdir(parents=True, exist_ok=True)
    book = xlsxwriter.Workbook(str(path), {"default_date_format": "yyyy-mm-dd"})
    book.set_properties({"created": datetime(2025, 2, 8, 9, 0, 0)})  # noqa: DTZ001  a workbook has no time zone
    for name, rows in sheets.items():
        page = book.add_worksheet(name)
        page.set_column(0, 40, 16)
        for top, left, bottom, right in merged:
            page.merge_range(top, left, bottom, right, rows[top][left])
        inside = {(row, column) for top, left, bottom, right in merged for row in range(top, bottom + 1)
                  for column in range(left, right + 1)}
        for number, row in enumerate(rows):
            for at, value in enumerate(row):
                if (number, at) in inside or value in ("", None):
                    continue
                if isinstance(value, str):
                    page.write_string(number, at, value)
                else:
                    page.write(number, at, value)
    book.close()


def write_xls(path: Path, name: str, rows: Sequence[Sequence[Any]]) -> None:
    """A real BIFF workbook."""
    import xlwt

    path.parent.mkdir(parents=True, exist_ok=True)
    book = xlwt.Workbook(encoding="utf-8")
    page = book.add_sheet(name)
    for number, row in enumerate(rows):
        for at, value in enumerate(row):
            if value not in ("", None):
                page.write(number, at, value)
    book.save(str(path))


_FONT = "STSong-Light"


@dataclass(frozen=True)
class Column:
    """A column of a page: left edge, header lines, and whether figures stand at its right edge."""

    left: float
    name: str  # lines parted by "\n"
    right: bool = False


@dataclass
class Page:
    """What a PDF looks like; see :func:`write_pdf`. Texts of a cell may have several lines, the base line marked by ``^``."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    head: Sequence[Sequence[tuple[float, str]]] = ()  # lines between title and table: (x, text)
    ruled: bool = False
    per_page: int = 20
    size: tuple[float, float] = (842, 595)
    font: float = 8
    again: bool = True  # title and header on every page
    second: Sequence[tuple[float, str]] = ()  # a second header line
    foot: Callable[[int, int, Sequence[Sequence[str]]], Sequence[tuple[float, str]]] | None = None
    end: Sequence[Sequence[tuple[float, str]]] = ()
    repeat: bool = False  # the last row of a page again at the top of the next
    over: str = ""  # letters drawn upright over the table, as a verification code is
    mark: str = ""  # a watermark, large and turned
    title_at_end: bool = False
    names_right: bool = False  # the names of figures stand at the right edge too
    backwards: bool = False  # text is drawn in another order than it is read
    label: str = ""  # of the page, above the title


def write_pdf(path: Path, page: Page) -> None:
    """A PDF of one table over as many pages as it needs."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfgen.canvas import Canvas

    pdfmetrics.registerFont(UnicodeCIDFont(_FONT))
    path.parent.mkdir(parents=True, exist_ok=True)
    canvas = Canvas(str(path), pagesize=page.size, invariant=1)
    drawn: list[tuple[Callable[..., None], float, float, str]] = []  # of one page

    def draw(left: float, height: float, text: str, how: Callable[..., None] = canvas.drawString) -> None:
        drawn.append((how, left, height, text))

    width, height = page.size
    parts = [list(page.rows[at:at + page.per_page]) for at in range(0, len(page.rows), page.per_page)] or [[]]
    if page.repeat:
        parts = [parts[0], *([before[-1], *part] for before, part in itertools.pairwise(parts))]
    edges = [column.left for column in page.columns] + [width - 30]
    step = page.font + 2
    for number, part in enumerate(parts, 1):
        y = height - 40
        canvas.setFont(_FONT, page.font + 5)
        if not page.title_at_end and (page.again or number == 1):
            for text in page.title.split("\n"):
                canvas.drawCentredString(width / 2, y, text)
                y -= page.font + 9
        canvas.setFont(_FONT, page.font)
        if page.label:
            draw(width - 60, height - 24, page.label.format(number, len(parts)))
        for line in page.head if page.again or number == 1 else ():
            for x, text in line:
                draw(x, y, text)
            y -= step + 4
        lines: list[tuple[float, float]] = []
        if page.again or number == 1:
            names = [column.name.split("\n") for column in page.columns]
            tall = max(map(len, names))
            lines.append((y + step, y - step * (tall - 1) - 4))
            for left, text in zip(edges, names, strict=False):
                right = next(edge for edge in edges if edge > left)
                for at, word in enumerate(text):
                    if page.names_right and any(column.left == left and column.right for column in page.columns):
                        draw(right - 4, y - at * step, word, canvas.drawRightString)
                    else:
                        draw(left + 2, y - at * step, word)
            y -= step * (tall - 1)
            for x, text in page.second:
                draw(x, y - step, text)
            y -= step * bool(page.second) + step + 8
        for row in part:
            cells = [_cell(cell) for cell in row]
            up, down = max(base for _, base in cells), max(len(texts) - 1 - base for texts, base in cells)
            y -= up * step
            for at, (texts, base) in enumerate(cells):
                for k, text in enumerate(texts):
                    if page.columns[at].right:
                        draw(edges[at + 1] - 4, y + (base - k) * step, text, canvas.drawRightString)
                    else:
                        draw(edges[at] + 2, y + (base - k) * step, text)
            lines.append((y + (up + 1) * step, y - down * step - 4))
            y -= down * step + step + 8
        if page.ruled:
            for top, bottom in lines:
                canvas.rect(edges[0], bottom, edges[-1] - edges[0], top - bottom)
                for x in edges[1:-1]:
                    canvas.line(x, bottom, x, top)
        if page.over:
            for at, letter in enumerate(page.over):
                canvas.saveState()
                canvas.translate(edges[1] - 10, height - 150 - at * 40)
                canvas.rotate(90)
                canvas.setFont(_FONT, 14)
                canvas.drawString(0, 0, letter)
                canvas.restoreState()
        if page.mark:
            canvas.saveState()
            canvas.setFont(_FONT, 60)
            canvas.setFillGray(0.9)
            canvas.translate(width / 3, height / 3)
            canvas.rotate(35)
            canvas.drawString(0, 0, page.mark)
            canvas.restoreState()
        foot = list(page.foot(number, len(parts), part)) if page.foot else []
        for x, text in foot:
            draw(x, y, text)
        y -= (step + 4) * bool(foot)
        if number == len(parts):
            for line in page.end:
                for x, text in line:
                    draw(x, y, text)
                y -= step + 4
            if page.title_at_end:
                draw(width / 2, 24, page.title, canvas.drawCentredString)
        canvas.setFont(_FONT, page.font)
        canvas.setFillGray(0)
        for how, left, above, text in reversed(drawn) if page.backwards else drawn:
            how(left, above, text)
        drawn.clear()
        canvas.showPage()
    canvas.save()


def _cell(text: str) -> tuple[list[str], int]:
    """The lines of a cell and which of them stands on the row's base line: the one after ``^``, else the first."""
    lines = text.split("\n")
    base = next((at for at, line in enumerate(lines) if line.startswith("^")), 0)
    return [line.removeprefix("^") for line in lines], base


def _page_label(template: str, x: float = 400) -> Callable[[int, int, Sequence[Sequence[str]]], list[tuple[float, str]]]:
    return lambda number, count, _: [(x, template.format(number, count))]


# ----------------------------------------------------------------------------------------------------------------- ICBC


def _dashed(text: str, many: int = 20) -> str:
    return text or "-" * many


def icbc_csv(folder: Path) -> None:
    """Version 1 in GBK, version 2 in UTF-8; newest first, one cell more than the header, commas unquoted in the total."""
    lines = person_lines()[::-1]
    came, went = (sum(abs(line.fen) for line in lines if (line.fen > 0) is way) for way in (True, False))
    for version, encoding in ((1, "gbk"), (2, "utf-8")):
        head = ["交易日期", "摘要", *(["交易详情"] if version == 2 else []), "交易场所", "交易国家或地区简称", "钞/汇",
                "交易金额(收入)", "交易金额(支出)", "交易币种", "记账金额(收入)", "记账金额(支出)", "记账币种", "余额", "对方户名",
                *(["对方账户"] if version == 2 else [])]
        text = ["明细查询文件下载", "", '卡号: 6222****1018,"卡别名: 示例卡"', "", "子账户序号: 00000,子账户类别: 活期,币种: 人民币", "",
                ",".join(head)]
        for line in lines:
            cells = [f"{line.day}    ", f"{line.summary}\t", *([line.memo] if version == 2 else []), f"{line.channel}  ",
                     "CHN", "钞", "-", "-", "人民币", _quoted(line.came), _quoted(line.went), "人民币",
                     _quoted(money(line.balance)), line.party, *([line.account] if version == 2 else [])]
            text.append(",".join(cells) + ",")
        total = ["人民币合计", *[""] * (7 + (version == 2)), f"{came / 100:,.2f}", f"{went / 100:,.2f}"]
        text += [" ", ",".join(total)]
        write_text(folder / f"icbc_v{version}.csv", "\n".join(text) + "\n", encoding)


def icbc_credit(folder: Path) -> None:
    """The same download of a credit card: a day of booking second, no 钞/汇; a negative balance is what is owed."""
    lines = balanced(-120_000, [Line(_day("04-05"), "", 120_000, "还款", "示例银行"), Line(_day("04-11"), "", -8_800, "消费", "示例超市"),
                                Line(_day("04-20"), "", -6_800, "消费", "示例餐馆")])[::-1]
    text = ["明细查询文件下载", "", '卡号: 6222****2026,"卡别名: 示例信用卡"', "", "子账户序号: 00000,币种: 人民币", "",
            "交易日期,记账日期,摘要,交易场所,交易国家或地区简称,交易金额(收入),交易金额(支出),交易币种,记账金额(收入),记账金额(支出),记账币种,余额,对方户名"]
    text += [",".join([f"{line.day}    ", f"{line.day}    ", f"{line.summary}\t", f"{line.party}  ", "CHN", "-", "-", "人民币",
                       _quoted(line.came), _quoted(line.went), "人民币", _quoted(money(line.balance)), line.party]) + "," for line in lines]
    write_text(folder / "icbc_credit.csv", "\n".join([*text, " ", "合计金额,,,,,,,,1,200.00,156.00"]) + "\n", "gbk")


def _quoted(amount: str) -> str:
    if not amount:
        return ""
    return f'"{float(amount):,.2f}"'


def icbc_pdf(folder: Path) -> None:
    """Ruled, date and time in one cell, sums of every page under it, letters of a code drawn over the page."""
    lines = person_lines()[::-1]
    rows = [[f"{line.day}\n{line.time}", "1018", "活期", "00000", "人民币", "钞", line.summary[:6], "1721",
             f"{'+' if line.fen > 0 else '-'}{abs(line.fen) / 100:,.2f}", f"{line.balance / 100:,.2f}",
             _wrap(line.party or "（空）", 8), line.account or "（空）", line.channel] for line in lines]
    per = 7

    def foot(number: int, _: int, part: Sequence[Sequence[str]]) -> list[tuple[float, str]]:
        amounts = [round(float(row[8].replace(",", "")) * 100) for row in part]
        came, went = (sum(abs(a) for a in amounts if (a > 0) is way) for way in (True, False))
        return [(30, f"本页支出算术合计：{went / 100:,.2f}"), (230, f"本页收入算术合计：{came / 100:,.2f}"),
                (430, f"本页交易笔数：{len(part)}"), (600, f"第{number}页")]

    columns = [Column(x, name, right) for x, name, right in (
        (30, "交易日期", False), (92, "账号", False), (122, "储种", False), (150, "序号", False), (182, "币种", False),
        (215, "钞汇", False), (240, "摘要", False), (305, "地区", False), (335, "收入/支出金额", True), (415, "余额", True),
        (490, "对方户名", False), (580, "对方账号", False), (690, "渠道", False))]
    write_pdf(folder / "icbc.pdf", Page(
        "中国工商银行借记账户历史明细（电子版）", columns, rows,
        [[(30, "卡号 6222021700001018"), (260, f"户名：{NAME}"), (440, "起止日期：2024-01-01 — 2024-04-30")]],
        ruled=True, per_page=per, foot=foot, over="8K2Q", end=[[(30, "下单时间：2024-05-06 10:11:12"), (400, "请扫描二维码 识别明细真伪")]],
    ))


def _wrap(text: str, width: int) -> str:
    return "\n".join(text[at:at + width] for at in range(0, len(text), width)) or ""


def corporate(path: Path, title: str, head: Sequence[Sequence[str]], names: dict[str, str], *, newest: bool = False,
              foot: Sequence[Sequence[Any]] = (), before: Sequence[Sequence[Any]] = ()) -> None:
    """A firm's account as a sheet: ``names`` maps the header to what stands below it."""
    lines = firm_lines()
    rows: list[Sequence[Any]] = [[title], *head, list(names), *before]
    for number, line in enumerate(reversed(lines) if newest else lines, 1):
        values = {
            "no": str(number), "day": f"{line.day}", "moment": f"{line.day} {line.time}", "compact": f"{line.day:%Y%m%d}",
            "time": line.time, "in": line.came, "out": line.went, "balance": f"{line.balance / 100:,.2f}",
            "summary": line.summary, "memo": line.memo, "party": line.party, "account": line.account,
            "own": "42050110****0027", "holder": EMPLOYER, "flag": "贷" if line.fen > 0 else "借", "currency": "人民币",
            "way": "收入" if line.fen > 0 else "支出", "abs": money(abs(line.fen)), "": "",
        }
        rows.append([values[key] for key in names.values()])
    write_sheets(path, {"Sheet1": [*rows, *foot]})


def corporates(folder: Path) -> None:
    """Statements of a firm's account."""
    holder = [["户名：" + EMPLOYER, "", "账号：42050110****0027", "", "起止日期：2024-01-01 至 2024-03-31"]]
    corporate(folder / "icbc_corporate.xlsx", "中国工商银行账户明细清单", [], {
        "本方账号": "own", "户名": "holder", "交易时间": "moment", "借贷标志": "flag", "转入金额": "in", "转出金额": "out",
        "余额": "balance", "摘要": "summary", "用途": "memo", "对方账号": "account", "对方户名": "party"}, newest=True)
    corporate(folder / "ccb_corporate.xlsx", "中国建设银行账户明细信息", holder, {
        "账号": "own", "交易时间": "moment", "借方发生额（支取）": "out", "贷方发生额（收入）": "in", "余额": "balance", "币种": "currency",
        "对方户名": "party", "对方账号": "account", "摘要": "summary", "备注": "memo"})
    corporate(folder / "abc_corporate.xlsx", "中国农业银行账户明细", holder, {
        "交易时间": "moment", "收入金额": "in", "支出金额": "out", "账户余额": "balance", "对方账号": "account", "对方户名": "party",
        "对方开户行": "", "摘要": "summary"}, newest=True)
    corporate(folder / "boc_corporate.xlsx", "中国银行 单位人民币活期存款明细", holder, {
        "交易日期": "day", "业务类型": "summary", "借方发生额": "out", "贷方发生额": "in", "余额": "balance", "用途": "memo",
        "对方户名": "party"}, before=[["承前页余额", "", "", "", "987,654.32"]])
    corporate(folder / "cmb_corporate.xlsx", "招商银行 账务明细清单 Statement Of Account", holder, {
        "交易日期": "compact", "借方(出账)": "out", "贷方(入账)": "in", "余额": "balance", "摘要": "summary",
        "收(付)方名称": "party", "收(付)方账号": "account"})
    corporate(folder / "bocom_corporate.xlsx", "交通银行明细对账单", holder, {
        "会计日期": "compact", "交易日期": "compact", "交易名称": "summary", "附言": "memo", "借方发生额": "out", "贷方发生额": "in",
        "余额": "balance", "对方户名": "party"})
    corporate(folder / "rcb_tianjin_corporate.xlsx", "天津农商银行交易明细查询", holder, {
        "交易日期": "day", "收入": "in", "支出": "out", "余额": "balance", "对方户名": "party", "摘要": "summary", "附言": "memo"})
    lines = firm_lines()
    corporate(folder / "rcu_corporate.xlsx", "示例县农村信用合作联社客户账户明细对账单", [
        *holder, [f"借方总笔数：{sum(line.fen < 0 for line in lines)}", "", f"贷方总笔数：{sum(line.fen > 0 for line in lines)}"],
    ], {"交易日期": "day", "摘要": "summary", "借方发生额": "out", "贷方发生额": "in", "余额": "balance", "对方户名": "party"})
    corporate(folder / "mybank.xlsx", "浙江网商银行 账户明细", holder, {
        "交易时间": "moment", "借方金额（收）": "in", "贷方金额（支）": "out", "余额": "balance", "对方户名": "party", "业务类型": "summary",
        "备注": "memo"}, newest=True)


# ------------------------------------------------------------------------------------------------------------------ CCB


def ccb(folder: Path) -> None:
    """The net-banking sheet, the app's sheet, and the PDF with summaries wrapped above and below their line."""
    lines = person_lines()
    names = ["记账日", "交易日期", "交易时间", "支出", "收入", "账户余额", "币种", "摘要", "对方账号", "对方户名", "交易地点"]
    write_xls(folder / "ccb_netbank.xls", "交易明细", [
        ["China Construction Bank"], ["开户机构：", "示例支行"], ["币　　种：", "人民币"], ["账　　号：", "6217****1018"], [],
        [f"{name}  " for name in names],
        *[[f"{line.day:%Y%m%d}", f"{line.day:%Y%m%d}", line.time, max(-line.fen, 0) / 100, max(line.fen, 0) / 100,
           line.balance / 100, "人民币", line.summary, line.account, line.party, line.channel] for line in lines],
        ["以上数据仅供参考|具体内容请以柜台为准"],
    ])
    write_xls(folder / "ccb_netbank_short.xls", "交易明细", [
        ["China Construction Bank"], ["开户机构：", "示例支行"], ["币　　种：", "人民币"], ["账　　号：", "6217000018881018"], [],
        [f"{name}  " for name in names if name not in ("交易时间", "账户余额")],
        *[[f"{line.day:%Y%m%d}", f"{line.day:%Y%m%d}", max(-line.fen, 0) / 100, max(line.fen, 0) / 100, "人民币", line.summary,
           line.account, line.party, line.channel] for line in lines],
        ["以上数据仅供参考|具体内容请以柜台为准"],
    ])
    came, went = (sum(abs(line.fen) for line in lines if (line.fen > 0) is way) for way in (True, False))
    second = ["序号", "摘要", "币别", "钞汇", "交易日期", "交易金额", "账户余额", "交易地点/附言", "对方账号与户名"]
    where = f"卡号/账号:6217****1018 客户名称:{NAME} 起始日期:20240101 结束日期:20240430"
    write_xls(folder / "ccb_app.xls", "sheet1", [
        ["", "", "", "中国建设银行个人活期账户全部交易明细"], [where], second,
        *[[str(number), line.summary, "人民币元", "钞", f"{line.day:%Y%m%d}", money(line.fen), f"{line.balance / 100:,.2f}",
           line.memo, f"{line.account}/{line.party}" if line.party else ""] for number, line in enumerate(lines, 1)],
    ])
    rows = []
    for number, line in enumerate(lines, 1):
        summary = f"{line.summary[:5]}\n^{line.summary[5:]}" if len(line.summary) > 7 else line.summary
        party = f"{line.account}\n^/{line.party[:9]}\n{line.party[9:]}" if len(line.party) > 9 else (
            f"{line.account}/{line.party}" if line.party else "")
        rows.append([str(number + (number > 4)), summary, "人民币", "钞", f"{line.day:%Y%m%d}", money(line.fen),
                     f"{line.balance / 100:,.2f}", line.memo, party])
    columns = [Column(x, name, right) for x, name, right in zip(
        (30, 70, 150, 200, 240, 310, 390, 470, 580), second,
        (False, False, False, False, False, True, True, False, False), strict=True)]
    write_pdf(folder / "ccb.pdf", Page(
        "中国建设银行个人活期账户全部交易明细", columns, rows,
        [[(30, f"卡号/账号：6217000018881018   客户名称：{NAME}   起始日期：20240101   结束日期：20240430")],
         [(30, f"当前时间段收支金额合计： 总支出：{went / 100:,.2f} 总收入：{came / 100:,.2f}")]],
        per_page=7, foot=lambda number, count, _: [(30, "生成时间：2024-05-06 10:11:12"), (400, f"- 第{number}页/共{count}页 -")],
        end=[[(30, "温馨提示：本明细仅供参考。")]],
    ))


# ------------------------------------------------------------------------------------------------------------------ ABC

_KANGXI = str.maketrans({"户": "⼾", "日": "⽇", "金": "⾦", "行": "⾏", "手": "⼿", "言": "⾔", "支": "⽀", "民": "⺠", "长": "⻓",
                         "车": "⻋", "入": "⼊", "人": "⼈", "门": "⻔"})


def abc(folder: Path) -> None:
    """The PDF in radicals with its title at the foot, and the same as CSV with rows of seven, eight and nine cells."""
    lines = person_lines()
    names = ["交易日期", "交易时间", "交易摘要", "交易金额", "本次余额", "对手信息", "日志号", "交易渠道", "交易附言"]
    cells = [[f"{line.day:%Y%m%d}", "" if line.summary == "结息" else line.time.replace(":", ""), line.summary, line.signed,
              money(line.balance), line.party or "--", f"{369396693 + number:09d}", line.channel if line.party else "",
              line.memo] for number, line in enumerate(lines)]
    columns = [Column(x, name.replace("日志号", "日 志 号").translate(_KANGXI), right) for x, name, right in zip(
        (30, 90, 145, 235, 310, 390, 540, 610, 690), names, (False, False, False, True, True, False, False, False, False),
        strict=True)]
    write_pdf(folder / "abc.pdf", Page(
        "中国农业银行账户活期交易明细清单".translate(_KANGXI), columns, [[cell.translate(_KANGXI) for cell in row] for row in cells],
        [[(30, f"户名：{NAME}".translate(_KANGXI)), (170, "账户：6228********1018".translate(_KANGXI)),
          (350, "币种：人民币".translate(_KANGXI)), (470, "汇钞标识：本币")],
         [(30, "起止日期：20240101-20240430".translate(_KANGXI)), (350, "电子流水号：240506000018")]],
        per_page=8, title_at_end=True, foot=_page_label("第{0}页，共{1}页"),
        end=[[(30, "该交易明细因不可预测的原因可能与实际不符，仅供参考".translate(_KANGXI))]],
    ))
    text = [",".join(["交易日期,交易时间,交易摘要,交易金额,本次余额,对手信息,日 志 号,交易渠道,交易附言"])]
    for row in cells:
        while row and not row[-1]:
            row = row[:-1]
        text.append(",".join(row))
    write_text(folder / "abc.csv", f"户名：{NAME}\n" + "\n".join(text), "utf-8")


# ------------------------------------------------------------------------------------------------------------------ BOC


def boc(folder: Path) -> None:
    """Ruled PDF of twelve columns, newest first, with counts and sums; and the CSV made of it."""
    lines = person_lines()[::-1]
    names = ["记账日期", "记账时间", "币别", "金额", "余额", "交易名称", "渠道", "网点名称", "附言", "对方账户名", "对方卡号/账号", "对方开户行"]
    rows = [[f"{line.day}", line.time, "人民币", f"{line.fen / 100:,.2f}", f"{line.balance / 100:,.2f}", _wrap(line.summary, 6),
             line.channel, "-" * 10, _wrap(line.memo, 6) or "-" * 10, _wrap(line.party, 6) or "-" * 10,
             _wrap(line.account, 10) or "-" * 10, "-" * 10] for line in lines]
    came, went = (sum(abs(line.fen) for line in lines if (line.fen > 0) is way) for way in (True, False))
    columns = [Column(x, name, right) for x, name, right in zip(
        (30, 88, 138, 178, 240, 305, 372, 425, 500, 565, 635, 710), names,
        (False, False, False, True, True, False, False, False, False, False, False, False), strict=True)]
    write_pdf(folder / "boc.pdf", Page(
        "中国银行交易流水明细清单", columns, rows,
        [[(30, "交易区间：2024-01-01 至2024-04-30"), (260, f"客户姓名：{NAME}"), (600, "打印时间：2024/05/06 10:11:12")],
         [(30, "借记卡号：6216600000000001018"), (260, f"借方发生数：{went / 100:,.2f}"), (420, f"贷方发生数：{came / 100:,.2f}"),
          (580, f"行数:{len(lines)}")],
         [(30, "账号：455900001018"), (260, "按收支筛选：全部"), (420, "按币种筛选：全部")]],
        ruled=True, per_page=7, foot=lambda number, count, _: [(30, "温馨提示：1.交易流水如有疑问请到柜台核实"), (700, f"{number} / {count}")],
        end=[[(300, "--------------------END--------------------")]],
    ))
    head = [["中国银行交易流水明细单"], [*names, "借记卡号"]]
    write_csv(folder / "boc.csv", [*head, *[[
        f"{line.day}", line.time, "人民币", f"{line.fen / 100:,.2f}", f"{line.balance / 100:,.2f}", line.summary, line.channel,
        "-" * 19, line.memo or "-" * 19, line.party or "-" * 19, line.account or "-" * 19, "-" * 19, "1018"] for line in lines]], "utf-8")


# ------------------------------------------------------------------------------------------------------------ CMB, BOCOM


def cmb(folder: Path) -> None:
    """No rules, two header lines, counterparties wrapped above and below, one row printed again on the next page."""
    rows = []
    for line in person_lines():
        party = f"{line.party[:10]}\n{line.party[10:]} {line.account}" if len(line.party) > 10 else f"{line.party} {line.account}"
        if line.summary == "医保消费":
            party = f"{line.party[:5]}\n^{line.party[5:]} {line.account}"
        rows.append([f"{line.day}", "CNY", f"{line.fen / 100:,.2f}", f"{line.balance / 100:,.2f}", line.summary, party.strip(), line.memo])
    xs = (30, 100, 150, 240, 335, 450, 650)
    columns = [Column(x, name, right) for x, name, right in zip(
        xs, ("记账日期", "货币", "交易金额", "联机余额", "交易摘要", "对手信息", "客户摘要"), (False, False, True, True, False, False, False),
        strict=True)]
    second = list(zip((30, 100, 152, 242, 337, 452, 652), (
        "Date", "Currency", "Amount", "Balance", "Transaction", "Counter Party", "Customer"), strict=True))
    write_pdf(folder / "cmb.pdf", Page(
        "招商银行交易流水\nTransaction Statement of China Merchants Bank", columns, rows,
        [[(30, f"户 名：{NAME}"), (300, "账号：6214********1018")], [(30, "申请时间：2024-05-06 10:11:12"), (300, "验证码：8K2QX3")],
         [(30, "2024-01-01 -- 2024-04-30")]],
        per_page=6, second=second, repeat=True, label="{0}/{1}",
        end=[[(30, "——————————————————————————————")], [(30, "合并统计")]],
    ))


def bocom(folder: Path) -> None:
    """English over Chinese in every header cell, unsigned amounts with 借 Dr and 贷 Cr, totals at the end."""
    lines = person_lines()
    rows = [[str(number), f"{line.day}", line.time, _wrap(line.summary, 6), "贷 Cr" if line.fen > 0 else "借 Dr",
             f"{abs(line.fen) / 100:,.2f}", f"{line.balance / 100:,.2f}", line.account, _wrap(line.party, 9), line.channel, line.memo]
            for number, line in enumerate(lines, 1)]
    names = ("Serial Num\n序号", "Trans Date\n交易日期", "Trans Time\n交易时间", "Trading Type\n交易类型", "Dc Flg\n借贷", "Trans Amt\n交易金额",
             "Balance\n余额", "Payment Receipt Account\n对方账号", "Payment Receipt Account Name\n对方户名", "Trading Place\n交易地点",
             "Abstract\n摘要")
    columns = [Column(x, name, right) for x, name, right in zip(
        (30, 75, 130, 180, 240, 285, 345, 410, 510, 630, 700), names,
        (False, False, False, False, False, True, True, False, False, False, False), strict=True)]
    came, went = (sum(abs(line.fen) for line in lines if (line.fen > 0) is way) for way in (True, False))
    write_pdf(folder / "bocom.pdf", Page(
        "交通银行个人客户交易清单\nBocom Personal Account Details", columns, rows,
        [[(30, "账号/卡号Account/Card No: 6222****1018"), (400, f"户名Account Name: {NAME}")],
         [(30, "查询起止日期Query Starting Ending Date: 2024-01-01 至 2024-04-30"), (400, "打印时间Printing Time: 2024-05-06 10:11:12")]],
        ruled=True, per_page=8, font=7, foot=lambda number, _, __: [(400, "第"), (412, str(number)), (420, "页")], backwards=True,
        end=[[(30, "打印完毕")], [(30, f"借方发生额汇总：{went / 100:,.2f}"), (300, f"贷方发生额汇总：{came / 100:,.2f}")]],
    ))


# ---------------------------------------------------------------------------------------------------------- other banks


def plain_pdf(
    path: Path, title: str, head: Sequence[Sequence[tuple[float, str]]], columns: Sequence[tuple[float, str, bool]],
    rows: Sequence[Sequence[str]], **more: Any,
) -> None:
    """A PDF of plain columns."""
    write_pdf(path, Page(title, [Column(*column) for column in columns], rows, head, **more))


def other_pdfs(folder: Path) -> None:
    """PSBC, Bank of Beijing, rural banks, SPDB, CMBC, CITIC."""
    lines = person_lines()
    who = [[(30, f"户名：{NAME}"), (250, "卡号/账号：6217****1018"), (450, "起止日期：2024-01-01 至 2024-04-30")]]
    plain_pdf(folder / "psbc.pdf", "中国邮政储蓄银行借记账户历史明细", who, (
        (30, "交易日期", False), (95, "交易时间", False), (150, "交易类型", False), (230, "币种", False), (275, "交易金额", True),
        (350, "余额", True), (430, "对方户名", False), (550, "对方账号", False), (640, "摘要", False), (730, "渠道", False)),
        [[f"{line.day}", line.time, "存入" if line.fen > 0 else "支出", "人民币", line.signed, money(line.balance),
          _wrap(line.party, 10), line.account, _wrap(line.summary, 8), line.channel] for line in lines],
        ruled=True, per_page=8, foot=_page_label("第{0}页 共{1}页"))
    firm = firm_lines()
    plain_pdf(folder / "psbc_receipt.pdf", "中国邮政储蓄银行账户交易明细专用回单",
              [[(30, f"户名：{EMPLOYER}"), (300, "账号：9420****0027"), (500, "打印日期：2024-04-08")]], (
        (30, "交易日期", False), (100, "摘要", False), (190, "支出金额", True), (270, "收入金额", True), (350, "余额", True),
        (450, "对方户名", False), (650, "附言", False)),
        [[f"{line.day}", line.summary, line.went, line.came, f"{line.balance / 100:,.2f}", line.party, line.memo] for line in firm],
        ruled=True, per_page=9)
    plain_pdf(folder / "bob.pdf", "北京银行个人客户交易流水清单",
              [[(30, f"客户姓名：{NAME}"), (230, "日期范围：2024-01-01—2024-04-30"), (500, "卡/账号：6214****1018")],
               [(30, "币种：人民币"), (230, "流水单号：240506000018")]], (
        (30, "交易日期", False), (100, "币种", False), (150, "钞汇", False), (190, "业务摘要", False), (300, "发生额", True),
        (380, "余额", True), (470, "对方户名", False), (650, "对方账号", False)),
        [[f"{line.day}", "人民币", "钞", line.summary, f"{'+' if line.fen > 0 else '-'}{abs(line.fen) / 100:,.2f}",
          f"{line.balance / 100:,.2f}", line.party, line.account] for line in reversed(lines)],
        per_page=9, foot=_page_label("第{0}页 共{1}页"))
    plain_pdf(folder / "rcb_jiangxi.pdf", "江西·农商银行交易流水", [[(30, f"客户姓名：{NAME}"), (300, "查询时间段：2024-01-01至2024-04-30")]], (
        (30, "记账日期", False), (110, "交易金额(元)", True), (210, "交易后余额(元)", True), (320, "交易摘要", False),
        (450, "对方户名", False), (650, "对方账号", False)),
        [[f"{line.day}", line.signed, money(line.balance), line.summary, line.party, line.account] for line in lines], per_page=9)
    plain_pdf(folder / "rcb_tianjin.pdf", "天津农商银行账户交易明细", [[(30, f"户名：{NAME}"), (300, "起止日期：20240101-20240430")]], (
        (30, "交易日期", False), (95, "交易时间", False), (150, "交易摘要", False), (250, "交易金额", True), (330, "当前余额", True),
        (410, "交易附言", False), (500, "对手户名", False), (640, "对手账号", False), (740, "交易渠道", False)),
        [[f"{line.day:%Y%m%d}", line.time, line.summary, line.signed, money(line.balance), line.memo, line.party, line.account,
          line.channel] for line in lines], per_page=9)
    plain_pdf(folder / "spdb.pdf", "上海浦东发展银行个人客户交易流水专用回单",
              [[(30, f"户名：{NAME}"), (250, "账号：6217****1018"), (450, "日期范围：20240101-20240430")]], (
        (30, "顺序号", False), (70, "交易日期", False), (140, "交易类型", False), (220, "存入金额", True), (290, "取出金额", True),
        (360, "余额", True), (430, "交易对手名称", False), (540, "交易对手账号", False), (640, "附言", False)),
        [[str(number), f"{line.day}\n{line.time}", _wrap(line.summary, 6), line.came, line.went, _broken(money(line.balance)),
          _wrap(line.party, 8), _wrap(line.account, 9), line.memo] for number, line in enumerate(lines, 1)],
        ruled=True, per_page=7)
    plain_pdf(folder / "cmbc.pdf", "民生银行个人账户对账单",
              [[(30, f"客户姓名：{NAME}"), (200, f"证件号码：{ID}"), (420, "起止日期：2024/01/01-2024/04/30")]], (
        (30, "凭证类型", False), (85, "凭证号码", False), (150, "交易时间", False), (215, "摘要", False), (310, "交易金额", True),
        (380, "账户余额", True), (450, "现转标志", False), (500, "交易渠道", False), (555, "交易机构", False),
        (610, "对方户名/账号", False), (740, "对方行名", False)),
        [["", "", f"{line.day:%Y/%m/%d}", line.summary, money(line.fen), money(line.balance), "转账", line.channel[:4], "1721",
          _wrap(line.party, 9), ""] for line in lines], per_page=8)
    plain_pdf(folder / "bank_citic.pdf", "中信银行账户交易明细\nTransaction details",
              [[(30, f"户名：{NAME}"), (250, "账号：6217****1018"), (450, "起止日期：20240101-20240430")]], (
        (30, "交易日期", False), (110, "摘要", False), (250, "交易金额", True), (350, "账户余额", True), (470, "对方户名", False)),
        [[f"{line.day:%Y%m%d}", line.summary, f"{abs(line.fen) / 100:,.2f} CNY", f"{line.balance / 100:,.2f} CNY", line.party]
         for line in lines], per_page=8, names_right=True)
    plain_pdf(folder / "bank_cib.pdf", "兴业银行交易流水", [[(30, f"户名：{NAME}"), (250, "账号：6229****1018"), (450, "起止日期：20240101-20240430")]], (
        (30, "交易日期", False), (110, "摘要", False), (230, "支出", True), (320, "收入", True), (410, "账户余额", True),
        (520, "对方户名", False)),
        [[f"{line.day:%Y%m%d}", line.summary, line.went, line.came, f"{line.balance / 100:,.2f}", line.party] for line in lines],
        per_page=8, names_right=True, mark="兴业银行")
    plain_pdf(folder / "bank_ceb.pdf", "中国光大银行交易流水\nTransaction Statement of China Everbright Bank",
              [[(30, f"户名：{NAME}"), (250, "账号：6226****1018"), (450, "起止日期：20240101-20240430")]], (
        (30, "交易日期\nTransDate", False), (130, "借方金额\nTransAmtDr", True), (230, "贷方金额\nTransAmtCr", True),
        (330, "账户余额\nBalance", True), (450, "摘要\nAbstract", False), (570, "对方户名\nCounterparty", False)),
        [[f"{line.day}", line.went, line.came, f"{line.balance / 100:,.2f}", line.summary, line.party] for line in lines],
        ruled=True, per_page=8)


def _broken(balance: str) -> str:
    whole, _, cents = balance.partition(".")
    return f"{whole}.\n{cents}"


def other_sheets(folder: Path) -> None:
    """Sheets and text of SPDB, rural banks and city banks."""
    lines = person_lines()
    write_xls(folder / "spdb.xls", "Sheet1", [
        ["账号", "6217****1018", "账户类型", "借记卡", "日期范围", "20240101-20240430"],
        ["顺序号", "交易日期", "交易类型", "存入金额", "取出金额", "余额", "交易对手名称", "交易对手账号", "附言"],
        *[[str(number), f"{line.day:%Y/%m/%d}  {line.time}", line.summary, line.came, line.went, money(line.balance), line.party,
           line.account, line.memo] for number, line in enumerate(lines, 1)],
    ])
    write_sheets(folder / "rcu_hebei.xlsx", {"Sheet1": [
        ["河北省农村信用社联合社账户历史明细清单"], [f"户名：{NAME}", "", "账号：6210****1018", "", "起止日期：20240101-20240430"],
        ["序号", "交易日期", "交易金额", "金额", "对方户名", "对方账号", "摘要", "网点", "来源"],
        *[[number, f"{line.day:%Y%m%d}", line.signed, money(line.balance), line.party, line.account, line.summary, "示例分社",
           line.channel] for number, line in enumerate(lines, 1)]]})
    came, went = (sum(abs(line.fen) for line in lines if (line.fen > 0) is way) for way in (True, False))
    write_sheets(folder / "rcb.xlsx", {"Sheet1": [
        ["武汉农村商业银行个人账户交易明细"],
        [f"卡号/账号：6224****1018 客户名称：{NAME} 总收入：{came / 100:.2f} 总支出：{went / 100:.2f}"],
        ["序号", "摘要", "币别", "钞汇", "交易日期", "交易金额", "账户余额"],
        *[[number, line.summary, "人民币", "钞", f"{line.day:%Y%m%d}", line.fen / 100, line.balance / 100]
          for number, line in enumerate(lines, 1)]]})
    write_csv(folder / "rcu.csv", [
        ["示例县农村信用社账户交易明细"], [f"户名：{NAME}", "打印日期：2024-05-06"],
        ["交易流水号", "交易日期", "交易网点", "收入/支出", "交易金额", "实时余额", "摘要"],
        *[[f"2405{number:06d}\t", f"{line.day}", "示例分社", "收入" if line.fen > 0 else "支出", money(abs(line.fen)),
           money(line.balance), line.summary] for number, line in enumerate(lines, 1)]], "gb18030")
    write_sheets(folder / "xingtai.xlsx", {"Sheet1": [
        ["邢台银行交易明细"], [f"户名：{NAME}", "", "起止日期：2024-01-01 至 2024-04-30"],
        ["交易日期", "摘要", "收入/支出", "交易金额（元）", "余额（元）", "对方户名"],
        *[[line.day, line.summary, "收入" if line.fen > 0 else "支出", abs(line.fen) / 100, line.balance / 100, line.party]
          for line in lines]]})
    write_sheets(folder / "bank_shanghai.xlsx", {"Sheet1": [
        ["上海银行个人账户交易明细"], [f"客户姓名：{NAME}", "", "打印日期：2024-05-06"],
        ["交易日期", "摘要", "借方发生额", "贷方发生额", "账户余额", "对方户名"],
        *[[f"{line.day}", line.summary, line.went, line.came, f"{line.balance / 100:,.2f}", line.party] for line in reversed(lines)]]})


_CARD = (("04-05", "04-06", "还款", "掌上银行还款", -120000), ("04-11", "04-12", "消费", "示例超市", 8800), ("04-20", "04-21", "消费", "示例餐馆", 6800))


def _web_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["".join(f"<td>{cell}</td>" for cell in row) for row in (head, *rows)]
    return "<table>" + "".join(f"<tr>{line}</tr>\n" for line in lines) + "</table>"


def credit_cards(folder: Path) -> None:
    """Statements of credit cards, by mail, PDF, XLS and CSV."""
    write_text(folder / "credit_icbc.html", (
        '<html><head><meta charset="gbk"></head><body><div>中国工商银行客户对账单</div>\n' + _web_table(
            ["卡号后四位", "交易日", "记账日", "交易类型", "商户名称/城市", "交易金额/币种", "记账金额/币种"],
            [["---主卡明细---"], *[["2026", f"2024-{day}", f"2024-{booked}", kind, party] + [
                f"{money(abs(fen))}/RMB({'支出' if fen > 0 else '存入'})"] * 2 for day, booked, kind, party, fen in _CARD]])
        + "</body></html>\n"), "gbk")
    write_text(folder / "credit_bocom.html", (
        '<html><head><meta charset="utf-8"></head><body><div>交通银行信用卡电子账单</div>\n' + _web_table(
            ["交易日期", "记账日期", "交易说明", "交易币种/金额", "入账币种/金额"],
            [["人民币账户明细"], ["主卡 卡号末四位 2026"], *[[f"2024-{day}", f"2024-{booked}", f"{kind} {party}"] + [
                f"RMB {money(abs(fen))}"] * 2 for day, booked, kind, party, fen in _CARD]]) + "</body></html>\n"), "utf-8")
    plain_pdf(folder / "credit_boc.pdf", "中国银行信用卡账单(2024年04月)", [[(30, "人民币交易明细/RMB Transaction Detailed List")]], (
        (30, "交易日", False), (110, "银行记账日", False), (190, "卡号后四位", False), (270, "交易描述", False), (450, "存入", True),
        (550, "支出", True), (650, "", False)),
        [[f"2024/{day.replace('-', '/')}", f"2024/{booked.replace('-', '/')}", "2026", f"{kind} {party}", money(-fen) if fen < 0 else "",
          money(fen) if fen > 0 else "", ""] for day, booked, kind, party, fen in _CARD])
    plain_pdf(folder / "credit_cmb.pdf", "招商银行信用卡对账单\nCMB Credit Card Statement (2024.04)", [], (
        (30, "交易日", False), (100, "记账日", False), (170, "交易摘要", False), (330, "人民币金额", True), (430, "卡号末四位", False),
        (520, "交易地金额", True), (620, "", False)),
        [["" if fen < 0 else day.replace("-", "/"), booked.replace("-", "/"), party, money(fen), "2026", money(fen), ""]
         for day, booked, _, party, fen in _CARD])
    write_xls(folder / "credit_citic.xls", "Sheet1", [
        ["本期账单明细(人民币)"], ["交易日期", "入账日期", "交易描述", "卡末四位", "交易币种", "结算币种", "交易金额", "结算金额"],
        *[[f"2024-{day}", f"2024-{booked}", party, 2026, "人民币", "人民币", money(fen), money(fen)] for day, booked, _, party, fen in _CARD]])
    write_csv(folder / "credit_cgb.csv", [
        ["交易日期", "入账日期", "交易摘要", "交易金额", "交易货币", "入账金额", "入账货币"],
        *[[f"2024/{day.replace('-', '/')}", f"2024/{booked.replace('-', '/')}", f"（{kind}）{party}", money(fen), "人民币", money(fen), "人民币"]
          for day, booked, kind, party, fen in _CARD]], "utf-8")


# ------------------------------------------------------------------------------------------------------------- insurance

MONTHS = [date(2024, month, 1) for month in range(1, 5)]


def medical(folder: Path) -> None:
    """Exports of the national platform and of older ones."""
    write_csv(folder / "居民缴费明细.csv", [
        ["psn_no", "psn_name", "certno", "insutype", "cashym", "accrym_begn", "accrym_end", "psn_clct_amt", "finsubs_amt",
         "clct_sumamt", "clct_type", "clct_flag", "clct_time"],
        [OTHER_PSN, OTHER_NAME, OTHER_ID, "390", "202401", "202401", "202412", "380.00", "640.00", "1020.00", "10", "1",
         "2023-12-20 10:00:00"]], "utf-8")
    write_csv(folder / "单位缴费汇总.csv", [
        ["emp_no", "emp_name", "cashym", "accrym_begn", "accrym_end", "insutype", "clct_psncnt", "staf_totlwag", "emp_clct_amt",
         "psn_clct_amt", "clct_sumamt", "into_acct_amt", "arvl_date"],
        *[["42010600018", EMPLOYER, f"{month:%Y%m}", f"{month:%Y%m}", f"{month:%Y%m}", "310", "9", "54000.00", "4320.00",
           "1080.00", "5400.00", "1080.00", f"{month.replace(day=18)}"] for month in MONTHS]], "utf-8")
    write_csv(folder / "缴费状态查询.csv", [
        ["poolarea_no", "poolarea_no_name", "insutype", "insutype_name", "clct_type", "clct_type_name", "clct_flag",
         "clct_flag_name", "accrym_begn", "accrym_end", "clct_time"],
        *[["420100", "武汉市", "310", "职工基本医疗保险", "10", "正常缴费", "1", "已缴费", f"{month:%Y%m}", f"{month:%Y%m}",
           f"{month.replace(day=18)} 00:00:00"] for month in MONTHS]], "utf-8")
    income = ["psn_no", "psn_name", "certno", "insutype", "year", "acct_incexpd_type", "inc_sumamt", "acct_psn_clct_crtyear_inc",
              "emp_clct_into_acct_amt", "uebmi_acct_lasty_crov", "acct_modi_date", "acct_int_date", "vali_flag"]
    write_csv(folder / "个人账户收入明细.csv", [
        income, [PSN, NAME, ID, "310", "2024", "113", "2100.50", "0.00", "0.00", "2100.50", "2024-01-01 00:10:00", "2024-01-01", "1"],
        *[[PSN, NAME, ID, "310", "2024", "101", "120.00", "120.00", "0.00", "0.00", f"{month.replace(day=12)} 08:30:00",
           f"{month.replace(day=12)}", "1"] for month in MONTHS],
        [PSN, NAME, ID, "310", "2024", "101", "120.00", "120.00", "0.00", "0.00", "2024-04-13 08:30:00", "2024-04-13", "0"]], "utf-8")
    write_csv(folder / "个人账户支出明细.csv", [
        ["人员编号", "姓名", "证件号码", "险种类型", "年度", "账户收支类型", "支出总金额", "余额", "账户变动日期", "有效标志"],
        [PSN, NAME, ID, "310", "2024", "201", "35.20", "2305.30", "2024-02-18 16:44:31", "1"],
        [PSN, NAME, ID, "310", "2024", "205", "380.00", "2045.30", "2024-03-02 09:00:00", "1"],
        [PSN, NAME, ID, "310", "2024", "201", "18.80", "2146.50", "2024-04-25 17:03:48", "1"]], "gb18030")
    write_csv(folder / "结算明细.csv", [
        ["psn_no", "psn_name", "certno", "insutype", "setl_time", "med_type", "fixmedins_name", "medfee_sumamt", "hifp_pay", "maf_pay",
         "fund_pay_sumamt", "psn_pay", "acct_pay", "cash_payamt", "acct_mulaid_pay", "balc"],
        [PSN, NAME, ID, "310", "2024-02-18 16:44:31", "41", "示例大药房一店", "35.20", "0.00", "0.00", "0.00", "35.20", "35.20",
         "0.00", "0.00", "2305.30"],
        [PSN, NAME, ID, "310", "2024-04-25 17:03:48", "11", "样例社区卫生服务中心", "68.80", "50.00", "0.00", "50.00", "18.80",
         "18.80", "0.00", "0.00", "2146.50"]], "utf-8")
    head = ["人员姓名", "证件号码", "人员类别", "费款所属期", "险种", "个人实缴金额", "单位实缴金额", "其他缴费金额"]
    write_sheets(folder / "职工缴费明细202401.xlsx", {f"{month:%Y%m}": [head, *[
        row for name, number, base in ((NAME, ID, 6000), (OTHER_NAME, OTHER_ID, 10000)) for row in (
            [name, number, "在职", f"{month:%Y%m}", "职工基本医疗保险", base * 2 / 100, base * 8 / 100, 0],
            [name, number, "在职", f"{month:%Y%m}", "职工大额医疗费用补助", 7, 0, 0])]] for month in MONTHS[:2]})
    write_csv(folder / "aa缴费明细.csv", [
        ["aac001", "aac002", "aac003", "aab001", "aae002", "aae003", "aae140", "aae180", "aae020", "aae021", "aae022", "aae023", "aae017",
         "aae018"],
        *[[PSN, ID, NAME, "42010600018", f"{month:%Y%m}", f"{month:%Y%m}", "310", "6000.00", "480.00", "0.00", "120.00", "120.00",
           "已核销", f"{month:%Y%m}"] for month in MONTHS]], "gb18030")
    write_csv(folder / "aa缴费明细_中文表头.csv", [
        ["个人编号", "身份证号", "姓名", "单位编号", "费款所属期", "对应费款所属期", "险种", "缴费基数", "单位应缴", "单位应缴划入个人账户",
         "个人应缴", "个人应缴划入个人账户", "核销标志", "核销年月"],
        *[[PSN, ID, NAME, "42010600018", f"{month:%Y%m}", f"{month:%Y%m}", "310", "6000.00", "480.00", "0.00", "120.00", "120.00",
           "已核销" if month < MONTHS[-1] else "未核销", f"{month:%Y%m}"] for month in MONTHS],
        [PSN, ID, NAME, "42010600018", "202404", "202312", "310", "5500.00", "440.00", "0.00", "110.00", "110.00", "已核销", "202404"],
    ], "gb18030")
    flows = [(date(2024, 1, 12), "101", 12000, "职工缴费划入"), (date(2024, 2, 12), "101", 12000, "职工缴费划入"),
             (date(2024, 2, 18), "201", -3520, "示例大药房一店"), (date(2024, 3, 12), "101", 12000, "职工缴费划入"),
             (date(2024, 4, 25), "201", -1880, "样例社区卫生服务中心")]
    balance, rows = 210050, []
    for day, kind, fen, place in flows:
        balance += fen
        rows.append([kind, money(fen), money(max(fen, 0)), money(max(-fen, 0)), money(balance), "11" if fen < 0 else "", "",
                     f"{day:%Y%m%d}", place if fen < 0 else "", "310"])
    write_csv(folder / "aa个人账户收支明细.csv", [
        ["个人账户收支明细"], [f"个人编号：{PSN}", f"姓名：{NAME}", f"身份证号：{ID}"],
        ["aaa097", "aae058", "yke132", "yke134", "aae240", "aka130", "aae013", "aae036", "akb021", "aae140"], *rows,
        ["合计", "", money(36000), money(5400), "", "", "", "", "", ""]], "gb18030")
    write_csv(folder / "App缴费记录.csv", [
        ["缴费记录"], [f"姓名：{NAME}", f"身份证号：{ID}"],
        ["参保地", "险种类型", "费款所属期", "缴费基数", "个人缴费", "单位缴费", "缴费状态"],
        *[["武汉市", "职工基本医疗保险", f"{month:%Y%m}", "6000.00", "120.00", "480.00", "已到账"] for month in MONTHS]], "utf-8")
    write_csv(folder / "建账年月缴费.csv", [
        ["个人缴费明细"], [f"姓名：{NAME}", f"身份证号：{ID}"],
        ["建账年月", "账目类型", "个人缴费金额", "单位缴费金额", "划入账户金额", "缴费基数"],
        *[[f"{month:%Y%m}", "正常缴费", "120.00", "480.00", "120.00", "6000.00"] for month in MONTHS]], "utf-8")
    write_csv(folder / "年度对账单.csv", [
        ["个人账户年度对账单"], [f"姓名：{NAME}", f"身份证号：{ID}"],
        ["年度", "上年账户结余", "当年账户划入金额", "当年利息", "当年账户支出累计", "账户余额"],
        ["2023", "1780.45", "1440.00", "20.05", "1140.00", "2100.50"]], "utf-8")
    listed = [["2024-02-18 16:44", "门诊支付", "示例大药房一店", "35.20", "2305.30"], ["2024-02-12 08:30", "缴费划入", "", "120.00", "2340.50"],
              ["2024-01-12 08:30", "缴费划入", "", "120.00", "2220.50"]]
    write_csv(folder / "个人账户明细_一列金额.csv", [
        ["医保个人账户明细"], [f"姓名：{NAME}", f"身份证号：{ID}", "参保地：武汉市"],
        ["时间", "收支类型", "机构", "金额（元）", "账户余额"], *listed], "utf-8")
    write_sheets(folder / "aa个人账户收入.xlsx", {"sheet1": [
        ["个人账户收入"], [f"姓名：{NAME}", "", f"身份证号：{ID}", "", f"个人编号：{PSN}"],
        ["险种类型", "筹资项目", "实处理金额", "收入日期", "计息开始时间", "对应费款所属期"],
        *[["职工基本医疗保险", "个人缴费", 120.00, f"{month.replace(day=12)}", f"{month.replace(day=12)}", f"{month:%Y%m}"]
          for month in MONTHS]]})
    write_sheets(folder / "aa年度台账.xlsx", {"sheet1": [
        ["个人账户年度台账"], [f"姓名：{NAME}", "", f"身份证号：{ID}", "", f"个人编号：{PSN}"],
        ["年度", "上年末累计", "本年划转", "利息", "支出", "余额"],
        ["2022", 850.25, 1320.00, 12.30, 402.10, 1780.45], ["2023", 1780.45, 1440.00, 20.05, 1140.00, 2100.50],
        ["合计", None, 2760.00, 32.35, 1542.10, None]]})


def city_page(path: Path) -> None:
    """Another city's page, saved as a web page under the name .xls."""
    rows = "".join(
        f"<tr><td>{month:%Y-%m}</td><td>6000.00</td><td>120.00</td><td>480.00</td><td>0.00</td><td>120.00</td></tr>\n"
        for month in reversed(MONTHS))
    head = "".join(f"<th>{name}</th>" for name in ("费款所属期", "个人缴费基数", "个人缴费", "单位缴费", "财政缴费", "划入个人账户"))
    write_text(path, (
        '<html><head><meta charset="gbk"></head><body><div>医疗保险缴费查询</div>\n'
        f"<div>姓名：{NAME}　证件号码：{ID}　参保地：武汉市</div>\n<table><tr>{head}</tr>\n{rows}</table></body></html>\n"), "gbk")


def institution(path: Path) -> None:
    """A pharmacy's sums of a day, as it reconciles them with the fund."""
    write_csv(path, [
        ["fixmedins_code", "settle_date", "medfee_sumamt", "hifp_pay", "cvlserv_pay", "hifes_pay", "hifmi_pay", "hifob_pay", "maf_pay",
         "othfund_pay", "acct_pay", "cash_payamt", "person_count", "result"],
        ["P42010000001", "2024-04-25", "518.80", "300.00", "0", "0", "0", "0", "0", "0", "168.80", "50.00", "7", "1"]], "utf-8")


def social(folder: Path) -> None:
    """Declarations, bills and certificates."""
    schemes = (("基本养老保险", (16, 8)), ("失业保险", (0.7, 0.3)), ("工伤保险", (0.2,)), ("基本医疗保险", (8, 2)), ("地方补充医疗保险", (0.5,)),
               ("生育保险", (0.5,)))
    first: list[Any] = ["序号", "姓名", "身份证号码", "费款所属期(YYYYMM)", "", "应收合计", "个人合计", "单位合计", "缴费工资"]
    top, middle, low = list(first), [""] * 9, [""] * 9
    merged = [(0, 0, 0, 12), *((1, at, 3, at) for at in range(9) if first[at])]
    for name, rates in schemes:
        left = len(top)
        for party, _ in zip(("单位", "个人"), rates, strict=False):
            start = len(top)
            top += [name, "", ""]
            middle += [party, "", ""]
            low += ["缴费工资", "费率", "应缴费额"]
            merged.append((2, start, 2, start + 2))
        merged.append((1, left, 1, len(top) - 1))
        if len(rates) == 1:
            for at in range(left + 1, len(top)):
                top[at] = ""
    for left in range(9, len(top)):
        if left > 9 and top[left] and top[left] == top[left - 1]:
            top[left] = ""

    def person(number: int, name: str, identity: str, wage: int, *, only_injury: bool = False) -> list[Any]:
        row: list[Any] = [number, name, identity, "202401", "", 0, 0, 0, wage]
        for scheme, rates in schemes:
            for party, rate in zip(("单位", "个人"), rates, strict=False):
                due = 0 if only_injury and scheme != "工伤保险" else round(wage * rate * 100) / 10000
                row += [wage, f"{rate}%", round(due, 2)]
                row[7 if party == "单位" else 6] += round(due, 2)
        row[6], row[7] = round(row[6], 2), round(row[7], 2)
        row[5] = round(row[6] + row[7], 2)
        return row

    people = [person(1, NAME, ID, 6000), person(2, OTHER_NAME, OTHER_ID, 10000)]
    injured = person(3, "吴例子", FIFTH_ID, 5000, only_injury=True)
    totals = ["小计", "", "", "", "", *[round(sum(row[at] for row in people), 2) for at in range(5, 8)], ""]
    wide = len(top)
    totals += [round(sum(row[at] for row in people), 2) if low[at] == "应缴费额" else "" for at in range(9, wide)]
    write_sheets(folder / "社保费申报明细.xlsx", {f"{EMPLOYER}_社保费申报明细_20240115": [
        ["社保费申报明细"], top, middle, low, ["在职人员"], *people, totals, ["家属统筹人员"], injured]}, merged)
    head = [["职工社会保险费账单明细"], [f"单位名称：{EMPLOYER}", "", "", "单位编号：42010600018", "", "", "", "打印日期：2024-01-20"]]
    one: list[Any] = ["姓名", "证件号码", "费款所属期", "基本医疗保险", "", "", "大额医疗", "生育保险", "应缴合计"]
    two: list[Any] = ["", "", "", "基数", "单位", "个人", "个人", "单位", ""]
    body = [[name, identity, "202401", base, base * 8 / 100, base * 2 / 100, 7, base * 7 / 1000,
             round(base * 10 / 100 + 7 + base * 7 / 1000, 2)] for name, identity, base in ((NAME, ID, 6000), (OTHER_NAME, OTHER_ID, 10000))]
    write_sheets(folder / "社保费账单明细.xlsx", {"账单": [*head, one, two, *body]}, [
        (2, 0, 3, 0), (2, 1, 3, 1), (2, 2, 3, 2), (2, 3, 2, 5), (2, 8, 3, 8)])
    cells = "".join("<tr>" + "".join(f"<td>{value}</td>" for value in row) + "</tr>\n" for row in body)
    write_text(folder / "社保费申报表.xls", (
        '<html><head><meta http-equiv="Content-Type" content="text/html; charset=gb2312"></head><body><table border="1">\n'
        "<tr><td colspan=9>社会保险费申报表</td></tr>\n"
        "<tr><td rowspan=2>姓名</td><td rowspan=2>证件号码</td><td rowspan=2>费款所属期</td><td colspan=3>基本医疗保险</td>"
        "<td>大额医疗</td><td>生育保险</td><td rowspan=2>应缴合计</td></tr>\n"
        f"<tr><td>基数</td><td>单位</td><td>个人</td><td>个人</td><td>单位</td></tr>\n{cells}</table></body></html>\n"), "gb18030")
    for insurance, title, party, rate in (("医疗", "职工基本医疗保险费", "个人", 2), ("医疗", "职工基本医疗保险费（单位）", "单位", 8),
                                          ("养老", "企业职工基本养老保险费", "个人", 8)):
        rows = [[name, "居民身份证", identity, base, base, f"{rate}%", base * rate / 100]
                for name, identity, base in ((NAME, ID, 6000), (OTHER_NAME, OTHER_ID, 10000))]
        write_sheets(folder / f"税务申报_{insurance}_{party}.xlsx", {"Sheet1": [
            [f"{title}申报明细"], [f"单位名称：{EMPLOYER}", "", "费款所属期：2024-01"],
            ["姓名", "证件类型", "证件号码", "缴费工资", "缴费基数", "费率", "应缴费额"], *rows,
            ["合计", "", "", "", "", "", sum(row[6] for row in rows)]]})
    shares = [("职工基本医疗保险(单位缴纳)", 480), ("职工基本医疗保险(个人缴纳)", 120), ("职工大额医疗互助(个人缴纳)", 7),
              ("企业职工基本养老保险(个人缴纳)", 480)]
    write_sheets(folder / "社保费缴费证明.xlsx", {"Sheet1": [
        ["社会保险费缴费证明"], [f"缴费人姓名：{NAME}", "", f"证件号码：{ID}"],
        ["费款所属期起", "费款所属期止", "征收项目", "征收品目", "缴费基数", "实缴金额", "缴费日期", "缴费单位名称"],
        *[[f"{month:%Y-%m}", f"{month:%Y-%m}", "社会保险费", share, 6000, fee, f"{month:%Y-%m}-15", EMPLOYER]
          for month in MONTHS for share, fee in shares],
        ["合计", "", "", "", "", sum(fee for _, fee in shares) * len(MONTHS), "", ""]]})
    write_sheets(folder / "税收完税证明.xlsx", {"Sheet1": [
        ["中华人民共和国税收完税证明"], [f"纳税人识别号：{ID}", "", f"纳税人名称：{NAME}"],
        ["原凭证号", "税种", "品目名称", "税款所属时期", "入（退）库日期", "实缴（退）金额"],
        *[[f"34201624010000{at:04d}", "基本医疗保险费", share, f"{month:%Y-%m-01} 至 {month:%Y-%m}-28", f"{month:%Y-%m}-15",
           fee] for month in MONTHS for at, (share, fee) in enumerate(shares[:2])],
        ["金额合计", "", "", "", "", sum(fee for _, fee in shares[:2]) * len(MONTHS)]]})
    write_csv(folder / "医保应缴核定明细.csv", [
        ["职工医疗保险应缴核定明细"], [f"单位名称：{EMPLOYER}", "统筹区：武汉市", "打印日期：2024-01-20"],
        ["序号", "姓名", "证件号码", "险种", "费款所属期", "缴费基数", "单位应缴", "个人应缴", "应缴合计"],
        ["1", NAME, ID, "职工基本医疗保险", "202401", "6000.00", "480.00", "120.00", "600.00"],
        ["2", OTHER_NAME, OTHER_ID, "职工基本医疗保险", "202401", "10000.00", "800.00", "200.00", "1000.00"],
        ["合计", "", "", "", "", "", "1280.00", "320.00", "1600.00"]], "gb18030")
    write_sheets(folder / "参保证明.xlsx", {"Sheet1": [
        ["社会保险参保缴费证明"], [f"姓名：{NAME}", "", f"证件号码：{ID}"],
        ["单位名称", "开始年月", "结束年月", "养老", "工伤", "失业"], [EMPLOYER, "201903", "202401", "59", "59", "59"]]})
    write_pdf(folder / "参保证明_逐月.pdf", Page(
        "社会保险参保证明", [Column(30, "单位编号"), Column(300, "缴费年月")], [["42010600018", f"{month:%Y%m}"] for month in MONTHS],
        [[(30, f"姓名：{NAME}"), (300, f"身份证号码：{ID}")], [(30, "单位编号"), (300, "单位名称")],
         [(30, "42010600018"), (300, EMPLOYER)]], ruled=True))
    housing_fund(folder)


def housing_fund(folder: Path) -> None:
    """Exports of another fund: a firm's list by person and the two kinds of personal ledger."""
    rows = [["100000018", NAME, "居民身份证", "420106********1018", 6000, 720, 720, 0, 0, 1440, "正常"],
            ["100000026", OTHER_NAME, "居民身份证", "110105********2016", 10000, 1200, 1200, 0, 0, 2400, "正常"]]
    write_sheets(folder / "公积金汇缴明细.xlsx", {"Sheet1": [
        ["住房公积金汇缴明细"], [f"单位名称：{EMPLOYER}"],
        ["个人账号", "姓名", "证件类型", "证件号码", "当前工资", "单位缴存额", "个人月缴存额", "补贴工资", "补贴月缴", "合计月缴额", "个人状态"],
        *rows, ["合计", "", "", "", "", 1920, 1920, "", 0, 3840, ""]]})
    months = [f"{month:%Y%m}" for month in MONTHS]
    cells = "".join(
        f"<tr><td>{month.replace(day=15)}</td><td>汇缴</td><td>贷</td><td>1440.00</td><td>{1440 * number:.2f}</td>"
        f"<td>{months[number - 1]}</td><td>{months[number - 1]}</td><td>已入账</td></tr>\n" for number, month in enumerate(MONTHS, 1))
    names = "".join(f"<td>{name}</td>" for name in ("交易日期", "业务类型", "借贷标志", "发生额", "余额", "开始年月", "终止年月", "入账状态"))
    write_text(folder / "公积金个人明细.xls", (
        '<html><head><meta charset="gb2312"></head><body><table><tr><td colspan=8>住房公积金个人明细</td></tr>\n'
        f"<tr><td colspan=8>姓名：{NAME}</td></tr>\n<tr>{names}</tr>\n{cells}</table></body></html>\n"), "gb18030")
    write_csv(folder / "公积金个人明细账.csv", [
        ["住房公积金个人明细账"], [f"姓名：{NAME}"], ["记账日期", "摘要", "收入", "支出", "余额"],
        *[[f"{month.replace(day=15)}", "汇缴", "1440.00", "", f"{1440 * number:.2f}"] for number, month in enumerate(MONTHS, 1)],
        ["2024-06-30", "年度结息", "21.60", "", f"{1440 * len(MONTHS) + 21.6:.2f}"]], "utf-8")


# --------------------------------------------------------------------------------------------------------------- wallets


_BUYS = (
    ("2024-04-25 17:03:48", "医疗健康", "样例社区卫生服务中心", "医保支付(不含自费)", "支出", "0.00", "", "支付成功", ""),
    ("2024-04-25 17:03:48", "医疗健康", "样例社区卫生服务中心", "门诊自费部分", "支出", "50.00", "招商银行储蓄卡(1234)", "交易成功", "T1"),
    ("2024-04-20 12:10:09", "餐饮美食", "示例餐馆", "午餐, 两人", "支出", "68.00", "余额宝", "交易成功", "T2"),
    ("2024-03-28 09:00:00", "退款", "示例网店", "退款-示例商品", "不计收支", "16.03", "余额", "退款成功", "T3"),
    ("2024-03-18 16:44:31", "医疗健康", "示例大药房一店", "医保支付(不含自费)", "支出", "0.00", "", "支付成功", ""),
    ("2024-03-10 13:10:16", "日用百货", "示例超市", "示例商品", "不计收支", "82.00", "", "交易关闭", "T4"),
    ("2024-03-01 08:00:00", "转账红包", "王样例", "转账", "收入", "28.50", "余额", "交易成功", "T5"),
)


def alipay(folder: Path) -> None:
    """The app's CSV in both orders of columns, the web export, the certificate and the cashbook."""
    notes = [f"{number}.{text}" for number, text in enumerate((
        "本回单内容可表明支付宝受理了相应支付交易申请；", "请勿将本回单作为收款方发货的凭据使用；", "支付宝快捷支付等非余额支付方式可能既产生支付宝交易也同步产生银行交易；",
        "本回单如经任何涂改、编造，均立即失去效力；", "部分账单如：充值提现等不计入为收入或者支出，记为不计收支类；", "因统计逻辑不同，明细金额直接累加后，可能会和下方统计金额不一致；",
        "禁止将本回单用于非法用途；", "本明细仅展示当前账单中的交易，不包括已删除的记录；", "本明细仅供个人对账使用。"), 1)]
    head = ["-" * 84, "导出信息：", f"姓名：{NAME}", "支付宝账户：test***@example.com",
            "起始时间：[2024-03-01 00:00:00]    终止时间：[2024-04-30 23:59:59]", "导出交易类型：[全部]", "导出时间：[2024-05-06 09:12:52]",
            f"共{len(_BUYS)}笔记录", "收入：1笔 28.50元", "支出：4笔 118.00元", "不计收支：2笔 98.03元", "", "特别提示：", *notes, "",
            "------------------------支付宝（中国）网络技术有限公司  电子客户回单------------------------"]
    rows = []
    for when, kind, party, what, way, amount, method, state, order in _BUYS:
        rows.append([f"{when} ", f"{kind:<16}", f"{party:<16}", "/  ", f"{what.replace(',', '，'):<16}", f"{way:<10}", f"{amount:<10}",
                     f"{method:<12}", f"{state:<10}", f"2024{order or 'M'}000\t", f"{order}\t", "   ", ""])
    names = "交易时间            ,交易分类    ,交易对方   ,对方账号   ,商品说明    ,收/支   ,金额    ,收/付款方式   ,交易状态  ,交易订单号   ,商家订单号    ,备注   ,"
    text = "\n".join([*head, names, *(",".join(row) for row in rows)]) + "\n"
    write_text(folder / "支付宝交易明细.csv", text, "gb18030")
    old = [5, 2, 3, 4, 7, 6, 8, 1, 9, 10, 0, 11]
    words = [name.strip() for name in names.split(",")]
    before = [line for line in head if not line.startswith("姓名")] + [",".join(words[at] for at in old) + ","]
    before.insert(2, f"姓名：{NAME}")
    write_text(folder / "支付宝交易明细_2022.csv", "\n".join(
        [*before, *(",".join(row[at] for at in old) + "," for row in rows), "-" * 60]) + "\n", "gb18030")
    web = ["支付宝交易记录明细查询", "账号:[test***@example.com]", f"姓名:[{NAME}]", "起始日期:[2024-03-01 00:00:00]    终止日期:[2024-04-30 23:59:59]",
           "---------------------------------交易记录明细列表------------------------------------",
           "交易号                  ,商家订单号               ,交易创建时间              ,付款时间                ,最近修改时间              ,交易来源地     ,类型              ,"
           "交易对方            ,商品名称                ,金额（元）   ,收/支     ,交易状态    ,服务费（元）   ,成功退款（元）  ,备注                  ,资金状态     ,"]
    for when, _, party, what, way, amount, _, state, order in _BUYS:
        web.append(",".join([f"2024{order or 'M'}000\t", f"{order}\t", f"{when} ", f"{when} ", f"{when} ", "其他（包括阿里巴巴和外部商家） ",
                             "即时到账交易 ", f"{party}  ", f"{what}   ".replace(",", "，"), f"{amount}    ", f"{'' if way == '不计收支' else way}   ",
                             f"{state}   ", "0.00   ", "0.00   ", "   ", "资金转移   ", ""]))
    web += ["------------------------交易记录明细列表结束------------------------------------", "共7笔记录", "已收入:1笔,28.50元", "待收入:0笔,0.00元",
            "已支出:4笔,118.00元", "待支出:0笔,0.00元", "导出时间:[2024-05-06 09:12:52]    用户:test***@example.com"]
    write_text(folder / "支付宝网页.csv", "\n".join(web) + "\n", "gbk", "\r\n")
    columns = [Column(x, name) for x, name in ((30, "收/支"), (75, "交易对方"), (170, "商品说明"), (280, "收/付款方式"), (370, "金额"),
                                               (420, "交易订单号"), (540, "商家订单号"), (640, "交易时间"))]
    write_pdf(folder / "支付宝交易流水证明.pdf", Page(
        "支付宝支付科技有限公司\n交易流水证明", columns,
        [[way, _wrap(party, 7), _wrap(what, 8), _wrap(method, 7), amount, f"2024{order or 'M'}000", order, when.replace(" ", "\n")]
         for when, _, party, what, way, amount, method, _, order in _BUYS],
        [[(30, "编号：240506000018")], [(30, f"兹证明：{NAME}（证件号码：{ID}）在其支付宝账号test***@example.com中明细信息如下：")],
         [(30, "币种：人民币"), (200, "交易时间段：2024-03-01 00:00:00 至 2024-04-30 23:59:59")]], ruled=True, per_page=5))
    write_csv(folder / "支付宝记账本.csv", [
        ["记录时间", "分类", "收支类型", "金额", "备注", "账户", "来源", "标签"],
        ["2024-04-25 17:03:48", "医疗", "支出", "50.00", "门诊", "余额宝", "手动记录", ""]], "gb18030")


def wechat(folder: Path) -> None:
    """CSV with tabs after quotes, XLSX in both layouts on two sheets, the certificate and a merchant's bill."""
    trades = [(when, "商户消费" if way != "收入" else "转账", party, what, way if way != "不计收支" else "/", amount,
               "医保个人账户" if "医保" in what else "零钱", "支付成功" if way != "收入" else "已存入零钱", order or "M")
              for when, _, party, what, way, amount, _, _, order in _BUYS]
    trades[1] = (*trades[1][:3], "医保结算-医保个人账户", "支出", "18.80", "医保个人账户", "支付成功", "T1")
    head = ["微信支付账单明细", "微信昵称：[测试]", "起始时间：[2024-03-01 00:00:00] 终止时间：[2024-04-30 23:59:59]", "导出类型：[全部]",
            "导出时间：[2024-05-06 16:05:22]", "", f"共{len(trades)}笔记录", "收入：1笔 28.50元", "支出：4笔 86.80元", "中性交易：2笔 98.03元", "注：",
            "1. 充值/提现/理财通购买/零钱通存取/信用卡还款等交易，将计入中性交易", "2. 本明细仅展示当前账单中的交易，不包括已删除的记录", "3. 本明细仅供个人对账使用", "",
            "----------------------微信支付账单明细列表--------------------"]
    names = ["交易时间", "交易类型", "交易对方", "商品", "收/支", "金额(元)", "支付方式", "当前状态", "交易单号", "商户单号", "备注"]
    text = [line + "," * 10 for line in head] + [",".join(names)]
    text += [f'{when},"{kind}","{party}","{what}","{way}",¥{amount},"{method}","{state}","4200{order}"\t,"1000{order}"\t,"/"'
             for when, kind, party, what, way, amount, method, state, order in trades]
    write_text(folder / "微信支付账单.csv", "\ufeff" + "\n".join(text) + "\n", "utf-8", "\r\n")
    new = [*head[:14], "4. 本账单中所有时间均为UTC+08:00时间", *head[14:]]
    sheets = {
        name: [*[[line] for line in lines], names, *[
            [when, kind, party, what, way, float(amount) if numeric else f"¥{amount}", method, state, f"4200{order}\t", f"1000{order}\t",
             "/"] for when, kind, party, what, way, amount, method, state, order in trades]]
        for name, lines, numeric in (("Sheet1", new, True),)}
    write_sheets(folder / "微信支付账单流水文件.xlsx", sheets, [(row, 0, row, 10) for row in range(2, 17) if new[row]])
    write_sheets(folder / "微信支付账单流水文件_2025.xlsx", {"Sheet1": [
        *[[line] for line in head], names, *[
            [when, kind, party, what, way, f"¥{amount}", method, state, f"4200{order}\t", f"1000{order}\t", "/"]
            for when, kind, party, what, way, amount, method, state, order in trades]]},
        [(row, 0, row, 10) for row in range(2, 16) if head[row]])
    said = [["编号：240506000018"], ["微信支付交易明细证明"], [f"兹证明：{NAME}（居民身份证：{ID}），在其微信号：test中的交易明细信息如下："],
            ["币种：人民币 / 单位：元"], ["交易明细对应时间段：2024-03-01 00:00:00 至 2024-04-30 23:59:59"], ["具体交易明细"]]
    write_sheets(folder / "微信支付交易明细证明.xlsx", {"Table 1": [
        *said, ["交易单号", "交易时间", "交易类型", "收/支/其他", "交易方式", "金额(元)", "交易对方", "商户单号"],
        *[[f"4200000000\n{order}", when.replace(" ", "\n"), kind, "其他" if way == "/" else way, _wrap(method, 6), amount,
           _wrap(party, 9), f"1000{order}"] for when, kind, party, what, way, amount, method, _, order in trades],
        ["说明：本证明仅展示当前账单中的交易。财付通支付科技有限公司 盖章"]]})
    columns = [Column(x, name) for x, name in ((30, "交易单号"), (130, "交易时间"), (200, "交易类型"), (270, "收/支/其他"), (330, "交易方式"),
                                               (420, "金额(元)"), (490, "交易对方"), (640, "商户单号"))]
    write_pdf(folder / "微信支付交易明细证明.pdf", Page(
        "微信支付交易明细证明", columns,
        [[f"4200000000\n{order}", when.replace(" ", "\n"), kind, "其他" if way == "/" else way, _wrap(method, 6), amount, _wrap(party, 9),
          f"1000{order}"] for when, kind, party, what, way, amount, method, _, order in trades],
        [[(30, "编号：240506000018")],
         [(30, f"兹证明：{NAME}（居民身份证：{ID}），在其微信号：test中的交易明细信息如下：")],
         [(30, "币种：人民币 / 单位：元"), (250, "交易明细对应时间段：2024-03-01 00:00:00 至 2024-04-30 23:59:59")], [(30, "具体交易明细")]],
        ruled=True, per_page=5, again=False, end=[[(30, "说明：本证明仅展示当前账单中的交易。财付通支付科技有限公司 盖章")]]))
    write_text(folder / "微信商户账单.csv", "微信支付账单明细\n`交易时间,`公众账号ID,`商户号,`特约商户号,`微信订单号,`商户订单号,`订单金额\n"
               "`2024-04-25 17:03:48,`wx01,`1900,`0,`4200,`T1,`50.00\n", "utf-8")


def other_wallets(folder: Path) -> None:
    """JD finance and Meituan: purchases only, in the layouts of their CSV files."""
    write_text(folder / "京东交易流水.csv", "\ufeff" + "\n".join([
        "导出信息：", "京东账号名：test***", "申请时间：2024-05-06 10:12:00", "日期区间：2024-03-01 至 2024-04-30", "共：2笔记录", "收入：0笔，0.00元",
        "支出：1笔，68.00元", "不计收支：1笔，82.00元", "", "特别提示：", *(f"{number}.本明细仅供个人对账使用" for number in range(1, 9)), "", "",
        "交易时间,商户名称,交易说明,金额,收/付款方式,交易状态,收/支,交易分类,交易订单号,商家订单号,备注",
        "2024-04-20 12:10:09\t,示例商行,示例商品,68.00,示例银行储蓄卡(1234),交易成功,支出,日用百货,2024000001\t,T2\t,,",
        "2024-03-10 13:10:16\t,示例商行,示例商品,82.00(已全额退款),示例银行储蓄卡(1234),交易成功,不计收支,日用百货,2024000002\t,T4\t,,"]) + "\n",
        "utf-8")
    write_text(folder / "美团账单.csv", "\ufeff" + "\n".join([
        "美团交易账单", '""', "美团用户名：[测试]", "起始时间：[2024-03-01 00:00:00] 终止时间：[2024-04-30 23:59:59]", '""', "共2笔记录", '""',
        "【美团交易账单明细列表】", "交易创建时间,交易成功时间,交易类型,订单标题,收/支,支付方式,订单金额,实付金额,交易单号,商家单号,备注",
        '2024-04-20 12:10:01,2024-04-20 12:10:09,支付,示例餐馆午餐,支出,美团月付,¥70.00,¥68.00,"0_2200000001\t","T2\t",/',
        '2024-04-28 09:00:00,2024-04-28 09:00:02,还款,美团月付还款,支出,示例银行储蓄卡(1234),¥68.00,¥68.00,"0_2200000002\t","T6\t",/']) + "\n",
        "utf-8", "\r\n")


# -------------------------------------------------------------------------------------------------------------- payroll


def payroll(folder: Path) -> None:
    """Payrolls: a month a file, a month a sheet, two rows of header, a month a column, an item a row; a declaration."""
    payer = "91420100MA4KTEST11"
    people = [("A001", NAME, ID, "研发部", 6000.0, 120.0), ("B001", OTHER_NAME, OTHER_ID, "销售部", 8000.0, 160.0),
              ("A008", "吴例子", FIFTH_ID, "研发部", 5500.0, None)]
    head = ["序号", "工号", "姓名", "身份证号", "部门", "应发工资", "养老保险(个人)", "医保基数", "医疗保险(个人)", "大额医疗(个人)", "医保补扣",
            "公积金", "实发工资"]

    def rows(extra: float | None = None) -> list[list[Any]]:
        return [[at, number, name, person, team, base + 2000, base * 0.08, base, own, 7.0 if own else None,
                 extra if at == 1 else None, base * 0.05, base - 500]
                for at, (number, name, person, team, base, own) in enumerate(people, start=1)]

    total = ["合计", "", "", "", "", 25500.0]
    write_sheets(folder / "工资表2024年3月.xlsx", {"Sheet1": [
        ["工资发放表"], [f"单位名称：{EMPLOYER}", f"纳税人识别号：{payer}"], head, *rows(), total]})
    write_sheets(folder / "2024年工资.xlsx", {
        "4月": [head, *rows(12.0)], "5月": [["2024年5月工资表"], head, *rows()]})
    two = [["工号", "姓名", "身份证号", "工资月份", "应发工资", "代扣", "", "", "", "实发工资"],
           ["", "", "", "", "", "养老", "医疗", "大额", "公积金", ""]]
    write_sheets(folder / "工资表_两行表头.xlsx", {"工资": [*two, *[
        [number, name, person, "2024-06", base + 2000, base * 0.08, own or 0, 7.0, base * 0.05, base - 500]
        for number, name, person, _, base, own in people]]},
        [*((0, at, 1, at) for at in (0, 1, 2, 3, 4, 9)), (0, 5, 0, 8)])
    write_sheets(folder / "医保扣款台账2024.xlsx", {"台账": [
        ["医保个人扣款台账（2024年）"], ["工号", "姓名", "1月", "2月", "3月"],
        *[[number, name, own, own, (own or 0) + 10] for number, name, _, _, _, own in people]]})
    write_csv(folder / "工资扣款明细.csv", [
        ["工资月份", "工号", "姓名", "扣款项目", "扣款金额"], ["202407", "A001", NAME, "医疗保险(个人)", "120.00"],
        ["202407", "A001", NAME, "养老保险(个人)", "480.00"], ["202407", "A001", NAME, "医保滞纳金", "3.20"],
        ["202407", "B001", OTHER_NAME, "医疗保险(个人)", "160.00"], ["202407", "B001", OTHER_NAME, "医保退款", "-20.00"]],
        "gb18030")
    write_sheets(folder / "社保费申报明细_202403.xlsx", {"申报": [
        ["社会保险费申报明细"], [f"单位名称：{EMPLOYER}", f"纳税人识别号：{payer}", "参保地：武汉市"],
        ["序号", "姓名", "证件号码", "险种", "应缴类型", "缴费工资", "缴费基数", "单位应缴金额", "个人应缴金额", "应缴合计"],
        *[[at, name, person, "职工基本医疗保险", "正常应缴", base, base, base * 0.08, base * 0.02, base * 0.1]
          for at, (_, name, person, _, base, _) in enumerate(people, start=1)], ["合计", "", "", "", "", 19500.0]]})


# -------------------------------------------------------------------------------------------------------------------- all


def write_all(folder: Path) -> None:
    """Every sample under ``folder``."""
    write_csv(folder / "花名册.csv", [
        ["工号", "姓名", "身份证号码", "医保个人编号", "参保地", "银行卡号"],
        ["A001", NAME, ID, PSN, "武汉市", "6222021700001018;6217000018881018"], ["B001", OTHER_NAME, OTHER_ID, OTHER_PSN, "北京市", ""],
        ["A008", "吴例子", FIFTH_ID, "42010000000000000008", "武汉市", "6222021700004321"]], "utf-8")
    banks = folder / "banks"
    for write in (icbc_csv, icbc_credit, icbc_pdf, corporates, ccb, abc, boc, cmb, bocom, other_pdfs, other_sheets, credit_cards):
        write(banks)
    medical(folder / "medical")
    city_page(folder / "medical" / "城市网页缴费.xls")
    institution(folder / "medical" / "定点机构对账.csv")
    social(folder / "social")
    payroll(folder / "payroll")
    alipay(folder / "wallets")
    wechat(folder / "wallets")
    other_wallets(folder / "wallets")


def main() -> None:
    """Write the samples; with ``--golden`` their expected rows too."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--golden", action="store_true", help="rewrite the expected rows beside the samples")
    arguments = parser.parse_args()
    write_all(FOLDER)
    if arguments.golden:
        write_expected(FOLDER)


if __name__ == "__main__":
    main()
