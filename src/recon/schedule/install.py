"""The system's scheduler told, asked and told otherwise: crontab, systemctl, launchctl, schtasks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from recon.schedule.units import Entry, cron_lines, launchd_plist, systemd_units, windows_task, without_block


class ScheduleError(Exception):
    """The scheduler is not there or refused: a sentence that says what to do."""


def usual_kind() -> str:
    """The scheduler of this system."""
    if sys.platform == "win32":
        return "windows"
    if sys.platform == "darwin":
        return "launchd"
    return "systemd" if Path("/run/systemd/system").is_dir() and shutil.which("systemctl") else "cron"


def install(kind: str, entry: Entry, start: date) -> str:
    """Tell the scheduler; a second time replaces the first. What was done, for the user. Raises ScheduleError."""
    match kind:
        case "cron":
            _write_crontab([*without_block(_crontab(), entry.name), *cron_lines(entry)])
            return f"crontab: {entry.name}"
        case "systemd":
            folder = _systemd_folder()
            folder.mkdir(parents=True, exist_ok=True)
            for name, text in systemd_units(entry).items():
                _replace(folder / name, text.encode())
            _call(["systemctl", "--user", "daemon-reload"])
            _call(["systemctl", "--user", "enable", "--now", f"{entry.name}.timer"])
            return f"systemd: {folder / entry.name}.timer"
        case "launchd":
            path = _agents() / f"{entry.name}.plist"
            path.parent.mkdir(parents=True, exist_ok=True)
            _call(["launchctl", "bootout", _domain(entry.name)], may_fail=True)
            _replace(path, launchd_plist(entry))
            _call(["launchctl", "bootstrap", _domain(), str(path)])
            return f"launchd: {path}"
        case _:
            with tempfile.TemporaryDirectory() as place:
                path = Path(place) / "task.xml"
                path.write_bytes(windows_task(entry, start))
                _call(["schtasks", "/Create", "/TN", entry.name, "/XML", str(path), "/F"])
            return f"schtasks: {entry.name}"


def remove(kind: str, name: str) -> bool:
    """Forget the entry; False where there was none. Everything else in the scheduler stays as it is."""
    match kind:
        case "cron":
            before = _crontab()
            after = without_block(before, name)
            if after == before:
                return False
            _write_crontab(after)
        case "systemd":
            files = [_systemd_folder() / f"{name}.{end}" for end in ("timer", "service")]
            if not any(path.exists() for path in files):
                return False
            _call(["systemctl", "--user", "disable", "--now", f"{name}.timer"], may_fail=True)
            for path in files:
                path.unlink(missing_ok=True)
            _call(["systemctl", "--user", "daemon-reload"], may_fail=True)
        case "launchd":
            path = _agents() / f"{name}.plist"
            if not path.exists():
                return False
            _call(["launchctl", "bootout", _domain(name)], may_fail=True)
            path.unlink()
        case _:
            if not is_installed(kind, name):
                return False
            _call(["schtasks", "/Delete", "/TN", name, "/F"])
    return True


def is_installed(kind: str, name: str) -> bool:
    """Whether the scheduler knows the entry."""
    match kind:
        case "cron":
            return f"# BEGIN {name}" in [line.strip() for line in _crontab()]
        case "systemd":
            return (_systemd_folder() / f"{name}.timer").exists()
        case "launchd":
            return (_agents() / f"{name}.plist").exists()
        case _:
            return _run(["schtasks", "/Query", "/TN", name]).returncode == 0


def _crontab() -> list[str]:
    """The lines of the user's crontab; none where there is no crontab yet."""
    done = _run(["crontab", "-l"])
    if done.returncode and "no crontab" not in done.stderr.lower():
        raise ScheduleError(f"crontab 用不了：{done.stderr.strip()} / crontab cannot be used")
    return done.stdout.splitlines() if not done.returncode else []


def _write_crontab(lines: Sequence[str]) -> None:
    _call(["crontab", "-"], text="".join(f"{line}\n" for line in lines))


def _systemd_folder() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "systemd" / "user"


def _agents() -> Path:
    return Path.home() / "Library" / "LaunchAgents"


def _domain(name: str = "") -> str:
    user = f"gui/{os.getuid()}" if sys.platform != "win32" else ""
    return f"{user}/{name}" if name else user


def _replace(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_bytes(data)
    temporary.replace(path)


def _call(command: Sequence[str], text: str | None = None, *, may_fail: bool = False) -> None:
    done = _run(command, text)
    if done.returncode and not may_fail:
        told = (done.stderr or done.stdout).strip()
        raise ScheduleError(f"{command[0]} 没有成功：{told} / {command[0]} refused")


def _run(command: Sequence[str], text: str | None = None) -> subprocess.CompletedProcess[str]:
    if shutil.which(command[0]) is None:
        raise ScheduleError(
            f"这台电脑上没有 {command[0]}；用 --kind 换一种，或用 recon schedule print 看内容自己装 / "
            f"there is no {command[0]} here; choose another --kind, or install what recon schedule print shows by hand"
        )
    return subprocess.run(list(command), input=text, capture_output=True, encoding="utf-8", errors="replace",
                          check=False)
