"""When runs are due, what schedulers are told, and what becomes of runs that were missed, failed or not due."""

from __future__ import annotations

import os
import plistlib
import shlex
import shutil
import subprocess
import sys
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon import job
from recon.batch import CHINA, UsageError
from recon.config import Settings
from recon.schedule import install as scheduler
from recon.schedule.days import Plan, is_announced, is_workday
from recon.schedule.units import Entry, cron_lines, launchd_plist, systemd_units, windows_task, without_block
from recon.state.place import open_place, read_heartbeat
from recon.state.store import open_store
from support import CONFORMANCE, ROOT, answers_once, reports_in_name_only, rules_loaded_once, run_recon

EXPORTS = CONFORMANCE / "01-reference-year" / "exports"
ODD = "导出 文件%1 'x' $HOME"  # a folder as people call them, and worse


def entry(place: Path = Path("/srv/hr"), *, program: str = "/opt/py thon/bin/python") -> Entry:
    folder = place / ODD
    return Entry("recon-0a1b2c3d", (program, "-m", "recon", "run", "--config", str(folder / "recon.toml"),
                                    "--scheduled"), folder, time(8, 5), place / "state" / "logs" / "scheduler.log")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    rules_loaded_once(monkeypatch)
    answers_once(monkeypatch)
    reports_in_name_only(monkeypatch)


# --- days ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("day", "expected"), [
    (date(2026, 10, 1), False), (date(2026, 10, 8), True), (date(2026, 10, 10), True), (date(2026, 9, 19), False),
    (date(2090, 10, 2), False), (date(2090, 10, 9), True), (date(2090, 5, 1), False), (date(2090, 6, 3), False),
])
def test_working_days(day: date, expected: bool) -> None:
    """Announced holidays and worked weekends; where they are not announced weekends and fixed days."""
    assert is_workday(day) is expected
    assert is_announced(2026)
    assert not is_announced(2090)


def test_own_exceptions_win() -> None:
    """What the configuration says of a day holds."""
    assert not is_workday(date(2026, 10, 8), holidays=[date(2026, 10, 8)])
    assert is_workday(date(2090, 6, 3), workdays=[date(2090, 6, 3)])


@pytest.mark.parametrize(("monthly", "month", "due"), [
    (1, date(2026, 10, 1), "2026-10-08 08:30"),  # National Day to the 7th
    (31, date(2026, 2, 1), "2026-02-28 08:30"),  # a worked Saturday after the Spring Festival
    (6, date(2026, 12, 1), "2026-12-07 08:30"),
    (30, date(2026, 4, 1), "2026-04-30 08:30"),
])
def test_due_days(monthly: int, month: date, due: str) -> None:
    """The day of the month, the last one of shorter months, moved to the next working day."""
    assert f"{Plan(monthly, time(8, 30)).due(month):%Y-%m-%d %H:%M}" == due


def test_without_waiting_for_a_working_day() -> None:
    """The day itself, holiday or not."""
    assert Plan(1, time(9), next_workday=False).due(date(2026, 10, 1)) == datetime.fromisoformat("2026-10-01 09:00")


@given(monthly=st.integers(1, 31), now=st.datetimes(datetime.fromisoformat("2024-01-01"), datetime.fromisoformat("2032-12-31")), wait=st.booleans())
def test_every_month_has_one_slot(monthly: int, now: datetime, wait: bool) -> None:
    """The slot is the month that was due last; the next one is later; nothing lies between them."""
    plan = Plan(monthly, time(8, 30), wait)
    slot = plan.slot(now)
    first = date.fromisoformat(f"{slot}-01")
    assert plan.due(first) <= now < plan.next_due(now)
    following = (first + timedelta(days=31)).replace(day=1)
    assert plan.next_due(now) == plan.due(following)
    assert plan.slot(plan.next_due(now)) == f"{following:%Y-%m}"


def test_missed_months_are_named() -> None:
    """Months between the last one served and the one that is due now."""
    plan = Plan(6, time(8, 30))
    now = datetime.fromisoformat("2026-06-20")
    assert plan.missed(now, {"2026-02"}) == ["2026-03", "2026-04", "2026-05"]
    assert plan.missed(now, {"2026-05"}) == []
    assert plan.missed(now, {"2026-06"}) == []
    assert plan.missed(now, ()) == []


# --- what schedulers are told ----------------------------------------------------------------------------------------


def test_cron_starts_what_is_meant(tmp_path: Path) -> None:
    """The line, as cron reads it and a shell runs it, starts the command in its folder, whatever the folder is called."""
    one = entry(tmp_path, program=sys.executable)
    one.directory.mkdir()
    one.log.parent.mkdir(parents=True)
    tell = "import os, sys; print(os.getcwd(), sys.argv[1:], os.environ['PYTHONUTF8'])"
    one = Entry(one.name, (sys.executable, "-c", tell, *one.command[3:]), one.directory, one.at, one.log)
    begin, line, end = cron_lines(one)
    assert (begin, end) == ("# BEGIN recon-0a1b2c3d", "# END recon-0a1b2c3d")
    fields = line.split(" ", 5)
    assert fields[:5] == ["5", "8", "*", "*", "*"]
    assert "%" not in fields[5].replace(r"\%", "")
    subprocess.run(["/bin/sh", "-c", fields[5].replace(r"\%", "%")], check=True)
    told = one.log.read_text(encoding="utf-8")
    assert told.strip() == f"{one.directory} {list(one.command[3:])} 1"


def test_a_crontab_keeps_its_other_lines() -> None:
    """Only recon's own block is replaced or removed."""
    others = ["MAILTO=hr", "0 1 * * * backup", "# BEGIN recon-ffffffff", "1 1 * * * other", "# END recon-ffffffff"]
    lines = [*others[:2], *cron_lines(entry()), *others[2:]]
    assert without_block(lines, entry().name) == others
    assert without_block(others, entry().name) == others


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    """systemd-analyze has nothing to say against service and timer, and understands the time."""
    one = entry(tmp_path, program=sys.executable)
    one.directory.mkdir()
    for name, text in systemd_units(one).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    done = subprocess.run(["systemd-analyze", "verify", *map(str, tmp_path.glob("recon-*"))], capture_output=True,
                          encoding="utf-8", env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"}, check=False)
    own = [line for line in done.stderr.splitlines() if "recon-0a1b2c3d" in line]
    assert (done.returncode, own) == (0, [])
    timer = systemd_units(one)["recon-0a1b2c3d.timer"]
    calendar = next(line.partition("=")[2] for line in timer.splitlines() if line.startswith("OnCalendar="))
    done = subprocess.run(["systemd-analyze", "calendar", calendar], capture_output=True, encoding="utf-8", check=False)
    assert "Normalized form: *-*-* 08:05:00" in done.stdout
    assert "Persistent=true" in timer


def test_systemd_words_are_quoted() -> None:
    """Specifiers, variables, quotes and blanks in a path stay what they are."""
    service = systemd_units(entry())["recon-0a1b2c3d.service"]
    start = next(line for line in service.splitlines() if line.startswith("ExecStart="))
    words = shlex.split(start.partition("=")[2].replace("%%", "%").replace("$$", "$"))
    assert tuple(words) == entry().command


def test_launchd_reads_the_list() -> None:
    """A property list with the command, the time and a look at login."""
    facts = plistlib.loads(launchd_plist(entry()))
    assert facts["ProgramArguments"] == list(entry().command)
    assert facts["StartCalendarInterval"] == {"Hour": 8, "Minute": 5}
    assert facts["RunAtLoad"] is True
    assert facts["WorkingDirectory"].endswith(ODD)
    assert set(facts) == {"Label", "ProgramArguments", "WorkingDirectory", "StartCalendarInterval", "RunAtLoad",
                          "EnvironmentVariables", "ProcessType", "StandardOutPath", "StandardErrorPath"}


def test_windows_accepts_the_task() -> None:
    """The XML is valid against the published schema, in UTF-16, makes up for missed starts, one instance only."""
    xmlschema = pytest.importorskip("xmlschema")
    data = windows_task(entry(Path("C:/人事")), date(2026, 1, 6))
    assert data[:2] in (b"\xff\xfe", b"\xfe\xff")
    text = data.decode("utf-16")
    schema = xmlschema.XMLSchema(str(ROOT / "tests" / "schemas" / "windows-task.xsd"))
    body = text.partition("?>")[2]
    schema.validate(body)
    task = schema.to_dict(body)
    assert task["Settings"]["StartWhenAvailable"] is True
    assert task["Settings"]["MultipleInstancesPolicy"] == "IgnoreNew"
    assert task["Triggers"]["CalendarTrigger"][0]["StartBoundary"] == "2026-01-06T08:05:00"
    assert ODD in task["Actions"]["Exec"][0]["WorkingDirectory"]
    with pytest.raises(xmlschema.XMLSchemaException):
        schema.validate(body.replace("IgnoreNew", "IgnoreOld"))


# --- installing ------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Exports with a configuration for the 6th of each month."""
    place = Path(shutil.copytree(EXPORTS, tmp_path / "导出 文件"))
    run_recon(["init", place, "--monthly", "6", "--at", "08:30"])
    return place


@pytest.fixture
def crontab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A crontab of one's own: the command keeps it in a file."""
    store = tmp_path / "crontab.txt"
    store.write_text("MAILTO=hr\n", encoding="utf-8")
    tool = tmp_path / "bin" / "crontab"
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/sh\nif [ "$1" = -l ]; then cat {shlex.quote(str(store))}; else cat > '
                    f'{shlex.quote(str(store))}; fi\n', encoding="utf-8")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}{os.pathsep}{os.environ['PATH']}")
    return store


@pytest.mark.skipif(sys.platform == "win32", reason="no crontab there")
def test_cron_is_installed_replaced_and_removed(folder: Path, crontab: Path) -> None:
    """Installing twice leaves one block; removing it leaves the rest of the crontab."""
    for at in ("08:30", "09:45"):
        outcome = run_recon(["schedule", "install", folder, "--kind", "cron", "--at", at])
        assert outcome.code == 0, outcome.stderr
    text = crontab.read_text(encoding="utf-8")
    assert text.startswith("MAILTO=hr\n45 9 ") or text.splitlines()[2].startswith("45 9 ")
    assert text.count("# BEGIN recon-") == 1
    assert run_recon(["schedule", "status", folder, "--kind", "cron"]).code == 0
    assert run_recon(["schedule", "remove", folder, "--kind", "cron"]).code == 0
    assert crontab.read_text(encoding="utf-8") == "MAILTO=hr\n"
    assert run_recon(["schedule", "status", folder, "--kind", "cron"]).code == 3


def test_systemd_is_installed_and_removed(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unit files go where the user's systemd looks, and it is told."""
    calls: list[list[str]] = []

    def call(command: list[str], text: str | None = None) -> Any:
        calls.append(command)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(scheduler, "_run", call)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert run_recon(["schedule", "install", folder, "--kind", "systemd"]).code == 0
    units = sorted(path.name for path in (tmp_path / "config" / "systemd" / "user").iterdir())
    assert [name.rpartition(".")[2] for name in units] == ["service", "timer"]
    assert ["systemctl", "--user", "enable", "--now", units[1]] in calls
    assert run_recon(["schedule", "remove", folder, "--kind", "systemd"]).code == 0
    assert list((tmp_path / "config" / "systemd" / "user").iterdir()) == []
    assert run_recon(["schedule", "remove", folder, "--kind", "systemd"]).stdout.strip() == "本来就没有安装"


def test_a_scheduler_that_is_not_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """2, and what to do instead."""
    monkeypatch.setenv("PATH", "")
    outcome = run_recon(["schedule", "install", folder, "--kind", "launchd"])
    assert outcome.code == 2
    assert "schedule print" in outcome.stderr


@pytest.mark.parametrize(("config", "said"), [
    ("", "--monthly"), ("[schedule]\nmonthly = 6\n", "[state] folder"),
    ("[schedule]\nmonthly = 6\n[state]\nfolder = '.recon'\n", ""),
])
def test_what_a_schedule_needs(tmp_path: Path, config: str, said: str) -> None:
    """A day of the month and a state to remember what was done."""
    (tmp_path / "recon.toml").write_text(config, encoding="utf-8")
    outcome = run_recon(["schedule", "print", tmp_path, "--kind", "cron"])
    assert outcome.code == (2 if said else 0)
    assert said in outcome.stderr


@pytest.mark.parametrize("kind", ["cron", "systemd", "launchd", "windows"])
def test_print_changes_nothing(folder: Path, kind: str) -> None:
    """What would be installed names the configuration; no state is made."""
    outcome = run_recon(["schedule", "print", folder, "--kind", kind])
    assert outcome.code == 0
    assert str(folder / "recon.toml") in outcome.stdout
    assert not (folder / ".recon").exists()


# --- scheduled runs --------------------------------------------------------------------------------------------------


def at(text: str) -> datetime:
    """A moment on the wall clock of this machine."""
    return datetime.fromisoformat(text).astimezone()


def settings(folder: Path, **more: Any) -> Settings:
    return job.settle(folder, None, {"report": folder.parent / "r.xlsx"} | more)


def test_a_run_is_made_once_a_month(folder: Path) -> None:
    """Before its day nothing happens; on it or after it once; the next month again."""
    told = settings(folder)
    assert job.perform_if_due(told, now=at("2026-03-06 08:30")) is not None
    for quiet in ("2026-03-07 08:30", "2026-04-05 08:30", "2026-04-06 08:30", "2026-04-07 08:29"):  # 6 April: a holiday
        assert job.perform_if_due(told, now=at(quiet)) is None
    late = job.perform_if_due(told, now=at("2026-04-09 08:30"))
    assert late is not None
    assert "missed" not in late.alerts
    assert read_heartbeat(folder / ".recon")["next_due"] == "2026-05-06T08:30"


def test_missed_months_are_an_alert(folder: Path) -> None:
    """After months without a run the next one does its work and names them; status says so before."""
    told = settings(folder)
    job.perform_if_due(told, now=at("2026-01-06 08:30"))
    from recon.job import standing

    assert standing.status(told, at("2026-01-20 08:30")).troubles == ()
    found = standing.status(told, at("2026-04-20 08:30"))
    assert "missed" in found.troubles
    assert found.facts["missed"] == ["2026-02", "2026-03", "2026-04"]
    done = job.perform_if_due(told, now=at("2026-04-20 08:30"))
    assert done is not None
    assert "missed" in done.alerts
    assert done.facts["slots"] == "2026-02, 2026-03"


def test_a_failed_run_is_made_up_for(folder: Path) -> None:
    """A run that fails leaves its month unserved: the next day's start does it; status shows the failure."""
    told = settings(folder)
    job.perform_if_due(told, now=at("2026-03-06 08:30"))
    with pytest.raises(UsageError):
        job.perform_if_due(told.over({"region": "没有的地方"}), now=at("2026-04-07 08:30"))
    outcome = run_recon(["status", folder])
    assert outcome.code == 3
    assert "UsageError" in outcome.stdout
    assert job.perform_if_due(told, now=at("2026-04-08 08:30")) is not None
    assert job.perform_if_due(told, now=at("2026-04-09 08:30")) is None


def test_the_command_is_quiet_when_not_due(folder: Path) -> None:
    """--scheduled says nothing and ends with 0 on a day without a run."""
    with open_store(open_place(folder / ".recon")) as store:
        plan = Plan(6, time(8, 30))
        store.remember(f"slot:{plan.slot(datetime.now(CHINA).astimezone().replace(tzinfo=None))}", "installed")
    outcome = run_recon(["run", folder, "--scheduled"])
    assert (outcome.code, outcome.stdout, outcome.stderr) == (0, "", "")


def test_a_schedule_begins_with_its_next_day(folder: Path, crontab: Path) -> None:
    """Installing does not mean that the month before was missed, or is to be made up for at once."""
    run_recon(["schedule", "install", folder, "--kind", "cron"])
    assert run_recon(["run", folder, "--scheduled"]).stdout == ""
    assert run_recon(["status", folder]).stdout.count("还没有一次完整的运行") == 1


# --- status and verify -----------------------------------------------------------------------------------------------


def test_status_needs_a_state(tmp_path: Path) -> None:
    """Without a state there is nothing to say: 2."""
    assert run_recon(["status", "--state", tmp_path / "none"]).code == 2


def test_status_for_monitoring(folder: Path) -> None:
    """--json carries the facts and what is wrong, and names nobody."""
    import json

    job.perform(settings(folder))
    outcome = run_recon(["status", folder, "--json"])
    told = json.loads(outcome.stdout)
    assert (outcome.code, told["last_run"], told["open"], told["troubles"]) == (0, 1, 1, [])


def test_status_says_that_runs_are_well_not_the_answers(folder: Path) -> None:
    """A run without trouble that leaves a gap open: the gap is said in the same breath."""
    job.perform(settings(folder))
    assert run_recon(["status", folder]).stdout.endswith("运行正常；报告里还有 1 项待处理\n")
    assert run_recon(["status", folder, "--lang", "en"]).stdout.endswith("runs are well; 1 open in the report\n")


def test_verify_performs_a_run_again(folder: Path) -> None:
    """The same files give the same tables; also when one was renamed, and whatever was decided since."""
    job.perform(settings(folder, as_of="2025-03-31"))
    (folder / "flow.csv").rename(folder / "个账.csv")
    outcome = run_recon(["verify", "1", "--config", folder / "recon.toml"])
    assert outcome.code == 0
    assert outcome.stdout.endswith("张表全部相同\n")


def test_verify_tells_what_differs(folder: Path, tmp_path: Path) -> None:
    """A changed input, a missing one, a changed rule and a result that differs are told apart."""
    job.perform(settings(folder))
    whole = (folder / "flow.csv").read_bytes()
    (folder / "flow.csv").write_bytes(whole.replace(b"12000", b"12100"))
    changed = run_recon(["verify", "--config", folder / "recon.toml"])
    assert changed.code == 4
    assert "改过 1 个" in changed.stdout
    (folder / "flow.csv").unlink()
    assert "缺 1 个" in run_recon(["verify", "--config", folder / "recon.toml"]).stdout
    (folder / "flow.csv").write_bytes(whole)
    assert run_recon(["verify", "--config", folder / "recon.toml"]).code == 0
    with open_store(folder / ".recon") as store:
        store._db.execute("UPDATE run_result SET sha256 = 'x' WHERE name = 'gap'")
        store._db.execute("UPDATE run_rule SET sha256 = 'x' WHERE name LIKE 'shipped/policy/420100%'")
    differs = run_recon(["verify", "last", "--config", folder / "recon.toml"])
    assert differs.code == 3
    assert "不同：gap" in differs.stdout
    assert "420100" in differs.stdout
    assert run_recon(["verify", "99", "--config", folder / "recon.toml"]).code == 2


def test_verify_of_a_run_with_settings_no_longer_known(folder: Path) -> None:
    """What this version has no name for, at the top or inside a table, is left out: verify answers all the same."""
    import json

    job.perform(settings(folder, as_of="2025-03-31"))
    with open_store(folder / ".recon") as store:
        told = json.loads(store._db.execute("SELECT options FROM run").fetchone()[0])
        told |= {"of_old": True, "payers": [{"payer": "42010600001", "of_old": 1}]}
        store._db.execute("UPDATE run SET options = ?", (json.dumps(told),))
    outcome = run_recon(["verify", "last", "--config", folder / "recon.toml"])
    assert outcome.code == 0, outcome.stderr
