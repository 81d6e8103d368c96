"""Notifications: what they say and can never say, when they are sent, and what becomes of one that cannot be."""

from __future__ import annotations

import json
import stat
import threading
from collections.abc import Iterator
from dataclasses import fields
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from recon import job
from recon.batch import CHINA, UsageError
from recon.job import tell
from recon.notify.message import News, message
from recon.notify.send import address
from recon.state.place import read_heartbeat
from recon.state.store import open_store
from support import answers_once, reports_in_name_only, rules_loaded_once, run_recon
from test_run_problems import contributions, credits, write

PERSON_ID, NAME = "110105198503074917", "测试甲"
NOW = datetime(2026, 3, 6, 9, tzinfo=CHINA)
apprise = pytest.importorskip("apprise", reason="the extra recon[notify] is not installed")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # its plugins', while they are loaded


@pytest.fixture(autouse=True)
def _quick(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    rules_loaded_once(monkeypatch)
    answers_once(monkeypatch)
    if "whole" not in request.keywords:
        reports_in_name_only(monkeypatch)


class Hook:
    """A webhook of one's own: keeps what it is sent, and can be switched off."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.server: HTTPServer | None = None
        self.port = 0

    def start(self) -> None:
        got = self.got

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None


@pytest.fixture
def hook() -> Iterator[Hook]:
    one = Hook()
    one.start()
    yield one
    one.stop()


@pytest.fixture
def folder(tmp_path: Path, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One person with a missing month, a state, and a channel whose address stands in the environment."""
    place = tmp_path / NAME
    place.mkdir()
    write(place, "contribution.csv", contributions(range(12)))
    write(place, "flow.csv", credits([at for at in range(1, 13) if at != 5]))
    (place / "recon.toml").write_text(
        "[state]\nfolder = '.recon'\n[[notify.channels]]\nname = '人事群'\nurl_env = 'RECON_TEST_HOOK'\n",
        encoding="utf-8")
    monkeypatch.setenv("RECON_TEST_HOOK", f"json://127.0.0.1:{hook.port}/?secret=s3cret&rto=2&cto=2")
    return place


def run(folder: Path, days: int = 0, **more: Any) -> job.Outcome:
    settings = job.settle(folder, None, {"report": folder.parent / "差异.xlsx"} | more)
    return job.perform(settings, now=NOW + timedelta(days=days))


def test_a_message_is_made_of_counts() -> None:
    """Nothing but numbers, codes and sentences goes in: no field could hold a person, a row or a sum of money."""
    kinds = {one.name: str(one.type) for one in fields(News)}
    assert {name for name, kind in kinds.items() if kind not in ("int", "bool")} == {
        "lang", "as_of", "failed", "rejected", "since", "alerts", "report"}
    for lang in ("zh", "en"):
        title, body = message(News(lang, as_of="2026-03-06", news=2, open=5, accepted=1, pending=3, unknown=4, people=4,
                                   rejected={"files": 1, "rows": 2}, since="x", alerts=("y",), report="r.xlsx"))
        assert "2" in title
        for told in ("2026-03-06", "5", "1", "3", "4", "x", "y", "r.xlsx"):
            assert told in body


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_no_name_no_id_no_amount(folder: Path, hook: Hook, lang: str) -> None:
    """Even where file, folder and report are called after a person, the message names nobody and no sum."""
    (folder / f"{NAME}_{PERSON_ID}_个账.csv").write_text("nothing known\n", encoding="utf-8")
    (folder / "broken.xlsx").write_bytes(b"PK\x03\x04 this is no workbook")
    run(folder, lang=lang, report=folder / f"{NAME}_{PERSON_ID}.xlsx")
    text = json.dumps(hook.got[0], ensure_ascii=False)
    for secret in (NAME, PERSON_ID, PERSON_ID[-4:], "120.00", "120", "12000", "示例公司"):
        assert secret not in text
    assert "****" in text
    assert "2026" not in text or "2024" in text  # the as-of date is a date of the data


def test_news_are_told_once(folder: Path, hook: Hook) -> None:
    """A run with new gaps is told; the same again, and a run without news, are not; always means each."""
    assert run(folder).exit_code == 3
    assert len(hook.got) == 1
    assert hook.got[0]["title"] == "recon：1 处新的或变大的差异"
    run(folder, 1)
    assert len(hook.got) == 1
    write(folder, "more.csv", contributions(range(12, 14)))
    run(folder, 2)
    assert len(hook.got) == 1
    write(folder, "more_flow.csv", credits(range(13, 15)))
    run(folder, 3, notify_when="always")
    assert len(hook.got) == 2
    assert "与上次比" in hook.got[1]["message"]


def test_thresholds_keep_quiet(folder: Path, hook: Hook) -> None:
    """What is smaller than min_yuan, or concerns fewer people than min_people, wakes nobody."""
    assert run(folder, min_people=2).exit_code == 3
    assert run(folder, 1, min_fen=99_999, as_of="2025-06-30").exit_code == 0
    assert hook.got == []


def test_a_dead_webhook_loses_nothing(folder: Path, hook: Hook) -> None:
    """The run is as good as ever; the failure is told, and the message is sent by the next run."""
    hook.stop()
    done = run(folder)
    assert done.exit_code == 3
    assert "notify_failed" in done.alerts
    assert read_heartbeat(folder / ".recon")["unsent"] == 1
    assert run_recon(["status", folder]).code == 3
    hook.start()
    again = run(folder, 1)
    assert "notify_failed" not in again.alerts
    assert [one["title"] for one in hook.got] == ["recon：1 处新的或变大的差异"]
    assert read_heartbeat(folder / ".recon")["unsent"] == 0


def test_one_dead_channel_does_not_hold_up_another(folder: Path, hook: Hook, tmp_path: Path) -> None:
    """Each channel gets its message; the dead one is tried again alone."""
    config = folder / "recon.toml"
    config.write_text(config.read_text(encoding="utf-8") + "[[notify.channels]]\nname = '备用'\nurl_env = 'NOT_SET'\n",
                      encoding="utf-8")
    done = run(folder)
    assert done.alerts[-1] == "notify_setup"
    assert done.facts["channels"] == "备用: no_address"
    assert len(hook.got) == 1
    run(folder, 1)
    assert len(hook.got) == 1


def test_a_failed_run_is_told(folder: Path, hook: Hook) -> None:
    """Once a day, with the kind of error and no more."""
    for _ in range(2):
        with pytest.raises(UsageError):
            run(folder, region=NAME)
    assert [one["title"] for one in hook.got] == ["recon：运行失败"]
    assert NAME not in json.dumps(hook.got, ensure_ascii=False)


def test_without_a_state_it_is_tried_once(folder: Path, hook: Hook) -> None:
    """No state, no second try: a dead channel is told and forgotten."""
    (folder / "recon.toml").write_text("[[notify.channels]]\nname = 'a'\nurl_env = 'RECON_TEST_HOOK'\n",
                                       encoding="utf-8")
    assert run(folder).alerts == ()
    assert len(hook.got) == 1
    hook.stop()
    assert run(folder).alerts == ("notify_failed",)


def test_secrets_come_from_protected_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that others can read is refused; an environment variable or one's own file is taken."""
    secret = tmp_path / "notify.url"
    secret.write_text("json://localhost/\n", encoding="utf-8")
    secret.chmod(0o644)
    assert address(None, secret) == ("", "unprotected")
    secret.chmod(stat.S_IRUSR | stat.S_IWUSR)
    assert address(None, secret) == ("json://localhost/", "")
    assert address("RECON_NOT_SET", None) == ("", "no_address")
    monkeypatch.setenv("RECON_SET", "json://x/")
    assert address("RECON_SET", None) == ("json://x/", "")


@pytest.mark.whole
def test_secrets_are_written_nowhere(folder: Path, hook: Hook, capfd: pytest.CaptureFixture[str]) -> None:
    """Neither state, log, heartbeat, screen nor report holds the channel's address."""
    hook.stop()
    outcome = run_recon(["run", folder, "-o", folder / "r.xlsx"])
    told = outcome.stdout + outcome.stderr + "".join(capfd.readouterr())
    kept = b"".join(path.read_bytes() for path in (folder / ".recon").rglob("*") if path.is_file())
    assert "s3cret" not in told
    assert b"s3cret" not in kept + (folder / "r.xlsx").read_bytes()


def test_a_bad_address_is_a_setup_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that no channel understands is told; the run goes on."""
    monkeypatch.setenv("RECON_TEST_HOOK", "nonsense")
    done = run(folder)
    assert (done.exit_code, done.alerts[-1]) == (3, "notify_setup")


def test_a_removed_channel_lets_its_messages_go(folder: Path, hook: Hook) -> None:
    """Messages for a channel that is no longer configured do not wait for ever."""
    hook.stop()
    run(folder)
    (folder / "recon.toml").write_text("[state]\nfolder = '.recon'\n", encoding="utf-8")
    run(folder, 1)
    with open_store(folder / ".recon") as store:
        assert store.unsent() == []


def test_missing_library_is_a_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without recon[notify] the run says what to install."""
    import sys

    monkeypatch.setitem(sys.modules, "apprise", None)
    done = run(folder)
    assert done.facts["channels"] == "人事群: no_library"
    assert "recon[notify]" in job.alert("notify_setup", "zh", done.facts)


def test_alarms_always_count() -> None:
    """A missed run or a clock that jumped is told without any new gap."""
    from recon.config import Settings

    counts = {"news": 0, "news_people": 0, "counted": 3, "rejected": {"files": 0, "rows": 0}}
    assert not tell.is_worth_telling(Settings(), counts, ["stale"])
    assert tell.is_worth_telling(Settings(), counts, ["missed"])
    assert tell.is_worth_telling(Settings(notify_when="open"), counts, [])
