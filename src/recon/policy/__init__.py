"""What should reach the personal account, as dated data with a source on each value.

``load_policy`` reads the TOML files of ``mappings/policy`` (and the user's own on top), ``Policy`` answers for a region
and a month. The grammar of the files is in :mod:`recon.policy.grammar`, the meaning in docs/policy.md.
"""

from __future__ import annotations

from recon.policy.grammar import Mistake, PolicyError
from recon.policy.load import exported_policy_files, load_policy
from recon.policy.region import Region
from recon.policy.resolve import BaseLimit, Policy, Schedule, Stop
from recon.policy.rule import Rule, share_fen

__all__ = [
    "BaseLimit", "Mistake", "Policy", "PolicyError", "Region", "Rule", "Schedule", "Stop", "exported_policy_files",
    "load_policy", "share_fen",
]
