"""A folder in, answers out: the only owner of the clock, of files written, and of what is said on a screen.

Every command line door calls a function here; each is also a Python door.
"""

from recon.batch.asked import explain_person, forecast_folder, identify, proof_told
from recon.batch.calls import (
    CHINA,
    EXIT_CLEAR,
    EXIT_CRASH,
    EXIT_OPEN,
    EXIT_REJECTED,
    EXIT_USAGE,
    SCRATCH,
    Ask,
    Options,
    Progress,
    Run,
    Scratch,
    UsageError,
)
from recon.batch.forms import confirm, write_template
from recon.batch.given import MOST_PASSWORDS, input_files, rule_files
from recon.batch.rules import check, draft_mapping, policy_diff, policy_list, policy_new, policy_show
from recon.batch.run import HR_ABOVE_PEOPLE, run_folder
from recon.batch.told import exit_code_of
from recon.batch.written import result_hashes, write_report, write_tables

__all__ = [
    "CHINA",
    "EXIT_CLEAR",
    "EXIT_CRASH",
    "EXIT_OPEN",
    "EXIT_REJECTED",
    "EXIT_USAGE",
    "HR_ABOVE_PEOPLE",
    "MOST_PASSWORDS",
    "SCRATCH",
    "Ask",
    "Options",
    "Progress",
    "Run",
    "Scratch",
    "UsageError",
    "check",
    "confirm",
    "draft_mapping",
    "exit_code_of",
    "explain_person",
    "forecast_folder",
    "identify",
    "input_files",
    "policy_diff",
    "policy_list",
    "policy_new",
    "policy_show",
    "proof_told",
    "result_hashes",
    "rule_files",
    "run_folder",
    "write_report",
    "write_tables",
    "write_template",
]
