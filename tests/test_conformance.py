"""The worked cases of tests/conformance hold through the command line, each checked as its README says."""

from __future__ import annotations

import csv
import shutil
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest

from support import CONFORMANCE, Outcome, answers_once, reports_in_name_only, run_recon, spawn_recon

CASES = sorted(folder.name for folder in CONFORMANCE.iterdir() if folder.is_dir())
SPAWNED = ("01-reference-year", "03-drift-undecided", "23-no-flow-export")
ACCOUNT = ("person_id", "region", "scheme")
STATUSES = ("open", "unknown", "pending", "resolved", "explained")

Row = dict[str, str]
Tables = dict[str, list[Row]]

# The columns of the public contract, written down once more on purpose: a column that disappears from the code
# must not disappear from the test. "more columns are welcome".
CONTRACT = {
    "contribution": """row_id person_id person_name region scheme tier employer payer accrual_month booked_month paid_on
        treasury_on allocated_on base_fen wage_fen employee_fen employer_fen into_account_fen late_fee_fen payment_kind
        paid proof insured_status""",
    "flow": """row_id person_id region scheme sub_account ledger posted_on accrual_month flow_kind amount_fen
        balance_fen memo duplicate_of""",
    "reading": "row_id person_id region read_on kind amount_fen",
    "person": """person_id person_name employee_no department cost_centre id_type birth_date aliases employer payer
        region tier insured_status retired_from employed_from employed_to""",
    "enrolment": "person_id employer payer region scheme tier insured_status from_month to_month",
    "payroll": """row_id person_id person_name employee_no employer payer pay_month for_month item deducted_fen base_fen
        wage_fen""",
    "payment": "row_id payer paid_on amount_fen memo",
    "coverage": "table file person_id region from to exported_on basis",
    "expected": """row_id person_id region scheme accrual_month expected_fen pooled_fen flat_fen due_month last_month
        policy_ref policy_confidence""",
    "match": """person_id region scheme accrual_month contribution_row_id flow_row_id posted_on amount_fen lag_months
        kind margin decided""",
    "month": """person_id person_name employee_no employer payer region scheme accrual_month contributed_fen pooled_fen
        flat_fen expected_fen credited_on_time_fen credited_fen paid_lag_months lag_months label cause status verdict
        confidence alternatives evidence""",
    "gap": """gap_id person_id region scheme accrual_month basis label cause amount_fen estimated_fen status evidence
        counter_check owner action finding_id""",
    "finding": "finding_id basis label cause scope people amount_fen evidence owner action",
    "step": "person_id region accrual_month from_fen to_fen cause amount_fen evidence policy_ref",
    "balance": """person_id region sub_account month opening_fen credit_fen interest_fen spend_fen mutual_aid_fen
        premium_fen transfer_fen adjustment_fen closing_fen unexplained_fen breaks""",
    "problem": "code severity file place column value message remedy",
    "source": """file sha256 format table rows_read rows_used rows_rejected rows_skipped first_date last_date status""",
}
MONTHS = ("accrual_month", "booked_month", "due_month", "last_month", "pay_month", "for_month", "from_month",
          "to_month", "month")
DAYS = ("paid_on", "treasury_on", "allocated_on", "posted_on", "read_on", "birth_date", "retired_from", "employed_from",
        "employed_to", "exported_on", "from", "to", "first_date", "last_date")


@pytest.fixture(autouse=True)
def _one_run_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """A case is answered once, whatever form its tables are asked for in."""
    answers_once(monkeypatch)


@dataclass(frozen=True)
class Case:
    """One worked case: what it states and what must come out."""

    name: str
    stated: dict[str, object]
    months: list[Row]
    links: list[Row]


@cache
def load(name: str) -> Case:
    folder = CONFORMANCE / name
    return Case(
        name,
        tomllib.loads((folder / "case.toml").read_text(encoding="utf-8")),
        list(_rows(folder / "expect_month.csv")),
        list(_rows(folder / "expect_link.csv")),
    )


@cache
def answer(name: str) -> tuple[Outcome, Tables]:
    """The case run once through the command line, and its tables as text."""
    with TemporaryDirectory() as place:
        outcome = run_case(name, Path(place), "csv")
        return outcome, {path.stem: list(_rows(path)) for path in (Path(place) / "tables").glob("*.csv")}


def run_case(
    name: str, place: Path, form: str, run: Callable[[list[str | Path]], Outcome] = run_recon
) -> Outcome:
    stated = load(name).stated
    shutil.copytree(CONFORMANCE / name / "exports", place / "exports")
    arguments = ["run", place / "exports", "-o", place / "report.xlsx", "--as-of", stated["as_of"],
                 "--tables", place / "tables", "--tables-format", form]
    if "tolerance_months" in stated:
        arguments += ["--tolerance", stated["tolerance_months"]]
    return run(arguments)


# --- what is checked: each check gives the complaints of one case -----------------------------------------------------


def check_months(case: Case, tables: Tables) -> Iterator[str]:
    """Each listed month has one row with the listed values; no other month is open."""
    months = _of_person(case, tables["month"])
    listed = {row["accrual_month"] for row in case.months}
    for wanted in case.months:
        found = [row for row in months if row["accrual_month"] == wanted["accrual_month"]]
        if len(found) != int(case.stated.get("rows_per_month", 1)):
            yield f"{wanted['accrual_month']}: {len(found)} rows"
        for row in found[:1]:
            yield from _compare_month(wanted, row | {"part_fen": str(_part(tables, row))})
    yield from (f"{row['accrual_month']}: open, though not listed" for row in months
                if row["accrual_month"] not in listed and row["status"] == "open")


def check_links(case: Case, tables: Tables) -> Iterator[str]:
    """The links are those listed, as a multiset, but for the months whose links are loose."""
    loose = set(case.stated.get("loose_links", ()))

    def multiset(rows: Iterable[Row]) -> Counter[tuple[str, str, str]]:
        return Counter((row["accrual_month"], row["posted_on"], row["amount_fen"]) for row in rows
                       if row["accrual_month"] not in loose)

    got, wanted = multiset(_of_person(case, tables["match"])), multiset(case.links)
    yield from (f"link missing: {link}" for link in (wanted - got).elements())
    yield from (f"link too many: {link}" for link in (got - wanted).elements())


def check_stated_totals(case: Case, tables: Tables) -> Iterator[str]:
    """Every further key of case.toml, computed from the tables; an unknown key is a complaint."""
    for key, wanted in case.stated.items():
        if key in ("as_of", "tolerance_months", "exit", "loose_links", "only_person", "rows_per_month"):
            continue  # inputs, or checked elsewhere
        compute = TOTALS.get(key)
        if compute is None:
            yield f"case.toml: no check for {key}"
        elif (got := compute(case, tables)) != wanted:
            yield f"{key}: {got}, stated {wanted}"


def check_contract(case: Case, tables: Tables) -> Iterator[str]:
    """Every table and column of the contract is there."""
    for table, columns in CONTRACT.items():
        if table not in tables:
            yield f"no table {table}"
        elif tables[table] and (missing := set(columns.split()) - set(tables[table][0])):
            yield f"{table}: no column {sorted(missing)}"


def check_credits_used_once(case: Case, tables: Tables) -> Iterator[str]:
    """The links of one credit never add up to more than the credit, and no duplicate is linked."""
    flow = {row["row_id"]: row for row in tables["flow"]}
    used: Counter[str] = Counter()
    for link in tables["match"]:
        used[link["flow_row_id"]] += int(link["amount_fen"])
        if link["flow_row_id"] not in flow:
            yield f"a link speaks of {link['flow_row_id']}, which is no flow row"
        elif flow[link["flow_row_id"]]["duplicate_of"]:
            yield f"a duplicate is linked: {link['flow_row_id']}"
    yield from (f"{row_id}: {amount} used of {flow[row_id]['amount_fen']}" for row_id, amount in used.items()
                if row_id in flow and amount > int(flow[row_id]["amount_fen"]))


def check_links_add_up(case: Case, tables: Tables) -> Iterator[str]:
    """Links speak of rows that exist and add up, per account and month, to credited_fen."""
    lines = {row["row_id"] for row in tables["contribution"]}
    linked: Counter[tuple[str, ...]] = Counter()
    for link in tables["match"]:
        linked[_account_month(link)] += int(link["amount_fen"])
        if link["contribution_row_id"] and link["contribution_row_id"] not in lines:
            yield f"a link speaks of {link['contribution_row_id']}, which is no contribution row"
    for row in tables["month"]:
        if (got := linked.pop(_account_month(row), 0)) != int(row["credited_fen"] or 0):
            yield f"{row['accrual_month']}: links {got}, credited {row['credited_fen']}"
    yield from (f"links of a month without a row: {key}" for key in linked)


def check_identity(case: Case, tables: Tables) -> Iterator[str]:
    """contributed = credited on time + the parts, per account and month; each part belongs to a month row."""
    parts: Counter[tuple[str, ...]] = Counter()
    for gap in _credit_gaps(tables):
        parts[_account_month(gap)] += int(gap["amount_fen"])
    months = {_account_month(row): row for row in tables["month"]}
    if len(months) != len(tables["month"]):
        yield "two rows for one account and month"
    for key, row in months.items():
        if (left := int(row["contributed_fen"])) != (right := int(row["credited_on_time_fen"]) + parts[key]):
            yield f"{row['accrual_month']}: contributed {left}, on time + parts {right}"
    yield from (f"a part of a month without a row: {key}" for key in parts if key not in months)


def check_worst_part(case: Case, tables: Tables) -> Iterator[str]:
    """A month's status is the worst of its parts, and its label one of those; gap keys are unique."""
    keys = Counter((gap["gap_id"], gap["label"], gap["cause"]) for gap in tables["gap"])
    yield from (f"twice the same part: {key}" for key, count in keys.items() if count > 1)
    parts: dict[tuple[str, ...], list[Row]] = {}
    for gap in _credit_gaps(tables):
        parts.setdefault(_account_month(gap), []).append(gap)
    for row in tables["month"]:
        own = parts.get(_account_month(row), [])
        worst = min((STATUSES.index(gap["status"]) for gap in own), default=STATUSES.index("explained"))
        if row["status"] != STATUSES[worst]:
            yield f"{row['accrual_month']}: status {row['status']}, worst part {STATUSES[worst]}"
        if row["label"] != "on_time" and (row["label"], row["cause"], row["status"]) not in {
            (gap["label"], gap["cause"], gap["status"]) for gap in own
        }:
            yield f"{row['accrual_month']}: label {row['label']}/{row['cause']} is none of its parts"


def check_nothing_unexplained(case: Case, tables: Tables) -> Iterator[str]:
    """No part and no month is unexplained."""
    yield from (f"unexplained {gap['basis']}: {gap['amount_fen']} in {gap['accrual_month']}" for gap in tables["gap"]
                if gap["label"] == "unexplained")
    yield from (f"unexplained: {row['accrual_month']}" for row in tables["month"] if row["label"] == "unexplained")


def check_sources(case: Case, tables: Tables) -> Iterator[str]:
    """Every input row is used, rejected or skipped."""
    for row in tables["source"]:
        read, *ends = (int(row[f"rows_{kind}"] or 0) for kind in ("read", "used", "rejected", "skipped"))
        if read != sum(ends):
            yield f"{row['file']}: {read} rows read, {sum(ends)} accounted for"


CHECKS = (check_contract, check_months, check_links, check_stated_totals, check_credits_used_once, check_links_add_up,
          check_identity, check_worst_part, check_nothing_unexplained, check_sources)

TOTALS: dict[str, Callable[[Case, Tables], object]] = {
    "outstanding_fen": lambda case, tables: sum(
        int(gap["amount_fen"]) for gap in _of_person(case, _credit_gaps(tables))
        if gap["status"] in ("open", "pending") and gap["label"] not in ("pooled_share", "flat_fee")),
    "over_credit_fen": lambda case, tables: sum(
        int(gap["amount_fen"]) for gap in _of_person(case, _credit_gaps(tables)) if gap["label"] == "over_credit"),
    "spend_fen": lambda case, tables: _flow_sum(tables, "spend"),
    "credit_fen": lambda case, tables: _flow_sum(tables, "credit"),
    "flow_rows": lambda case, tables: len(tables["flow"]),
    "duplicates": lambda case, tables: sum(bool(row["duplicate_of"]) for row in tables["flow"]),
    "undecided_must_include": lambda case, tables: [
        month for month in case.stated["undecided_must_include"]
        if any(row["accrual_month"].startswith(month) and row["confidence"] == "undecided" for row in tables["month"])],
    "alternatives": lambda case, tables: {
        month: other for month, other in case.stated["alternatives"].items()
        if any(row["accrual_month"].startswith(month) and other in row["alternatives"].split(";")
               for row in tables["month"])},
    "step": lambda case, tables: next(
        (wanted for row in tables["step"] if (wanted := case.stated["step"])
         and all(row[column] == str(value) for column, value in wanted.items())),
        [{column: row[column] for column in case.stated["step"]} for row in tables["step"]]),
    "flat_fen_each_month": lambda case, tables: _only(
        {_flat(tables, row) for row in _of_person(case, tables["month"])}),
}


# --- helpers ----------------------------------------------------------------------------------------------------------


def _rows(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        yield from csv.DictReader(lines)


def _of_person(case: Case, rows: list[Row]) -> list[Row]:
    person = case.stated.get("only_person")
    return [row for row in rows if person is None or row["person_id"] == person]


def _account_month(row: Row) -> tuple[str, ...]:
    return (*(row[column] for column in ACCOUNT), row["accrual_month"])


def _credit_gaps(tables: Tables) -> list[Row]:
    return [gap for gap in tables["gap"] if gap["basis"] == "credit"]


def _part(tables: Tables, month: Row) -> int:
    """The sum of the month's parts that carry its label."""
    return sum(int(gap["amount_fen"]) for gap in _credit_gaps(tables)
               if _account_month(gap) == _account_month(month) and gap["label"] == month["label"])


def _flat(tables: Tables, month: Row) -> int:
    """The sum of the month's flat_fee parts."""
    return sum(int(gap["amount_fen"]) for gap in _credit_gaps(tables)
               if _account_month(gap) == _account_month(month) and gap["label"] == "flat_fee")


def _compare_month(wanted: Row, row: Row) -> Iterator[str]:
    for column, text in wanted.items():
        if text and row[column] not in {"" if choice == "None" else choice for choice in text.split("|")}:
            yield f"{row['accrual_month']} {column}: {row[column] or 'null'}, expected {text}"


def _flow_sum(tables: Tables, kind: str) -> int:
    return sum(int(row["amount_fen"]) for row in tables["flow"] if row["flow_kind"] == kind and not row["duplicate_of"])


def _only(values: set[int]) -> object:
    """The one value, or all of them where there are several."""
    return next(iter(values)) if len(values) == 1 else sorted(values)


# --- the tests --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_case(name: str) -> None:
    """A worked case comes out as written."""
    case, (outcome, tables) = load(name), answer(name)
    complaints = [f"{check.__name__}: {text}" for check in CHECKS for text in check(case, tables)]
    if outcome.code != case.stated["exit"]:
        complaints.append(f"exit {outcome.code}, stated {case.stated['exit']}: {outcome.stderr}")
    assert complaints == []


@pytest.mark.parametrize("name", CASES)
def test_types(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Parquet, the same case has whole fen, months on the first, dates as dates, and the same rows."""
    _, texts = answer(name)
    reports_in_name_only(monkeypatch)
    run_case(name, tmp_path, "parquet")
    for table, columns in CONTRACT.items():
        frame = pl.read_parquet(tmp_path / "tables" / f"{table}.parquet")
        assert set(columns.split()) <= set(frame.columns), table
        assert frame.height == len(texts[table]), table
        for column in columns.split():
            if column.endswith("_fen"):
                assert frame.schema[column] == pl.Int64, f"{table}.{column}"
            elif column in MONTHS:
                assert frame.schema[column] == pl.Date, f"{table}.{column}"
                assert frame[column].drop_nulls().dt.day().eq(1).all(), f"{table}.{column}"
            elif column in DAYS:
                assert frame.schema[column] == pl.Date, f"{table}.{column}"


@pytest.mark.parametrize("name", SPAWNED)
def test_installed_command(name: str, tmp_path: Path) -> None:
    """The installed command gives the same tables as the one in this process, and a workbook that opens."""
    from openpyxl import load_workbook

    outcome = run_case(name, tmp_path, "csv", spawn_recon)
    assert outcome.code == load(name).stated["exit"], outcome.stderr
    same, tables = answer(name)
    assert same.code == outcome.code
    for table in CONTRACT:
        assert list(_rows(tmp_path / "tables" / f"{table}.csv")) == tables[table], table
    book = load_workbook(tmp_path / "report.xlsx")
    assert len(book.sheetnames) > 3
    book.close()


TAMPERINGS: dict[str, Callable[[Tables], object]] = {
    "check_months": lambda tables: tables["month"][4].update(label="on_time"),
    "check_links": lambda tables: tables["match"].pop(),
    "check_stated_totals": lambda tables: tables["gap"].clear(),
    "check_contract": lambda tables: tables.pop("balance"),
    "check_credits_used_once": lambda tables: tables["match"][0].update(amount_fen="12001"),
    "check_links_add_up": lambda tables: tables["match"][0].update(amount_fen="1"),
    "check_identity": lambda tables: tables["month"][0].update(contributed_fen="60001"),
    "check_worst_part": lambda tables: tables["month"][4].update(status="pending"),
    "check_nothing_unexplained": lambda tables: tables["gap"][0].update(label="unexplained"),
    "check_sources": lambda tables: tables["source"][0].update(rows_read="99"),
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_checks_bite(check: Callable[[Case, Tables], Iterator[str]]) -> None:
    """Each check complains about a result that was tampered with, and only then."""
    case, (_, tables) = load("01-reference-year"), answer("01-reference-year")
    copy = {table: [dict(row) for row in rows] for table, rows in tables.items()}
    copy["month"].sort(key=lambda row: row["accrual_month"])
    assert list(check(case, copy)) == []
    TAMPERINGS[check.__name__](copy)
    assert list(check(case, copy)) != []


def test_cases_are_there() -> None:
    """All worked cases are run: a folder that is lost does not go unnoticed."""
    assert len(CASES) == 35
    assert all(name[:2] == f"{number:02d}" for number, name in enumerate(CASES, start=1))
