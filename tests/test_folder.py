"""A folder as a whole: who is meant, what is covered, what is read twice or not at all, and that no row is lost."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recon.reading.file_read import ReadResult
from recon.reading.folder import identify_folder, read_folder
from recon.tables import INPUT_TABLES, RESULT_TABLES, TABLES
from support import MAPPINGS, SAMPLES

ID_A, ID_B = "420106198804121018", "110105198605172016"
ROSTER = (
    f"工号,姓名,身份证号码,医保个人编号,参保地,部门\nA001,测试甲,{ID_A},1001,武汉,研发\n"
    f"B001,郑样板,{ID_B},2002,北京,销售\n"
)
PORTAL = "身份证号码,姓名,缴费年月,应缴类型,应缴金额,个人缴费金额,缴费标识"
GRID = "收支时间,类型,收入,支出,余额"
FLOW = "person_id,region,posted_on,flow_kind,amount_fen\n"


def region_of(text: str) -> str | None:
    known = {"武汉": "420100", "武汉市": "420100", "北京": "110000", "420100": "420100", "110000": "110000"}
    return known.get(text)


def read(folder: Path, files: dict[str, str | bytes], **options: object) -> ReadResult:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_folder(folder, mappings=[MAPPINGS], region_of=region_of, workers=1, **options)  # type: ignore[arg-type]


def codes(result: ReadResult) -> list[str]:
    return [problem.code for problem in result.problems]


def status(result: ReadResult) -> dict[str, str]:
    return dict(result.sources.select("file", "status").rows())


def account(head: str, *rows: str) -> str:
    return "\n".join(["医保个人账户收支明细", head, GRID, *rows]) + "\n"


CREDIT = "2024-02-10,划入,120,,120"


def test_every_table_is_there_and_conformed(tmp_path: Path) -> None:
    """Also from an empty folder."""
    result = read(tmp_path, {})
    assert {name: dict(frame.schema) for name, frame in result.tables.items()} == {
        name: dict(schema) for name, schema in INPUT_TABLES.items()}
    assert dict(result.sources.schema) == dict(TABLES["source"])


# ---- who ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("head", "person"), [
    (f"证件号码：{ID_A}", ID_A), ("个人编号：1001", ID_A), ("姓名：测试甲", ID_A), ("姓名：测*甲 证件号码：4201**********1018", ID_A),
    ("姓名：测试甲 证件号码：4.20106E+17", ID_A), ("个人编号：7777", "PSN:7777"),
])
def test_people_are_traced_through_the_roster(tmp_path: Path, head: str, person: str) -> None:
    """Full ID, personal number, name, mask and damaged number lead to one person."""
    result = read(tmp_path, {"r.csv": ROSTER, "a.csv": account(head, CREDIT)})
    assert result.tables["flow"]["person_id"].to_list() == [person]
    assert set(codes(result)) <= {"id-restored"}


def test_who_cannot_be_told_is_rejected_with_the_place(tmp_path: Path) -> None:
    """Nobody, or several: never a guess."""
    result = read(tmp_path, {"r.csv": ROSTER, "a.csv": account("姓名：无此人", CREDIT)})
    assert result.tables["flow"].is_empty()
    assert {(problem.code, problem.file, problem.place) for problem in result.problems} >= {
        ("unknown-person", "a.csv", "L4")}
    assert result.sources.filter(pl.col("file") == "a.csv")["rows_rejected"].to_list() == [1]
    assert status(result)["a.csv"] == "partly_read"


def test_the_roster_is_completed(tmp_path: Path) -> None:
    """Birth date from the ID, the personal number as an alias, names for rows without."""
    result = read(tmp_path, {"r.csv": ROSTER, "c.csv": f"{PORTAL}\n{ID_A},测*甲,202401,正常,600,120,已缴\n"})
    person = result.tables["person"].filter(pl.col("person_id") == ID_A).to_dicts()[0]
    assert (person["birth_date"], person["aliases"], person["region"]) == (date(1988, 4, 12), "PSN:1001", "420100")
    assert result.tables["contribution"]["person_name"].to_list() == ["测试甲"]


def test_a_person_only_an_account_names_has_a_row(tmp_path: Path) -> None:
    """So that the report can show the name."""
    result = read(tmp_path, {"a.csv": account(f"姓名：测试甲 证件号码：{ID_A}", CREDIT)})
    assert result.tables["person"].select("person_id", "person_name").rows() == [(ID_A, "测试甲")]


@pytest.mark.parametrize("cell", ["42010619880412101O", "4201061988041210"])
def test_a_mistyped_id_is_traced_by_the_personal_number(tmp_path: Path, cell: str) -> None:
    """The cell is reported and never becomes a person of its own; with a 个人编号 the row still counts."""
    portal = "证件号码,个人编号,缴费年月,应缴类型,应缴金额,个人缴费金额,缴费标识"
    result = read(tmp_path, {"r.csv": ROSTER, "c.csv": f"{portal}\n{cell},1001,202401,正常,600,120,已缴\n"
                                                       f"{cell},,202402,正常,600,120,已缴\n"})
    assert result.tables["contribution"].select("person_id", "accrual_month").rows() == [(ID_A, date(2024, 1, 1))]
    assert codes(result) == ["unreadable-id", "unreadable-id"]


def test_another_name_under_one_id_is_said(tmp_path: Path) -> None:
    """The row is used; the place and both names are told once per file."""
    rows = "".join(f"{ID_A},王样例,2024{month:02d},正常,600,120,已缴\n" for month in (1, 2))
    result = read(tmp_path, {"r.csv": ROSTER, "c.csv": f"{PORTAL}\n{rows}", "z.csv": account(f"姓名：测*甲 证件号码：{ID_A}", CREDIT)})
    assert result.tables["contribution"].height == 2
    said = [(each.file, each.place, each.value) for each in result.problems if each.code == "name-differs"]
    assert said == [("r.csv", "L2", "王样例 / 测试甲")]


def test_earlier_names_and_numbers_in_the_roster(tmp_path: Path) -> None:
    """曾用名 and an old passport lead to the person; the kind of document is told in words of the export."""
    roster = "工号,姓名,证件类型,身份证号码,曾用名,部门\nA1,测试甲,外国护照,E20000002,E10000001；测旧名,研发\n"
    result = read(tmp_path, {"r.csv": roster, "a.csv": account("姓名：测旧名 证件号码：E10000001", CREDIT),
                             "b.csv": account("姓名：测旧名", "2024-03-10,划入,120,,240")})
    assert result.tables["flow"]["person_id"].to_list() == ["DOC:E20000002"] * 2
    person = result.tables["person"].to_dicts()[0]
    assert (person["id_type"], person["aliases"]) == ("passport", "E10000001;测旧名")
    assert codes(result) == []


# ---- where ----------------------------------------------------------------------------------------------------------


def test_regions(tmp_path: Path) -> None:
    """The row's, its file's, the roster's, the person's only one, the default: in this order."""
    files = {
        "r.csv": ROSTER, "a.csv": account(f"证件号码：{ID_A} 统筹区：北京", CREDIT),
        "b.csv": account(f"证件号码：{ID_A}", CREDIT + "1"),
        "c.csv": account("个人编号：9", CREDIT), "d.csv": f"{FLOW}PSN:8,420100,2024-01-01,credit,1\n",
        "e.csv": f"{FLOW}PSN:8,,2024-02-01,credit,1\n",
    }
    result = read(tmp_path, files, default_region="330100")
    assert dict(result.tables["flow"].select("row_id", "region").rows()) == {
        "a.csv#L4": "110000", "b.csv#L4": "420100", "c.csv#L4": "330100", "d.csv#L2": "420100", "e.csv#L2": "420100"}


def test_an_unknown_region_keeps_its_text(tmp_path: Path) -> None:
    """And is said, once per file."""
    result = read(tmp_path, {"a.csv": account(f"证件号码：{ID_A} 统筹区：乌有市", CREDIT, CREDIT)})
    assert result.tables["flow"]["region"].unique().to_list() == ["乌有市"]
    assert codes(result).count("unknown-region") == 1


# ---- coverage -------------------------------------------------------------------------------------------------------


def coverage(result: ReadResult, file: str) -> list[tuple[object, ...]]:
    return result.tables["coverage"].filter(pl.col("file") == file).select("from", "to", "exported_on", "basis").rows()


@pytest.mark.parametrize(("head", "stated"), [
    ("查询时间：2024-01-01 至 2025-02-28", (date(2024, 1, 1), date(2025, 2, 28), None, "stated")),
    ("起止日期：20240101-20250228", (date(2024, 1, 1), date(2025, 2, 28), None, "stated")),
    ("查询期间：2024年1月至2025年2月", (date(2024, 1, 1), date(2025, 2, 28), None, "stated")),
    ("查询时间：2025-03-03 10:00:00", (None, date(2025, 3, 3), date(2025, 3, 3), "exported")),
    ("打印日期：2025/3/3", (None, date(2025, 3, 3), date(2025, 3, 3), "exported")),
    ("查询时间：2024-01-01 至 2025-12-31 打印日期：2025-03-03",
     (date(2024, 1, 1), date(2025, 3, 3), date(2025, 3, 3), "stated")),
])
def test_stated_periods(tmp_path: Path, head: str, stated: tuple[object, ...]) -> None:
    """A period, a day of export, or both: nothing is proved after the day of export."""
    result = read(tmp_path, {"a.csv": account(f"证件号码：{ID_A} {head}", CREDIT)})
    assert coverage(result, "a.csv") == [stated, (date(2024, 2, 10), date(2024, 2, 10), None, "lines")]


def test_contribution_periods_are_months(tmp_path: Path) -> None:
    """In accrual months; a print date alone proves no months."""
    text = f"费款所属期范围：202401-202406\n打印日期：2025-03-03\n{PORTAL}\n{ID_A},测试甲,202402,正常,600,120,已缴\n"
    result = read(tmp_path, {"a.csv": text, "b.csv": text.replace("费款所属期范围：202401-202406\n", "")})
    assert coverage(result, "a.csv") == [
        (date(2024, 1, 1), date(2024, 6, 1), date(2025, 3, 3), "stated"),
        (date(2024, 2, 1), date(2024, 2, 1), None, "lines")]
    assert coverage(result, "b.csv")[0] == (date(2024, 2, 1), date(2024, 2, 1), date(2025, 3, 3), "exported")


def test_rejected_lines_still_cover(tmp_path: Path) -> None:
    """What a file covers does not depend on what becomes of its lines."""
    result = read(tmp_path, {"a.csv": account(f"证件号码：{ID_A}", CREDIT, "2024-09-10,划入,1O,,9")})
    assert coverage(result, "a.csv") == [(date(2024, 2, 10), date(2024, 9, 10), None, "lines")]


def test_declared_coverage_is_kept(tmp_path: Path) -> None:
    """A person's own coverage table stands beside what the files say."""
    result = read(tmp_path, {"f.csv": f"{FLOW}{ID_A},420100,2024-02-01,credit,1\n",
                             "coverage.csv": "table,file,from,to,basis\nflow,f.csv,2024-01-01,2024-12-31,declared\n"})
    assert coverage(result, "f.csv")[0] == (date(2024, 1, 1), date(2024, 12, 31), None, "declared")


# ---- once -----------------------------------------------------------------------------------------------------------


def test_identical_files_count_once(tmp_path: Path) -> None:
    """The first by name is used, native tables too."""
    text = f"{FLOW}{ID_A},420100,2024-02-01,credit,1\n"
    result = read(tmp_path, {"b.csv": text, "a.csv": text})
    assert result.tables["flow"]["row_id"].to_list() == ["a.csv#L2"]
    assert status(result) == {"a.csv": "read", "b.csv": "identical"}
    assert codes(result) == ["identical-file"]


def test_own_outputs_are_left_alone(tmp_path: Path) -> None:
    """Result tables, marked texts, and input tables written from files of this very folder."""
    first = read(tmp_path, {"f.csv": f"{FLOW}{ID_A},420100,2024-02-01,credit,1\n", "r.csv": ROSTER})
    out = tmp_path / "tables"
    out.mkdir()
    for name, frame in first.tables.items():
        frame.write_parquet(out / f"{name}.parquet")
        frame.write_csv(out / f"{name}.csv")
    for name, schema in RESULT_TABLES.items():
        pl.DataFrame(schema=schema).write_csv(out / f"{name}.csv")
    (tmp_path / "x.expected.tsv").write_text("# recon expected rows\n1\t2\n", encoding="utf-8")
    again = read(tmp_path, {})
    assert again.tables["flow"].equals(first.tables["flow"])
    assert again.tables["person"].equals(first.tables["person"])
    assert {state for file, state in status(again).items() if file.startswith(("tables/", "x"))} <= {
        "own_output", "identical", "no_rows"}
    assert "x.expected.tsv" in again.skipped_own
    assert set(codes(again)) <= {"no-rows", "identical-file"}


def test_own_workbooks_are_left_alone(tmp_path: Path) -> None:
    """By the mark in their document properties; the same sheet without it is an export like any other."""
    import xlsxwriter

    for name, mark in (("report.xlsx", "recon-report"), ("export.xlsx", "")):
        with xlsxwriter.Workbook(str(tmp_path / name)) as book:
            book.set_properties({"category": mark})
            page = book.add_worksheet()
            for at, row in enumerate(account(f"证件号码：{ID_A}", CREDIT).splitlines()):
                page.write_row(at, 0, row.split(","))
    assert status(read(tmp_path, {})) == {"report.xlsx": "own_output", "export.xlsx": "read"}


def test_written_tables_are_input_elsewhere(tmp_path: Path) -> None:
    """CSV and Parquet alike: what recon writes, recon reads, with nothing lost."""
    source = read(tmp_path / "in", {"f.csv": f"{FLOW}{ID_A},420100,2024-02-01,credit,-1200\n", "r.csv": ROSTER,
                                    "c.csv": f"{PORTAL}\n{ID_A},测试甲,202401,正常,600,120,欠缴\n"})
    for kind in ("csv", "parquet"):
        out = tmp_path / kind
        out.mkdir()
        for name in ("flow", "contribution", "person"):
            frame = source.tables[name]
            frame.write_csv(out / f"{name}.csv") if kind == "csv" else frame.write_parquet(out / f"{name}.parquet")
        again = read(out, {})
        assert codes(again) == []
        for name in ("flow", "contribution", "person"):
            one, other = (each.tables[name].drop("row_id", strict=False) for each in (again, source))
            assert one.equals(other)


def test_archives(tmp_path: Path) -> None:
    """A member is a file of its own, named file!member."""
    import io
    import zipfile

    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("内/a.csv", account(f"证件号码：{ID_A}", CREDIT))
    result = read(tmp_path, {"z.zip": data.getvalue()})
    assert result.tables["flow"]["row_id"].to_list() == ["z.zip!内/a.csv#L4"]


# ---- native ---------------------------------------------------------------------------------------------------------


def test_native_spellings(tmp_path: Path) -> None:
    """Months as 2024-01 or 2024-01-01, flags as true or 1, IDs in any dress, further columns ignored."""
    text = (
        "person_id,accrual_month,paid_on,employee_fen,employer_fen,paid,payment_kind,note\n"
        f"{ID_A},2024-01,2024-01-20,12000,48000,1,normal,x\n'{ID_A}\t,2024-02-01,,12000,48000,false,,\n"
        f"{ID_A},2024-03,,120.5,48000,true,normal,\n{ID_A},2024-04,,1,1,true,odd,\n,2024-05,,1,1,true,normal,\n"
    )
    result = read(tmp_path, {"c.csv": text})
    rows = result.tables["contribution"].select("person_id", "accrual_month", "paid", "payment_kind").rows()
    assert rows == [(ID_A, date(2024, 1, 1), True, "normal"), (ID_A, date(2024, 2, 1), False, None)]
    assert codes(result) == ["unreadable-amount", "unknown-code", "missing-value"]


def test_identify(tmp_path: Path) -> None:
    """Who claims, and why the others do not."""
    read(tmp_path, {"a.csv": account(f"证件号码：{ID_A}", CREDIT), "x.csv": "商品,数量\n苹果,3\n"})
    claims = {claim.file: claim for claim in identify_folder(tmp_path, mappings=[MAPPINGS], workers=1)}
    assert (claims["a.csv"].format_id, claims["a.csv"].table) == ("account_grid", "flow")
    assert claims["x.csv"].format_id is None
    assert dict(claims["x.csv"].reasons).keys() >= {"account_grid", "roster"}


# ---- always ---------------------------------------------------------------------------------------------------------


def test_workers_change_nothing() -> None:
    """In this process or in two others: the same tables, problems and sources."""
    one, two = (read_folder(SAMPLES, mappings=[MAPPINGS], region_of=region_of, workers=number) for number in (1, 2))
    assert all(one.tables[name].equals(two.tables[name]) for name in one.tables)
    assert one.problems == two.problems
    assert one.sources.equals(two.sources)


CELLS = st.sampled_from([
    "", "2024-02-10", "划入", "购药", "120", "-5", "1O", "合计", "第1页", GRID, "收支时间", "姓名：甲", "=1", "\"", "2024-13-01",
    "1,000.00", "余额", ID_A, "--", "\t",
])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(CELLS, max_size=6), max_size=12))
def test_no_row_is_lost_whatever_the_rows_are(tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]) -> None:
    """rows_read = used + skipped + rejected is asserted inside; nothing raises."""
    body = [",".join(row) for row in rows]
    result = read(tmp_path_factory.mktemp("f"), {"a.csv": account(f"证件号码：{ID_A}", CREDIT, *body)})
    source = result.sources.to_dicts()[0]
    assert source["rows_read"] == source["rows_used"] + source["rows_skipped"] + source["rows_rejected"]
    assert source["rows_used"] >= result.tables["flow"].height
    assert source["rows_rejected"] <= sum(problem.place is not None for problem in result.problems)
