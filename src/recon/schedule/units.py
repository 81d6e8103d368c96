"""The text that each scheduler wants: a cron line, systemd units, a launchd plist, a Windows task.

All of them start the same command every day at one time; the command itself knows whether a run is due. So a day off,
a month with 28 days, a machine that was off and a run that failed are all the same case: it is done the next day.
"""

from __future__ import annotations

import plistlib
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from subprocess import list2cmdline
from xml.etree import ElementTree as Xml

_ENVIRONMENT = {"PYTHONUTF8": "1"}  # paths and texts are Chinese; cron and Windows start with another encoding
_TASK = "http://schemas.microsoft.com/windows/2004/02/mit/task"
_TITLE = "recon 医保个人账户核对 / monthly reconciliation"


@dataclass(frozen=True)
class Entry:
    """What is to be started: ``name`` is unique per configuration, ``log`` takes what a scheduler would throw away."""

    name: str
    command: tuple[str, ...]
    directory: Path
    at: time
    log: Path


def cron_lines(entry: Entry) -> list[str]:
    """The block of lines for a crontab, with marks around it by which it is found again."""
    command = f"cd {shlex.quote(str(entry.directory))} && {_assigned()} {shlex.join(entry.command)}"
    command += f" >> {shlex.quote(str(entry.log))} 2>&1"
    # cron ends a command at a bare % and hands on the rest as input.
    line = f"{entry.at.minute} {entry.at.hour} * * * {command}".replace("%", r"\%")
    return [f"# BEGIN {entry.name}", line, f"# END {entry.name}"]


def systemd_units(entry: Entry) -> dict[str, str]:
    """File name -> text of a user service and its timer, which catches up after the machine was off."""
    environment = "".join(f"Environment={name}={value}\n" for name, value in _ENVIRONMENT.items())
    return {
        f"{entry.name}.service": (
            f"[Unit]\nDescription={_TITLE}\n\n"
            "[Service]\nType=oneshot\n"
            f"WorkingDirectory={_specifiers(str(entry.directory))}\n"
            f"ExecStart={' '.join(_systemd_word(word) for word in entry.command)}\n"
            f"{environment}"
            "# 3: something to look at; 4: a file could not be used. Both are answers.\n"
            "SuccessExitStatus=3 4\nUMask=0077\nNice=10\n"
        ),
        f"{entry.name}.timer": (
            f"[Unit]\nDescription={_TITLE}\n\n"
            f"[Timer]\nOnCalendar=*-*-* {entry.at:%H:%M}:00\nPersistent=true\n\n"
            "[Install]\nWantedBy=timers.target\n"
        ),
    }


def launchd_plist(entry: Entry) -> bytes:
    """The property list of a launch agent; at login it looks whether it has missed a day."""
    return plistlib.dumps({
        "Label": entry.name, "ProgramArguments": list(entry.command), "WorkingDirectory": str(entry.directory),
        "StartCalendarInterval": {"Hour": entry.at.hour, "Minute": entry.at.minute}, "RunAtLoad": True,
        "EnvironmentVariables": dict(_ENVIRONMENT), "ProcessType": "Background",
        "StandardOutPath": str(entry.log), "StandardErrorPath": str(entry.log),
    })


def windows_task(entry: Entry, start: date) -> bytes:
    """The XML of a Windows task, UTF-16 as schtasks wants it; ``start`` is its first day.

    Missed starts are made up for, a second instance is not started, and it runs as whoever is logged on.
    """
    Xml.register_namespace("", _TASK)
    task = Xml.Element(f"{{{_TASK}}}Task", version="1.2")

    def add(parent: Xml.Element, name: str, text: str | None = None, **attributes: str) -> Xml.Element:
        child = Xml.SubElement(parent, f"{{{_TASK}}}{name}", attributes)
        child.text = text
        return child

    add(add(task, "RegistrationInfo"), "Description", _TITLE)
    trigger = add(add(task, "Triggers"), "CalendarTrigger")
    add(trigger, "StartBoundary", f"{start.isoformat()}T{entry.at:%H:%M}:00")
    add(add(trigger, "ScheduleByDay"), "DaysInterval", "1")
    principal = add(add(task, "Principals"), "Principal", id="Author")
    add(principal, "LogonType", "InteractiveToken")
    add(principal, "RunLevel", "LeastPrivilege")
    settings = add(task, "Settings")
    for name, value in (
        ("MultipleInstancesPolicy", "IgnoreNew"), ("DisallowStartIfOnBatteries", "false"),
        ("StopIfGoingOnBatteries", "false"), ("StartWhenAvailable", "true"), ("RunOnlyIfNetworkAvailable", "false"),
        ("Enabled", "true"), ("ExecutionTimeLimit", "PT12H"),
    ):
        add(settings, name, value)
    run = add(add(task, "Actions", Context="Author"), "Exec")
    # The console would need another encoding; Python is told to use UTF-8 by its own option instead of a variable.
    program, *arguments = entry.command
    add(run, "Command", program)
    add(run, "Arguments", list2cmdline(["-X", "utf8", *arguments]))
    add(run, "WorkingDirectory", str(entry.directory))
    Xml.indent(task)
    text = '<?xml version="1.0" encoding="UTF-16"?>\n' + Xml.tostring(task, encoding="unicode") + "\n"
    return text.encode("utf-16")


def rendered(kind: str, entry: Entry, start: date) -> str:
    """What would be installed, as one text to read."""
    match kind:
        case "cron":
            return "\n".join(cron_lines(entry)) + "\n"
        case "systemd":
            return "\n".join(f"# {name}\n{text}" for name, text in systemd_units(entry).items())
        case "launchd":
            return launchd_plist(entry).decode()
        case _:
            return windows_task(entry, start).decode("utf-16")


def without_block(lines: Sequence[str], name: str) -> list[str]:
    """The lines of a crontab without the block of ``name``, everything else as it was."""
    kept, inside = [], False
    for line in lines:
        if line.strip() == f"# BEGIN {name}":
            inside = True
        elif line.strip() == f"# END {name}" and inside:
            inside = False
        elif not inside:
            kept.append(line)
    return kept


def _assigned() -> str:
    return " ".join(f"{name}={shlex.quote(value)}" for name, value in _ENVIRONMENT.items())


def _specifiers(text: str) -> str:
    """A path in a unit file, where % begins a specifier."""
    return text.replace("%", "%%")


def _systemd_word(word: str) -> str:
    """One argument of ExecStart: quoted, with \\, ", $ and % escaped."""
    text = word.replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$").replace("%", "%%")
    return f'"{text}"' if text == "" or any(char in " \t'\";" for char in text) or not text.isascii() else text
