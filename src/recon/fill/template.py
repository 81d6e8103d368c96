"""``recon template``: a workbook of a dozen lines for those who would rather type than download."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import xlsxwriter

from recon.fill.form import Form
from recon.reading.filled import FILL_MARK, IDENTITY, NOTE_MARK, SECTIONS

LINES = {"reading": 6, "flow": 12, "contribution": 12}
_TITLES = {
    "reading": ("① 余额和合计（只知道一个数也可以）", "1. Balances and totals (a single figure will do)"),
    "flow": ("② 账户收支（划入、消费…，一行一笔）", "2. Account lines (credits, spending …, one per row)"),
    "contribution": ("③ 缴费（一行一个月）", "3. Contributions (one month per row)"),
}
_ASKED = ("person_name", "person_id", "psn_no", "region", "employer", "confirmed_by", "confirmed_on", "year",
          "covers_from", "covers_to")
# All people and sums of the example are made up.
_EXAMPLE_ABOUT: Mapping[str, object] = {
    "person_name": "测试甲", "person_id": "110105198503074917", "region": "武汉", "employer": "示例公司",
    "confirmed_by": "测试甲", "confirmed_on": date(2024, 12, 31),
}
_EXAMPLE: Mapping[str, tuple[Mapping[str, object], ...]] = {
    "reading": (
        {"kind": "ledger", "read_on": date(2024, 6, 1), "amount_fen": 321540},
        {"kind": "ledger", "read_on": date(2024, 12, 31), "amount_fen": 345540},
        {"kind": "year_spent", "read_on": "2024", "amount_fen": 0},
    ),
    "flow": (
        {"posted_on": date(2024, 6, 12), "flow_kind": "credit", "amount_fen": 12000, "balance_fen": 333540,
         "accrual_month": "2024-05"},
        {"posted_on": date(2024, 6, 20), "flow_kind": "spend", "amount_fen": 3560, "memo": "药店"},
    ),
    "contribution": (
        {"accrual_month": "2024-05", "base_fen": 600000, "employee_fen": 12000, "employer_fen": 48000,
         "payment_kind": "normal", "paid": "true", "paid_on": date(2024, 5, 20)},
        {"accrual_month": "2024-06", "base_fen": 600000, "employee_fen": 12000, "payment_kind": "normal", "paid": ""},
    ),
}
_NOTES = (
    ("填好后连同其他导出文件放进同一个文件夹，运行 recon run 文件夹。",
     "Put the filled-in workbook into the folder of exports and run recon run FOLDER."),
    ("只填黄色格子；不知道的空着，不要估计。一整段都可以空着。",
     "Fill in the yellow cells only; leave blank what you do not know. A whole section may stay blank."),
    ("单位是元，写到分。收支金额写正数，方向看类型；“冲正、退回”和“其他”要带正负号。",
     "Sums are in yuan. Account lines are positive, the kind says which way; reversals and “other” carry a sign."),
    ("姓名之外最好再写证件号码或个人编号，同名的人才分得开。",
     "Beside the name give the ID or personal number, so that people of one name are told apart."),
    ("日期如 2024-06-12，月份如 2024-06。写了“年份”时，日期可以只写 06-12。",
     "Days like 2024-06-12, months like 2024-06. With “year” filled in, days may be written 06-12."),
    ("全年合计的“查看日期”只写年份，如 2024。",
     "For a total of a year, “date seen” is the year alone, like 2024."),
    ("“明细完整：从、到”只有在这段时间的收支一笔不缺时才填；没有填，就不会因为少了某一笔而下结论。",
     "Fill in “complete from / to” only when no account line of the period is missing; without it nothing is concluded "
     "from a line that is not there."),
    ("这里填的数都算“本人填写”，与正式的明细冲突时以明细为准，并会提示。",
     "Figures typed here count as a person's word; where an export says otherwise, the export wins and it is said."),
    ("行不够可以插入行；每个人用一份表。", "Insert rows where needed; one workbook per person."),
)


def write_template(path: Path, lang: str = "zh") -> None:
    """The fill-in workbook at ``path``: the form, an example, and notes."""
    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        book.set_properties({"title": "recon 填写表" if lang == "zh" else "recon fill-in form"})
        zh = lang == "zh"
        form = Form(book, book.add_worksheet("填写" if zh else "Fill in"), lang)
        form.title(f"{FILL_MARK} · 医保个人账户" if zh else f"{FILL_MARK} · medical insurance account: fill in")
        form.note(form.say("只填黄色格子；不知道的空着。例子和说明在后面两页。",
                           "Yellow cells only; leave blank what you do not know. Example and notes: next sheets."))
        _body(form, {}, {}, LINES)
        example = Form(book, book.add_worksheet("例子" if zh else "Example"), lang, editable=False)
        example.title(NOTE_MARK + " · " + example.say(
            "填写的例子（这一页不会被读取）", "an example (this sheet is not read)"))
        example.note(example.say("人和数都是编造的。", "The person and all figures are made up."))
        _body(example, _EXAMPLE_ABOUT, _EXAMPLE, {})
        notes = Form(book, book.add_worksheet("说明" if zh else "Notes"), lang)
        notes.title(f"{NOTE_MARK} · 怎样填写" if zh else f"{NOTE_MARK} · how to fill it in")
        notes.page.set_column(0, 0, 110)
        for number, text in enumerate(_NOTES, start=1):
            wrapped = notes.style(text_wrap=True, valign="top")
            notes.page.write_string(notes.row, 0, f"{number}. {notes.say(*text)}", wrapped)
            notes.page.set_row(notes.row, 34)
            notes.row += 1


def _body(
    form: Form, about: Mapping[str, object], rows: Mapping[str, tuple[Mapping[str, object], ...]],
    blank: Mapping[str, int],
) -> None:
    form.gap()
    form.identity([each for each in IDENTITY if each.name in _ASKED], about)
    for table, fields in SECTIONS.items():
        form.gap()
        form.section(form.say(*_TITLES[table]), fields, rows.get(table, ()), blank=blank.get(table, 0))
    widest = {column: max((fields[column].width for fields in SECTIONS.values() if column < len(fields)), default=10)
              for column in range(8)}
    for column, width in widest.items():
        form.page.set_column(column, column, max(width, 18 if column < 2 else 14))
    form.page.set_column(1, 1, 24)
    form.page.set_column(4, 4, 24)
    form.page.hide_gridlines(2)
    form.page.set_landscape()
    form.page.set_paper(9)
    form.page.fit_to_pages(1, 0)
