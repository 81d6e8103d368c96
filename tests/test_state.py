"""What recon remembers: ages, what is new and why, decisions, rows already read; and that nothing is ever lost."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from openpyxl import load_workbook

from recon import job
from recon.batch import CHINA, UsageError
from recon.config import Settings
from recon.state.compare import KNOWN_SCHEMA, Circumstances, compare, live_gaps
from recon.state.migrations import MIGRATIONS
from recon.state.place import StateError, locked, open_place
from recon.state.store import open_store
from support import answers_once, rules_loaded_once, run_recon
from test_run_problems import contributions, credits, month, write

ANNA, BELA = "110105198503074917", "420106199001011233"
NOW = datetime.now(CHINA) - timedelta(days=60)  # the clock of the runs in this process; those of others have their own


class Firm:
    """A folder of exports, a state and a report, run again and again."""

    def __init__(self, place: Path) -> None:
        self.place, self.folder = place, place / "exports"
        self.folder.mkdir()
        self.state, self.report = place / "state", place / "report.xlsx"
        self.now = NOW
        self.pay(range(12), ANNA)

    def pay(self, months: Sequence[int] | range, person: str) -> None:
        write(self.folder, f"contribution_{person[-4:]}.csv", contributions(months, person_id=person))

    def credit(self, months: Sequence[int] | range, person: str, name: str = "flow") -> None:
        rows = [row | {"person_id": person} for row in credits(months)]
        write(self.folder, f"{name}_{person[-4:]}.csv", rows)

    def settings(self, **more: Any) -> Settings:
        told = {"state": self.state, "report": self.report} | more
        return job.settle(self.folder, None, told)

    def run(self, **more: Any) -> job.Outcome:
        """One run, a day after the last."""
        self.now += timedelta(days=1)
        return job.perform(self.settings(**more), now=self.now)

    def events(self, outcome: job.Outcome) -> dict[str, str]:
        """event -> why of a run's view."""
        since = outcome.run.view.since
        assert since is not None
        return {f"{row['event']} {(row['accrual_month'] or '')[:7]}": row["why"]
                for row in since.events.iter_rows(named=True)}

    def cells(self, sheet: str = "差异") -> list[dict[str, Any]]:
        book = load_workbook(self.report)
        head, *rows = book[sheet].iter_rows(values_only=True)
        return [dict(zip(head, row, strict=True)) for row in rows]

    def enter(self, decision: str | None, note: str | None = None, row: int = 2) -> None:
        """Somebody decides in the workbook and saves it, an hour after the run."""
        book = load_workbook(self.report)
        sheet = book["差异"]
        heads = {cell.value: cell.column for cell in sheet[1]}
        sheet.cell(row, heads["处理决定"]).value = decision
        if note is not None:
            sheet.cell(row, heads["备注"]).value = note
        book.save(self.report)
        stamp = (self.now + timedelta(hours=1)).timestamp()
        os.utime(self.report, (stamp, stamp))

    def known(self) -> pl.DataFrame:
        with open_store(self.state) as store:
            return store.known()

    def kept(self) -> tuple[Any, ...]:
        """Everything the state file holds."""
        with sqlite3.connect(self.state / "state.sqlite") as db:
            return tuple(db.iterdump())


@pytest.fixture(autouse=True)
def _quick(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    rules_loaded_once(monkeypatch)
    if "whole" not in request.keywords:
        answers_once(monkeypatch)


@pytest.fixture
def firm(tmp_path: Path) -> Firm:
    """One person, a year paid, the credit of May missing."""
    one = Firm(tmp_path)
    one.credit([at for at in range(1, 13) if at != 5], ANNA)
    return one


# --- what is new, changed, resolved ------------------------------------------------------------------------------------


def test_ageing_and_resolution(firm: Firm) -> None:
    """A gap keeps its first day while it lasts, is resolved when the credit is seen, and comes back when it is not."""
    assert firm.run(as_of="2025-01-31").exit_code == 3
    second = firm.run(as_of="2025-02-28")
    assert second.exit_code == 3
    row = firm.cells()[0]
    assert (row["首次发现"], row["已持续（天）"]) == ("2025-01-31", 28)
    firm.credit([5], ANNA, name="late_flow")
    third = firm.run(as_of="2025-03-31")
    assert third.exit_code == 0
    assert firm.events(third) == {"resolved 2024-05": "new_file"}
    (firm.folder / "late_flow_4917.csv").unlink()
    fourth = firm.run(as_of="2025-04-30")
    assert fourth.exit_code == 3
    assert "reopened 2024-05" in firm.events(fourth)
    assert firm.events(fourth)["reopened 2024-05"] == "file_gone;time_passed"
    row = firm.cells()[0]
    assert row["首次发现"] == "2025-01-31"
    assert [one["变化"] for one in firm.cells("与上次比")] == ["重新出现"]


def test_the_same_again_is_nothing_new(firm: Firm) -> None:
    """Nothing changed: the run says so, keeps its number, and still shows what the run before had found."""
    firm.run()
    firm.credit(range(1, 13), BELA)
    firm.pay(range(13), BELA)
    second = firm.run()
    again = firm.run(fail_on="new")
    assert second.counts["state"]["run"] == again.counts["state"]["run"] == 2
    assert again.counts["state"]["repeat"] is True
    assert sum(again.counts["since"].values()) == 0
    assert again.exit_code == 0
    assert firm.events(again) == firm.events(second)
    assert again.run.view.tables["gap"].equals(second.run.view.tables["gap"])


def test_fail_on_counts_what_it_says(firm: Firm) -> None:
    """new: only what was not open before; worse: also what has grown; any: all that nobody accepted."""
    assert firm.run(fail_on="new").exit_code == 3  # all of a first run is new
    firm.pay(range(13), BELA)
    firm.credit(range(1, 14), BELA)
    assert firm.run(fail_on="new").exit_code == 0
    assert firm.run(fail_on="any").exit_code == 3
    write(firm.folder, "contribution_4917.csv", contributions(range(12), person_id=ANNA, own=15000))
    grown = firm.run(fail_on="worse", as_of="2025-06-30")
    assert "worse 2024-05" in firm.events(grown) or "new" in "".join(firm.events(grown))
    assert grown.exit_code == 3


def test_without_a_state_new_means_nothing(firm: Firm) -> None:
    """--fail-on new needs something to compare with."""
    outcome = run_recon(["run", firm.folder, "-o", firm.report, "--fail-on", "new"])
    assert outcome.code == 2
    assert "--state" in outcome.stderr


def test_time_and_rules_are_told_apart(firm: Firm) -> None:
    """A month that is late as time passes says so; one that opens because of the tolerance says that."""
    firm.credit([at for at in range(1, 12) if at != 5], ANNA)  # of December nothing is there yet
    write(firm.folder, "coverage.csv", [{"table": "flow", "file": "flow_4917.csv", "from": "2024-01-01",
                                         "to": "2025-12-31", "basis": "declared"}])
    firm.run(as_of="2025-01-11")
    assert firm.events(firm.run(as_of="2025-02-28")) == {"changed 2024-12": "time_passed"}
    assert firm.events(firm.run(as_of="2025-02-28", tolerance=1)) == {"opened 2024-12": "rule_changed"}


def test_a_gap_that_is_seen_no_more_is_not_resolved(firm: Firm) -> None:
    """Files that are taken away settle nothing: the gap is gone from sight."""
    firm.pay(range(12), BELA)
    firm.credit([at for at in range(1, 13) if at != 7], BELA)
    firm.run()
    for name in ("contribution", "flow"):
        (firm.folder / f"{name}_1233.csv").unlink()
    assert firm.events(firm.run()) == {"gone 2024-07": "file_gone"}


def test_payroll_gaps_age_without_any_account(firm: Firm) -> None:
    """What HR can prove without flows is remembered too: resolved when the declaration comes, gone with the payroll."""
    for path in firm.folder.glob("*.csv"):
        path.unlink()
    people = [ANNA, BELA, "310115197807150329"]
    for person in people:
        firm.pay([at for at in range(6) if (person, at) != (ANNA, 3)], person)
    write(firm.folder, "payroll.csv", [
        {"person_id": person, "person_name": "测试甲", "employer": "示例公司", "pay_month": month(at), "item": "medical",
         "deducted_fen": "12000", "base_fen": "600000"} for person in people for at in range(6)])
    firm.run(as_of="2024-08-31")
    live = firm.known().filter(pl.col("is_live") & (pl.col("basis") == "payroll"))
    assert (ANNA, "2024-04-01") in list(live.select("person_id", "accrual_month").iter_rows())
    payroll = (firm.folder / "payroll.csv").read_bytes()
    (firm.folder / "payroll.csv").unlink()
    away = firm.run(as_of="2024-08-31")
    ends = away.run.view.since.events.filter(pl.col("basis") == "payroll")
    assert set(ends["event"]) <= {"gone", "resolved"}
    (firm.folder / "payroll.csv").write_bytes(payroll)
    firm.run(as_of="2024-08-31")
    firm.pay(range(6), ANNA)
    done = firm.run(as_of="2024-08-31")
    ends = done.run.view.since.events.filter((pl.col("basis") == "payroll") & (pl.col("person_id") == ANNA))
    assert set(ends.select("event", "why").iter_rows()) == {("resolved", "new_file")}


def test_keys_are_stable_under_a_new_explanation() -> None:
    """A gap that is called something else, with another amount, is changed, not new and gone."""
    def live(label: str, cause: str, fen: int) -> pl.DataFrame:
        return live_gaps(pl.DataFrame({
            "gap_id": ["G1"], "person_id": ["P"], "region": [None], "scheme": ["310"], "accrual_month": ["2024-05-01"],
            "basis": ["credit"], "label": [label], "cause": [cause], "status": ["open"], "amount_fen": [fen],
            "estimated_fen": [None],
        }, schema_overrides={"region": pl.String, "estimated_fen": pl.Int64}))

    first = live("missing_month", "credit_missing", 12000)
    known = first.with_columns(
        pl.lit(value=True).alias("is_live"), pl.lit(1).alias("first_run"), pl.lit("2024-08-01").alias("first_as_of"),
        pl.lit(1).alias("runs"), pl.lit(1).alias("times_opened"), pl.lit(None, dtype=pl.String).alias("ended_as_of"),
        pl.lit(None, dtype=pl.String).alias("ending"),
    ).select(pl.col(name).cast(kind) for name, kind in KNOWN_SCHEMA.items())
    seen = {"credit": first.select("person_id", "region", "scheme", "accrual_month")}
    smaller = compare(known, live("short_credit", "", 2000), seen, Circumstances(time=True))
    assert smaller["event"].to_list() == ["changed"]
    assert compare(known, first, seen, Circumstances())["event"].to_list() == []


# --- decisions -----------------------------------------------------------------------------------------------------


def test_an_accepted_gap_never_counts(firm: Firm) -> None:
    """Accepted in the workbook: exit 0, off the list of today; the decision and the note stay with the gap."""
    assert firm.run().exit_code == 3
    firm.enter("接受", "12393 已答复，等补划")
    after = firm.run()
    assert after.exit_code == 0
    assert after.counts["accepted"] == 1
    assert after.counts["gaps"]["open"] == 1
    row = firm.cells()[0]
    assert (row["处理决定"], row["备注"]) == ("接受", "12393 已答复，等补划")
    firm.report.unlink()  # the state remembers
    assert firm.run().exit_code == 0
    assert firm.cells()[0]["备注"] == "12393 已答复，等补划"


def test_a_decision_can_be_taken_back(firm: Firm) -> None:
    """An emptied cell, or the word, takes it back; a carried-over cell of an older workbook does not undo that."""
    firm.run()
    firm.enter("accepted")
    assert firm.run().exit_code == 0
    old = firm.folder / "上月差异.xlsx"
    old.write_bytes(firm.report.read_bytes())
    firm.enter(None)
    assert firm.run().exit_code == 3
    firm.enter("接受")
    assert firm.run().exit_code == 0
    firm.enter("撤回")
    assert firm.run().exit_code == 3


def test_decisions_need_no_state(firm: Firm) -> None:
    """The workbook in the folder, or the one that is replaced, carries them."""
    settings = job.settle(firm.folder, None, {"report": firm.report})
    assert job.perform(settings, now=NOW).exit_code == 3
    firm.enter("接受", "见回执")
    assert job.perform(settings, now=NOW).exit_code == 0
    assert job.perform(settings, now=NOW).exit_code == 0
    firm.report.rename(firm.folder / "旧报告.xlsx")
    assert job.perform(settings, now=NOW).exit_code == 0
    assert firm.cells()[0]["备注"] == "见回执"


@pytest.mark.parametrize("state", [True, False])
def test_decisions_follow_from_month_to_month(firm: Firm, state: bool) -> None:
    """A report that is called otherwise each month is read for decisions all the same."""
    def run(day: str, name: str = "差异-{month}.xlsx") -> int:
        settings = job.settle(firm.folder, None, {"as_of": day, "report": firm.place / name} | (
            {"state": firm.state} if state else {}))
        firm.now += timedelta(days=1)
        return job.perform(settings, now=firm.now).exit_code

    assert run("2025-01-31") == 3
    firm.report = firm.place / "差异-2025-01.xlsx"
    firm.enter("接受")
    assert run("2025-02-28") == 0
    assert run("2025-03-31", "别的名字.xlsx") == (0 if state else 3)


def test_a_word_that_is_no_decision_is_kept(firm: Firm) -> None:
    """It becomes a note, is named as a problem, and accepts nothing."""
    firm.run()
    firm.enter("问过老王")
    after = firm.run()
    assert after.exit_code == 3
    assert "unknown-decision" in after.run.view.tables["problem"]["code"].to_list()
    assert firm.cells()[0]["备注"] == "问过老王"


# --- rows already read ---------------------------------------------------------------------------------------------


@pytest.mark.whole
def test_no_rows_are_kept_where_none_are_wanted(firm: Firm) -> None:
    """With cache = false those of earlier runs go, and none come; where they cannot go the run says so."""
    firm.run()
    assert list((firm.state / "rows").glob("*.rows"))
    second = firm.run(cache=False)
    assert not (firm.state / "rows").exists()
    assert second.counts["state"]["files_kept"] == 0
    (firm.state / "rows").write_text("")
    with pytest.raises(UsageError, match="删不掉"):
        firm.run(cache=False)


@pytest.mark.whole
def test_files_are_read_once(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read is not parsed again, under any name; the answers are the same, also after a damaged entry."""
    first = firm.run()
    (firm.folder / "flow_4917.csv").rename(firm.folder / "明细.csv")
    second = firm.run()
    assert second.counts["state"]["files_kept"] == 2
    for name in ("month", "match"):
        columns = [one for one in first.run.view.tables[name].columns if "row_id" not in one and one != "evidence"]
        assert first.run.view.tables[name].select(columns).equals(second.run.view.tables[name].select(columns))
    entry = next((firm.state / "rows").glob("*.rows"))
    entry.write_bytes(b"PK damaged")
    third = firm.run()
    assert third.counts["state"]["files_kept"] == 1
    assert third.run.view.tables["month"].equals(second.run.view.tables["month"])


def test_every_sample_comes_back_the_same(tmp_path: Path) -> None:
    """All formats, sheets and archives: rows, problems and claims read from the store equal those read from files."""
    from recon.policy import load_policy
    from recon.reading.folder import read_folder
    from recon.reading.formats import shipped
    from recon.state.rows import KeptRows
    from support import SAMPLES

    def read(kept: KeptRows | None) -> Any:
        return read_folder(SAMPLES, mappings=[shipped()], region_of=load_policy([shipped()]).region_of, workers=1,
                           kept=kept)

    plain = read(None)
    store = KeptRows(tmp_path / "rows", "mark")
    read(store)
    assert store.keep("audit") > 5
    again = KeptRows(tmp_path / "rows", "mark")
    back = read(again)
    assert again.hits > 5
    assert back.problems == plain.problems
    assert back.sources.equals(plain.sources)
    for name, frame in plain.tables.items():
        assert back.tables[name].equals(frame), name


def test_what_reading_gives_can_be_kept(tmp_path: Path) -> None:
    """Every field of what a file gives survives, nested rows, dates and sets too, under another name."""
    from dataclasses import fields
    from datetime import date

    from recon.problems import Problem
    from recon.reading.file_read import Claim, FileRead
    from recon.reading.lines import GridRows
    from recon.state.rows import _pack, _unpack

    def filled(cls: Any, **given: Any) -> Any:
        texts = {one.name: f"{one.name} 甲" for one in fields(cls) if "str" in str(one.type)}
        return cls(**(texts | given))

    def part(name: str, also: list[Any]) -> Any:
        frame = pl.DataFrame({"a": [1, None], "d": [date(2024, 5, 1), None], "t": ["x", ""]})
        return filled(GridRows, table=name, frame=frame, facts={"period": "2024"}, problems=[Problem("x", None, "L1")],
                      first=date(2024, 1, 2), last=None, rows_read=2, also=also, skipped=1, rejected=0, others=1)

    read = filled(FileRead, file="old.csv!m.csv", parts=[part("flow", [part("payment", [])])],
                  problems=[Problem("x", "old.csv!m.csv", "L1", None, "v")],
                  claims=[filled(Claim, file="old.csv", reasons=[("a", "b")])],
                  points_to={"b", "a"}, settles=frozenset({"h"}))
    (back,) = _unpack(_pack([read], "old.csv"), "新.csv")
    assert back.file == "新.csv!m.csv"
    assert back.problems[0].file == "新.csv!m.csv"
    assert back.claims[0].file == "新.csv"
    assert back.parts[0].also[0].frame.equals(read.parts[0].also[0].frame)
    for name in ("sha256", "status", "points_to", "settles"):
        assert getattr(back, name) == getattr(read, name)
    for one in fields(GridRows):
        if one.name not in ("frame", "also"):
            assert getattr(back.parts[0], one.name) == getattr(read.parts[0], one.name), one.name


@pytest.mark.whole
def test_the_hr_edition_keeps_no_account(firm: Firm) -> None:
    """With spending to protect, no row of an account is left in the state folder, also not from before."""
    firm.run(edition="person")
    assert len(list((firm.state / "rows").iterdir())) == 2
    firm.run(edition="hr")
    firm.run(edition="hr")
    assert len(list((firm.state / "rows").iterdir())) == 1


@pytest.mark.whole
def test_the_folder_is_private(firm: Firm) -> None:
    """Only its owner may look into the state, and it is no export of the folder it may lie in."""
    firm.state = firm.folder / "状态"
    firm.run()
    assert stat.S_IMODE(firm.state.stat().st_mode) == 0o700
    assert stat.S_IMODE((firm.state / "state.sqlite").stat().st_mode) == 0o600
    assert firm.run().counts["files"] == {"read": 2}


# --- nothing is lost -----------------------------------------------------------------------------------------------


def command(firm: Firm, *more: str) -> list[str]:
    return [sys.executable, "-m", "recon", "run", str(firm.folder), "-o", str(firm.report), "--state",
            str(firm.state), *more]


def test_two_runs_at_once(firm: Firm) -> None:
    """One of them does the work, the other says so and ends with 2; the state has one run."""
    started = [subprocess.Popen(command(firm), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, encoding="utf-8")
               for _ in range(2)]
    told = [one.communicate(timeout=60)[1] for one in started]
    codes = sorted(one.returncode for one in started)
    if codes == [3, 3]:  # one was done before the other began
        assert firm.run().counts["state"]["repeat"]
        return
    assert codes == [2, 3]
    assert any("另一次运行" in text for text in told)
    assert not any("Traceback" in text for text in told)
    with open_store(firm.state) as store:
        assert store.runs() == [1]


def test_a_held_lock_stops_a_run(firm: Firm) -> None:
    """While one run holds the folder, another changes nothing."""
    firm.run()
    before = firm.kept()
    with locked(open_place(firm.state), "2025-01-21T09:00:00+08:00 1"), pytest.raises(UsageError, match="另一次运行"):
        firm.run()
    assert firm.kept() == before


def test_a_killed_run_leaves_everything_as_it_was(firm: Firm) -> None:
    """Killed before it recorded anything: state and report are those of the last run; the next one takes it up."""
    firm.run()
    before, report = firm.kept(), firm.report.read_bytes()
    firm.credit([5], ANNA, name="late_flow")
    program = (
        "import sys, time\n"
        "import recon.batch\n"
        "def hang(path, run):\n"
        "    path.with_name(f'.{path.name}.{__import__(\"os\").getpid()}.part').write_bytes(b'PK half')\n"
        "    print('writing', flush=True)\n"
        "    time.sleep(60)\n"
        "recon.batch.write_report = hang\n"
        "from recon.cli import main\n"
        "main(sys.argv[1:])\n"
    )
    child = subprocess.Popen([sys.executable, "-c", program, *command(firm)[3:]], stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline().strip() == b"writing"
    child.send_signal(signal.SIGKILL)
    child.wait(timeout=10)
    child.stdout.close()
    assert firm.kept() == before
    assert firm.report.read_bytes() == report
    after = firm.run()
    assert "taken_up" in after.alerts
    assert firm.events(after) == {"resolved 2024-05": "new_file"}
    assert [path.name for path in firm.place.iterdir() if path.suffix == ".part"] == []


def test_a_crash_while_recording_changes_nothing(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    """The state changes in one piece or not at all."""
    from recon.state.store import Store

    firm.run()
    before = firm.kept()

    def breaks_off(*_: object) -> None:
        raise RuntimeError("broken off")

    monkeypatch.setattr(Store, "_decide", breaks_off)
    firm.pay(range(13), BELA)
    with pytest.raises(RuntimeError, match="broken off"):
        firm.run()
    assert firm.kept() == before
    heart = json.loads((firm.state / "heartbeat.json").read_text(encoding="utf-8"))
    assert (heart["state"], heart["exit_code"], heart["error"]) == ("failed", 1, "RuntimeError")
    assert heart["last_good"] == (NOW + timedelta(days=1)).isoformat(timespec="seconds")


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on file sizes there")
@pytest.mark.parametrize("full", ["at once", "for the state"])
def test_a_full_disk_loses_nothing(firm: Firm, full: str) -> None:
    """When nothing more can be written: 2 and a sentence, the old report and the state as they were."""
    firm.run()
    before, report = firm.kept(), firm.report.read_bytes()
    firm.credit([5], ANNA, name="late_flow")
    firm.pay(range(-120, 12), BELA)  # many gaps, so that the state has to grow
    firm.credit([12], BELA)
    kilobytes = 0 if full == "at once" else (firm.state / "state.sqlite").stat().st_size >> 10
    limited = (
        "import resource, sys\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({kilobytes * 1024}, {kilobytes * 1024}))\n"
        "from recon.cli import main\n"
        "main(sys.argv[1:])\n"
    )
    done = subprocess.run([sys.executable, "-c", limited, *command(firm)[3:]], capture_output=True, encoding="utf-8",
                          check=False)
    assert done.returncode == 2, done.stderr
    assert "满" in done.stderr.splitlines()[0]
    assert firm.kept() == before
    if full != "for the state":
        assert firm.report.read_bytes() == report
    assert firm.events(firm.run())["resolved 2024-05"] == "new_file"


def test_a_clock_that_jumps_is_not_believed_once(firm: Firm) -> None:
    """Far ahead or back: an answer, an alert, nothing recorded; a second run that agrees is believed."""
    firm.run()
    for jump in (timedelta(days=-3000), timedelta(days=900)):
        odd = job.perform(firm.settings(as_of="today"), now=NOW + jump)
        assert "clock" in odd.alerts
        assert odd.counts["state"]["recorded"] is False
        good = firm.run()
        assert "clock" not in good.alerts
        assert good.counts["state"]["repeat"]
    with open_store(firm.state) as store:
        assert store.runs() == [1]
    job.perform(firm.settings(as_of="today"), now=NOW + timedelta(days=900))
    believed = job.perform(firm.settings(as_of="today"), now=NOW + timedelta(days=901))
    assert believed.counts["state"]["recorded"] is True


def test_looking_back_is_no_step_back(firm: Firm) -> None:
    """An earlier as-of date is answered, but what is remembered is the present."""
    firm.run(as_of="2025-01-31")
    before = firm.kept()
    back = firm.run(as_of="2024-06-30")
    assert "look_back" in back.alerts
    assert firm.kept() == before


def test_damaged_and_newer_states_are_left_alone(firm: Firm) -> None:
    """A damaged file, or one of a later version, ends with a sentence and is not touched."""
    firm.run()
    path = firm.state / "state.sqlite"
    whole = path.read_bytes()
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    db.close()
    with pytest.raises(UsageError, match="较新版本"):
        firm.run()
    path.write_bytes(b"no database at all, whatever it says" * 100)
    with pytest.raises(UsageError, match="损坏"):
        firm.run()
    path.write_bytes(whole)
    assert firm.run().counts["state"]["repeat"]


def test_an_older_state_is_brought_up_to_date(tmp_path: Path) -> None:
    """Each version leads to the next, with a copy of the file as it was; one that fails changes nothing."""
    more = (*MIGRATIONS, "ALTER TABLE run ADD COLUMN extra TEXT;")
    place = open_place(tmp_path / "state")
    with open_store(place) as store:
        store.remember("a", "1")
    with pytest.raises(StateError), open_store(place, (*MIGRATIONS, "CREATE TABLE a (b TEXT); SELECT nonsense;")):
        pass
    with open_store(place, more) as store:
        assert store.fact("a") == "1"
    with sqlite3.connect(place / "state.sqlite") as db:
        assert db.execute("PRAGMA user_version").fetchone() == (len(more),)
        assert "a" not in [row[0] for row in db.execute("SELECT name FROM sqlite_master")]
    db.close()
    assert (place / f"state.sqlite.v{len(MIGRATIONS)}").exists()


def test_logs_and_heartbeat_name_nobody(firm: Firm) -> None:
    """Neither a good run, a failed one nor the heartbeat holds a name, an ID or an amount."""
    firm.run()
    (firm.folder / f"测试甲_{ANNA}.csv").write_text("姓名,证件号\n测试甲,x\n", encoding="utf-8")
    firm.run()
    with pytest.raises(UsageError):
        firm.run(region="测试甲")
    for path in (firm.state / "logs" / "recon.log", firm.state / "heartbeat.json"):
        text = path.read_text(encoding="utf-8")
        for secret in (ANNA, ANNA[-4:], "测试甲", "120.00", "12000"):
            assert secret not in text


def test_many_gaps_are_compared_in_good_time() -> None:
    """A hundred thousand known gaps against as many of now."""
    many = 100_000
    live = pl.DataFrame({
        "gap_id": [f"G{one:06d}" for one in range(many)], "person_id": [f"P{one // 12}" for one in range(many)],
        "region": ["420100"] * many, "scheme": ["310"] * many, "accrual_month": ["2024-05-01"] * many,
        "basis": ["credit"] * many, "label": ["missing_month"] * many, "cause": ["credit_missing"] * many,
        "status": ["open"] * many, "amount_fen": [100] * many, "estimated_fen": [None] * many,
    }, schema_overrides={"estimated_fen": pl.Int64})
    known = pl.DataFrame(schema=KNOWN_SCHEMA)
    started = time.monotonic()
    seen = {"credit": live.select("person_id", "region", "scheme", "accrual_month").unique()}
    events = compare(known, live, seen, Circumstances(people=frozenset(live["person_id"])))
    assert events.height == many
    assert time.monotonic() - started < 5
