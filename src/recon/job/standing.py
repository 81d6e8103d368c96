"""How the unattended runs of a state folder stand: the last good one, what is missed, what waits to be sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from recon.batch import EXIT_CLEAR, EXIT_OPEN, UsageError
from recon.config import Settings
from recon.job.plan import local_now, plan_of, wall
from recon.state.place import StateError, is_locked, read_heartbeat
from recon.state.store import open_store

_GRACE = timedelta(hours=26)  # a due run may still come on the next day's start


@dataclass(frozen=True)
class Status:
    """The facts, and the codes of what somebody should look at (see recon.job.words.TROUBLES)."""

    facts: dict[str, Any]
    troubles: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """3 where somebody should look, else 0."""
        return EXIT_OPEN if self.troubles else EXIT_CLEAR


def status(settings: Settings, now: datetime | None = None) -> Status:
    """How things stand now; nothing is changed. Raises UsageError without a state folder."""
    moment = wall(now or local_now())
    if settings.state is None or not settings.state.is_dir():
        raise UsageError("没有状态文件夹：用 --state 指出，或在 recon.toml 写 [state] folder / "
                         "no state folder: give --state, or set [state] folder in recon.toml")
    heart = read_heartbeat(settings.state)
    running = is_locked(settings.state)
    try:
        with open_store(settings.state) as store:
            last, served, unsent = store.last_run(), store.done_slots(), store.unsent()
            decisions = store.decisions().height
            known = store.known()
    except StateError as error:
        raise UsageError(str(error)) from None
    plan = plan_of(settings)
    troubles = []
    missed: list[str] = []
    if plan is not None:
        slot = plan.slot(moment)
        missed = plan.missed(moment, served)
        late = slot not in served and moment > plan.due(datetime.fromisoformat(f"{slot}-01").date()) + _GRACE
        if late and served:
            missed.append(slot)
    if last is None:
        troubles.append("never")
    if missed:
        troubles.append("missed")
    if heart.get("state") == "failed":
        troubles.append("failed")
    if heart.get("state") == "not_recorded":
        troubles.append("not_recorded")
    if unsent:
        troubles.append("unsent")
    live = known.filter(known["is_live"])["status"].to_list()
    facts = {
        "running_since": running.partition(" ")[0] if running else None,
        "last_started": heart.get("last_started"), "last_good": heart.get("last_good"),
        "last_run": last.run_id if last else None, "as_of": last.as_of if last else None,
        "exit_code": heart.get("exit_code"), "error": heart.get("error"),
        "open": live.count("open"), "pending": live.count("pending"), "decisions": decisions, "missed": missed,
        "unsent": len(unsent),
        "next_due": plan.next_due(moment).isoformat(timespec="minutes") if plan else None,
    }
    return Status(facts, tuple(troubles))
