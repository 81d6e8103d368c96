"""A drafted mapping: what it finds by itself, what it leaves to a person, and that it reads what the real one reads."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest

from recon.draft import DraftError, draft_mapping
from recon.draft.guess import TABLES, columns_of
from recon.draft.mapping import _MEANING
from recon.draft.profile import profile, shown
from recon.reading.file_read import ReadResult
from recon.reading.folder import read_folder
from recon.reading.formats import load_formats
from support import MAPPINGS, SAMPLES, run_recon

ID = "110105198503074917"
FORMATS = {key: known for key, known in load_formats([MAPPINGS]).by_id.items() if known.samples}


def region_of(text: str) -> str | None:
    return {"武汉市": "420100", "武汉": "420100"}.get(text, text if text.isdigit() else None)


def read(folder: Path, *mappings: Path) -> ReadResult:
    return read_folder(folder, mappings=list(mappings), region_of=region_of, workers=1)


def without(format_id: str, place: Path) -> Path:
    """The shipped mappings less one format, and less what refers to it."""
    for path in sorted((MAPPINGS / "formats").glob("*.toml")):
        text = path.read_text(encoding="utf-8")
        if f'id = "{format_id}"' not in text:
            (place / "formats").mkdir(parents=True, exist_ok=True)
            lines = [line for line in text.splitlines() if not (line.startswith("replaces") and format_id in line)]
            (place / "formats" / path.name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return place


@pytest.mark.parametrize("sample", [
    "上海/个人缴费明细.xlsx", "武汉/单位缴费明细2024.csv", "北京/缴费明细查询.csv", "深圳/职工人员缴费明细_中文表头.csv", "武汉/个人账户收支.xlsx",
    "武汉/个人账户收支明细_A003.csv", "武汉/个人账户收支明细_A005.pdf", "花名册.xlsx",
])
def test_a_draft_reads_what_the_real_format_reads(tmp_path: Path, sample: str) -> None:
    """Round trip: with its format taken away, the draft of a file reads the same rows as that format does."""
    exports = tmp_path / "exports"
    exports.mkdir()
    shutil.copy(SAMPLES / sample, exports)
    before = read(exports, MAPPINGS)
    (used,) = before.sources["format"].to_list()
    rest = without(used, tmp_path / "rest")
    assert set(read(exports, rest).sources["status"]) <= {"unknown", "read", "partly_read"}
    draft = draft_mapping(SAMPLES / sample, [rest], new_id="drafted")
    assert (draft.mistake, draft.missing) == (None, ())
    own = tmp_path / "own" / "formats"
    own.mkdir(parents=True)
    (own / "drafted.toml").write_text(draft.text, encoding="utf-8")
    after = read(exports, rest, own.parent)
    assert after.sources["format"].to_list() == ["drafted"]
    for table, frame in before.tables.items():
        other = after.tables[table]
        kept = [column for column in frame.columns if column != "memo"]  # which remark columns matter is the person's
        assert other.select(kept).equals(frame.select(kept)), table
    assert after.sources["rows_used"].to_list() == before.sources["rows_used"].to_list()


UNKNOWN = (
    "乌有市医保\n参保单位名称：示例科技有限公司\n"
    "缴款归属月,参保人,公民证件号,计费基数(元),职工承担,企业承担,进账户,流水情况\n"
    f"202401,测试甲,{ID},6000.00,120.00,480.00,120.00,已扣款\n"
    f"202402,测试甲,{ID},6000.00,120.00,480.00,120.00,已扣款\n合计,,,,240.00,960.00,240.00,\n"
)


def test_an_unknown_layout(tmp_path: Path) -> None:
    """Columns by parts of their names and by values, each with its reason; personal values are masked."""
    path = tmp_path / "x.csv"
    path.write_text(UNKNOWN, encoding="utf-8")
    draft = draft_mapping(path, [MAPPINGS], new_id="wuyou")
    assert draft.table == "contribution"
    for line in ('base_fen = ["计费基数(元)"]', 'employee_fen = ["职工承担"]', 'employer_fen = ["企业承担"]',
                 'into_account_fen = ["进账户"]', 'person_id = ["公民证件号"]', 'accrual_month = ["缴款归属月"]'):
        assert line in draft.text, draft.text
    assert "证件号" in draft.text
    for personal in (ID, "测试甲", "示例科技有限公司", ID[:8]):
        assert personal not in draft.text
    assert (draft.rows, draft.rejected, draft.mistake) == (2, 0, None)


def test_what_is_missing_keeps_the_check_red(tmp_path: Path) -> None:
    """A required column nobody found is named, and recon check refuses the draft until it is filled in."""
    path = tmp_path / "x.csv"
    path.write_text("姓名,甲列,医保扣款\n测试甲,x,120.00\n王样例,y,130.00\n", encoding="utf-8")
    out = tmp_path / "own" / "formats" / "pay.toml"
    done = run_recon(["mapping", "new", path, "-o", out, "--table", "payroll"])
    assert done.code == 0
    assert "pay_month/for_month" in done.stdout
    checked = run_recon(["check", "--mappings", tmp_path / "own"])
    assert checked.code == 2
    assert "pay.toml: claim.header" in checked.stderr
    out.write_text(out.read_text(encoding="utf-8").replace("# pay_month =", "pay_month =").replace("列名", "甲列"),
                   encoding="utf-8")
    assert run_recon(["check", "--mappings", tmp_path / "own"]).code == 0


def test_unknown_code_words_are_listed(tmp_path: Path) -> None:
    """Words no list knows stand in the draft, ready to be sorted; known ones do not."""
    path = tmp_path / "x.csv"
    rows = "".join(f"{ID},2024-0{month}-10,{kind},12.00\n" for month, kind in enumerate(["划入", "神秘项", "神秘项", "消费"], 1))
    path.write_text(f"证件号码,记账日期,摘要,发生额\n{rows}", encoding="utf-8")
    draft = draft_mapping(path, [MAPPINGS], new_id="x")
    assert draft.table == "flow"
    assert '# = ["神秘项"]  # ×2' in draft.text
    assert '["划入"]' not in draft.text


def test_a_claimed_file_is_said(tmp_path: Path) -> None:
    """A draft of a known file would replace its format, and says so; on the screen too, without names or numbers."""
    out = tmp_path / "mine.toml"
    done = run_recon(["mapping", "new", SAMPLES / "花名册.xlsx", "-o", out, "--lang", "en"])
    assert "roster already claims this file" in done.stdout
    assert 'replaces = ["roster"]' in out.read_text(encoding="utf-8")
    assert run_recon(["check", "--mappings", tmp_path]).code == 0
    again = run_recon(["mapping", "new", SAMPLES / "花名册.xlsx", "-o", out])
    assert (again.code, "不覆盖" in again.stderr) == (2, True)


@pytest.mark.parametrize("content", ["", "只有一行字\n", "a,b\n", "\x00\x01\x02", "1,2,3\n4,5,6\n7,8,9\n"])
def test_nothing_to_draft_from(tmp_path: Path, content: str) -> None:
    """A file without a table is a sentence and exit 2, never a crash."""
    path = tmp_path / "x.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DraftError):
        draft_mapping(path, [MAPPINGS], new_id="x")
    assert run_recon(["mapping", "new", path]).code == 2


def test_without_output_it_prints(tmp_path: Path) -> None:
    """The draft alone on standard output, so that it can be redirected."""
    done = run_recon(["mapping", "new", SAMPLES / "上海" / "个人缴费明细.xlsx", "--lang", "en"])
    assert done.stdout.startswith("# Drafted by recon mapping new")
    assert pl.Series([done.stdout]).str.contains("known name").all()
    assert "试读" not in done.stdout


@pytest.mark.parametrize(("text", "word", "expected"), [
    (ID, False, "****************17"), ("测试甲", False, "测**"), ("6000.00", False, "6000.00"), ("202401", False, "202401"),
    ("2024-01-10", False, "2024-01-10"), ("正常缴费", True, "正常缴费"), ("13800000000", False, "*********00"),
    ("药房 6222020200012345", True, "药房 **************45"), ("E12345678", False, "E******78"),
])
def test_values_in_comments_are_masked(text: str, word: bool, expected: str) -> None:
    """IDs, phone and card numbers and names never stand whole in a draft."""
    assert shown(text, word=word) == expected


def test_profile_counts() -> None:
    """A column is told by nine in ten of its values."""
    values = profile(["202401", "202402", "", "--", "x"])
    assert (values.filled, values.months, values.days, values.names) == (3, 2, 0, 0)
    assert not values.mostly("months")


def test_every_column_has_a_word() -> None:
    """The comment beside each column says in both languages what it is."""
    assert {column for table in TABLES for column in columns_of(table)} - set(_MEANING) == set()
