"""One run from its settings to what it leaves behind: report, state, notifications, heartbeat.

The door behind the commands that run unattended; beside the batch the only reader of the clock.
"""

from __future__ import annotations

from recon.job.perform import Outcome, perform
from recon.job.settle import options_of, payroll_of, settle, write_config
from recon.job.words import alert, since

__all__ = ["Outcome", "alert", "options_of", "payroll_of", "perform", "settle", "since", "write_config"]
