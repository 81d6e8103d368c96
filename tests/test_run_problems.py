"""The problem codes that reading alone cannot raise: for each a folder that makes a run raise it."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import polars as pl
import pytest
from PIL import Image

from recon.reading import workers
from support import ROOT, SAMPLES, reports_in_name_only, run_recon

Row = dict[str, str]
PERSON_ID = "110105198503074917"


def month(number: int) -> str:
    """A month of 2024 and after as a native file writes it."""
    return f"{2024 + number // 12}-{number % 12 + 1:02d}-01"


def day(number: int, of_month: int = 12) -> str:
    """A day of such a month."""
    return f"{month(number)[:8]}{of_month:02d}"


def contributions(months: Iterable[int], region: str = "420100", own: int = 12000, **more: str) -> list[Row]:
    """One paid line a month."""
    return [{
        "person_id": PERSON_ID, "person_name": "测试甲", "region": region, "scheme": "310", "employer": "示例公司",
        "accrual_month": month(at), "paid_on": day(at, 20), "base_fen": str(own * 50), "employee_fen": str(own),
        "employer_fen": str(own * 4), "into_account_fen": str(own), "payment_kind": "normal", "paid": "true",
    } | more for at in months]


def credits(
    months: Iterable[int], region: str = "420100", fen: int = 12000, printed: dict[int, int] | None = None
) -> list[Row]:
    """One credit a month, of the month before; ``printed`` says which accrual month is printed on it."""
    return [{
        "person_id": PERSON_ID, "region": region, "posted_on": day(at), "flow_kind": "credit", "amount_fen": str(fen),
        "accrual_month": month(printed[at]) if printed else "",
    } for at in months]


def write(folder: Path, name: str, rows: list[Row]) -> None:
    """Rows as a native CSV file."""
    with (folder / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def policy_differs(folder: Path) -> None:
    """The export says 150.00 where 2% are 120.00."""
    write(folder, "contribution.csv", contributions(range(6), into_account_fen="15000"))
    write(folder, "flow.csv", credits(range(1, 7), fen=15000))


def zeros_ignored(folder: Path) -> None:
    """The column of credited amounts is all zeros, and the employee's part is credited each month."""
    write(folder, "contribution.csv", contributions(range(6), into_account_fen="0"))
    write(folder, "flow.csv", credits(range(1, 7)))


def printed_month_ignored(folder: Path) -> None:
    """Every credit prints the month it was posted in."""
    write(folder, "contribution.csv", contributions(range(6)))
    write(folder, "flow.csv", credits(range(1, 7), printed={at: at for at in range(1, 7)}))


def printed_month_contradicts(folder: Path) -> None:
    """Each month has its own sum, and the printed months are one too early."""
    write(folder, "contribution.csv", [row for at in range(8) for row in contributions([at], own=12000 + 500 * at)])
    write(folder, "flow.csv", [row for at in range(1, 8) for row in credits(
        [at + 1], fen=12000 + 500 * at, printed={at + 1: at - 1})])


def annual_window_differs(folder: Path) -> None:
    """Shanghai credits the twelve months to December instead of those to March; their sums differ."""
    months = [row for at in range(-6, 12) for row in contributions([at], "310000", own=10000 + 100 * (at + 6))]
    write(folder, "contribution.csv", months)
    total = sum(int(row["into_account_fen"]) for row in months[:12])
    write(folder, "flow.csv", credits([6], "310000", fen=total))


def contradictory_lines(folder: Path) -> None:
    """Two exports of one payment state different credited amounts."""
    write(folder, "contribution.csv", contributions(range(6)))
    write(folder, "contribution_again.csv", contributions(range(6), into_account_fen="15000"))
    write(folder, "flow.csv", credits(range(1, 7)))


def declared(*files: tuple[str, str]) -> list[Row]:
    """The day on which each account export was made."""
    return [{"table": "flow", "file": name, "from": "2024-01-01", "to": "2024-12-31", "exported_on": day,
             "basis": "declared"} for name, day in files]


def amended_line(folder: Path) -> None:
    """A newer export of the account tells one credit with another sum."""
    write(folder, "contribution.csv", contributions(range(6)))
    write(folder, "flow.csv", credits(range(1, 7)))
    write(folder, "flow_again.csv", [*credits([1, 2]), *credits([3], fen=11000), *credits([4, 5, 6])])
    write(folder, "coverage.csv", declared(("flow.csv", "2024-08-01"), ("flow_again.csv", "2024-09-01")))


def kind_by_amount(folder: Path) -> None:
    """A word that no list knows names the credits."""
    write(folder, "contribution.csv", contributions(range(6)))
    write(folder, "flow.csv", [row | {"flow_kind": "other"} for row in credits(range(1, 7))])


def kind_by_memo(folder: Path) -> None:
    """A credit whose memo says that it is interest."""
    write(folder, "contribution.csv", contributions(range(6)))
    write(folder, "flow.csv", [row | {"memo": ""} for row in credits(range(1, 7))] + [
        credits([6])[0] | {"posted_on": "2024-07-21", "amount_fen": "87", "memo": "年度结息"}])


def line_in_one_file(folder: Path) -> None:
    """A credit that a second export of the same months does not show."""
    write(folder, "contribution.csv", contributions(range(6)))
    write(folder, "flow.csv", credits(range(1, 7)))
    write(folder, "flow_again.csv", credits([1, 2, 4, 5, 6]))


def as_of_future(folder: Path) -> None:
    """One credit is dated far in the future."""
    write(folder, "contribution.csv", contributions(range(6)))
    write(folder, "flow.csv", [*credits(range(1, 7)), *credits([12 * 20])])


def record_too_long(folder: Path) -> None:
    """Normal lines and back pay of one sum side by side; the bound is lowered, for the search is hard to exceed."""
    write(folder, "contribution.csv", [
        *contributions(range(8)), *contributions(range(0, 8, 2), payment_kind="back_pay")])
    write(folder, "flow.csv", [*credits(range(1, 9)), *credits(range(2, 9, 3))])


def unmatched_reversal(folder: Path) -> None:
    """A reversal takes back more than was ever credited."""
    write(folder, "contribution.csv", contributions(range(6)))
    reversal = credits([7], fen=-99999)[0] | {"flow_kind": "reversal"}
    write(folder, "flow.csv", [*credits(range(1, 7)), reversal])


def leg_absent(folder: Path) -> None:
    """The configuration wants a payroll, and there is none."""
    write(folder, "contribution.csv", contributions(range(6)))
    (folder / "recon.toml").write_text('[legs]\npayroll = "required"\n', encoding="utf-8")


def unknown_decision(folder: Path) -> None:
    """Somebody wrote what is no decision into the workbook that lies in the folder."""
    from openpyxl import load_workbook

    write(folder, "contribution.csv", contributions(range(6)))
    write(folder, "flow.csv", credits([1, 2, 4, 5, 6]))
    run_recon(["run", folder, "-o", folder / "old.xlsx"])
    book = load_workbook(folder / "old.xlsx")
    heads = {cell.value: cell.column for cell in book["差异"][1]}
    book["差异"].cell(2, heads["处理决定"]).value = "问过了"
    book.save(folder / "old.xlsx")


def password_wrong(folder: Path) -> None:
    """A protected file, and a password that is not its own."""
    write(folder, "contribution.csv", contributions(range(6)))
    shutil.copy(ROOT / "tests" / "problems" / "password-required" / "a.pdf", folder)


def password_extra(folder: Path) -> None:
    """A file that a library opens, and that library is not there."""
    write(folder, "contribution.csv", contributions(range(6)))
    (folder / "a.xls").write_bytes(
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"))


def too_slow(folder: Path) -> None:
    """Any workbook, when no time is left for it."""
    write(folder, "contribution.csv", contributions(range(6)))
    shutil.copy(SAMPLES / "花名册.xlsx", folder)


def files_skipped(folder: Path) -> None:
    """An unfinished download beside the exports."""
    write(folder, "contribution.csv", contributions(range(6)))
    (folder / "明细.xlsx.crdownload").write_bytes(b"PK")


def reader_failed(folder: Path) -> None:
    """Any workbook, when the library that reads it aborts."""
    too_slow(folder)


def ocr_missing(folder: Path) -> None:
    """A screenshot, where the library that reads pictures cannot be imported."""
    write(folder, "contribution.csv", contributions(range(6)))
    Image.new("RGB", (40, 40), "white").save(folder / "a.png")


def ocr_unproved(folder: Path) -> None:
    """A screenshot of one credit without a balance."""
    ocr_missing(folder)


def pages_unread(folder: Path) -> None:
    """A scan of one page more than is read."""
    write(folder, "contribution.csv", contributions(range(6)))
    page = Image.new("RGB", (40, 40), "white")
    page.save(folder / "a.pdf", "PDF", save_all=True, append_images=[page] * 40)


_SEES = """
class Found:
    boxes = [[[10, 10], [90, 10], [90, 30], [10, 30]], [[150, 10], [200, 10], [200, 30], [150, 30]],
             [[10, 40], [90, 40], [90, 60], [10, 60]]]
    txts, scores = ("划入", "+120.00", "2024-06-12"), (0.99, 0.99, 0.99)

class RapidOCR:
    def __init__(self, **_): pass
    def __call__(self, _): return Found()
"""
REFUSED = ("password-wrong", "password-extra", "too-slow", "reader-failed")  # a file is lost
# A library in the place of another one, in the worker processes of one test.
STUBS = {"password-extra": ("msoffcrypto", "raise ImportError"), "reader-failed": ("python_calamine", "import os; os.abort()"),
         "ocr-missing": ("rapidocr", "raise ImportError"), "ocr-unproved": ("rapidocr", _SEES),
         "pages-unread": ("rapidocr", _SEES)}


def payslips(months: Iterable[int], own: int = 12000) -> list[Row]:
    """One deduction a month."""
    return [{"person_id": PERSON_ID, "person_name": "测试甲", "pay_month": month(at), "item": "medical",
             "deducted_fen": str(own)} for at in months]


def month_twice(folder: Path) -> None:
    """Two declarations of one month state the same people; the second has one more."""
    other = "110105199003078113"
    lines = [row | {"proof": "declared", "paid": "", "paid_on": ""} for row in contributions(range(3))]
    both = [*lines, *(row | {"person_id": other, "person_name": "测试乙"} for row in lines)]
    write(folder, "declared.csv", both)
    write(folder, "declared_again.csv", [*both, lines[0] | {"payment_kind": "back_pay"}])
    write(folder, "payroll.csv", payslips(range(3)))


def leg_month_missing(folder: Path) -> None:
    """The payroll of March is not there."""
    write(folder, "contribution.csv", contributions(range(6)))
    write(folder, "payroll.csv", payslips([0, 1, 3, 4, 5]))


def workbook_part(folder: Path) -> None:
    """Two people where one is as many as a workbook tells of."""
    frame = pl.DataFrame([row | {"person_id": one} for one in (PERSON_ID, "110105199001010053")
                          for row in contributions(range(6))])
    frame.select(
        "person_id", "region", pl.col("accrual_month", "paid_on").str.to_date(),
        pl.col("base_fen", "employee_fen", "employer_fen").cast(pl.Int64)).write_parquet(folder / "c.parquet")


TRIGGERS: dict[str, Callable[[Path], None]] = {
    trigger.__name__.replace("_", "-"): trigger
    for trigger in (policy_differs, printed_month_ignored, printed_month_contradicts, annual_window_differs,
                    contradictory_lines, amended_line, line_in_one_file, as_of_future, record_too_long, unmatched_reversal,
                    leg_absent, kind_by_amount, kind_by_memo, zeros_ignored,
                    month_twice, leg_month_missing, ocr_missing, ocr_unproved, pages_unread,
                    password_wrong, password_extra, too_slow, reader_failed, unknown_decision, files_skipped,
                    workbook_part)
}


def with_balances(rows: list[Row], start: int = 0) -> list[Row]:
    """The lines with the balance each leaves."""
    told = []
    for row in rows:
        start += int(row["amount_fen"])
        told.append(row | {"balance_fen": str(start)})
    return told


def balance_gap(folder: Path) -> None:
    """The second export does not open with what the first closed with."""
    rows = with_balances([row for at in range(1, 9) for row in (
        *credits([at]), credits([at], fen=-900)[0] | {"posted_on": day(at, 25), "flow_kind": "spend"})])
    write(folder, "flow.csv", rows[:5])
    write(folder, "later.csv", rows[6:])


def balance_never_chains(folder: Path) -> None:
    """The balance column holds some other figure, with spending among the lines."""
    spent = [row | {"flow_kind": "spend", "amount_fen": "-700"} for row in credits(range(2, 4))]
    rows = [*credits(range(1, 9)), *spent]
    write(folder, "flow.csv", [row | {"balance_fen": str(50000 - 31 * at * at)} for at, row in enumerate(rows)])


def mixed_accounts(folder: Path) -> None:
    """The balances of two accounts take turns."""
    one, other = with_balances(credits(range(1, 7))), with_balances(credits(range(1, 7), fen=700), start=90000)
    write(folder, "flow.csv", [row for pair in zip(one, other, strict=True) for row in pair])


def balance_without_lines(folder: Path) -> None:
    """Balances only: every amount is nothing."""
    write(folder, "flow.csv", [row | {"amount_fen": "0", "balance_fen": str(12000 * at)}
                               for at, row in enumerate(credits(range(1, 4)))])


def negative_balance(folder: Path) -> None:
    """More was used than was there."""
    write(folder, "flow.csv", with_balances(credits(range(1, 4)), start=-30000))


def quiet_year(folder: Path) -> None:
    """Fourteen months of one export without a line, although contributions were paid."""
    write(folder, "contribution.csv", contributions(range(20)))
    write(folder, "flow.csv", [*credits(range(1, 3)), *credits(range(17, 20))])


TRIGGERS |= {
    trigger.__name__.replace("_", "-"): trigger
    for trigger in (balance_gap, balance_never_chains, mixed_accounts, balance_without_lines, negative_balance,
                    quiet_year)
}


@pytest.mark.parametrize("code", TRIGGERS)
def test_a_run_raises_the_code(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The code is among the problems of the run, worded, with a remedy."""
    if code == "record-too-long":
        monkeypatch.setattr("recon.core.search.MAX_STATES", 2)
    monkeypatch.setenv("RECON_PASSWORDS", "wrong")
    if code == "workbook-part":  # what is large, and how many people a workbook tells of
        monkeypatch.setattr("recon.sharding.FROM_ROWS", 1)
        monkeypatch.setattr("recon.reading.spread.slicing.SMALL_BYTES", 0)
        monkeypatch.setattr("recon.large.SHOWN_PEOPLE", 1)
    if code == "too-slow":
        monkeypatch.setattr("recon.reading.files.SECONDS", -60)
    if code in STUBS:
        monkeypatch.delenv("RECON_OCR")
        library, text = STUBS[code]
        workers.close_idle()
        (tmp_path / f"{library}.py").write_text(text, encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "exports").mkdir()
    TRIGGERS[code](tmp_path / "exports")
    reports_in_name_only(monkeypatch)  # a trigger may need a real one
    outcome = run_recon(["run", tmp_path / "exports", "-o", tmp_path / "r.xlsx", "--tables", tmp_path / "tables",
                         "--tables-format", "csv"])
    if code in STUBS:
        workers.close_idle()
    assert outcome.code in ((4,) if code in REFUSED else (0, 3))
    with (tmp_path / "tables" / "problem.csv").open(encoding="utf-8", newline="") as file:
        found = {row["code"]: row for row in csv.DictReader(file)}
    assert code in found
    assert found[code]["message"]
    assert found[code]["remedy"]
