"""The commands keep their promises: exit codes, what is written and what is not, what is shown and what is masked."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path

import pytest

import recon
from support import CONFORMANCE, reports_in_name_only, run_recon, spawn_recon

PERSON_ID = "110105198503074917"


def case(name: str, place: Path) -> Path:
    """A copy of a worked case's exports."""
    return Path(shutil.copytree(CONFORMANCE / name / "exports", place / "exports"))


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    """The exports of the reference year: one month is missing."""
    return case("01-reference-year", tmp_path)


@pytest.fixture
def no_workbook(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of what is said and of tables."""
    reports_in_name_only(monkeypatch)


def test_no_arguments_show_help() -> None:
    """Called without anything, recon says what it can do."""
    outcome = run_recon(["--help"])
    assert outcome.code == 0
    for command in ("run", "identify", "explain", "check"):
        assert command in outcome.stdout


def test_version() -> None:
    """--version names the version of the package."""
    outcome = run_recon(["--version"])
    assert outcome.code == 0
    assert recon.__version__ in outcome.stdout


# --- exit codes -------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_workbook")
def test_exit_0_nothing_open(tmp_path: Path) -> None:
    """Nothing open: 0."""
    outcome = run_recon(["run", case("19-edges", tmp_path), "-o", tmp_path / "r.xlsx", "--as-of", "2024-06-30"])
    assert outcome.code == 0


def test_exit_3_open_gaps(reference: Path, tmp_path: Path) -> None:
    """Open gaps: 3."""
    assert run_recon(["run", reference, "-o", tmp_path / "r.xlsx"]).code == 3


@pytest.mark.parametrize(("file", "content"), [
    ("broken.xlsx", b"PK\x03\x04 this is no workbook"),
    ("flow2.csv", f"person_id,region,posted_on,flow_kind,amount_fen\n{PERSON_ID},420100,2024-13-45,credit,1".encode()),
], ids=["file", "row"])
def test_exit_4_wins(reference: Path, tmp_path: Path, file: str, content: bytes) -> None:
    """A file that cannot be opened, or a rejected row: 4, although a gap is open too; the answers are still there."""
    (reference / file).write_bytes(content)
    outcome = run_recon(["run", reference, "-o", tmp_path / "r.xlsx", "--json"])
    assert outcome.code == 4
    assert (tmp_path / "r.xlsx").exists()


@pytest.mark.usefixtures("no_workbook")
def test_unknown_file_is_only_a_warning(reference: Path, tmp_path: Path) -> None:
    """A file no format claims does not count as rejected."""
    (reference / "shopping.csv").write_text("milk,eggs\n1,2\n", encoding="utf-8")
    assert run_recon(["run", reference, "-o", tmp_path / "r.xlsx"]).code == 3


@pytest.mark.parametrize("arguments", [
    ["run"],
    ["run", "no-such-folder"],
    ["run", ".", "--as-of", "yesterday"],
    ["run", ".", "--no-such-option"],
    ["no-such-command"],
])
def test_exit_2_wrong_usage(arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrong usage: 2, with a word on what is wrong and no traceback."""
    monkeypatch.chdir(tmp_path)
    outcome = run_recon(arguments)
    assert outcome.code == 2
    assert outcome.stderr.strip()
    assert "Traceback" not in outcome.stderr


def test_exit_2_nothing_readable(tmp_path: Path) -> None:
    """A folder in which nothing can be read: 2, and no report."""
    (tmp_path / "empty").mkdir()
    assert run_recon(["run", tmp_path / "empty", "-o", tmp_path / "r.xlsx"]).code == 2
    assert not (tmp_path / "r.xlsx").exists()


def test_no_traceback_from_the_installed_command(tmp_path: Path) -> None:
    """The installed command ends with 2 and a sentence, too."""
    outcome = spawn_recon(["run", "no-such-folder"], cwd=tmp_path)
    assert outcome.code == 2
    assert "Traceback" not in outcome.stderr


# --- what is written --------------------------------------------------------------------------------------------------


def test_report_replaces_the_old_one_whole(reference: Path, tmp_path: Path) -> None:
    """The report is renamed into place: the old one is gone, and nothing else is left beside it."""
    target = tmp_path / "out" / "r.xlsx"
    target.parent.mkdir()
    target.write_bytes(b"old")
    run_recon(["run", reference, "-o", target])
    assert target.read_bytes()[:2] == b"PK"
    assert [path.name for path in target.parent.iterdir()] == ["r.xlsx"]


def test_input_is_not_touched(reference: Path, tmp_path: Path) -> None:
    """The folder that is read stays as it is."""
    before = {path.name: path.read_bytes() for path in reference.iterdir()}
    run_recon(["run", reference, "-o", tmp_path / "r.xlsx", "--tables", tmp_path / "tables"])
    assert {path.name: path.read_bytes() for path in reference.iterdir()} == before


def test_own_output_is_not_read_again(reference: Path, tmp_path: Path) -> None:
    """A report or result tables left in the folder change no answer."""
    first, second = tmp_path / "first", tmp_path / "second"
    run_recon(["run", reference, "-o", tmp_path / "r.xlsx", "--tables", first, "--tables-format", "csv"])
    shutil.copy(tmp_path / "r.xlsx", reference / "report.xlsx")
    for name in ("month", "gap", "match", "expected", "source", "problem"):
        shutil.copy(first / f"{name}.csv", reference / f"{name}.csv")
    outcome = run_recon(["run", reference, "-o", tmp_path / "r.xlsx", "--tables", second, "--tables-format", "csv"])
    assert outcome.code == 3
    for name in ("month", "gap", "match"):
        assert (second / f"{name}.csv").read_bytes() == (first / f"{name}.csv").read_bytes(), name


@pytest.mark.usefixtures("no_workbook")
def test_tables_feed_a_second_run(reference: Path, tmp_path: Path) -> None:
    """The input tables that recon writes are its native input: read again, they give the same months."""
    first, again, second = tmp_path / "first", tmp_path / "again", tmp_path / "second"
    run_recon(["run", reference, "-o", tmp_path / "r.xlsx", "--tables", first, "--as-of", "2025-03-31"])
    again.mkdir()
    for name in ("contribution", "flow", "person", "coverage"):
        shutil.copy(first / f"{name}.parquet", again / f"{name}.parquet")
    outcome = run_recon(["run", again, "-o", tmp_path / "r2.xlsx", "--tables", second, "--as-of", "2025-03-31"])
    assert outcome.code == 3
    import polars as pl

    columns = ["accrual_month", "label", "cause", "status", "contributed_fen", "expected_fen", "credited_fen"]
    one, other = (pl.read_parquet(place / "month.parquet").select(columns) for place in (first, second))
    assert one.equals(other)


@pytest.mark.usefixtures("no_workbook")
def test_same_run_twice_gives_the_same_tables(reference: Path, tmp_path: Path) -> None:
    """Nothing in a result depends on the hour or on chance."""
    for name in ("one", "two"):
        run_recon(["run", reference, "-o", tmp_path / "r.xlsx", "--tables", tmp_path / name, "--tables-format", "csv"])
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


def test_formulas_stay_text(reference: Path, tmp_path: Path) -> None:
    """Text beginning with = is text in the workbook, wherever it comes from."""
    from openpyxl import load_workbook

    roster = reference / "person.csv"
    roster.write_text(roster.read_text(encoding="utf-8").replace("测试甲", "=1+1"), encoding="utf-8")
    run_recon(["run", reference, "-o", tmp_path / "r.xlsx", "--full-ids", "--edition", "audit"])
    book = load_workbook(tmp_path / "r.xlsx")
    formulas = [cell.coordinate for sheet in book for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    assert formulas == []


# --- what is shown ----------------------------------------------------------------------------------------------------


def test_json_carries_the_counts(reference: Path, tmp_path: Path) -> None:
    """--json prints one object on stdout, for scripts."""
    outcome = run_recon(["run", reference, "-o", tmp_path / "r.xlsx", "--json"])
    told = json.loads(outcome.stdout)
    assert outcome.code == 3
    assert isinstance(told, dict)
    assert told


@pytest.mark.usefixtures("no_workbook")
@pytest.mark.parametrize(("lang", "told"), [("zh", "没有核对：1人只有个人账户明细"), ("en", "not checked: 1 with an account")])
def test_who_was_not_checked_is_counted_on_the_screen(reference: Path, tmp_path: Path, lang: str, told: str) -> None:
    """An account export alone proves nothing: exit 0 does not mean that all is well."""
    (reference / "contribution.csv").unlink()
    outcome = run_recon(["run", reference, "-o", tmp_path / "r.xlsx", "--lang", lang])
    assert outcome.code == 0
    assert told in outcome.stdout


@pytest.mark.usefixtures("no_workbook")
def test_files_without_a_region_ask_for_it(reference: Path, tmp_path: Path) -> None:
    """No rule applies without a region: the screen and the answer say so and name the option, which settles it."""
    for path in reference.iterdir():
        if path.name not in ("contribution.csv", "flow.csv"):
            path.unlink()
            continue
        with path.open(encoding="utf-8", newline="") as file:  # of years for which the nation had no rule
            rows = list(csv.DictReader(re.sub("202([45])-", lambda year: f"202{int(year[1]) - 1}-", line) for line in file))
        with path.open("w", encoding="utf-8", newline="") as file:
            kept = [column for column in rows[0] if column not in ("region", "into_account_fen")]
            writer = csv.DictWriter(file, kept, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)
    for asked, told in (([], True), (["--region", "武汉"], False)):
        outcome = run_recon(["run", reference, "-o", tmp_path / "r.xlsx", *asked])
        assert ("没有参保地：1人" in outcome.stdout) == told
        answer = run_recon(["explain", reference, rows[0]["person_id"], *asked])
        assert ("请在命令里加参保地（如 --region 武汉）" in answer.stdout) == told


@pytest.mark.usefixtures("no_workbook")
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_screen_is_masked(reference: Path, tmp_path: Path, lang: str) -> None:
    """Neither names nor IDs stand on the screen, nor in the JSON."""
    (reference / f"测试甲_{PERSON_ID}_个账.csv").write_text("nothing known\n", encoding="utf-8")
    for more in ([], ["--json"]):
        outcome = run_recon(["run", reference, "-o", tmp_path / "r.xlsx", "--lang", lang, *more])
        for secret in (PERSON_ID, "测试甲"):
            assert secret not in outcome.stdout + outcome.stderr


@pytest.mark.parametrize(("option", "shown"), [([], False), (["--full-ids"], True)])
def test_workbook_masks_ids(reference: Path, tmp_path: Path, option: list[str], shown: bool) -> None:
    """The workbook shows whole IDs only when asked to."""
    from openpyxl import load_workbook

    run_recon(["run", reference, "-o", tmp_path / "r.xlsx", *option])
    book = load_workbook(tmp_path / "r.xlsx", read_only=True)
    shows = any(PERSON_ID in str(cell) for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row)
    book.close()
    assert shows == shown


@pytest.mark.usefixtures("no_workbook")
def test_hr_edition_drops_spending(tmp_path: Path) -> None:
    """In the hr edition no table holds a spend line, a place or a memo; months and links are the same."""
    folder = case("07-spend-hides-nothing", tmp_path)
    rows = {}
    for edition in ("hr", "person"):
        run_recon(["run", folder, "-o", tmp_path / "r.xlsx", "--edition", edition, "--as-of", "2025-03-31",
                   "--tables", tmp_path / edition, "--tables-format", "csv"])
        with (tmp_path / edition / "flow.csv").open(encoding="utf-8", newline="") as lines:
            rows[edition] = list(csv.DictReader(lines))
    assert {row["flow_kind"] for row in rows["hr"]} == {"credit"}
    assert not any(row["memo"] for row in rows["hr"])
    assert "spend" in {row["flow_kind"] for row in rows["person"]}
    for name in ("month", "match"):
        assert (tmp_path / "hr" / f"{name}.csv").read_bytes() == (tmp_path / "person" / f"{name}.csv").read_bytes()


# --- the other commands -----------------------------------------------------------------------------------------------


def test_identify_names_every_file(reference: Path) -> None:
    """identify says which format claims each file, and why none does."""
    (reference / "shopping.csv").write_text("milk,eggs\n1,2\n", encoding="utf-8")
    outcome = run_recon(["identify", reference])
    assert outcome.code == 0
    assert len(outcome.stdout.splitlines()) >= 4


def test_check_accepts_what_is_shipped() -> None:
    """Every shipped mapping and policy file is valid."""
    outcome = run_recon(["check"])
    assert outcome.code == 0, outcome.stdout + outcome.stderr


def test_check_names_file_and_key(tmp_path: Path) -> None:
    """A mistake in a user's own policy file is named with its file, and ends with 2."""
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "999999_nowhere.toml").write_text("rgion = '999999'\n", encoding="utf-8")
    outcome = run_recon(["check", "--mappings", tmp_path])
    assert outcome.code == 2
    assert "999999_nowhere.toml" in outcome.stdout + outcome.stderr


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_explain_one_person(reference: Path, lang: str) -> None:
    """explain answers for one person; the ID comes from stdin and is not repeated."""
    outcome = run_recon(["explain", reference, "-", "--as-of", "2025-03-31", "--lang", lang], stdin=PERSON_ID + "\n")
    assert outcome.code in (0, 3)
    assert "2024-05" in outcome.stdout or "2024年5月" in outcome.stdout
    assert PERSON_ID not in outcome.stdout


def test_explain_short_fits_a_chat(reference: Path) -> None:
    """--short is at most 150 characters."""
    outcome = run_recon(["explain", reference, "-", "--short", "--as-of", "2025-03-31"], stdin=PERSON_ID + "\n")
    assert 0 < len(outcome.stdout.strip()) <= 150


def test_explain_knows_nobody_of_that_name(reference: Path) -> None:
    """Somebody who is not in the folder: 2, with a sentence."""
    outcome = run_recon(["explain", reference, "E9999"])
    assert outcome.code == 2
    assert outcome.stderr.strip()


def test_a_crash_leaves_no_half_written_report(
    reference: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the writing breaks off, the old report stands as it was and nothing is left beside it."""
    from recon.report import workbook

    def breaks_off(path: Path, *_: object, **__: object) -> None:
        path.write_bytes(b"PK half")
        raise RuntimeError("broken off")

    target = tmp_path / "out" / "r.xlsx"
    target.parent.mkdir()
    target.write_bytes(b"old")
    monkeypatch.setattr(workbook, "write_workbook", breaks_off)
    with pytest.raises(RuntimeError):
        run_recon(["run", reference, "-o", target])
    assert target.read_bytes() == b"old"
    assert [path.name for path in target.parent.iterdir()] == ["r.xlsx"]
