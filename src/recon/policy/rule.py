"""What one month should put into one account: the Rule, and how the entries of a policy file make one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from recon.policy.grammar import PPM, Bracket, Deduction, Money, Rate
from recon.policy.line import UNKNOWN, Line

# Section of a policy file -> the key in a policy_ref.
KEY_OF = {"in_service": "in_service_credit", "retiree": "retiree_credit", "flexible": "flexible_credit"}
AGES_IN = {"in_service": "employer_share", "retiree": "by_age"}


def share_fen(base_fen: int, ppm: int) -> int:
    """``ppm`` parts per million of a sum, half-up to the fen (away from zero for refunds), in whole numbers."""
    share = (abs(base_fen) * ppm + PPM // 2) // PPM
    return share if base_fen >= 0 else -share


@dataclass(frozen=True)
class Rule:
    """What one month should put into one account; None is unknown, 0 is nothing."""

    has_account: bool | None
    employee_ppm: int | None  # what the employee pays, for telling a flat sum apart
    flat_fens: tuple[int, ...]  # known flat sums paid on top and never credited
    personal_ppm: int | None
    employer_ppm: int | None
    employer_year_fen: int  # fixed sum a year, less what is deducted a year; 0 if none
    monthly_fen: int | None  # a retiree's fixed sum a month, after deductions
    whole_yuan: bool  # that sum is only reported in whole yuan
    rounding: str  # of contributions: half_up or ceil_to_jiao; a credit is always half-up
    confidence: str
    ref: str
    accepts: tuple[Rule, ...] = ()
    year_fen: int | None = None  # a retiree's fixed sum a year, where it is credited once
    kind: str = UNKNOWN  # none, share_of_base, fixed, rate_of_own_pension ...: for wording

    def amount_fen(self, base_fen: int | None) -> int | None:
        """The credit of the month in fen; None where the rule or the base is not known.

        Each share is rounded by itself; of a fixed sum a year a twelfth is taken.
        """
        if self.has_account is False:
            return 0
        if self.monthly_fen is not None:
            return self.monthly_fen
        if self.personal_ppm is None or self.employer_ppm is None or base_fen is None:
            return None
        shares = share_fen(base_fen, self.personal_ppm) + share_fen(base_fen, self.employer_ppm)
        return shares + (self.employer_year_fen + 6) // 12

    def employee_fen(self, base_fen: int) -> int | None:
        """What the employee pays on the base, rounded as the region rounds contributions; None if not known."""
        if self.employee_ppm is None:
            return None
        if self.rounding == "half_up":
            return share_fen(base_fen, self.employee_ppm)
        jiao = -(-abs(base_fen) * self.employee_ppm // (PPM * 10)) * 10
        return jiao if base_fen >= 0 else -jiao

    @property
    def slack_fen(self) -> int:
        """How far a credit may lie from the amount and still be it: half a yuan, or up to a jiao of rounding."""
        return 50 if self.whole_yuan else 10 if self.rounding == "ceil_to_jiao" else 0

    @property
    def known(self) -> bool:
        """Whether it says an amount (given a base)."""
        fixed = self.has_account is False or self.monthly_fen is not None or self.year_fen is not None
        return fixed or (self.personal_ppm is not None and self.employer_ppm is not None)

    @property
    def content(self) -> tuple[object, ...]:
        """What the rule says of the credit, without where it stands and how sure it is."""
        return (self.has_account, self.personal_ppm, self.employer_ppm, self.employer_year_fen, self.monthly_fen,
                self.year_fen, self.whole_yuan, self.kind)


@dataclass(frozen=True)
class View:
    """One way to look at a month: whose line, which of its entries (-1: none), and the age (None: not known)."""

    owner: str
    line: Line
    number: int
    age: int | None


def credit(section: str, view: View) -> Rule:
    """The rule as one view sees it, without what is paid and what else is accepted."""
    since = view.line.entries[view.number].since if view.number >= 0 else "none"
    ref = f"{view.owner}/{since}/{KEY_OF[section]}"
    blank = Rule(True, None, (), None, None, 0, None, False, "half_up", UNKNOWN, ref)
    return {"in_service": _in_service, "retiree": _retiree, "flexible": _flexible}[section](view, blank)


def full_years(birth: date, month: date, ahead: int = 0) -> int:
    """Age in full years ``ahead`` months after ``month``, counted from the month of the birthday."""
    return ((month.year - birth.year) * 12 + month.month - birth.month + ahead) // 12


def age_steps(section: str, entries: Iterable[tuple[Line, int]]) -> list[int] | None:
    """The ages at which a bracket of the entries begins; None where every year of age counts."""
    brackets = _brackets(section, entries)
    if any(one.unit == "rate_per_year_of_age" for one in brackets):
        return None
    return sorted({one.age_min for one in brackets if one.age_min is not None})


def ages_of_brackets(section: str, entries: Iterable[tuple[Line, int]]) -> list[int]:
    """One age of each bracket of the entries, for someone whose birth date is not known.

    A rate per year of age has no few cases, so it gives none.
    """
    brackets = [one for one in _brackets(section, entries) if one.unit != "rate_per_year_of_age"]
    return list(dict.fromkeys(one.age_min or 0 for one in brackets))


def _brackets(section: str, entries: Iterable[tuple[Line, int]]) -> list[Bracket]:
    key = AGES_IN.get(section, "")
    return [
        one for line, number in entries for one in line.get(number, key, tuple) or () if isinstance(one, Bracket)
    ]


def _in_service(view: View, blank: Rule) -> Rule:
    """Personal share, and employer share by age; an empty list of shares means that nothing is credited of it."""
    personal = view.line.get(view.number, "personal_share", Rate)
    shares = view.line.get(view.number, "employer_share", tuple)
    known = replace(blank, personal_ppm=None if personal is None else personal.ppm)
    bracket = _bracket_of(shares or (), view.age)
    if personal is None or shares is None or (shares and bracket is None):
        return known
    sure = view.line.confidence(view.number, "personal_share", "employer_share", "deductions")
    deductions = view.line.get(view.number, "deductions", tuple) or ()
    less = 12 * sum(one.value.fen for one in deductions if isinstance(one, Deduction))
    known = replace(known, confidence=sure, employer_ppm=0, employer_year_fen=-less, kind="share_of_base")
    if bracket is None:
        return known
    if isinstance(bracket.value, Money):
        more = bracket.value.fen * (12 if bracket.unit == "yuan_month" else 1)
        return replace(known, employer_year_fen=more - less)
    times = (view.age or 0) if bracket.unit == "rate_per_year_of_age" else 1
    return replace(known, employer_ppm=bracket.value.ppm * times)


def _retiree(view: View, blank: Rule) -> Rule:
    """A fixed sum less deductions, or a rate of the base; other kinds need figures that no file has."""
    kind = view.line.get(view.number, "kind", str)
    known = replace(blank, kind=kind or UNKNOWN)
    bracket = _bracket_of(view.line.get(view.number, "by_age", tuple) or (), view.age)
    if bracket is None:
        return known
    sure = view.line.confidence(view.number, "by_age", "deductions")
    deductions = view.line.get(view.number, "deductions", tuple) or ()
    less = sum(one.value.fen for one in deductions if isinstance(one, Deduction))
    if isinstance(bracket.value, Money):
        known = replace(known, confidence=sure, whole_yuan=bracket.value.whole_yuan)
        if bracket.unit == "yuan_month":
            return replace(known, monthly_fen=bracket.value.fen - less)
        return replace(known, year_fen=bracket.value.fen - 12 * less)
    if kind == "rate_of_contribution_base":
        return replace(known, confidence=sure, personal_ppm=bracket.value.ppm, employer_ppm=0)
    return known


def _flexible(view: View, blank: Rule) -> Rule:
    """What flexible employment 灵活就业 is credited, where the region says that it has an account and how much."""
    has = view.line.get(view.number, "has_account", bool)
    share = view.line.get(view.number, "credited_share", Rate)
    known = replace(blank, has_account=has)
    if has is False:
        sure = view.line.confidence(view.number, "has_account")
        return replace(known, personal_ppm=0, employer_ppm=0, confidence=sure, kind="none")
    if has is None or share is None:
        return known
    sure = view.line.confidence(view.number, "has_account", "credited_share")
    return replace(known, personal_ppm=share.ppm, employer_ppm=0, confidence=sure, kind="share_of_base")


def _bracket_of(brackets: Iterable[object], age: int | None) -> Bracket | None:
    """The bracket of an age; one bracket for all ages needs none."""
    found = [one for one in brackets if isinstance(one, Bracket)]
    if len(found) == 1 and found[0].unit != "rate_per_year_of_age":
        return found[0]
    return None if age is None else next((one for one in found if one.holds(age)), None)
