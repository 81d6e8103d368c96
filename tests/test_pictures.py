"""Pictures: what they seem to say is used only where their own sums prove it; the rest waits for a person."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from importlib.util import find_spec
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook
from PIL import Image

import pictures
from pictures import Canvas, account_page, app_list, jpeg, png, save, scan, statement
from recon.core.context import build_context
from recon.policy import load_policy
from recon.reading import ocr, workers
from recon.reading.containers import open_bytes
from recon.reading.file_read import ReadResult
from recon.reading.filled import IDENTITY
from recon.reading.folder import read_folder
from recon.reading.formats import load_formats
from recon.reading.grid import Grid
from recon.reading.picture import proved, sheet_of
from recon.reading.rows import read_rows
from support import MAPPINGS, run_recon

ID = "110105198503074917"
ROSTER = f"姓名,身份证号码,参保地,部门\n测试甲,{ID},武汉,研发\n"
LINES = [("个人账户划账", "2024-06-12", "+120.00", "3,335.40"), ("药店消费", "2024-06-08", "-35.60", "3,215.40"),
         ("个人账户划账", "2024-05-12", "+120.00", "3,251.00")]
ROWS = [["2024-05-12", "个人账户划账", "120.00", "", "3,251.00"], ["2024-06-08", "药店购药", "", "35.60", "3,215.40"],
        ["2024-06-12", "个人账户划账", "120.00", "", "3,335.40"]]
NAME = f"姓名：测试甲 证件号码：{ID}"
TRUE = {(date(2024, 5, 12), 12000), (date(2024, 6, 8), -3560), (date(2024, 6, 12), 12000)}
Fake = Callable[..., None]


class Here(workers.Pool):
    """Does the work of a pool in this process, where an engine of our making stands in for the real one."""

    def __init__(self, _: int) -> None:
        super().__init__(0)

    def run(self, tasks: Sequence[workers.Task], shared: object) -> Iterator[tuple[workers.Task, object]]:
        return workers.in_this_process(tasks, shared)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Fake:
    """An engine that reads what the pictures given say, in the order in which they are opened."""
    waiting: list[list[ocr.Seen]] = []

    def recognise(_: Image.Image) -> list[ocr.Seen]:
        return waiting.pop(0)

    monkeypatch.setattr(ocr, "available", lambda: True)
    monkeypatch.setattr(ocr, "recognise", recognise)
    monkeypatch.setattr("recon.fill.confirm.Pool", Here)

    def tell(*canvases: Canvas) -> None:
        waiting[:] = [list(canvas.seen) for canvas in canvases]

    return tell


def region_of(text: str) -> str | None:
    return {"武汉": "420100"}.get(text)


def read(folder: Path) -> ReadResult:
    return read_folder(folder, mappings=[MAPPINGS], region_of=region_of, workers=1)


def codes(result: ReadResult) -> list[str]:
    return [problem.code for problem in result.problems]


def used(result: ReadResult) -> list[tuple[date, int]]:
    return result.tables["flow"].select("posted_on", "amount_fen").rows()


# ---- what is proved -------------------------------------------------------------------------------------------------


def test_a_screen_without_balances_proves_nothing(tmp_path: Path, seen: Fake) -> None:
    """Not one row is used, and the remedy names the command."""
    canvas = app_list([(kind, day, amount, "") for kind, day, amount, _ in LINES], head=["姓名：测试甲"])
    (tmp_path / "r.csv").write_text(ROSTER, encoding="utf-8")
    save(tmp_path, "a.png", png(canvas))
    seen(canvas)
    result = read(tmp_path)
    assert used(result) == []
    assert [(each.code, each.value) for each in result.problems] == [("ocr-unproved", "3/3")]
    assert "recon confirm" in str(result.problems[0].row()["remedy"])
    assert result.sources.filter(result.sources["file"] == "a.png").select("status", "rows_read", "rows_skipped").rows() == [
        ("unconfirmed", 3, 3)]


@pytest.mark.parametrize("day_first", [False, True])
@pytest.mark.parametrize("oldest_first", [False, True])
def test_a_running_balance_proves_all_but_the_oldest(
    tmp_path: Path, seen: Fake, oldest_first: bool, day_first: bool
) -> None:
    """The oldest line's sum has no balance before it; the rest is used, marked as read by OCR."""
    canvas = app_list(LINES[::-1] if oldest_first else LINES, head=["姓名：测试甲"], day_first=day_first)
    (tmp_path / "r.csv").write_text(ROSTER, encoding="utf-8")
    save(tmp_path, "a.jpg", jpeg(canvas))
    seen(canvas)
    result = read(tmp_path)
    assert sorted(used(result)) == [(date(2024, 6, 8), -3560), (date(2024, 6, 12), 12000)]
    flow = result.tables["flow"]
    assert flow["proof"].to_list() == ["ocr"] * 2
    assert all("#ocr:" in place for place in flow["row_id"])
    assert flow["person_id"].unique().to_list() == [ID]
    assert [(each.code, each.value) for each in result.problems] == [("ocr-unproved", "1/3")]


def test_printed_totals_prove_every_line(tmp_path: Path, seen: Fake) -> None:
    """A scanned statement whose totals agree is used whole, and covers the period it states."""
    page = account_page(ROWS, NAME, "查询时间：2024-05-01 至 2024-06-30", "收入合计：240.00 支出合计：35.60")
    save(tmp_path, "a.pdf", scan(page))
    seen(page)
    result = read(tmp_path)
    assert set(used(result)) == TRUE
    assert codes(result) == []
    assert all("#ocr-p1:" in place for place in result.tables["flow"]["row_id"])
    assert result.tables["coverage"].filter(result.tables["coverage"]["basis"] == "stated")["to"].to_list() == [
        date(2024, 6, 30)]


def test_totals_that_differ_prove_nothing(tmp_path: Path, seen: Fake) -> None:
    """Nor does a chain help a statement whose printed total contradicts it."""
    page = account_page(ROWS, NAME, "收入合计：250.00 支出合计：35.60")
    save(tmp_path, "a.pdf", scan(page))
    seen(page)
    result = read(tmp_path)
    assert (used(result), codes(result)) == ([], ["ocr-unproved"])


def test_no_misread_digit_is_ever_used() -> None:
    """Each digit of each sum and balance read wrongly, one after the other: what is used is always true."""
    page, formats = account_page(ROWS, NAME), load_formats([MAPPINGS])

    def accepted(seen: list[ocr.Seen]) -> set[tuple[date, int]]:
        sheet = sheet_of(Grid(kind="picture", seen=[seen]), formats)
        assert sheet.header is not None
        return set(proved(read_rows(sheet.grid, sheet.header), sheet).select("posted_on", "amount_fen").rows())

    tried = wholly = 0
    for at, word in enumerate(page.seen):
        if "." not in word.text or ID in word.text:
            continue
        for place, digit in enumerate(word.text):
            if digit.isdigit():
                wrong = word.text[:place] + str((int(digit) + 1) % 10) + word.text[place + 1:]
                rows = accepted([*page.seen[:at], word._replace(text=wrong), *page.seen[at + 1:]])
                assert rows <= TRUE, wrong
                tried += 1
                wholly += not rows
    assert (tried, wholly) == (32, 27)  # the five digits of the oldest sum are not used anyway
    assert len(accepted(page.seen)) == 2


@pytest.mark.parametrize("change", ["unsure", "unordered", "lost"])
def test_doubt_proves_nothing(tmp_path: Path, seen: Fake, change: str) -> None:
    """A figure read with little confidence, days out of order, or a sum that cannot be read: no row is used."""
    rows = [list(row) for row in ROWS]
    if change == "unordered":
        rows[1][0] = "2024-07-08"
    if change == "lost":
        rows[1][3] = "35.6O"
    page = account_page(rows, NAME)
    if change == "unsure":
        page.seen[-1] = page.seen[-1]._replace(score=0.6)
    save(tmp_path, "a.png", png(page))
    seen(page)
    result = read(tmp_path)
    assert (used(result), codes(result)) == ([], ["ocr-unproved"])


def test_contributions_are_proved_by_their_totals(tmp_path: Path, seen: Fake) -> None:
    """Columns of money with a printed total that agrees are used; a base without one is left out."""
    columns = [("缴费月份", 80), ("缴费基数", 300), ("单位缴费金额", 520), ("个人缴费金额", 760), ("实收时间", 1000)]
    rows = [["2024-01", "6000.00", "480.00", "120.00", "2024-01-20"],
            ["2024-02", "6000.00", "480.00", "120.00", "2024-02-20"]]
    for total, count in ((["合计", "", "960.00", "240.00", ""], 2), (["合计", "", "970.00", "240.00", ""], 0),
                         (["", "", "", "", ""], 0)):
        page = statement(["职工基本医疗保险个人缴费明细", NAME], columns, [*rows, total])
        save(tmp_path, "a.png", png(page))
        seen(page)
        paid = read(tmp_path).tables["contribution"]
        assert paid.height == count
        assert set(paid["proof"]) <= {"ocr"}
        assert paid["base_fen"].null_count() == count


def test_a_screen_covers_nothing(tmp_path: Path, seen: Fake) -> None:
    """A screenshot never shows that something did not come: it has no coverage, whatever period it states."""
    page = account_page(ROWS, NAME, "查询时间：2024-01-01 至 2024-12-31", "收入合计：240.00 支出合计：35.60")
    (tmp_path / "r.csv").write_text(ROSTER, encoding="utf-8")
    save(tmp_path, "a.png", png(page))
    seen(page)
    result = read(tmp_path)
    assert set(used(result)) == TRUE
    assert result.tables["coverage"].is_empty()
    assert build_context(result.tables, load_policy([MAPPINGS / "policy"]), date(2025, 1, 1)).cover.is_empty()


def test_years_stand_above_the_days(tmp_path: Path, seen: Fake) -> None:
    """A list that heads its months with the year and writes days without it."""
    canvas = app_list(LINES, head=["姓名：测试甲"], months=True)
    (tmp_path / "r.csv").write_text(ROSTER, encoding="utf-8")
    save(tmp_path, "a.png", png(canvas))
    seen(canvas)
    assert sorted(used(read(tmp_path))) == [(date(2024, 6, 8), -3560), (date(2024, 6, 12), 12000)]


def screen(*lines: tuple[int, int, str]) -> Canvas:
    """A screen with text at given places."""
    canvas = Canvas(720, 900)
    for x, y, text in lines:
        canvas.text(x, y, text, 28)
    return canvas


CARDS = screen(
    (32, 40, "缴费明细"), (32, 100, "2024年06月"), (32, 150, "缴费基数"), (500, 150, "6,000.00"), (32, 200, "个人缴费"),
    (500, 200, "120.00"), (32, 250, "单位缴费"), (500, 250, "480.00"), (32, 300, "缴费状态"), (500, 300, "已缴费"),
    (32, 400, "费款所属期：202405"), (32, 450, "个人缴费：120.00元"), (32, 500, "单位缴费：480.00元"),
)
FIGURES = screen((32, 40, "我的医保账户"), (200, 120, "账户余额(元)"), (220, 180, "3,215.40"), (32, 300, "当年账户余额"),
                 (500, 300, "1,215.40"), (32, 360, "本年划入合计 1,440.00"), (32, 420, "查询时间 2024-12-31"))


def test_cards_of_contributions(tmp_path: Path, seen: Fake) -> None:
    """A month, and below it labels and values, in one text or side by side; nothing proves them, a person ticks them."""
    path = drafted(tmp_path, seen, CARDS)
    tick(path, SIGNED, {0: {"用": "是"}, 1: {"用": "是", "是否到账": "已到账"}})
    seen(CARDS)
    paid = read(tmp_path).tables["contribution"]
    assert paid.select("accrual_month", "base_fen", "employee_fen", "employer_fen", "paid", "proof").rows() == [
        (date(2024, 6, 1), 600000, 12000, 48000, True, "human"), (date(2024, 5, 1), None, 12000, 48000, True, "human")]


def test_a_single_balance(tmp_path: Path, seen: Fake) -> None:
    """A screen with nothing but balances becomes readings once a person has ticked them."""
    path = drafted(tmp_path, seen, FIGURES)
    tick(path, SIGNED, {0: {"用": "是"}, 1: {"用": "是"}, 2: {"用": "是", "查看日期": "2024"}})
    seen(FIGURES)
    result = read(tmp_path)
    assert result.tables["reading"].select("kind", "read_on", "amount_fen", "proof").rows() == [
        ("ledger", date(2024, 12, 31), 321540, "human"), ("current_year", date(2024, 12, 31), 121540, "human"),
        ("year_credited", date(2024, 12, 31), 144000, "human")]
    assert codes(result) == []


def test_pages_beyond_the_limit_are_said(tmp_path: Path, seen: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long scan is read as far as the limit goes, and the rest is named."""
    monkeypatch.setattr("recon.reading.picture.MAX_PAGES", 1)
    page = account_page(ROWS, NAME, "收入合计：240.00 支出合计：35.60")
    save(tmp_path, "a.pdf", scan(page, page, page))
    seen(page)
    result = read(tmp_path)
    assert [(each.code, each.place, each.value) for each in result.problems] == [
        ("pages-unread", "p2", "p2–p3")]
    assert len(used(result)) == 3
    assert result.sources["status"].to_list() == ["partly_read"]


def test_a_picture_of_something_else(tmp_path: Path, seen: Fake) -> None:
    """No sum, no list: said, and nothing more."""
    canvas = Canvas(400, 300)
    canvas.text(20, 20, "周末聚餐", 30)
    save(tmp_path, "a.png", png(canvas))
    save(tmp_path, "b.png", b"\x89PNG\r\n\x1a\nbroken")
    seen(canvas)
    assert codes(read(tmp_path)) == ["not-a-table", "not-a-table"]


def test_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures and scans are named with what to install; nothing else of the run changes."""
    monkeypatch.setattr(ocr, "available", lambda: False)
    canvas = app_list(LINES)
    save(tmp_path, "a.png", png(canvas))
    save(tmp_path, "b.pdf", scan(canvas))
    result = read(tmp_path)
    assert codes(result) == ["ocr-missing", "no-text-layer"]
    assert all("recon[ocr]" in str(each.row()["remedy"]) for each in result.problems)
    done = run_recon(["confirm", tmp_path])
    assert (done.code, "recon[ocr]" in done.stderr) == (2, True)


# ---- what a person confirms -----------------------------------------------------------------------------------------


def tick(path: Path, about: dict[str, object], rows: dict[int, dict[str, object]]) -> None:
    """Fill in the first sheet of a confirmation as a person would; ``rows`` by number from 0: column title -> value."""
    book = load_workbook(path)
    page = book.worksheets[0]
    labels = {each.zh: each.name for each in IDENTITY}
    for row in page.iter_rows(max_row=14):
        for cell in row:
            name = labels.get(str(cell.value))
            if name in about:
                page.cell(cell.row, cell.column + 1, about[name])
    top = next(row[0].row for row in page.iter_rows() if any(cell.value == "用" for cell in row))
    columns = {str(cell.value): cell.column for cell in page[top]}
    for number, values in rows.items():
        for title, value in values.items():
            page.cell(top + 1 + number, columns[title], value)
    book.save(path)


SIGNED: dict[str, object] = {"person_id": ID, "region": "武汉", "confirmed_by": "测试甲", "confirmed_on": date(2024, 7, 1),
                             "year": "2024"}


def drafted(folder: Path, seen: Fake, canvas: Canvas) -> Path:
    """The picture in a folder, and the confirmation written for it."""
    save(folder, "a.png", png(canvas))
    seen(canvas)
    done = run_recon(["confirm", folder])
    assert done.code == 0, done.stderr
    assert "图片 1 张" in done.stdout
    return folder / "recon核对表.xlsx"


def test_ticked_rows_become_a_persons_word(tmp_path: Path, seen: Fake) -> None:
    """Right, corrected and added rows count with who and when; the rest is counted as left out; the picture is settled."""
    canvas = app_list([(kind, day[5:], amount, "") for kind, day, amount, _ in LINES])
    path = drafted(tmp_path, seen, canvas)
    assert len(load_workbook(path).worksheets[0]._images) == 4  # three strips and the whole picture
    tick(path, SIGNED, {0: {"用": "是"}, 1: {"用": "是", "收支金额（元）": 36.6}, 2: {"用": "否"},
                        4: {"用": "是", "入账日期": date(2024, 4, 12), "收支类型": "划入", "收支金额（元）": 110}})
    seen(canvas)
    result = read(tmp_path)
    assert sorted(used(result)) == [(date(2024, 4, 12), 11000), (date(2024, 6, 8), -3660), (date(2024, 6, 12), 12000)]
    assert result.tables["flow"].select("proof", "confirmed_by", "confirmed_on").unique().rows() == [
        ("human", "测试甲", date(2024, 7, 1))]
    assert codes(result) == []
    assert dict(result.sources.select("file", "status").rows()) == {"a.png": "confirmed", "recon核对表.xlsx": "read"}
    assert result.sources.select("rows_read", "rows_used", "rows_skipped").rows()[1] == (4, 3, 1)
    again = run_recon(["confirm", tmp_path, "-o", tmp_path / "b.xlsx"])
    assert (again.code, "没有要核对" in again.stdout, (tmp_path / "b.xlsx").exists()) == (0, True, False)


def test_nothing_is_ticked_beforehand(tmp_path: Path, seen: Fake) -> None:
    """The untouched confirmation changes nothing: the picture stays unproved."""
    canvas = app_list(LINES)
    drafted(tmp_path, seen, canvas)
    seen(canvas)
    result = read(tmp_path)
    assert used(result) == []
    assert sorted(codes(result)) == ["no-rows", "ocr-unproved"]


@pytest.mark.parametrize("missing", ["confirmed_by", "confirmed_on"])
def test_an_unsigned_confirmation_is_not_used(tmp_path: Path, seen: Fake, missing: str) -> None:
    """Ticks count only with who and when."""
    canvas = app_list(LINES)
    path = drafted(tmp_path, seen, canvas)
    tick(path, {name: value for name, value in SIGNED.items() if name != missing}, {0: {"用": "是"}})
    seen(canvas)
    result = read(tmp_path)
    assert used(result) == []
    assert "not-signed" in codes(result)
    assert "ocr-unproved" in codes(result)


def test_a_year_that_is_missing_is_asked(tmp_path: Path, seen: Fake) -> None:
    """Days without a year and without the answer are refused, not guessed."""
    canvas = app_list([(kind, day[5:], amount, "") for kind, day, amount, _ in LINES])
    path = drafted(tmp_path, seen, canvas)
    tick(path, {name: value for name, value in SIGNED.items() if name != "year"}, {0: {"用": "是"}})
    seen(canvas)
    result = read(tmp_path)
    assert used(result) == []
    assert [(each.code, each.value) for each in result.problems] == [("unreadable-date", "06-12")]


def test_what_the_draft_holds(tmp_path: Path, seen: Fake) -> None:
    """A scan's table: name, ID and period are taken over, sums are numbers, days are days."""
    page = account_page(ROWS, NAME)
    save(tmp_path, "a.pdf", scan(page))
    seen(page)
    assert run_recon(["confirm", tmp_path, "-o", tmp_path / "c.xlsx", "--lang", "en"]).code == 0
    page_one = load_workbook(tmp_path / "c.xlsx").worksheets[0]
    values = [[cell.value for cell in row] for row in page_one.iter_rows() if any(cell.value is not None for cell in row)]
    flat = [value for row in values for value in row if value is not None]
    assert {"测试甲", ID, "credit", "spending", 120, 35.6, 3335.4} <= set(flat)
    assert "yes" not in flat


def zipped(files: dict[str, bytes], way: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive of ``files``."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", way) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return sink.getvalue()


def confirmed(folder: Path) -> list[str]:
    """Which pictures a confirmation shows, by what stands above each."""
    path = folder / "c.xlsx"
    done = run_recon(["confirm", folder, "-o", path])
    assert done.code == 0, done.stderr
    marks = [str(page["A1"].value) for page in load_workbook(path).worksheets] if path.exists() else []
    return [mark.split(" · ")[1] for mark in marks]


@pytest.mark.parametrize("damage", ["cut", "not an archive", "bad directory"])
def test_a_damaged_archive_costs_no_other_picture(tmp_path: Path, seen: Fake, damage: str) -> None:
    """It is left to the run to name; the pictures beside it are drafted."""
    canvas = app_list(LINES)
    whole = zipped({"b.png": png(canvas)})
    data = {"cut": whole[:-30], "not an archive": b"PK\x03\x04" + b"\0" * 60,
            "bad directory": whole[:-20] + b"\xff" * 20}[damage]
    save(tmp_path, "a.zip", data)
    save(tmp_path, "b.png", png(canvas))
    seen(canvas)
    assert confirmed(tmp_path) == ["b.png"]


def test_an_archive_that_is_too_large_is_not_unpacked(tmp_path: Path, seen: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a run refuses to unpack, and a file it refuses to load, is not read here either."""
    canvas = app_list(LINES)
    save(tmp_path, "a.zip", zipped({"b.png": png(canvas), "c.bin": b"\0" * 100_000}))
    save(tmp_path, "d.png", png(canvas) + b"\0" * 100_000)
    save(tmp_path, "e.png", png(canvas))
    monkeypatch.setattr("recon.reading.xlsx_grid.MAX_UNPACKED", 90_000)
    monkeypatch.setattr("recon.reading.containers.MAX_BYTES", 90_000)
    seen(canvas)
    assert confirmed(tmp_path) == ["e.png"]


@pytest.mark.parametrize("way", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_pictures_in_archives_in_archives(tmp_path: Path, seen: Fake, way: int) -> None:
    """As deep as a run goes, and no deeper, packed or stored; a confirmation in an archive settles its picture."""
    first, second, third, fourth = (app_list([(kind, day, f"+{at}.00", "") for kind, day, *_ in LINES])
                                    for at in range(1, 5))
    settled = save(tmp_path / "aside", "a.png", png(fourth))
    seen(fourth)
    assert run_recon(["confirm", settled.parent]).code == 0
    tick(settled.parent / "recon核对表.xlsx", SIGNED, {0: {"用": "是"}})
    deepest = zipped({"d.png": png(third)}, way)
    inner = zipped({"b.pdf": scan(second), "deeper.zip": deepest, "s.png": png(fourth),
                    "t.xlsx": (settled.parent / "recon核对表.xlsx").read_bytes()}, way)
    save(tmp_path / "in", "o.zip", zipped({"a.png": png(first), "inner.zip": inner}, way))
    seen(first, second)
    assert confirmed(tmp_path / "in") == ["o.zip!a.png", "o.zip!inner.zip!b.pdf"]


def test_each_package_is_opened_once(tmp_path: Path, seen: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workbooks and archives are opened once, in search of confirmations."""
    canvas = app_list(LINES)
    save(tmp_path, "a.zip", zipped({"a.png": png(canvas)}))
    book = Workbook()
    book.save(tmp_path / "b.xlsx")
    opened: list[bytes] = []
    monkeypatch.setattr("recon.fill.confirm.open_bytes",
                        lambda data, *more: opened.append(data[:2]) or open_bytes(data, *more))
    seen(canvas)
    assert confirmed(tmp_path) == ["a.zip!a.png"]
    assert sorted(opened) == [b"PK", b"PK", b"\x89P"]


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Makes one page, by its number from 1, fail when it is drawn."""
    import pypdfium2

    opened = pypdfium2.PdfDocument.__getitem__

    def fail(number: int) -> None:
        def page(document: object, at: int) -> object:
            if at == number - 1:
                raise pypdfium2.PdfiumError("Failed to load page.")
            return opened(document, at)

        monkeypatch.setattr(pypdfium2.PdfDocument, "__getitem__", page)

    return fail


def test_a_page_that_cannot_be_drawn_is_said(tmp_path: Path, seen: Fake, undrawn: Callable[[int], None]) -> None:
    """Its neighbours are read and drafted; the problem, the confirmation and the command name it or say so."""
    pages = [app_list([(kind, day, f"+{at}.00", "") for kind, day, *_ in LINES]) for at in (1, 2, 3)]
    save(tmp_path, "a.pdf", scan(*pages))
    undrawn(2)
    seen(pages[0], pages[2])
    assert ("pages-unread", "p2", "p2") in [(each.code, each.place, each.value) for each in read(tmp_path).problems]
    seen(pages[0], pages[2])
    done = run_recon(["confirm", tmp_path, "-o", tmp_path / "c.xlsx"])
    assert done.code == 0
    assert "图片 1 张，读出 6 行" in done.stdout
    assert "1 份扫描件有几页没有读" in done.stdout
    [sheet] = load_workbook(tmp_path / "c.xlsx").worksheets
    assert [cell for row in sheet.iter_rows(values_only=True) for cell in row if str(cell).endswith("：p2")]
    assert len(sheet._images) == 8  # six strips and two whole pages


def test_a_picture_that_says_nothing_is_counted(tmp_path: Path, seen: Fake, undrawn: Callable[[int], None]) -> None:
    """A scan of which no page can be drawn and a photo without text are not passed over in silence."""
    save(tmp_path, "a.pdf", scan(app_list(LINES)))
    undrawn(1)
    save(tmp_path, "b.png", png(Canvas(400, 300)))
    save(tmp_path, "c.png", b"\x89PNG\r\n\x1a\nbroken")
    seen(Canvas(400, 300))
    done = run_recon(["confirm", tmp_path, "-o", tmp_path / "c.xlsx"])
    assert (done.code, done.stdout.strip()) == (0, "3 张图片或扫描件读不出内容，原因见 recon run 的“问题”")
    assert not (tmp_path / "c.xlsx").exists()


def mixed(first: list[list[str]], page: Canvas, last: list[list[str]]) -> bytes:
    """A PDF whose first page is text, the second a scan, the third text again."""
    from reportlab.lib.utils import ImageReader

    from test_containers import Sheet

    sheet = Sheet()
    for rows in (first, last):
        for number, row in enumerate([["武汉市医疗保险个人账户明细"], [NAME], ["入账日期", "摘要", "收入", "支出", "余额"], *rows]):
            for x, text in zip((50, 130, 260, 330, 400), row, strict=False):
                sheet.put(x, 60 + 14 * number, text)
        sheet.next()
        if rows is first:
            sheet.canvas.drawImage(ImageReader(page.image), 30, 300, 500, 400)
            sheet.next()
    return sheet.bytes()


def test_the_scanned_pages_of_a_mixed_document(tmp_path: Path, seen: Fake) -> None:
    """They are named, the text is read, the run says that something was left out; confirm lays just them out."""
    def line(month: int, balance: str) -> list[str]:
        return [f"2024-{month:02d}-12", "个人账户划账", "120.00", "", balance]

    page = account_page([line(3, "360.00")])
    save(tmp_path, "a.pdf", mixed([line(1, "120.00"), line(2, "240.00")], page, [line(4, "480.00"), line(5, "600.00")]))
    result = read(tmp_path)
    assert [day.month for day, _ in used(result)] == [1, 2, 4, 5]
    assert [(each.code, each.place, each.value) for each in result.problems] == [
        ("no-text-layer", "p2", "p2"), ("balance-break", "p3:4", "120.00")]
    assert result.sources["status"].to_list() == ["partly_read"]
    seen(page)
    assert run_recon(["confirm", tmp_path]).code == 0
    path = tmp_path / "recon核对表.xlsx"
    assert len(load_workbook(path).worksheets[0]._images) == 2  # one strip and the page
    tick(path, SIGNED, {0: {"用": "是"}})
    result = read(tmp_path)
    assert sorted(day.month for day, _ in used(result)) == [1, 2, 3, 4, 5]
    assert codes(result) == ["balance-break"]  # the text alone still lacks the line
    assert dict(result.sources.select("file", "status").rows()) == {"a.pdf": "read", "recon核对表.xlsx": "read"}


# ---- the engine -----------------------------------------------------------------------------------------------------


def test_tall_pictures_are_read_in_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every line once, at its place in the whole picture, though two strips show it."""
    lines = {at: 40 + at * 97 for at in range(40)}

    class Engine:
        top = 0

        def __call__(self, strip: Image.Image) -> object:
            inside = {at: y - self.top for at, y in lines.items() if -10 < y - self.top < strip.height - 10}
            self.top += strip.height - ocr.OVERLAP
            return type("Found", (), {
                "boxes": [[[10, y], [90, y], [90, y + 20], [10, y + 20]] for y in inside.values()],
                "txts": [f"行{at}" for at in inside], "scores": [0.99] * len(inside)})

    engine = Engine()
    monkeypatch.setattr(ocr, "_engine", lambda: engine)
    found = ocr.recognise(Image.new("RGB", (100, 4000)))
    assert [each.text for each in found] == [f"行{at}" for at in lines]
    assert [each.y0 for each in found] == list(lines.values())


def test_bombs_and_odd_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture larger than the limit is refused before it is unpacked; transparent ones stand on white."""
    from io import BytesIO

    monkeypatch.setattr(ocr, "MAX_PIXELS", 1_000_000)
    out = BytesIO()
    Image.new("1", (2_000, 2_000)).save(out, "PNG")
    with pytest.raises(ocr.PictureError):
        ocr.load(out.getvalue())
    out = BytesIO()
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(out, "PNG")
    assert ocr.load(out.getvalue()).getpixel((1, 1)) == (255, 255, 255)


@pytest.mark.skipif(not (find_spec("rapidocr") and pictures.chinese_font()), reason="needs recon[ocr] and a Chinese font")
def test_the_real_engine_reads_a_screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the extra installed, in a worker process: a screenshot and its proof."""
    monkeypatch.delenv("RECON_OCR")
    workers.close_idle()
    canvas = app_list(LINES, head=["姓名：测试甲"], dark=True)
    (tmp_path / "r.csv").write_text(ROSTER, encoding="utf-8")
    save(tmp_path, "a.jpg", jpeg(canvas))
    result = read_folder(tmp_path, mappings=[MAPPINGS], region_of=region_of, workers=2)
    workers.close_idle()
    assert sorted(used(result)) == [(date(2024, 6, 8), -3560), (date(2024, 6, 12), 12000)]


# ---- a file that takes its reader down ------------------------------------------------------------------------------

ENGINE = """
from types import SimpleNamespace
TEXTS = [{texts}]
class RapidOCR:
    def __init__(self, **_): pass
    def __call__(self, _):
        boxes = [[(x0, y0), (x1, y0), (x1, y1), (x0, y1)] for _, x0, y0, x1, y1, _ in TEXTS]
        return SimpleNamespace(boxes=boxes, txts=[each[0] for each in TEXTS], scores=[each[5] for each in TEXTS])
"""
ABORT = "import os, sys\nif 'recon.fill.confirm' in sys.modules: os.abort()"


def test_a_scan_that_takes_its_reader_down_costs_no_other_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its worker dies when it opens the PDF, by itself or in an archive; the picture beside it is drafted."""
    canvas = app_list(LINES)
    texts = ", ".join(repr(tuple(each)) for each in canvas.seen)
    save(tmp_path / "stub", "rapidocr.py", ENGINE.format(texts=texts).encode())
    save(tmp_path / "stub", "pypdfium2.py", ABORT.encode())
    save(tmp_path / "in", "a.pdf", scan(canvas))
    save(tmp_path / "in", "b.png", png(canvas))
    save(tmp_path / "in", "c.zip", zipped({"c.pdf": scan(canvas, canvas)}))
    workers.close_idle()
    monkeypatch.syspath_prepend(tmp_path / "stub")
    monkeypatch.delenv("RECON_OCR", raising=False)
    monkeypatch.setattr(ocr, "available", lambda: True)
    try:
        done = run_recon(["confirm", tmp_path / "in", "-o", tmp_path / "c.xlsx"])
    finally:
        workers.close_idle()
    assert done.code == 0
    assert "图片 1 张，读出 3 行" in done.stdout
    assert "2 张图片或扫描件读不出内容" in done.stdout
    assert str(load_workbook(tmp_path / "c.xlsx").worksheets[0]["A1"].value).endswith(" · b.png")
