"""Writes docs/policy.md from mappings/policy: run it after changing a policy file (a test checks that it was)."""

from __future__ import annotations

from pathlib import Path

from recon.policy import load_policy
from recon.policy.describe import policy_page

ROOT = Path(__file__).resolve().parent.parent

if __name__ == "__main__":
    page = policy_page(load_policy([ROOT / "mappings"]).files)
    (ROOT / "docs" / "policy.md").write_text(page, encoding="utf-8", newline="\n")
