"""Formats are data: each claims its own samples and nothing else, and gives exactly the rows written beside them."""

from __future__ import annotations

import re
import sys
from datetime import date
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recon.reading import claim as claiming
from recon.reading import native
from recon.reading.claim import Head, Header
from recon.reading.file_read import ReadResult
from recon.reading.folder import read_folder
from recon.reading.format import Format, FormatError
from recon.reading.formats import load_formats, shipped
from recon.reading.grid import Grid
from recon.reading.lines import GridRows
from recon.reading.rows import read_rows
from support import FORMAT_SAMPLES, MAPPINGS, ROOT, SAMPLES

sys.path.insert(0, str(ROOT / "tools"))
import docs_pages
import make_format_samples
import make_samples

FORMATS = load_formats([MAPPINGS])
ID = "420106198804121018"
NATIVE = "北京/flow_B003.csv"
REAL_SAMPLES = ROOT.parent / "shared" / "samples"  # beside a checkout, where they are kept


def exports(folder: Path) -> list[str]:
    """The samples in a folder."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
                  and not path.name.endswith(make_samples.EXPECTED) and path.name != "README.md")


EXPORTS = [(folder, name) for folder in (SAMPLES, FORMAT_SAMPLES) for name in exports(folder)]


def read(format_id: str, *rows: list[str], kind: str = "csv", places: list[str] | None = None) -> GridRows:
    """Rows of one grid by one format, which must claim it."""
    grid = Grid(rows=list(rows), places=places or [f"L{at}" for at in range(1, len(rows) + 1)], kind=kind)
    header = claiming.claim(Head.of(grid), FORMATS.by_id[format_id])
    assert isinstance(header, Header), header
    return read_rows(grid, header)


def codes(result: GridRows) -> list[str]:
    assert result.rows_read == result.frame["_at"].n_unique() + result.skipped + result.rejected
    return [problem.code for problem in result.problems]


# ------------------------------------------------------------------------------------------------------------- samples


@pytest.fixture(scope="module")
def samples() -> dict[Path, ReadResult]:
    return {folder: make_samples.read(folder) for folder in (SAMPLES, FORMAT_SAMPLES)}


@pytest.fixture(scope="module")
def expected(samples: dict[Path, ReadResult]) -> dict[Path, dict[str, str]]:
    return {folder: make_samples.expected_rows(result) for folder, result in samples.items()}


@pytest.mark.parametrize(("folder", "name"), EXPORTS)
def test_samples_give_their_expected_rows(folder: Path, name: str, expected: dict[Path, dict[str, str]]) -> None:
    """A sample without expected rows fails; `make golden` writes them."""
    path = folder / (name + make_samples.EXPECTED)
    assert path.is_file(), "no expected rows: make golden, then read the diff"
    assert expected[folder][name] == path.read_text(encoding="utf-8")


def test_no_expected_rows_without_a_sample() -> None:
    """Expected rows whose sample is gone are dead weight."""
    for folder in (SAMPLES, FORMAT_SAMPLES):
        rows = [path.relative_to(folder).as_posix() for path in folder.rglob("*" + make_samples.EXPECTED)]
        assert sorted(name.removesuffix(make_samples.EXPECTED) for name in rows) == exports(folder)


def test_each_format_claims_its_samples_alone(samples: dict[Path, ReadResult]) -> None:
    """What a format file says of its samples is what identification finds, and every sample has its format."""
    stated = {name: known.id for known in FORMATS for name in known.samples}
    found = {name: format_id for result in samples.values()
             for name, format_id in result.sources.select("file", "format").iter_rows() if format_id}
    assert {name: found.get(name) for name in stated} == stated
    assert set(found) - set(stated) == {NATIVE, "花名册.csv"}
    assert (found[NATIVE], found["花名册.csv"]) == ("native_flow", "roster")


def test_every_layout_of_the_catalogue_has_data_file_sample_and_rows() -> None:
    """docs/catalogue.toml: each layout shows samples with expected rows, or says why there is none; none is forgotten."""
    layouts = docs_pages.catalogue()
    for layout in layouts:
        assert ("samples" in layout) != ("none" in layout and "why" in layout), layout
    listed = [name for layout in layouts for name in layout.get("samples", [])]
    stated = {name: known.id for known in FORMATS for name in known.samples}
    assert sorted(listed) == sorted(stated)
    assert {stated[name] for name in listed} == {known.id for known in FORMATS}
    for name in listed:
        folder = SAMPLES if (SAMPLES / name).is_file() else FORMAT_SAMPLES
        rows = docs_pages.expected_rows(folder / (name + make_samples.EXPECTED))
        refused = bool(FORMATS.by_id[stated[name]].refuse)
        assert rows == "problem 1" if refused else rows != "0", name
    sections = {layout["at"] for layout in layouts}
    assert sections >= {*(f"1.{at}" for at in range(1, 11)), *(f"2.{at}" for at in range(1, 11)),
                        *(f"3.{at}" for at in range(1, 8)), "4.1", "4.2", "4.3"}


@pytest.mark.parametrize(("generator", "folder"), [(make_samples, SAMPLES), (make_format_samples, FORMAT_SAMPLES)])
def test_samples_are_what_the_generator_writes(generator: ModuleType, folder: Path, tmp_path: Path) -> None:
    """The committed samples are the generator's, byte for byte in what does not depend on a library's version."""
    generator.write_all(tmp_path)
    for name in exports(folder):
        if name.endswith(".csv"):
            assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()
        assert (tmp_path / name).is_file()
    assert exports(tmp_path) == exports(folder)


# ------------------------------------------------------------------------------------------------------------- the data


def test_mappings_are_found_in_the_checkout() -> None:
    """The shipped formats are there for an editable install."""
    assert (shipped() / "formats").is_dir()
    assert len(FORMATS) >= 6
    assert "缴费基数" in FORMATS.header_words


FORMAT = """
id = "x"
zh = "某"
table = "contribution"
[claim]
header = ["accrual_month", "employee_fen"]
[columns]
accrual_month = ["月"]
employee_fen = ["个人"]
total_fen = ["总"]
person_name = ["姓名"]
"""


@pytest.mark.parametrize(("change", "key"), [
    (("id = ", "idd = "), "id"), (('"x"', '"X y"'), "id"), (('"contribution"', '"nothing"'), "table"),
    (("accrual_month = [", "accrual = ["), "columns.accrual"), (('["月"]', '"月"'), "columns.accrual_month"),
    (('header = ["accrual_month"', 'header = ["paid_on"'), "claim.header"),
    (("[claim]", "[claim]\nfoo = 1"), "claim.foo"), (('["个人"]', '["月"]'), "columns.employee_fen"),
    (("[columns]", "[defaults]\nproof = 'x'\n[columns]"), "defaults.proof"),
    (("[columns]", "[defaults]\nfoo = 'x'\n[columns]"), "defaults.foo"),
    (("[columns]", "[derive]\nemployer_fen = ['nix']\n[columns]"), "derive.employer_fen"),
    (("[columns]", "[values.payment_kind]\nfoo = ['x']\n[columns]"), "values.payment_kind"),
    (("[columns]", "[values.memo]\nfoo = ['x']\n[columns]"), "values.memo"),
    (("[columns]", "[unknown]\npaid = 'guess'\n[columns]"), "unknown.paid"),
    (("[columns]", "[labels]\nfoo = ['x']\n[columns]"), "labels.foo"),
    (("[columns]", "[drop]\npaid_on = ['x']\n[columns]"), "drop.paid_on"),
    (("[claim]", "amount = 'both'\n[claim]"), "amount"),
    (("[claim]", "[claim]\nreplaces = ['nobody']"), "claim.replaces"),
    (("[claim]", "[claim]\nwithout = ['nobody']"), "claim.without"), (("[claim]", "[claim"), "-"),
    (("[columns]", "[columns]\nwage_fen = []"), "columns.wage_fen"),
])
def test_mistakes_name_file_and_key(tmp_path: Path, change: tuple[str, str], key: str) -> None:
    """recon check tells where the mistake is."""
    (tmp_path / "formats").mkdir()
    (tmp_path / "formats" / "mine.toml").write_text(FORMAT.replace(*change, 1), encoding="utf-8")
    with pytest.raises(FormatError) as caught:
        load_formats([tmp_path])
    assert (caught.value.file.name, caught.value.key) == ("mine.toml", key)
    assert caught.value.message


def test_a_later_directory_replaces_a_format(tmp_path: Path) -> None:
    """A user's format of the same id stands in for the shipped one, and shared words add up."""
    (tmp_path / "formats").mkdir()
    (tmp_path / "formats" / "mine.toml").write_text(FORMAT.replace('"x"', '"roster"'), encoding="utf-8")
    (tmp_path / "formats" / "shared.toml").write_text('[aliases]\nbase_fen = ["核定工资"]\n', encoding="utf-8")
    both = load_formats([MAPPINGS, tmp_path])
    assert both.by_id["roster"].zh == "某"
    assert both.by_id["portal_contribution"].aliases["核定工资"][0] == "base_fen"


def test_the_worked_example_of_the_readme(tmp_path: Path) -> None:
    """The format shown there loads and reads the page described there."""
    text = (MAPPINGS / "formats" / "README.md").read_text(encoding="utf-8")
    example = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)[-1]
    (tmp_path / "m" / "formats").mkdir(parents=True)
    (tmp_path / "m" / "formats" / "my_city.toml").write_text(example, encoding="utf-8")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "page.csv").write_text(
        f"姓名：测试甲 身份证号码：{ID}\n缴费月份,公司,基数(元),个人缴,进账户\n2024年1月,示例公司,6000,120,120\n",
        encoding="utf-8")
    result = read_folder(tmp_path / "in", mappings=[MAPPINGS, tmp_path / "m"], region_of=lambda _: None, workers=1)
    assert result.sources["format"].to_list() == ["my_city"]
    row = result.tables["contribution"].to_dicts()[0]
    assert (row["person_id"], row["employee_fen"], row["into_account_fen"], row["paid"]) == (ID, 12000, 12000, True)


# --------------------------------------------------------------------------------------------------------------- claims


PORTAL = ["身份证号码", "缴费年月", "应缴类型", "缴费基数（元）", "应缴金额", "个人缴费金额", "缴费标识"]


def line(
    month: str = "202401", kind: str = "正常", total: str = "600", own: str = "120", flag: str = "已缴"
) -> list[str]:
    return [ID, month, kind, "6000", total, own, flag]


def test_the_header_is_found_by_names_at_any_line() -> None:
    """A preamble of any length, other widths and brackets, other order."""
    for lines in (0, 1, 7, 60):
        result = read("portal_contribution", *[["标题"]] * lines, [*reversed(PORTAL)], [*reversed(line())])
        assert result.frame["employer_fen"].to_list() == [48000]
        assert codes(result) == []


def test_ten_thousand_yuan_in_the_header() -> None:
    """万元 in the header multiplies, in a cell it is refused."""
    header = [*PORTAL[:3], "缴费基数（万元）", *PORTAL[4:]]
    result = read("portal_contribution", header, [*line()[:3], "0.6", *line()[4:]])
    assert result.frame["base_fen"].to_list() == [600000]
    assert codes(read("portal_contribution", PORTAL, [*line()[:3], "0.6万", *line()[4:]])) == ["unreadable-amount"]


def test_one_name_twice_is_refused() -> None:
    """Which of two equal columns is meant cannot be known."""
    grid = Grid(rows=[[*PORTAL, "个人缴费金额"], [*line(), "1"]], places=["L1", "L2"])
    assert claiming.claim(Head.of(grid), FORMATS.by_id["portal_contribution"]) == "twice: 个人缴费金额"


def test_a_column_a_format_must_not_have_may_bear_its_unit() -> None:
    """An account page that prints accrual months and 支出（元） is no income list: one format claims it."""
    rows = [["医疗保险个人账户收支明细"], ["姓名：测试甲", "证件号码：110105198503074917"],
            ["收支时间", "收支类型", "备注", "收入（元）", "支出（元）", "余额（元）", "对应费款所属期"],
            ["2024-02-12", "个人账户划账", "", "120.00", "", "120.00", "202401"]]
    head = Head.of(Grid(rows=rows, places=["L1", "L2", "L3", "L4"]))
    results = [claiming.claim(head, known) for known in FORMATS]
    claims = claiming.decide(result for result in results if isinstance(result, Header))
    assert [header.format.id for header in claims] == ["account_grid"]


def test_a_bank_statement_is_no_medical_account() -> None:
    """The same columns under a bank's title are a statement, whose lines are other business unless they say more."""
    rows = [["中国某银行个人账户交易明细"], ["姓名：测试甲"], ["交易日期", "摘要", "收入", "支出", "余额"],
            ["2024-01-05", "划入", "1", "", "1"], ["2024-01-06", "划入", "1", "", "2"]]
    grid = Grid(rows=rows, places=["L1", "L2", "L3", "L4", "L5"])
    results = [claiming.claim(Head.of(grid), known) for known in FORMATS]
    claims = [result for result in results if isinstance(result, Header)]
    assert [claim.format.id for claim in claims] == ["bank_other"]
    assert any(str(result).startswith("title") for result in results)
    result = read_rows(grid, claims[0])
    assert (result.frame.height, result.others, result.skipped) == (0, 2, 2)


def test_native_tables_and_results_are_told_apart() -> None:
    """Every canonical table is recognised by its header alone, as exactly one thing."""
    from recon.tables import INPUT_TABLES, RESULT_TABLES

    def heads(columns: list[str]) -> Head:
        return Head.of(Grid(rows=[columns, ["x"] * len(columns)], places=["L1", "L2"]))

    for table, schema in INPUT_TABLES.items():
        head = heads(list(schema))
        found = [known.table for known in native.native_formats() if isinstance(claiming.claim(head, known), Header)]
        assert found == [table]
        assert native.result_table(head) is None
        assert [known for known in FORMATS if isinstance(claiming.claim(head, known), Header)] == []
    for table, schema in RESULT_TABLES.items():
        assert native.result_table(heads(list(schema))) == table


# ------------------------------------------------------------------------------------------------------- contributions


def test_payment_kinds() -> None:
    """Words and codes; money given back is negative whichever way it is printed."""
    words = {"正常": "normal", "10": "normal", "补缴": "back_pay", "历年补缴费": "back_pay", "基数补差": "top_up",
             "34": "top_up", "退费": "refund", "20": "refund", "一次性趸缴": "lump_to_pool", "33": "lump_to_pool"}
    result = read("portal_contribution", PORTAL, *(line(kind=word) for word in words))
    assert result.frame["payment_kind"].to_list() == list(words.values())
    refunds = result.frame.filter(result.frame["payment_kind"] == "refund")
    assert refunds["employee_fen"].to_list() == [-12000, -12000]
    negative = read("portal_contribution", PORTAL, line(total="-600", own="-120"))
    assert negative.frame["payment_kind"].to_list() == ["refund"]


def test_both_shares_of_a_payment_are_one_line() -> None:
    """Tax receipts have a row for each share: pairs become one line, a half alone or paid twice stays one, the rest is said."""
    head = ["姓名", "证件号码", "费款所属期", "征收品目", "实缴金额", "缴费日期"]

    def share(month: str, party: str, fee: str, day: str = "15") -> list[str]:
        return ["测试甲", "420106198804121018", month, f"职工基本医疗保险({party})", fee, f"{month}-{day}"]

    result = read(
        "tax_receipt", head, share("2024-01", "单位缴纳", "480"), share("2024-01", "个人缴纳", "120"),
        share("2024-02", "个人缴纳", "120"), share("2024-03", "个人缴纳", "120"), share("2024-03", "个人缴纳", "120"),
        share("2024-03", "单位缴纳", "480"), share("2024-04", "个人缴纳", "120"), share("2024-04", "单位缴纳", "480", "16"),
        share("2024-05", "单位缴纳", "-480"), share("2024-05", "个人缴纳", "-120"), share("2024-06", "财政补助", "480"))
    assert result.frame.select("accrual_month", "employee_fen", "employer_fen", "payment_kind").rows() == [
        (date(2024, 1, 1), 12000, 48000, "normal"), (date(2024, 2, 1), 12000, None, "normal"),
        (date(2024, 3, 1), 12000, 48000, "normal"), (date(2024, 3, 1), 12000, None, "normal"),
        (date(2024, 4, 1), 12000, None, "normal"), (date(2024, 4, 1), None, 48000, "normal"),
        (date(2024, 5, 1), -12000, -48000, "refund"),
    ]
    assert codes(result) == ["unknown-code"]


def test_paid_flags() -> None:
    """Paid, unpaid, and a flag nobody knows, which stays unknown and is said."""
    result = read("portal_contribution", PORTAL, *(line(flag=flag) for flag in ("已缴", "欠缴", "0", "9", "")))
    assert result.frame["paid"].to_list() == [True, False, False, None, None]
    assert codes(result) == ["unknown-word"]


def test_totals_headers_and_footers_are_skipped_and_counted() -> None:
    """Each once, totals compared: since the last total or over all."""
    total = ["小计", "", "", "6000", "600", "120", ""]
    whole = ["合 计：", "", "", "12,000.00", "1200", "240", ""]
    result = read("portal_contribution", PORTAL, line(), total, PORTAL, line("202402"), total, whole,
                  ["第1页 共2页"], ["打印日期：2025-03-03"], ["以上数据仅供参考"])
    assert (result.rows_read, result.frame.height, result.skipped) == (9, 2, 7)
    assert codes(result) == []
    assert result.facts["exported"] == "2025-03-03"
    wrong = read("portal_contribution", PORTAL, line(), ["合计", "", "", "6000", "601", "120", ""])
    assert [(problem.code, problem.place, problem.value) for problem in wrong.problems] == [
        ("total-mismatch", "L3", "601.00 ≠ 600.00")]


def test_a_surname_is_no_total() -> None:
    """计 is a surname too."""
    header = ["姓名", *PORTAL]
    result = read("portal_contribution", header, ["计样例", *line()])
    assert (result.frame.height, result.skipped) == (1, 0)


def test_other_insurances_are_left_out() -> None:
    """Pension lines of the same export are counted as skipped; side schemes stay."""
    header = [*PORTAL, "险种类型"]
    schemes = ("职工基本医疗保险", "企业职工基本养老保险", "大额补助", "39901")
    result = read("portal_contribution", header, *([*line(), scheme] for scheme in schemes))
    assert result.frame["scheme"].to_list() == ["310", "330", "39901"]
    assert (result.skipped, codes(result)) == (1, ["unknown-word"])


CODES = [
    "certno", "psn_no", "insutype", "cashym", "accrym_begn", "accrym_end", "clct_type", "psn_clctstd",
    "psn_clct_paraval", "emp_clct_amt", "psn_clct_amt", "emp_clct_into_acct_amt", "psn_clct_into_acct_amt", "clct_flag",
    "revs_flag", "clct_time",
]


def coded(
    first: str, last: str, base: str, rate: str, own: str, *, revs: str = "Z", firm: str = "960", into: str = ""
) -> list[str]:
    return [ID, "1", "310", last, first, last, "10", base, rate, firm, own, "0", into or own, "1", revs,
            "2024-04-18 10:00:00"]


@pytest.mark.parametrize(("base", "rate", "own", "bases"), [
    ("6000", "0.02", "360", [600000] * 3), ("18000", "0.02", "360", [600000] * 3), ("6000", "2%", "360", [600000] * 3),
    ("6000", "", "360", [600000] * 3), ("18000", "", "360", [600000] * 3),
])
def test_ranges_divide(base: str, rate: str, own: str, bases: list[int]) -> None:
    """Three months in one row become three lines; a printed base is monthly or a sum, as the rate proves."""
    result = read("national_contribution", CODES, coded("202401", "202403", base, rate, own))
    assert result.frame["base_fen"].to_list() == bases
    assert result.frame["employee_fen"].to_list() == [12000] * 3
    assert result.frame["employer_fen"].to_list() == [32000] * 3
    assert result.frame["_place"].to_list() == ["L2/2024-01", "L2/2024-02", "L2/2024-03"]
    assert [f"{month:%m}" for month in result.frame["accrual_month"]] == ["01", "02", "03"]


@pytest.mark.parametrize(("base", "rate", "own"), [
    ("6000", "0.02", "360.01"), ("7000", "0.02", "360"), ("6001", "0.02", "120.03"),
])
def test_ranges_that_do_not_divide_stay_one_sum(base: str, rate: str, own: str) -> None:
    """All money stands in the first month; the others have a line without any, so that none of them looks unpaid."""
    result = read("national_contribution", CODES, coded("202401", "202403", base, rate, own))
    whole = round(float(own) * 100)
    assert result.frame["employee_fen"].to_list() == [whole, 0, 0]
    assert result.frame["into_account_fen"].to_list() == [whole, 0, 0]
    assert result.frame["base_fen"].to_list() == [None] * 3
    assert codes(result) == ["range-not-split"]


def test_reversals() -> None:
    """A booking and its reversal cancel; a lone reversal is money given back."""
    pair = read("national_contribution", CODES, coded("202401", "202401", "6000", "0.02", "140", revs="+"),
                coded("202401", "202401", "6000", "0.02", "-140", revs="-", firm="-960", into="-140"),
                coded("202401", "202401", "6000", "0.02", "120"))
    assert pair.frame["employee_fen"].to_list() == [12000]
    assert (pair.skipped, codes(pair)) == (2, ["reversed-pair"])
    lone = read("national_contribution", CODES, coded("202401", "202401", "6000", "0.02", "120", revs="-"))
    assert lone.frame.select("employee_fen", "employer_fen", "into_account_fen", "payment_kind").rows() == [
        (-12000, -96000, -12000, "refund")]


def test_the_credited_parts_are_summed() -> None:
    """What the employer's and the person's premium put into the account, as the export states it."""
    row = coded("202401", "202401", "6000", "0.02", "120")
    row[11] = "30"
    result = read("national_contribution", CODES, row)
    assert result.frame["into_account_fen"].to_list() == [15000]
    assert [str(day) for day in result.frame["paid_on"]] == ["2024-04-18"]


# ------------------------------------------------------------------------------------------------------------- accounts

BACK = ["姓名", "证件号码", "收支时间", "账户收支类型", "收支总金额"]


def back(*types: tuple[str, str]) -> GridRows:
    rows = (["测试甲", ID, "2024-02-10 08:00:00", kind, amount] for kind, amount in types)
    return read("backoffice_flow", BACK, *rows)


def test_the_sign_comes_from_the_type() -> None:
    """Names and codes of ACCT_INCEXPD_TYPE."""
    result = back(
        ("个人账户划账", "120"), ("101", "120"), ("医保消费", "30"), ("201", "30"), ("年度结息", "1"), ("104", "120"),
        ("205", "5"), ("113", "9"), ("206", "9"), ("107", "7"), ("207", "7"), ("109", "3"), ("110", "-2"),
        ("家庭共济", "4"),
    )
    assert result.frame.select("flow_kind", "amount_fen").rows() == [
        ("credit", 12000), ("credit", 12000), ("spend", -3000), ("spend", -3000), ("interest", 100),
        ("reversal", -12000), ("premium", -500), ("carry_over", 900), ("carry_over", -900), ("transfer_in", 700), ("transfer_out", -700),
        ("reversal", 300), ("adjustment", -200), ("mutual_aid", -400)]


def test_an_unknown_type_has_no_sign() -> None:
    """Where only the type tells the direction, an unknown one rejects the row."""
    result = back(("个人账户划账", "120"), ("奇怪的事", "30"))
    assert (result.frame.height, codes(result)) == (1, ["unknown-code"])


def test_printed_signs_are_kept() -> None:
    """A file that prints minus signs throughout is not turned round; a single one is a reversal."""
    assert back(("医保消费", "-30"), ("医保消费", "-5")).frame["amount_fen"].to_list() == [-3000, -500]
    assert back(("医保消费", "30"), ("医保消费", "-5")).frame.select("flow_kind", "amount_fen").rows() == [
        ("spend", -3000), ("reversal", 500)]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_what_was_taken_back_of_a_list_of_income_alone(kind: str) -> None:
    """One column of money: 退收 without a sign lessens what came, 退费 what was spent; a printed minus is kept."""
    income = ["人员编号", "姓名", "证件号码", "账户收支类型", "收入总金额", "账户变动日期"]
    spend = ["人员编号", "姓名", "证件号码", "账户收支类型", "支出总金额", "账户变动日期"]

    def told(format_id: str, header: list[str], *lines: tuple[str, str]) -> list[tuple[str, int]]:
        rows = (["42010000000000000001", "测试甲", ID, code, amount, "2024-02-12"] for code, amount in lines)
        return read(format_id, header, *rows, kind=kind).frame.select("flow_kind", "amount_fen").rows()

    assert told("national_income", income, ("101", "120"), ("104", "120"), ("102", "1")) == [
        ("credit", 12000), ("reversal", -12000), ("interest", 100)]
    assert told("national_income", income, ("101", "120"), ("104", "-120"), ("101", "-5")) == [
        ("credit", 12000), ("reversal", -12000), ("reversal", -500)]
    assert told("national_spend", spend, ("201", "30"), ("202", "30")) == [("spend", -3000), ("reversal", 3000)]


def test_a_ledger_of_january_has_one_month() -> None:
    """A ledger of deductions that holds one column of a month so far is one all the same."""
    rows = [["医保个人扣款台账（2024年）"], ["工号", "姓名", "1月"], ["A001", "测试甲", "120.00"], ["A002", "测试乙", "160.00"]]
    assert read("payroll_months", *rows).frame.select("pay_month", "deducted_fen").rows() == [
        (date(2024, 1, 1), 12000), (date(2024, 1, 1), 16000)]


def test_older_platforms_name_region_and_kind() -> None:
    """What their lists say of where, how and when a premium was paid is read, as in every other list."""
    header = ["身份证号", "姓名", "费款所属期", "对应费款所属期", "单位应缴", "个人应缴", "个人应缴划入个人账户", "核销标志", "征缴类型", "统筹区", "到账日期"]
    row = [ID, "测试甲", "202403", "202401", "480.00", "120.00", "120.00", "已核销", "补缴", "武汉市", "2024-03-18"]
    frame = read("aa_contribution", header, row).frame
    assert frame.select("payment_kind", "region", "paid_on").row(0) == ("back_pay", "武汉市", date(2024, 3, 18))


GRID = ["收支时间", "类型", "收入", "支出", "余额"]
TITLE = [["医保个人账户收支明细"], ["姓名：测试甲", "", f"证件号码：{ID}"]]


def grid(*rows: tuple[str, str, str, str, str], kind: str = "csv", places: list[str] | None = None) -> GridRows:
    return read("account_grid", *TITLE, GRID, *(list(row) for row in rows), kind=kind, places=places)


def test_money_in_and_out() -> None:
    """Two columns, one signed amount; against the usual direction it is a reversal."""
    result = grid(("2024-02-10", "划入", "120", "", "120"), ("2024-02-11", "购药", "0.00", "20", "100"),
                  ("2024-02-12", "消费", "20", "--", "120"), ("2024-02-13", "划账", "-120", "", "0"))
    assert result.frame.select("flow_kind", "amount_fen").rows() == [
        ("credit", 12000), ("spend", -2000), ("reversal", 2000), ("reversal", -12000)]
    assert result.frame["person_id"].to_list() == [ID] * 4
    assert codes(result) == []


def test_money_both_ways_is_refused() -> None:
    """One line cannot be both, and a line without money says nothing."""
    result = grid(("2024-02-10", "划入", "120", "20", "100"), ("2024-02-10", "划入", "", "", "100"))
    assert codes(result) == ["unreadable-amount", "missing-value"]


@pytest.mark.parametrize("newest_first", [True, False])
def test_the_balance_is_checked_in_the_order_that_fits(newest_first: bool) -> None:
    """Oldest first and newest first; one gap is one break with its amount."""
    rows = [("2024-02-10", "划入", "120", "", "120"), ("2024-03-10", "划入", "120", "", "240"),
            ("2024-04-10", "划入", "120", "", "310"), ("2024-04-10", "购药", "", "10", "300")]
    result = grid(*(reversed(rows) if newest_first else rows))
    assert [(problem.code, problem.value) for problem in result.problems] == [("balance-break", "-50.00")]


def test_a_row_printed_again_at_a_page_break_counts_once() -> None:
    """Only with the same balance and only across pages: two payments move the balance twice."""
    row = ("2024-02-10", "划入", "120", "", "120")
    places = ["p1:1", "p1:2", "p1:3", "p1:4", "p2:1"]
    assert grid(row, row, kind="pdf", places=places).frame.height == 1
    assert grid(row, ("2024-02-10", "划入", "120", "", "240"), kind="pdf", places=places).frame.height == 2
    assert grid(row, row, kind="pdf", places=["p1:1", "p1:2", "p1:3", "p1:4", "p1:5"]).frame.height == 2


def test_stated_totals_and_counts() -> None:
    """What the preamble states of the lines is compared with them."""
    rows = [["医保个人账户收支明细"], [f"证件号码：{ID}"], ["收入合计：120.00", "支出合计：21.00", "记录数：2条"], GRID,
            ["2024-02-10", "划入", "120", "", "120"], ["2024-02-11", "购药", "", "20", "100"]]
    result = read("account_grid", *rows)
    assert [(problem.code, problem.value) for problem in result.problems] == [("total-mismatch", "21.00 ≠ 20.00")]


def test_coverage_facts() -> None:
    """Labels before a colon, or in a cell of their own; times in them do not end the value."""
    rows = [["医保个人账户收支明细"], ["姓 名", "测试甲", "证件号码", ID, "打印人：李四"],
            ["查询时间：2024-01-01 00:00:00 至 2025-02-28 23:59:59", "打印日期：2025年3月3日"], GRID,
            ["2024-02-10", "划入", "1", "", "1"]]
    facts = read("account_grid", *rows).facts
    assert facts["person_name"] == "测试甲"
    assert facts["person_id"] == ID
    assert facts["period"].startswith("2024-01-01")
    assert facts["period"].endswith("23:59:59")
    assert facts["exported"] == "2025年3月3日"


def test_error_cells_formulas_and_surplus_cells_reject_their_row_once() -> None:
    """One cause, one problem."""
    sheet = Grid(rows=[*TITLE, GRID, ["2024-02-10", "划入", "#N/A", "", "1"], ["2024-02-11", "划入", "", "", "1"],
                       ["2024-02-12", "划入", "x", "", "1", "y"], ["2024-02-13", "划入", "1", "", "1"]],
                 places=[f"S!R{at}" for at in range(1, 8)], marks={(3, 2): "error", (4, 2): "formula"}, kind="xlsx")
    header = claiming.claim(Head.of(sheet), FORMATS.by_id["account_grid"])
    assert isinstance(header, Header)
    result = read_rows(sheet, header)
    assert sorted(codes(result)) == ["cell-error", "formula-without-value", "ragged-row"]
    assert result.frame.height == 1


# ------------------------------------------------------------------------------------------------------- whatever comes

CELLS = st.sampled_from([
    "", "--", "/", ID, "PSN1", "测试甲", "202401", "2024-01-05", "2024-13-01", "2024-01至2024-03", "120", "-120.00", "+1.5", "1,000.00",
    "1O", "120.00 CNY", "收入", "借", "不计收支", "310", "养老", "已缴", "欠缴", "医保个人账户划入", "社会保险费", "示例科技有限公司", "合计", "小计：",
    "第1页", "交易关闭", "支付成功", "美元", "人民币", "0", "99999999999999999999", "6222****1018", "2024", "1", "+", "-", "z",
])


@given(known=st.sampled_from(list(FORMATS)), kind=st.sampled_from(["csv", "xlsx", "pdf"]), by_eye=st.booleans(), data=st.data())
@settings(max_examples=120, deadline=None)
def test_no_format_loses_a_row_or_falls_over(known: Format, kind: str, by_eye: bool, data: st.DataObject) -> None:
    """Any cells below any format's header: every row is used, skipped or rejected, and nothing is raised."""
    names = known.shown
    top = [["标题"], ["户名：测试甲" if data.draw(st.booleans()) else "户名：示例科技有限公司", "起止日期：2024-01-01至2024-12-31"]]
    columns = [column for column in names if data.draw(st.booleans()) or any(column in group for group in known.header)]
    width = len(columns)
    rows = data.draw(st.lists(st.lists(CELLS, min_size=1, max_size=width + 1), max_size=12))
    lines = [*top, [names[column] for column in columns], *rows]
    grid = Grid(rows=lines, places=[f"p{1 + at // 5}:{at}" for at in range(len(lines))], kind=kind, by_eye=by_eye)
    header = Header(known, 2, {column: at for at, column in enumerate(columns)}, {}, {"person_name": "测试甲"}, 2,
                    tuple(names[column] for column in columns))
    result = read_rows(grid, header)
    parts = [result, *result.also]
    read = sum(part.rows_read for part in parts)
    assert read == sum(part.frame["_at"].n_unique() + part.skipped + part.rejected for part in parts)
    assert read == sum(any(row) for row in rows)


# ---------------------------------------------------------------------------------------------------------- statements

BANK = [["示例银行账户交易明细"], ["户名：测试甲"]]
BANK_HEADER = ["交易日期", "摘要", "交易金额", "账户余额", "对方户名"]


def bank(*rows: tuple[str, ...], holder: str = "测试甲", kind: str = "csv") -> GridRows:
    head = [BANK[0], [f"户名：{holder}"], BANK_HEADER]
    return read("bank_other", *head, *(list(row) for row in rows), kind=kind)


SALARY = ("2024-01-05", "工资", "+8000.00", "8000.00", "示例科技有限公司")
CREDIT = ("2024-01-12", "医保个人账户划入", "+120.00", "8120.00", "医疗保障中心")
REFUND = ("2024-01-15", "医保零星报销", "+50.00", "8170.00", "医疗保障中心")
PREMIUM = ("2024-01-18", "代扣医疗保险费", "-400.00", "7770.00", "税务局")


def test_only_lines_of_the_medical_account_are_kept() -> None:
    """Salary, reimbursements and the person's own premiums are other business; the bank's balance is not the account's."""
    result = bank(SALARY, CREDIT, REFUND, PREMIUM)
    assert result.frame.select("flow_kind", "amount_fen", "ledger", "balance_fen").rows() == [
        ("credit", 12000, "bank", None)]
    assert (result.rows_read, result.skipped, result.others, result.covers) == (4, 3, 3, "lines")
    assert (result.first, result.last) == (date(2024, 1, 12), date(2024, 1, 12))
    assert codes(result) == []


def test_an_account_of_nothing_else_keeps_its_balance() -> None:
    """A passbook that holds the medical account alone: kinds follow the way the money went."""
    result = bank(("2024-01-12", "医保", "+120.00", "120.00", ""), ("2024-01-13", "医保支取", "-20.00", "100.00", ""),
                  ("2024-01-14", "医保利息", "+0.10", "100.10", ""))
    assert result.frame.select("flow_kind", "balance_fen").rows() == [
        ("credit", 12000), ("spend", 10000), ("credit", 10010)]


def test_a_bank_names_what_was_taken_back() -> None:
    """A credit taken back and a purchase given back are told by their words and the way the money went."""
    result = bank(CREDIT, ("2024-01-15", "医保划账退收", "-120.00", "8000.00", ""),
                  ("2024-01-16", "医保消费", "-30.00", "7970.00", "某药房"),
                  ("2024-01-17", "医保消费退款", "+30.00", "8000.00", "某药房"))
    assert result.frame.select("flow_kind", "amount_fen").rows() == [
        ("credit", 12000), ("reversal", -12000), ("spend", -3000), ("reversal", 3000)]


def test_a_firm_pays_premiums_and_has_no_account() -> None:
    """An organisation's premiums go to table payment, money given back as a negative one; nothing to table flow."""
    result = bank(("2024-01-05", "货款", "+9000.00", "9000.00", "某公司"), ("2024-01-15", "社会保险费", "-600.00", "8400.00", "税务局"),
                  ("2024-01-16", "医保退款", "+20.00", "8420.00", "税务局"), holder="示例科技有限公司")
    assert result.frame.height == 0
    paid = result.also[0]
    assert paid.frame.select("payer", "paid_on", "amount_fen").rows() == [
        ("示例科技有限公司", date(2024, 1, 15), 60000), ("示例科技有限公司", date(2024, 1, 16), -2000)]
    assert result.rows_read + paid.rows_read == 3


def test_a_statement_without_a_holder_belongs_to_nobody() -> None:
    """Lines of a medical account whose owner no line names are rejected, once said."""
    rows = [BANK[0], BANK_HEADER, list(SALARY), list(CREDIT)]
    result = read("bank_other", *rows)
    assert codes(result) == ["holder-unknown"]
    assert (result.rejected, result.others) == (1, 1)


def test_signs_follow_from_the_balance_alone() -> None:
    """Unsigned amounts: the balance tells which way each went; the first line's stays unproved and is not used."""
    rows = [("2024-01-12", "医保划账", "120.00", "1120.00", ""), ("2024-01-13", "医保划账", "120.00", "1240.00", ""),
            ("2024-01-14", "医保消费", "40.00", "1200.00", "")]
    result = bank(*rows)
    assert result.frame["amount_fen"].to_list() == [12000, -4000]
    assert codes(result) == ["sign-unproved"]
    newest = bank(*rows[::-1])
    assert newest.frame["amount_fen"].to_list() == [-4000, 12000]


def test_columns_that_the_balance_refutes_are_refused() -> None:
    """A layout known only by its names is used where the chain proves it, and refused as a whole where it does not."""
    rows = [("2024-01-12", "医保划账", "+120.00", "1120.00", ""), ("2024-01-13", "医保划账", "+120.00", "900.00", ""),
            ("2024-01-14", "医保消费", "-40.00", "333.00", "")]
    result = bank(*rows)
    assert codes(result) == ["unproved-layout"]
    assert (result.rejected, result.frame.height) == (3, 0)


def test_columns_cut_by_eye_need_a_proof() -> None:
    """A PDF without rules: a balance, a printed sum or rows that add up prove it; with rules it needs none."""
    rows = [["医保个人账户收支明细"], [f"证件号码：{ID}"], GRID, ["2024-02-10", "划入", "120", "", "500"],
            ["2024-03-10", "划入", "120", "", "900"], ["2024-04-10", "划入", "120", "", "1300"]]
    outcomes = []
    for by_eye, head in ((False, []), (True, []), (True, [["收入合计：360.00"]])):
        lines = [*rows[:2], *head, *rows[2:]]
        sheet = Grid(rows=lines, places=[f"p1:{at}" for at in range(len(lines))], kind="pdf", by_eye=by_eye)
        header = claiming.claim(Head.of(sheet), FORMATS.by_id["account_grid"])
        assert isinstance(header, Header)
        outcomes.append((read_rows(sheet, header).frame.height, codes(read_rows(sheet, header))))
    assert outcomes == [(3, ["balance-break"] * 2), (0, ["unproved-layout"]), (3, ["balance-break"] * 2)]


def test_one_break_is_said_and_the_rest_is_used() -> None:
    """A gap in a chain that otherwise holds is a finding with its place and amount."""
    rows = [("2024-01-12", "医保划账", "+120.00", "1120.00", ""), ("2024-01-13", "工资", "+10.00", "1130.00", ""),
            ("2024-01-14", "医保划账", "+120.00", "1296.00", ""), ("2024-01-15", "工资", "+10.00", "1306.00", "")]
    result = bank(*rows)
    assert [(problem.code, problem.place, problem.value) for problem in result.problems] == [
        ("balance-break", "L6", "46.00")]
    assert result.frame.height == 2


ALIPAY = [["支付宝账单"], ["姓名：测试甲"], ["共3笔记录"], ["收入：1笔 5.00元"], [
    "交易时间", "交易分类", "交易对方", "商品说明", "收/支", "金额", "收/付款方式", "交易状态"]]


def test_a_wallet_moves_no_account_money() -> None:
    """医保支付 of 0.00 is kept as a sight of the purchase; the self-paid part and neutral rows are other business."""
    result = read(
        "wallet_alipay", *ALIPAY, ["2024-04-25 17:03:48", "医疗健康", "某药房", "医保支付(不含自费)", "支出", "0.00", "", "支付成功"],
        ["2024-04-25 17:03:48", "医疗健康", "某药房", "医保结算自费部分", "支出", "12.00", "余额", "交易成功"],
        ["2024-04-26 10:00:00", "退款", "某店", "退款", "不计收支", "5.00", "", "退款成功"])
    assert result.frame.select("ledger", "flow_kind", "amount_fen").rows() == [("wallet", "spend", 0)]
    assert (result.skipped, result.covers) == (2, "nothing")
    assert codes(result) == ["total-hint", "total-hint"]  # Alipay says itself that its sums may differ


def test_the_number_of_records_is_a_check() -> None:
    """A lost row shows in 共N笔记录."""
    result = read("wallet_alipay", *ALIPAY, ["2024-04-25", "医疗健康", "某药房", "药", "支出", "1.00", "", "交易成功"])
    assert "total-mismatch" in codes(result)


# ----------------------------------------------------------------------------------------------------- wide and several


WIDE = [["社保费申报明细"],
        ["姓名", "身份证号码", "费款所属期", "应收合计", "个人合计", "单位合计", "基本医疗保险", "", "", "", "工伤保险", ""],
        ["", "", "", "", "", "", "单位", "", "个人", "", "单位", ""],
        ["", "", "", "", "", "", "缴费工资", "应缴费额", "缴费工资", "应缴费额", "缴费工资", "应缴费额"]]
MERGED = [(1, at, 3, at) for at in range(6)] + [(1, 6, 1, 9), (1, 10, 1, 11), (2, 6, 2, 7), (2, 8, 2, 9), (2, 10, 2, 11)]


def wide(*rows: list[str], merged: bool = True) -> GridRows:
    grid = Grid(rows=[*WIDE, *rows], places=[f"S!R{at}" for at in range(1, 5 + len(rows))], kind="xlsx",
                merged=MERGED if merged else [])
    header = claiming.claim(Head.of(grid), FORMATS.by_id["declaration_wide"])
    assert isinstance(header, Header), header
    return read_rows(grid, header)


def declared(person: str = ID, due: str = "480", total: str = "612", injury: str = "12") -> list[str]:
    return ["测试甲", person, "202401", total, "120", "492", "6000", due, "6000", "120", "6000", injury]


@pytest.mark.parametrize("merged", [True, False])
def test_a_header_of_three_rows(merged: bool) -> None:
    """Names merged over several columns stand over each of them, said by the file or seen from what stands below."""
    result = wide(declared(), merged=merged)
    assert result.frame.select("scheme", "employer_fen", "employee_fen", "base_fen", "proof").rows() == [
        ("310", 48000, 12000, 600000, "declared")]
    assert codes(result) == []


def test_parts_that_do_not_add_up_are_said() -> None:
    """One row that contradicts its total is a problem; when most do, the columns are refused."""
    result = wide(declared(), declared(), declared(total="613"))
    assert [(problem.code, problem.place, problem.value) for problem in result.problems] == [
        ("sum-differs", "S!R7", "1.00"), ("sum-differs", "S!R7", "1.00")]
    refused = wide(declared(total="1"), declared(total="2"))
    assert codes(refused) == ["unproved-layout"]
    assert refused.rejected == 2


def test_a_person_who_pays_for_work_injury_only_says_nothing_here() -> None:
    """No medical line, and nothing rejected."""
    result = wide(declared(), ["李示范", "420106198501251034", "202401", "12", "0", "12", "6000", "0", "6000", "0", "6000", "12"])
    assert (result.frame.height, result.skipped, result.rejected) == (1, 1, 0)


def test_known_files_that_are_of_no_use_are_named() -> None:
    """A cashbook holds no payments; it is recognised and not used."""
    result = read("wallet_alipay_book", ["记录时间", "分类", "收支类型", "金额", "备注", "账户", "来源", "标签"],
                  ["2024-04-25", "医疗", "支出", "50.00", "", "余额宝", "", ""])
    assert (codes(result), result.skipped) == (["not-usable"], 1)


# -------------------------------------------------------------------------------------------------------- real samples


REAL = {
    "abc-debit.csv": ("bank_abc", 3), "alipay-gb18030.csv": ("wallet_alipay", 0), "boc-debit.csv": ("bank_boc", 0),
    "ccb-debit.xls": ("bank_ccb_xls", 1), "spdb-debit.xls": ("bank_spdb", 0),
    "wechat-tab-after-quote.csv": ("wallet_wechat", 0), "wechat-two-layouts.xlsx": ("wallet_wechat", 0),
}


@pytest.mark.skipif(not REAL_SAMPLES.is_dir(), reason="the public samples are not here")
def test_public_samples_are_claimed_and_their_balances_checked(tmp_path: Path) -> None:
    """Files that others wrote: each in its format, its running balance followed, nothing personal kept."""
    for name in REAL:
        (tmp_path / name).write_bytes((REAL_SAMPLES / name).read_bytes())
    result = make_samples.read(tmp_path)
    assert dict(result.sources.select("file", "format").iter_rows()) == {name: REAL[name][0] for name in REAL}
    breaks = [(problem.file, problem.value) for problem in result.problems if problem.code == "balance-break"]
    assert {name: sum(file == name for file, _ in breaks) for name in REAL} == {name: REAL[name][1] for name in REAL}
    assert ("ccb-debit.xls", "-46.00") in breaks
    assert sum(result.sources["rows_used"]) + sum(result.sources["rows_rejected"]) == 0


# -------------------------------------------------------------------------------------- what stands before and after

STATEMENT_HEAD = ["顺序号", "交易日期", "交易类型", "存入金额", "取出金额", "余额", "交易对手名称", "交易对手账号", "附言"]


def statement(*lines: tuple[str, str, str, str], above: str = "", below: str = "") -> list[list[str]]:
    """A statement of SPDB: number, month, sum that came, balance; with a line above and one below."""
    rows = [[number, f"2024-{month}-12", "医保个人账户划入", came, "", balance, "武汉市医疗保障事业中心"]
            for number, month, came, balance in lines]
    return [["户名", "测试甲", "账号", "6217", "起止日期", "20240101-20240430"], *([[above, *([""] * 4)]] if above else []), STATEMENT_HEAD,
            *rows, *([below.split()] if below else [])]


JAN, FEB, MAR = ("1", "01", "120.00", "220.00"), ("2", "02", "120.00", "340.00"), ("3", "03", "120.00", "460.00")


@pytest.mark.parametrize(("rows", "told"), [
    (statement(JAN, FEB, MAR, above="期初余额：100.00 期末余额：460.00"), []),
    (statement(MAR, FEB, JAN, above="期初余额：100.00 期末余额：460.00"), []),
    (statement(FEB, MAR, above="期初余额：100.00"), [("balance-break", "L4", "120.00"), ("numbers-missing", "L4", "1")]),
    (statement(JAN, FEB, below="期末余额 460.00"), [("balance-break", "L4", "120.00")]),
    (statement(FEB, JAN, below="期末余额 460.00"), [("balance-break", "L3", "120.00")]),
    (statement(FEB, MAR), [("numbers-missing", "L3", "1")]),
    (statement(MAR, FEB), [("numbers-missing", "L3", "1")]),
    (statement(JAN, ("3", *FEB[1:]), ("7", *MAR[1:])), []),  # the balances prove that nothing lies between them
    (statement(("00", *JAN[1:]), ("00", *FEB[1:])), []),  # something else is numbered
    (statement(("801", *JAN[1:]), ("802", *FEB[1:])), []),
])
def test_the_ends_of_a_statement(rows: list[list[str]], told: list[tuple[str, str, str]]) -> None:
    """The balance stated before and after all lines, and numbers from 1, tell of lines lost at the ends."""
    result = read("bank_spdb", *rows)
    assert [(each.code, each.place, each.value) for each in result.problems] == told


@pytest.mark.parametrize(("numbers", "told"), [
    ("1 2 3 4", []), ("4 3 2 1", []), ("1 1 2 2", []), ("1 2 1 2", []), ("1 2 4 5", ["3"]), ("3 4 5 6", ["1–2"]), ("5 4 1 2", ["3"]),
    ("1 2 1 3", ["2"]), ("101 102 103 104", []), ("1 2 2 1", []), ("7 7 7 7", []), ("1 x 2 3", []), ("2 1 4 2", []),
])
def test_numbers_of_rows_without_balances(numbers: str, told: list[str]) -> None:
    """In a bill or declaration each number from 1 to the highest must be there, in each group by itself."""
    people = ["420106198804121018", "110105198605172016", "420106199812051085", "420106199305061027"]
    rows = [[number, "测试甲", person, "202403", "职工基本医疗保险", "6000", "480", "120"]
            for number, person in zip(numbers.split(), people, strict=True)]
    result = read("bill", ["应缴核定明细"], ["序号", "姓名", "证件号码", "费款所属期", "险种", "缴费基数", "单位应缴金额", "个人应缴金额"], *rows)
    assert [each.value for each in result.problems if each.code == "numbers-missing"] == told


@pytest.mark.parametrize(("labels", "told"), [
    ("第1页，共2页|第2页，共2页", []), ("第1页，共3页|第3页，共3页", ["2"]), ("- 第2页/共4页 -|- 第3页/共4页 -", ["1, 4"]),
    ("页数:1 / 2|页数:2 / 2", []), ("1/3|2/3", ["3"]), ("第1页 共1页|第1页 共1页", []), ("第2页，共3页|", []), ("|", []),
])
def test_pages_that_are_not_there(labels: str, told: list[str]) -> None:
    """Every page says which it is of how many; nothing is said where one does not."""
    rows: list[list[str]] = []
    places: list[str] = []
    for page, label in enumerate(labels.split("|"), start=1):
        lines = [["户名：测试甲"], STATEMENT_HEAD, *statement(JAN, FEB)[2:], *([[label]] if label else [])]
        rows += lines[0 if page == 1 else 1:]
        places += [f"p{page}:{at}" for at in range(1, len(lines) + (page == 1))]
    result = read("bank_spdb", *rows, kind="pdf", places=places)
    assert [each.value for each in result.problems if each.code == "pages-missing"] == told


# ------------------------------------------------------------------------------------------------- what is not covered

NOT_COVERED = {
    "顺德": "广东顺德农村商业银行股份有限公司\n账户/卡明细信息\n2024-04-12\n10:20:30 医保个人账户划入 +120.00 3,632.07\n"
          "2024-04-25\n17:03:48 医保消费 -18.80 3,613.27\n累计存入笔数：1 总交易笔数：2\nEND\n",
    "华夏": "华夏银行个人账户交易流水\n户名：测试甲\n日子,多少,还剩\n2024-04-12,120.00,3632.07\n2024-04-25,18.80,3613.27\n",
    "年度台账": "psn_no,year,crtyear_iinc,lasty_sum\n42010000000000000001,2024,12.30,3512.07\n",
}


@pytest.mark.parametrize("name", NOT_COVERED)
def test_a_layout_that_is_not_covered_says_what_to_do(name: str, tmp_path: Path) -> None:
    """Nothing of it is used, and the remedy is the command that drafts a format for it."""
    (tmp_path / "a.csv").write_text(NOT_COVERED[name], encoding="utf-8")
    result = read_folder(tmp_path, mappings=[MAPPINGS], region_of=lambda _: None, workers=1)
    [problem] = result.problems
    assert (problem.code, problem.file) == ("unknown-format", "a.csv")
    for lang, words in (("zh", "recon mapping new 该文件"), ("en", "recon mapping new FILE")):
        assert words in str(problem.row(lang)["remedy"])
    assert result.sources.select("status", "rows_used").rows() == [("unknown", 0)]
