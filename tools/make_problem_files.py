"""Write ``tests/problems``: per problem code that reading can raise, one minimal folder that raises it.

Synthetic, the same bytes on every run. ``tests/test_problem_files.py`` walks the folders and requires the code.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "problems"
ID_A, ID_B, ID_C = "420106198804121018", "110105198605172016", "420106199001021018"
PORTAL = (
    "公民身份证号码,姓名,险种类型,缴费年月,台账年月,应缴类型,缴费基数,应缴金额,个人缴费金额,划入个人账户金额,"
    "缴费标识,单位名称"
)
GRID = "收支时间,收支类型,收入,支出,余额"
TITLE = "医保个人账户收支明细"
NATIONAL = (
    "certno,psn_name,insutype,cashym,accrym_begn,accrym_end,clct_type,psn_clctstd,emp_clct_amt,psn_clct_amt,clct_flag,"
    "revs_flag"
)


def portal(*rows: str) -> str:
    """A unit portal's query with these lines."""
    return "\n".join(["统筹区：武汉市", PORTAL, *rows]) + "\n"


def paid(
    person: str = ID_A, name: str = "测试甲", month: str = "202401", kind: str = "正常", own: str = "120.00",
    into: str = "120.00", flag: str = "已缴",
) -> str:
    """One line of it."""
    return f"{person},{name},310,{month},{month},{kind},6000.00,600.00,{own},{into},{flag},示例科技有限公司"


def account(*rows: str, head: str = f"姓名：测试甲 证件号码：{ID_A} 统筹区：武汉市") -> str:
    """One person's account detail with these lines."""
    return "\n".join([TITLE, head, GRID, *rows]) + "\n"


ROSTER = f"工号,姓名,身份证号码,参保地\nA001,测试甲,{ID_A},武汉市\nB001,郑样板,{ID_B},北京市\n"
CREDIT = "2024-02-10,划入,120.00,,120.00"
BANK = "示例银行账户交易明细\n户名：测试甲\n交易日期,摘要,交易金额,账户余额\n"
WALLET = "支付宝账单\n姓名：测试甲\n收入：0笔 0.00元\n支出：1笔 9.00元\n交易时间,交易分类,交易对方,商品说明,收/支,金额,收/付款方式,交易状态\n"
BOUGHT = "2024-04-25,医疗健康,某药房,医保支付(不含自费),支出,0.00,,支付成功\n"
BILL = "医保应缴核定明细\n姓名,证件号码,费款所属期,单位应缴,个人应缴,应缴合计\n"
PAYROLL = "工号,姓名,身份证号,应发工资,医疗保险(个人),实发工资\n"
TEXTS: dict[str, dict[str, str]] = {
    "month-unstated": {"a.csv": PAYROLL + f"A001,测试甲,{ID_A},8000,120.00,7000\n"},
    "unit-ten-thousand": {"工资表202403.csv": "单位：万元\n" + PAYROLL + f"A001,测试甲,{ID_A},0.8,0.0120,0.7\n"},
    "empty-file": {"a.csv": "\n"},
    "unreadable-file": {},
    "unknown-format": {"a.csv": "商品,数量\n苹果,3\n"},
    "ambiguous-format": {
        "exports/a.csv": portal(paid()),
        "mappings/formats/twin.toml": (
            'id = "twin"\nzh = "孪生"\ntable = "contribution"\n[claim]\nheader = ["accrual_month", "employee_fen"]\n'
            '[columns]\nperson_id = []\naccrual_month = ["缴费年月"]\nemployee_fen = []\n'
        ),
    },
    "not-usable": {"a.csv": "记录时间,分类,收支类型,金额,备注,账户,来源,标签\n2024-04-25,医疗,支出,50.00,,余额宝,,\n"},
    "only-other-business": {"a.csv": BANK + "2024-01-05,工资,+8000.00,8000.00\n2024-01-06,转账,-1.00,7999.00\n"},
    "holder-unknown": {"a.csv": BANK.replace("户名：测试甲\n", "") + "2024-01-05,工资,+8000.00,8000.00\n"
                                "2024-01-12,医保划账,+120.00,8120.00\n"},
    "wallet-without-name": {"a.csv": WALLET.replace("姓名：测试甲\n", "") + BOUGHT},
    "total-hint": {"roster.csv": ROSTER, "a.csv": WALLET + BOUGHT.replace("0.00", "3.00")},
    "sum-differs": {"a.csv": BILL + f"测试甲,{ID_A},202401,480.00,120.00,600.00\n" * 2
                             + f"测试甲,{ID_A},202402,480.00,120.00,601.00\n"},
    "unproved-layout": {"a.csv": BILL + f"测试甲,{ID_A},202401,480.00,120.00,700.00\n" * 2},
    "sign-unproved": {"a.csv": BANK + "2024-01-12,医保划账,120.00,1120.00\n2024-01-13,医保划账,120.00,1240.00\n"},
    "identical-file": {"a.csv": portal(paid()), "b.csv": portal(paid())},
    "no-rows": {"a.csv": portal()},
    "unreadable-amount": {"a.csv": portal(paid(own="12O.00"))},
    "unreadable-month": {"a.csv": portal(paid(month="2024年13月"))},
    "unreadable-date": {"a.csv": account("05/12/2024,划入,120.00,,120.00")},
    "unreadable-id": {"a.csv": portal(paid(person="待补"))},
    "damaged-id": {"a.csv": portal(paid(person="4.20106E+17", name=""))},
    "id-check-digit": {"a.csv": portal(paid(person=ID_A[:-1] + "9"))},
    "missing-value": {"a.csv": portal(paid(month=""))},
    "unknown-code": {"a.csv": portal(paid(kind="77"))},
    "unknown-word": {"a.csv": account("2024-02-10,奇怪的事,120.00,,120.00")},
    "ragged-row": {"a.csv": portal(paid() + ",多出来的一格")},
    "unbalanced-quote": {"a.csv": portal(paid(name='"测试甲'), paid(month="202402"))},
    "ambiguous-person": {
        "a.csv": portal(paid(person="4201**********1018", name="测*甲")),
        "roster.csv": f"工号,姓名,身份证号码\nA001,测试甲,{ID_A}\nA002,测某甲,{ID_C}\n",
    },
    "unknown-person": {"a.csv": portal(paid(person="4403**********9999", name="无*人")), "roster.csv": ROSTER},
    "id-restored": {"a.csv": portal(paid(person="4.20106E+17")), "roster.csv": ROSTER},
    "foreign-currency": {
        "a.csv": f"{TITLE}\n姓名：测试甲 证件号码：{ID_A}\n{GRID},币种\n{CREDIT},美元\n",
    },
    "range-not-split": {
        "a.csv": f"{NATIONAL}\n{ID_A},测试甲,310,202403,202401,202403,30,6000.00,1800.00,400.01,1,Z\n",
    },
    "reversed-pair": {
        "a.csv": NATIONAL + "\n" + "".join(
            f"{ID_A},测试甲,310,202401,202401,202401,10,6000.00,{sign}480.00,{sign}120.00,1,{flag}\n"
            for sign, flag in (("", "+"), ("-", "-"), ("", "Z"))
        ),
    },
    "balance-break": {"a.csv": account(CREDIT, "2024-03-10,划入,120.00,,250.00")},
    "numbers-missing": {"a.csv": BILL.replace("姓名,", "序号,姓名,", 1) + "".join(
        f"{number},测试甲,{ID_A},20240{number},480.00,120.00,600.00\n" for number in (1, 2, 4))},
    "total-mismatch": {"a.csv": account(CREDIT, "合计,,130.00,,")},
    "into-account-exceeds": {"a.csv": portal(paid(into="900.00"))},
    "unknown-region": {"a.csv": portal(paid()).replace("武汉市", "乌有市")},
}


def package(rows: Sequence[Sequence[object]], *, hidden: bool = False, formula: bool = False) -> bytes:
    """A workbook of one sheet with fixed bytes."""
    import openpyxl

    book = openpyxl.Workbook()
    page = book.active
    assert page is not None  # a new workbook has a sheet
    page.title = "明细"
    for row in rows:
        page.append(list(row))
    if hidden:
        book.create_sheet("封面")
        page.sheet_state = "hidden"
    if formula:
        page["C4"] = "=1+1"
    out = io.BytesIO()
    book.save(out)
    return repacked(out.getvalue())


def repacked(data: bytes, change: dict[bytes, bytes] | None = None) -> bytes:
    """The same archive without times in it, texts replaced in its sheets."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for member in source.infolist():
            content = source.read(member)
            if member.filename == "docProps/core.xml":
                continue
            if member.filename in ("[Content_Types].xml", "_rels/.rels"):
                content = without_core(content)
            if member.filename.startswith("xl/worksheets/"):
                for old, new in (change or {}).items():
                    content = content.replace(old, new)
            target.writestr(zipfile.ZipInfo(member.filename, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def without_core(content: bytes) -> bytes:
    """A part list without the document properties, which hold the time of writing."""
    import re

    return re.sub(rb"<(?:Override|Relationship)[^>]*core[^>]*/>", b"", content)


def sheet_rows() -> list[list[object]]:
    """One person's account detail as a sheet."""
    return [[TITLE], ["姓名：", "测试甲", "证件号码：", ID_A, "统筹区：", "武汉市"], GRID.split(","),
            ["2024-02-10", "划入", 120, None, 120]]


def pdf(pages: Sequence[Sequence[Sequence[str]]], *, password: str | None = None, picture: bool = False) -> bytes:
    """Pages of an un-ruled account detail."""
    from reportlab.lib.pdfencrypt import StandardEncryption
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfgen.canvas import Canvas

    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    out = io.BytesIO()
    lock = StandardEncryption(password, canPrint=0) if password else None
    page = Canvas(out, invariant=1, encrypt=lock)
    for rows in pages:
        page.setFont("STSong-Light", 9)
        if picture:
            page.drawInlineImage(grey(), 40, 400, 300, 300)
        else:
            page.drawString(200, 800, TITLE)
            page.drawString(40, 780, f"姓名：测试甲 证件号码：{ID_A} 统筹区：武汉市")
            for line, row in enumerate([GRID.split(","), *rows]):
                for column, cell in enumerate(row):
                    page.drawString(40 + column * 100, 750 - line * 20, cell)
        page.showPage()
    page.save()
    return out.getvalue()


def grey() -> object:
    """A picture without text, as a scan is."""
    from PIL import Image

    return Image.new("L", (30, 30), 200)


def broken_font_pdf() -> bytes:
    """A page whose font says of no glyph which character it is."""
    text = "BT /F1 12 Tf 50 700 Td <" + "".join(f"{code:04x}" for code in range(1, 90)) + "> Tj ET"
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        f"<</Length {len(text)}>>stream\n{text}\nendstream",
        "<</Type/Font/Subtype/Type0/BaseFont/Gone/Encoding/Identity-H/DescendantFonts[6 0 R]>>",
        "<</Type/Font/Subtype/CIDFontType2/BaseFont/Gone/CIDSystemInfo<</Registry(X)/Ordering(Y)/Supplement 0>>"
        "/FontDescriptor 7 0 R>>",
        "<</Type/FontDescriptor/FontName/Gone/Flags 4/FontBBox[0 0 1000 1000]/ItalicAngle 0/Ascent 800/Descent -200"
        "/CapHeight 700/StemV 80>>",
    ]
    body, places = "%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        places.append(len(body))
        body += f"{number} 0 obj{content}endobj\n"
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    count = len(objects) + 1
    return (f"{body}xref\n0 {count}\n0000000000 65535 f \n{table}trailer<</Size {count}/Root 1 0 R>>\n"
            f"startxref\n{len(body)}\n%%EOF\n").encode("latin-1")


def binaries() -> dict[str, bytes]:
    """Code -> the one file that raises it, where a text would not do."""
    plain = package(sheet_rows())
    row = ["2024-02-10", "划入", "120.00", "", "120.00"]
    last = ["2024-03-10", "划入", "120.00", "", "240.00"]
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("a.csv", (1980, 1, 1, 0, 0, 0)), b"0" * (48 << 20), zipfile.ZIP_DEFLATED)
    return {
        "control-characters/a.csv": "\n".join(
            [TITLE, f"姓名：,测试甲,证件号码：,{ID_A},统筹区：,武汉市", GRID, "2024-02-10,划\x00入\x1f,120.00,,120.00,"]
        ).encode(),
        "unreadable-file/a.bin": bytes(range(256)) * 4,
        "truncated-file/a.xlsx": plain[: len(plain) // 2],
        "password-required/a.pdf": pdf([[row]], password="secret"),
        "too-large/a.zip": bomb.getvalue(),
        "unsafe-markup/a.xlsx": repacked(plain, {b"<worksheet": b'<!DOCTYPE x [<!ENTITY a "b">]><worksheet'}),
        "no-text-layer/a.pdf": pdf([[]], picture=True),
        "unreadable-text/a.pdf": broken_font_pdf(),
        "not-a-table/a.png": b"\x89PNG\r\n\x1a\n" + bytes(32),
        "hidden-rows/a.xlsx": repacked(plain, {b'<row r="4"': b'<row hidden="1" r="4"'}),
        "second-reader/a.xlsx": repacked(plain, {b'<c r="C4" t="n"': b'<c r="C4" t="z"'}),
        "hidden-sheet/a.xlsx": package(sheet_rows(), hidden=True),
        "cell-error/a.xlsx": package([*sheet_rows()[:3], ["2024-02-10", "划入", "#N/A", None, 120]]),
        "formula-without-value/a.xlsx": package(sheet_rows(), formula=True),
        "page-repeat/a.pdf": pdf([[row, last], [last]]),
        "pages-missing/a.pdf": pdf([[row, last, ["第1页 共2页"]]]),
    }


def main() -> None:
    """Write every folder."""
    for code, files in TEXTS.items():
        for name, text in files.items():
            path = FOLDER / code / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
    for name, data in binaries().items():
        path = FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


if __name__ == "__main__":
    main()
