"""Whether a scheme 险种 and a tier 档次 have a personal account at all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from recon.policy.line import UNKNOWN
from recon.policy.region import plain

RESIDENT = "resident"
FLEXIBLE = "flexible"
_DIGITS = str.maketrans("一二三四五", "12345")


@dataclass(frozen=True)
class Account:
    """Whether there is a personal account, how sure that is, and where it stands (empty: no tier speaks of it)."""

    has: bool | None
    confidence: str
    ref: str


@dataclass(frozen=True)
class Tier:
    """One tier of a region; ``status`` None is for everybody."""

    code: str
    name: str
    status: str | None
    account: Account

    def means(self, text: str, status: str) -> bool:
        """Whether a tier as an export writes it (2, 二档, 第二档, tier 2) is this one.

        A short form means a tier of flexible employment only for someone of that status.
        """
        name = plain(self.name)
        full = {plain(self.code), name}
        short = {_bare(form) for form in (self.code, name, re.sub(r"\(.*\)", "", name), name.removeprefix("灵活就业"))}
        return plain(text) in full or (self.status in (None, status) and _bare(text) in short)


def account_of(
    own: Sequence[Tier], national: Sequence[Tier], region: str, tier: str | None, status: str
) -> Account:
    """Whether someone of the employee scheme has an account, as far as the tiers tell.

    Without a tier (or with one that is not in the table) it is sure only where the region has no tiers for the status;
    for flexible employment, where all of its tiers agree that there is none.
    """
    if tier:
        for one in (*own, *national):
            if one.means(tier, status):
                return one.account
    choices = [one for one in own if one.code != RESIDENT and one.status in (None, status)]
    if status == FLEXIBLE and choices and all(one.account.has is False for one in choices):
        return choices[0].account
    if status == FLEXIBLE or choices:
        return Account(None, UNKNOWN, f"{region}/none/tier")
    return Account(True, UNKNOWN, "")


def _bare(text: str) -> str:
    return re.sub(r"tier|档次|档|第|[_.-]", "", plain(text)).translate(_DIGITS)
