"""The schedule of a configuration: when its runs are due, what starts them, and how it stands."""

from __future__ import annotations

import hashlib
import sys
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING

from recon.batch import UsageError
from recon.config import Settings
from recon.schedule.days import Plan, is_announced

if TYPE_CHECKING:
    from recon.schedule.units import Entry

DEFAULT_AT = "08:30"


def local_now() -> datetime:
    """Now, by the machine's own clock and zone, as its scheduler sees it."""
    return datetime.now(UTC).astimezone()


def plan_of(settings: Settings) -> Plan | None:
    """When the runs of a configuration are due; None without a schedule."""
    if settings.monthly is None:
        return None
    try:
        at = time.fromisoformat(settings.at or DEFAULT_AT)
    except ValueError:
        raise UsageError(f'--at 应是 HH:MM，如 08:30：{settings.at} / must be HH:MM like 08:30') from None
    return Plan(
        settings.monthly, at, settings.next_workday is not False,
        frozenset(settings.holidays or ()), frozenset(settings.workdays or ()),
    )


def wall(now: datetime) -> datetime:
    """A moment as the clock on the wall of this machine shows it."""
    return now.astimezone().replace(tzinfo=None)


def entry_of(settings: Settings) -> Entry:
    """What a scheduler has to start. Raises UsageError where the configuration does not allow unattended runs."""
    from recon.schedule.units import Entry

    plan = plan_of(settings)
    if plan is None:
        raise UsageError("没有写每月几号：用 --monthly，或在 recon.toml 写 [schedule] monthly / "
                         "no day of the month: give --monthly, or [schedule] monthly in recon.toml")
    if settings.file is None:
        raise UsageError("定时运行要有 recon.toml；用 recon init 写一份 / "
                         "an unattended run needs a recon.toml; see recon init")
    if settings.state is None:
        raise UsageError("定时运行要记住上次：在 recon.toml 写 [state] folder / "
                         "an unattended run has to remember the last: set [state] folder in recon.toml")
    file = settings.file.resolve()
    command = (sys.executable, "-m", "recon", "run", "--config", str(file), "--scheduled",
               "--monthly", str(plan.monthly), "--at", f"{plan.at:%H:%M}")
    log = settings.state.resolve() / "logs" / "scheduler.log"
    return Entry(entry_name(settings), command, file.parent, plan.at, log)


def print_schedule(settings: Settings, kind: str | None) -> str:
    """What would be installed."""
    from recon.schedule.units import rendered

    return rendered(_chosen(settings, kind), entry_of(settings), local_now().date())


def install_schedule(settings: Settings, kind: str | None) -> tuple[str, datetime, bool]:
    """Install it: (what was done, the next due day, whether its year's holidays are announced)."""
    from recon.schedule import install as scheduler
    from recon.state.place import StateError, open_place
    from recon.state.store import open_store

    entry, plan = entry_of(settings), plan_of(settings)
    assert plan is not None
    assert settings.state is not None
    now = local_now()
    try:
        place = open_place(settings.state)
        (place / "logs").mkdir(mode=0o700, exist_ok=True)
        with open_store(place) as store:
            if not store.done_slots():  # the first run is the next one, not one that was due before anybody asked
                store.remember(f"slot:{plan.slot(wall(now))}", "installed")
        told = scheduler.install(_chosen(settings, kind), entry, now.date())
    except (StateError, scheduler.ScheduleError) as error:
        raise UsageError(str(error)) from None
    due = plan.next_due(wall(now))
    return told, due, is_announced(due.year)


def remove_schedule(settings: Settings, kind: str | None) -> bool:
    """Take it out of the scheduler; False where there was none."""
    from recon.schedule import install as scheduler

    try:
        return scheduler.remove(_chosen(settings, kind), entry_name(settings))
    except scheduler.ScheduleError as error:
        raise UsageError(str(error)) from None


def schedule_state(settings: Settings, kind: str | None) -> tuple[str, bool]:
    """(which scheduler, whether it knows the entry)."""
    from recon.schedule import install as scheduler

    chosen = _chosen(settings, kind)
    try:
        return chosen, scheduler.is_installed(chosen, entry_name(settings))
    except scheduler.ScheduleError as error:
        raise UsageError(str(error)) from None


def _chosen(settings: Settings, kind: str | None) -> str:
    """The scheduler that was asked for, else that of the configuration, else that of this system."""
    from recon.schedule import install as scheduler

    return kind or settings.kind or scheduler.usual_kind()


def entry_name(settings: Settings) -> str:
    """The name of a configuration's entry."""
    if settings.file is None:
        raise UsageError("没有 recon.toml / there is no recon.toml")
    return f"recon-{hashlib.sha256(str(settings.file.resolve()).encode()).hexdigest()[:8]}"


def next_days(settings: Settings, count: int = 3) -> list[date]:
    """The next due days, for the user to see."""
    plan, moment = plan_of(settings), wall(local_now())
    found: list[date] = []
    while plan is not None and len(found) < count:
        moment = plan.next_due(moment)
        found.append(moment.date())
    return found


def shown_path(path: Path) -> str:
    """A path for a message: the user's own folder as ~, for it carries a name."""
    absolute = path.resolve()
    home = Path.home()
    return f"~/{absolute.relative_to(home).as_posix()}" if absolute.is_relative_to(home) else str(absolute)
