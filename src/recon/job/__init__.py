"""One run from its settings to what it leaves behind: report, state, notifications, heartbeat.

The door behind the commands that run unattended; beside the batch the only reader of the clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recon.job.perform import Outcome, perform, perform_if_due
from recon.job.plan import install_schedule, next_days, print_schedule, remove_schedule, schedule_state
from recon.job.settle import options_of, payroll_of, settle, write_config
from recon.job.words import alert, since, status_lines

if TYPE_CHECKING:
    from recon import batch
    from recon.config import Settings
    from recon.job.again import Verified
    from recon.job.standing import Status

__all__ = [
    "Outcome", "alert", "install_schedule", "next_days", "options_of", "payroll_of", "perform", "perform_if_due",
    "print_schedule", "remove_schedule", "schedule_state", "settle", "since", "status", "status_lines", "verify",
    "write_config",
]


def status(settings: Settings, now: Any = None) -> Status:
    """How the unattended runs stand (:mod:`recon.job.standing`)."""
    from recon.job.standing import status as found

    return found(settings, now)


def verify(settings: Settings, run: str, progress: batch.Progress | None = None) -> Verified:
    """A kept run performed again (:mod:`recon.job.again`)."""
    from recon.job.again import verify as performed

    return performed(settings, run, progress)
