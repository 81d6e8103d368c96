"""What a running balance proves, what of the ends of a file nothing proves, and which other file closes them."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.reading import csv_grid, printed
from recon.reading.checks import chain, in_chain_order
from recon.reading.file_read import ReadResult
from recon.reading.folder import identify_folder, read_folder
from recon.reading.proof import Printed, Proof, prove, prove_by_column, unproved
from recon.report.words import Words
from recon.state.rows import KeptRows
from support import MAPPINGS, run_recon

PERSON, OTHER = "110105198503074917", "420106199001011234"
HEAD = "医疗保险个人账户收支明细\n姓名：{name},证件号码：{number},统筹区：武汉市\n收支时间,收支类型,收入（元）,支出（元）,余额（元）\n"
LINES = [("2024-01-10", "120.00", "", "620.00"), ("2024-02-10", "120.00", "", "740.00"),
         ("2024-02-15", "", "40.00", "700.00"), ("2024-03-10", "120.00", "", "820.00"),
         ("2024-04-10", "120.00", "", "940.00")]


def export(lines: list[tuple[str, str, str, str]], number: str = PERSON, foot: str = "", name: str = "测试甲") -> str:
    rows = "".join(f"{day},{'个人账户划账' if came else '购药'},{came},{went},{left}\n" for day, came, went, left in lines)
    return HEAD.format(name=name, number=number) + rows + foot


def read(folder: Path, **files: str) -> ReadResult:
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return read_folder(folder, mappings=[MAPPINGS], region_of=lambda _: "420100", workers=1)


def said(result: ReadResult) -> list[str | None]:
    return result.sources.sort("file")["unproved"].to_list()


OPEN = "before L4; amount L4; after L8"


def test_ends_without_any_proof_are_named(tmp_path: Path) -> None:
    result = read(tmp_path, a=export(LINES))
    assert said(result) == [OPEN]
    assert result.sources["rows_proved"].to_list() == [4]


def test_newest_first_names_the_same_lines(tmp_path: Path) -> None:
    assert said(read(tmp_path, a=export(LINES[::-1]))) == ["before L8; amount L8; after L4"]


@pytest.mark.parametrize(("foot", "left", "rows"), [
    ("合计,,480.00,40.00,\n", None, 5),
    ("合计,,480.00,,\n", "before L4; after L8", 5),  # nothing is said of what was spent
])
def test_totals_prove_the_ends(tmp_path: Path, foot: str, left: str | None, rows: int) -> None:
    result = read(tmp_path, a=export(LINES, foot=foot))
    assert (said(result), result.sources["rows_proved"].to_list()) == ([left], [rows])


def test_a_total_that_leaves_an_empty_column_empty_is_one(tmp_path: Path) -> None:
    assert said(read(tmp_path, a=export(LINES[:2], foot="合计,,240.00,,\n"))) == [None]


def test_a_file_that_goes_on_from_the_balance_proves_the_end(tmp_path: Path) -> None:
    result = read(tmp_path, a=export(LINES[:3]), b=export(LINES[3:]))
    assert said(result) == ["before L4; amount L4", "after L5"]
    assert result.sources.sort("file")["rows_proved"].to_list() == [2, 2]


def test_a_file_that_shows_the_line_between_others_proves_the_end(tmp_path: Path) -> None:
    assert said(read(tmp_path, a=export(LINES[:4]), b=export(LINES[2:]))) == ["before L4; amount L4", "after L6"]


def test_a_gap_between_two_files_proves_nothing(tmp_path: Path) -> None:
    assert said(read(tmp_path, a=export(LINES[:2]), b=export(LINES[3:]))) == [
        "before L4; amount L4; after L5", "before L4; amount L4; after L5"]


def test_the_balance_of_somebody_else_proves_nothing(tmp_path: Path) -> None:
    result = read(tmp_path, a=export(LINES[:3]), b=export(LINES[3:], OTHER, name="王样例"))
    assert said(result) == ["before L4; amount L4; after L6", "before L4; amount L4; after L5"]


def test_an_account_that_is_emptied_joins_nothing(tmp_path: Path) -> None:
    emptied = [("2024-01-10", "120.00", "", "120.00"), ("2024-01-11", "", "120.00", "0.00"),
               ("2024-03-10", "120.00", "", "120.00"), ("2024-03-11", "", "120.00", "0.00")]
    result = read(tmp_path, a=export(emptied[:2]), b=export(emptied[2:]))
    assert said(result) == ["before L4; amount L4; after L5"] * 2


def test_a_balance_read_off_proves_the_end(tmp_path: Path) -> None:
    figures = "person_id,read_on,kind,amount_fen\n" + f"{PERSON},2024-05-02,ledger,94000\n{PERSON},2024-01-01,ledger,50000\n"
    assert said(read(tmp_path, a=export(LINES), b=figures))[0] is None
    early = f"person_id,read_on,kind,amount_fen\n{PERSON},2024-04-01,ledger,94000\n"
    assert said(read(tmp_path, a=export(LINES), b=early))[0] == OPEN  # read before the line it would prove


def test_the_order_of_files_changes_nothing(tmp_path: Path) -> None:
    one, other = tmp_path / "1", tmp_path / "2"
    for folder in (one, other):
        folder.mkdir()
    found = said(read(one, a=export(LINES[:3]), b=export(LINES[3:])))
    assert said(read(other, b=export(LINES[:3]), a=export(LINES[3:]))) == found[::-1]


def test_a_line_without_balance_is_proved_only_as_a_sum(tmp_path: Path) -> None:
    bare = [*LINES[:2], (*LINES[2][:3], ""), *LINES[3:]]
    result = read(tmp_path, a=export(bare))
    assert said(result) == ["before L4; amount L4, L6, L7; after L8"]
    assert result.sources["rows_proved"].to_list() == [2]


def test_several_accounts_each_have_their_ends(tmp_path: Path) -> None:
    head = "person_id,posted_on,flow_kind,amount_fen,balance_fen\n"
    rows = [f"{number},2024-0{month}-10,credit,12000,{12000 * month}\n" for number in (PERSON, OTHER) for month in (1, 2, 3)]
    assert said(read(tmp_path, a=head + "".join(rows))) == ["before L2, L5; amount L2, L5; after L4, L7"]


def test_parquet_says_the_same_as_csv(tmp_path: Path) -> None:
    frame = pl.DataFrame({
        "person_id": [PERSON] * 3 + [OTHER] * 3, "posted_on": [date(2024, month, 10) for month in (1, 2, 3)] * 2,
        "flow_kind": "credit", "amount_fen": 12000, "balance_fen": [12000, 24000, 36000] * 2})
    frame.write_parquet(tmp_path / "a.parquet")
    result = read_folder(tmp_path, mappings=[MAPPINGS], region_of=lambda _: None, workers=1)
    assert said(result) == ["before R1, R4; amount R1, R4; after R3, R6"]
    assert result.sources["rows_proved"].to_list() == [4]


def test_contributions_have_no_balance_to_prove_them(tmp_path: Path) -> None:
    text = f"person_id,accrual_month,employee_fen\n{PERSON},2024-01,12000\n"
    result = read(tmp_path, a=text)
    assert result.sources.select("rows_proved", "unproved").rows() == [(None, None)]


def test_kept_rows_keep_what_is_proved(tmp_path: Path) -> None:
    folder, kept = tmp_path / "in", tmp_path / "kept"
    folder.mkdir()
    (folder / "a.csv").write_text(export(LINES[:3]), encoding="utf-8")
    (folder / "b.csv").write_text(export(LINES[2:]), encoding="utf-8")
    given: dict[str, Any] = {"mappings": [MAPPINGS], "region_of": lambda _: "420100", "workers": 1}
    first = KeptRows(kept, "mark")
    before = read_folder(folder, kept=first, **given)
    assert first.keep("person") == 2
    again = KeptRows(kept, "mark")
    after = read_folder(folder, kept=again, **given)
    assert again.hits == 2
    assert said(after) == said(before) == ["before L4; amount L4", "after L6"]


def test_identify_and_json_tell(tmp_path: Path) -> None:
    (tmp_path / "个账.csv").write_text(export(LINES), encoding="utf-8")
    [claim] = identify_folder(tmp_path, mappings=[MAPPINGS], workers=1)
    assert (claim.rows_proved, claim.unproved) == (4, OPEN)
    told = run_recon(["identify", tmp_path]).stdout
    assert "余额证明的行 4 · 没有证明的：L4 之前有没有漏行；L4 的金额；L8 之后有没有漏行" in told
    assert "rows are missing after L8" in run_recon(["identify", tmp_path, "--lang", "en"]).stdout


def test_names_of_people_stay_out_of_json(tmp_path: Path) -> None:
    from recon.batch import Options, run_folder

    (tmp_path / "测试甲的个账.csv").write_text(export(LINES), encoding="utf-8")
    (tmp_path / "花名册.csv").write_text(f"person_id,person_name\n{PERSON},测试甲\n", encoding="utf-8")
    run = run_folder(tmp_path, Options(region="420100"))
    assert run.counts["proof"] == {"files": 1, "rows_proved": 4, "unproved": [{"file": "F0001", "rows": OPEN}]}


def test_long_lists_are_counted() -> None:
    ends = pl.DataFrame({
        "place": [f"R{at}" for at in range(500)], "is_oldest": True, "day": None, "balance": None, "line": None,
        "open_amount": True, "open_beyond": False})
    text = unproved([Proof(0, [], ends, pl.DataFrame())])
    assert text is not None
    assert text.startswith("amount R0, R1, ")
    assert text.endswith(", R199, +300")
    assert Words("zh").unproved(text) == "R0、R1、R2、R3、R4 等 500 处 的金额"
    assert Words("zh").unproved("a; b") == "a; b"
    assert Words("en").unproved(None) == "nothing (both ends are proved)"


@st.composite
def statements(draw: st.DrawFn) -> dict[str, Any]:
    """Lines of one or two accounts, some without a balance or amount, some with a wrong balance, some left out."""
    count = draw(st.integers(1, 14))
    accounts = draw(st.lists(st.sampled_from(["a", "b"]), min_size=count, max_size=count))
    days = sorted(draw(st.lists(st.integers(0, 6), min_size=count, max_size=count)))
    balance = {"a": 1000, "b": 5}
    amounts: list[int | None] = []
    balances: list[int | None] = []
    for account in accounts:
        amount = draw(st.integers(-5, 5))
        balance[account] += amount
        odd = draw(st.integers(0, 14))
        amounts.append(None if odd == 1 else amount)
        balances.append(None if odd in (2, 3) else balance[account] + (odd == 4))
    order = draw(st.sampled_from(["up", "down", "days"]))
    lines = list(zip(amounts, balances, [date(2024, 1, 1) + timedelta(day) for day in days], accounts, strict=True))
    if order == "down":
        lines.reverse()
    elif order == "days":
        lines.sort(key=lambda line: line[2], reverse=True)
    agreed = draw(st.frozensets(st.sampled_from(["in", "out", "count", "opening", "closing", "page_in", "page_out"])))
    return {
        "lines": lines, "left_out": draw(st.sets(st.integers(0, count - 1), max_size=2)),
        "stated": Printed(agreed, draw(st.none() | st.integers(0, count - 1)), draw(st.booleans())),
    }


@given(statements())
def test_columns_prove_what_lines_prove(given_: dict[str, Any]) -> None:
    """Both ways of reading give the same proof: by line for small grids, by column for large ones."""
    amounts, balances, days, accounts = (list(column) for column in zip(*given_["lines"], strict=True))
    left_out, stated = given_["left_out"], given_["stated"]
    keys = [{"whose": accounts}]
    known = chain(amounts, balances, days, keys, left_out)
    if not known.order:
        return
    places = [f"L{at}" for at in range(len(days))]
    by_line = prove(amounts, balances, days, places, {"_name": accounts}, keys[0], left_out, known, stated, marked=True)
    frame = in_chain_order(amounts, balances, days, keys[0], left_out, known.order)
    whose = pl.DataFrame({"place": places, "_name": accounts})
    by_column = prove_by_column(frame, whose, known, stated, marked=True)
    assert by_line.rows == by_column.rows
    assert by_line.places == by_column.places
    for one, other in ((by_line.ends, by_column.ends), (by_line.lines, by_column.lines)):
        assert one.sort(pl.all()).rows() == other.select(one.columns).sort(pl.all()).rows()
    assert by_line.ends["place"].to_list() == by_column.ends["place"].to_list()
    assert unproved([by_line]) == unproved([by_column])


def test_files_read_by_column_say_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Large files are read by column; the report is the same, and so are the marks that other files go by."""
    lines, balance = [], 0
    for at in range(800):
        balance += 12000
        lines.append((str(date(2010, 1, 1) + timedelta(at)), "120.00", "", f"{balance / 100:.2f}"))
    monkeypatch.setattr(csv_grid, "LARGE", 10_000)
    wide: list[int] = []
    monkeypatch.setattr(printed, "prove_by_column", lambda frame, *given, **more: (
        wide.append(frame.height), prove_by_column(frame, *given, **more))[1])
    result = read(tmp_path, a=export(lines[1:]), b=export(lines[-2:]), c=export(lines[:3]))
    assert said(result) == ["after L802", "after L5", "before L4; amount L4"]
    assert result.sources.sort("file")["rows_proved"].to_list() == [799, 2, 2]
    assert wide == [799]
