"""How fast files are read, each as a ratio to a floor or a rival measured in the same run (``make bench``).

Every figure is the processor time of one process, the least of several rounds in turn, so that a busy machine disturbs
the ratios little. Files are made up on the spot; rows are compared with what was written.
"""

from __future__ import annotations

import argparse
import io
import os
import random
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

HEAD = ["序号", "交易日期", "姓名", "证件号码", "摘要", "所属期", "入账金额", "支出金额", "余额", "备注"]
WIDTHS = [35, 62, 60, 110, 100, 50, 80, 75, 90, 110]
RIGHT = {0, 6, 7, 8}
SIGNS = "序号交易日期姓名证件码摘要所属入账金额支出余备注个人户划单位缴费医疗保险月补门诊付药店利息退冲正测试甲乙丙丁职工城镇灵活就业跨省异地年度对账明细"


def id_of(number: int) -> str:
    """A resident ID with the right check digit."""
    text = f"110105{1960 + number % 40}{1 + number % 12:02d}{1 + number % 28:02d}{number % 1000:03d}"
    total = sum(int(digit) * weight for digit, weight in zip(text, (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2),
                                                             strict=True))
    return text + "10X98765432"[total % 11]


def statement(count: int) -> list[list[str]]:
    chance, balance, rows = random.Random(7), 100_000, []
    for at in range(count):
        amount, credit = chance.randrange(1000, 90_000), chance.random() < 0.6
        balance += amount if credit else -min(amount, balance)
        rows.append([
            str(at + 1), f"{2019 + at % 6}-{1 + at % 12:02d}-{1 + at % 28:02d}", "测试" + chance.choice("甲乙丙丁"), id_of(at),
            chance.choice(["个人账户划入", "单位缴费划入", "补缴划入", "门诊支付", "药店支付", "利息"]), f"{2019 + at % 6}{1 + at % 12:02d}",
            f"{amount / 100:,.2f}" if credit else "", "" if credit else f"{amount / 100:,.2f}", f"{balance / 100:,.2f}",
            chance.choice(["", "", "城镇职工", "灵活就业"]),
        ])
    return rows


def pdf(rows: list[list[str]], *, ruled: bool) -> bytes:
    """A statement of 40 rows a page in a font that says what its codes mean, as embedded subsets do."""
    code = {sign: 128 + at for at, sign in enumerate(dict.fromkeys(SIGNS))}
    assert len(code) < 128
    pairs = "\n".join(f"<{at:02X}> <{sign.encode('utf-16-be').hex()}>" for sign, at in code.items())
    plain = "\n".join(f"<{at:02X}> <{at:04X}>" for at in range(32, 127))
    cmap = (f"/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def\n1 begincodespacerange "
            f"<00> <FF> endcodespacerange\n{len(code)} beginbfchar\n{pairs}\nendbfchar\n95 beginbfchar\n{plain}\nendbfchar\n"
            "endcmap end end").encode()
    edges = [20]
    for width in WIDTHS:
        edges.append(edges[-1] + width)
    objects: list[bytes] = [b"", b"", b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier /ToUnicode 4 0 R >>",
                            b"<< /Length %d >>\nstream\n%b\nendstream" % (len(cmap), cmap)]
    kids = []
    for first in range(0, len(rows), 40):
        drawn = bytearray(b"BT /F1 7 Tf\n")
        for line, row in enumerate([HEAD, *rows[first:first + 40]]):
            y = 510 - 11.5 * line
            for at, text in enumerate(row):
                if text:
                    x = edges[at + 1] - 3 - 4.2 * len(text) if at in RIGHT else edges[at] + 3
                    body = bytes(code[sign] if sign in code else ord(sign) for sign in text)
                    drawn += b"1 0 0 1 %.2f %.2f Tm <%b> Tj\n" % (x, y, body.hex().encode())
        drawn += b"ET\n"
        if ruled:
            lines = min(40, len(rows) - first) + 1
            drawn += b"".join(b"20 %.2f m %d %.2f l S\n" % (519 - 11.5 * at, edges[-1], 519 - 11.5 * at) for at in range(lines + 1))
            drawn += b"".join(b"%d 519 m %d %.2f l S\n" % (x, x, 519 - 11.5 * lines) for x in edges)
        packed = zlib.compress(bytes(drawn))
        objects.append(b"<< /Length %d /Filter /FlateDecode >>\nstream\n%b\nendstream" % (len(packed), packed))
        objects.append(b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 842 595] /Contents %d 0 R /Resources << /Font << /F1 3 0 R >> >> >>"
                       % len(objects))
        kids.append(len(objects))
    objects[0] = b"<< /Type /Catalog /Pages 2 0 R >>"
    objects[1] = b"<< /Type /Pages /Kids [%b] /Count %d >>" % (b" ".join(b"%d 0 R" % kid for kid in kids), len(kids))
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % at for at in places)
    return bytes(out) + (b"xref\n0 %d\n0000000000 65535 f \n%btrailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
                         % (len(objects) + 1, table, len(objects) + 1, len(out)))


def least(rounds: int, *calls: Callable[[], object]) -> list[float]:
    """Processor seconds of each call, the least of ``rounds`` in turn."""
    best = [float("inf")] * len(calls)
    for _ in range(rounds):
        for at, call in enumerate(calls):
            start = time.process_time()
            call()
            best[at] = min(best[at], time.process_time() - start)
    return best


def told(name: str, ratio: float, goal: str, more: str = "") -> None:
    print(f"{name:52}{ratio:8.2f} x   goal {goal:8}{more}", flush=True)


def bench_pdf(rounds: int) -> None:
    import pdfplumber
    import pypdfium2

    from recon.reading.formats import load_formats, shipped
    from recon.reading.pdf_grid import read_pdf

    words = load_formats([shipped()]).header_words
    for ruled in (True, False):
        kind = "ruled" if ruled else "un-ruled"
        short, long = (pdf(statement(40 * pages), ruled=ruled) for pages in (6, 200))

        def rival(data: bytes = short) -> None:
            with pdfplumber.open(io.BytesIO(data)) as book:
                for page in book.pages:
                    page.extract_words()
                    page.close()

        def floor(data: bytes = long) -> None:
            book = pypdfium2.PdfDocument(data)
            for page in book:
                text = page.get_textpage()
                text.get_text_range()
                text.close()
                page.close()
            book.close()

        rows = [(row + [""] * 10)[:10] for row in read_pdf(long, words).grids[0].rows if row[0].isdigit()]
        right = sum(a == b for a, b in zip(rows, statement(8000), strict=False))
        slow, quick = least(1, rival, lambda data=short: read_pdf(data, words))
        quick = min(quick, *least(rounds, lambda data=short: read_pdf(data, words)))
        told(f"PDF {kind}: pages/s against pdfplumber words", slow / quick, ">= 15", f"   {right} of 8000 rows right")
        bare, whole = least(rounds, floor, lambda data=long: read_pdf(data, words))
        told(f"PDF {kind}, 200 pages: time against pdfium text", whole / bare, "<= 3")


def bench_xlsx(place: Path, rounds: int) -> None:
    import datetime as dt

    import openpyxl
    import xlsxwriter

    from recon.reading.containers import open_file

    # Inline strings, as writers that stream make them; shared strings and dates, as Excel does.
    for kind, streamed in (("inline", True), ("shared", False)):
        path = place / f"{kind}.xlsx"
        with xlsxwriter.Workbook(path, {"constant_memory": streamed}) as book:
            sheet, day = book.add_worksheet("明细"), book.add_format({"num_format": "yyyy-mm-dd"})
            sheet.write_row(0, 0, ["证件号码", "姓名", "单位名称", "费款所属期", "缴费基数", "个人缴费", "账号", "备注"])
            for at in range(50_000):
                sheet.write_row(at + 1, 0, [id_of(at), "测试甲", f"某某市第{at % 300}公司", f"2024{1 + at % 12:02d}", 6000 + at % 3000,
                                            round((at * 7919 % 900_000) / 100, 2), f"00{at:010d}", "" if at % 3 else "跨月"])
                if not streamed:
                    sheet.write_datetime(at + 1, 8, dt.datetime(2022, 1, 1) + dt.timedelta(at % 900), day)  # noqa: DTZ001

        def rival(path: Path = path) -> None:
            book = openpyxl.load_workbook(path, read_only=True, data_only=True)
            for _ in book.active.iter_rows(values_only=True):
                pass
            book.close()

        grid = open_file(path).grids[0]
        right = sum(row[0] == id_of(at) and row[6] == f"00{at:010d}" for at, row in enumerate(grid.rows[1:]))
        slow, quick = least(2, rival, lambda path=path: open_file(path))
        quick = min(quick, *least(rounds, lambda path=path: open_file(path)))
        told(f"XLSX {kind}, 50,000 rows: openpyxl read-only to it", slow / quick, ">= 12", f"   {right} of 50000 IDs right")


def bench_csv(place: Path, rounds: int) -> None:
    import polars as pl

    from recon.reading import claim, folder
    from recon.reading.containers import open_file
    from recon.reading.formats import load_formats, shipped
    from recon.reading.rows import read_rows

    lines = ["序号,姓名,证件号码,险种类型,费款所属期,缴费基数,个人缴费,单位缴费,到账日期,缴费类型"]
    lines += [f"{at},测试甲,{id_of(at % 5000)},职工基本医疗保险,2024{1 + at % 12:02d},{6000 + at % 3000}.00,{120 + at % 90}.{at % 100:02d},"
              f"{480 + at % 90}.{at % 100:02d},2024-{1 + at % 12:02d}-15,正常缴费" for at in range(200_000)]
    text = "\n".join(lines) + "\n"
    wide, own = place / "utf8.csv", place / "gb18030.csv"
    wide.write_text(text, encoding="utf-8")
    own.write_text(text, encoding="gb18030")
    formats = load_formats([shipped()])
    grid = open_file(own).grids[0]
    header = folder.claims_of(claim.Head.of(grid), formats)[0][0]

    def whole() -> None:
        assert read_rows(open_file(own).grids[0], header).frame.height == 200_000

    floor, raw, rows = least(rounds, lambda: pl.read_csv(wide, infer_schema=False), lambda: open_file(own), whole)
    told("CSV GB18030 to the raw grid against polars on UTF-8", raw / floor, "<= 4")
    told("CSV GB18030 to canonical rows against the same", rows / floor, "<= 8")


MANY = """
import resource, sys
from pathlib import Path
from recon.reading.folder import read_folder
from recon.reading.formats import shipped
read_folder(Path(sys.argv[1]), mappings=[shipped()], region_of=lambda _: "420100")
unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
print(max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / unit)
"""


def bench_many(place: Path) -> None:
    """A thousand small files: the largest process, and what a second core saves."""
    many = place / "many"
    many.mkdir()
    for at in range(1000):
        if at % 4:
            rows = "".join(f"{id_of(at)},测试甲,310,2024{1 + k % 12:02d},8000.00,160.00,640.00,2024-{1 + k % 12:02d}-20\n" for k in range(60))
            (many / f"{at}.csv").write_text("证件号码,姓名,险种类型,费款所属期,缴费基数,个人缴费,单位缴费,到账日期\n" + rows, encoding="gb18030")
        else:
            (many / f"{at}.pdf").write_bytes(pdf(statement(40 + at), ruled=False))
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", MANY, many], capture_output=True, text=True, check=True)
    print(f"{'1,000 files in one folder: largest process':52}{float(done.stdout):8.0f} MiB goal < 1024     {time.perf_counter() - start:.0f} s")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--only", choices=("pdf", "xlsx", "csv", "many"), help="one part of it")
    chosen = options.parse_args()
    print(f"{os.cpu_count()} processors")
    with TemporaryDirectory() as scratch:
        place = Path(scratch)
        parts = {"pdf": lambda: bench_pdf(chosen.rounds), "xlsx": lambda: bench_xlsx(place, chosen.rounds),
                 "csv": lambda: bench_csv(place, chosen.rounds), "many": lambda: bench_many(place)}
        for name, part in parts.items():
            if chosen.only in (None, name):
                part()


if __name__ == "__main__":
    main()
