"""Policy: which rule holds for a region, a person's status and age, and a month; and when its credit is due.

The rule of a month is that of the last entry that starts no later (month = the month paid for). Near a boundary, and in
the uncertain window before an entry that is only known to be in force *by* some month, the other side is in
``Rule.accepts``: a credit that fits either is right, and nobody is accused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from itertools import product

from recon.policy.account import FLEXIBLE, Account, Tier, account_of
from recon.policy.describe import described, ref_words
from recon.policy.grammar import NATIONAL, SECTIONS, Money, Rate, RegionFile, Value
from recon.policy.line import UNKNOWN, Line, shifted, worst
from recon.policy.region import Gazetteer, Region
from recon.policy.rule import Rule, View, age_steps, ages_of_brackets, credit, full_years

ACCOUNT_SCHEME = "310"
# Status of a person -> section of a policy file; anything else is in service.
SECTION_OF = {"retired": "retiree", FLEXIBLE: FLEXIBLE}
_Seen = tuple[str, Line, int, bool]  # whose line, the line, number of the entry (-1: none), rests on an upper bound


@dataclass(frozen=True)
class Schedule:
    """When a region credits: months from arrival (``typical``, ``tolerance``), or once a year in ``credit_month``."""

    kind: str
    typical: int
    typical_stated: bool
    tolerance: int
    window_start: int | None
    credit_month: int | None
    confidence: str
    ref: str
    credit_day: int | None = None  # day of the month by which it is usually credited


@dataclass(frozen=True)
class Stop:
    """A known time in which a region credits nothing: year-end closing, a move of its platform."""

    name: str
    kind: str
    first: date
    last: date
    confidence: str
    ref: str


@dataclass(frozen=True)
class BaseLimit:
    """Floor and cap of the contribution base 缴费基数 of a month, in fen."""

    floor_fen: int | None
    cap_fen: int | None
    confidence: str
    ref: str
    since: date  # the month from which this year's limits hold


@dataclass
class Policy:
    """All regions' rules. Build it with :func:`recon.policy.load_policy`; ``region`` None is a region not known."""

    files: Mapping[str, RegionFile]
    _rules: dict[tuple[object, ...], Rule] = field(default_factory=dict, init=False, repr=False)
    _entries: dict[tuple[object, ...], list[_Seen]] = field(default_factory=dict, init=False, repr=False)

    # --- regions ------------------------------------------------------------------------------------------------

    def regions(self) -> tuple[Region, ...]:
        """All regions, by code."""
        return tuple(self._gazetteer.codes.values())

    def region_of(self, text: str) -> str | None:
        """The code of the pooling area 统筹区 that a code (a county's too), a name or an alias means; else None."""
        return self._gazetteer.find(text)

    def near_names(self, text: str) -> list[str]:
        """Codes and names (``420100 武汉市``) of regions that look like ``text``, the likeliest first."""
        return [f"{code} {self._gazetteer.codes[code].name}" for code in self._gazetteer.near(text)]

    # --- calendars ----------------------------------------------------------------------------------------------

    def schedule(self, region: str | None) -> Schedule:
        """When ``region`` credits; the national default where it does not say."""
        stated = {key: self._latest(region, "schedule", key) for key in SECTIONS["schedule"]}
        found = {key: value.parsed if value is not None else None for key, value in stated.items()}
        kind = str(found["kind"] or "monthly")
        used = ("kind", "lag_months_max", *(("window_start", "credit_month") if kind == "annual" else ()))
        typical = stated["typical_months"]
        own = self._line(region, "schedule").entries if region else ()
        return Schedule(
            kind=kind, typical=_number(found["typical_months"], 1),
            typical_stated=typical is not None and any(entry.values.get("typical_months") is typical for entry in own),
            tolerance=_number(found["lag_months_max"], 3),
            window_start=_maybe(found["window_start"]), credit_month=_maybe(found["credit_month"]),
            confidence=worst(*(value.confidence for key in used if (value := stated[key]) is not None)),
            ref=f"{region if own else NATIONAL}/schedule", credit_day=_maybe(found["typical_day_by"]),
        )

    def deadline(self, region: str | None, month: date) -> date:
        """The last day on which the premium of accrual ``month`` is in time (nationally the end of the month after)."""
        last = shifted(month.replace(day=1), self.collection_deadline(region) + 1) - timedelta(days=1)
        day = _maybe(self._known(region, "calendar", "collection_deadline_day"))
        return last if day is None else last.replace(day=min(day, last.day))

    def stops(self, region: str | None, first: date, last: date) -> list[Stop]:
        """The known stops that overlap the days from ``first`` to ``last``; a region's own take the place of the same
        kind of the national ones. A yearly stop comes back every year from the month it is stated for.
        """
        own = list(self._stops(region, first, last)) if region else []
        codes = self._codes(region, "stop") if region else []
        stated = {self._line(region, "stop", code).get(0, "kind", str) for code in codes}
        national = [one for one in self._stops(NATIONAL, first, last) if one.kind not in stated]
        return sorted([*own, *national], key=lambda stop: (stop.first, stop.name))

    def _stops(self, region: str, first: date, last: date) -> Iterator[Stop]:
        for code in self._codes(region, "stop"):
            line = self._line(region, "stop", code)
            for number, entry in enumerate(line.entries):
                start, end = (line.get(number, key, date) for key in ("first_day", "last_day"))
                if start is None or end is None:
                    continue
                kind = line.get(number, "kind", str) or "other"
                yearly = line.get(number, "yearly", bool)
                for years in range(first.year - start.year - 1, last.year - start.year + 1) if yearly else (0,):
                    begin, close = _years_later(start, years), _years_later(end, years)
                    if begin <= last and close >= first and begin >= entry.start:
                        yield Stop(line.get(number, "name", str) or kind, kind, begin, close,
                                   line.confidence(number, "first_day", "last_day"), f"{region}/{entry.since}/stop")

    def collection_deadline(self, region: str | None) -> int:
        """Months after the accrual month by whose end its premium is to have arrived (nationally 1)."""
        return _number(self._known(region, "calendar", "collection_deadline_months"), 1)

    def base_year_start(self, region: str | None) -> int | None:
        """The month of the year in which new contribution bases begin to hold."""
        return _maybe(self._known(region, "calendar", "base_year_start"))

    def medical_year_start(self, region: str | None) -> int | None:
        """The month of the year in which the medical year 医保年度 begins."""
        return _maybe(self._known(region, "calendar", "medical_year_start"))

    def base_limits(self, region: str | None, month: date) -> BaseLimit | None:
        """Floor and cap of the base in ``month``; None if not known. A year's limits do not outlive twelve months."""
        line = self._line(region, "base_limit")
        number = line.at(month)
        if number < 0 or shifted(line.entries[number].start, 12) <= month:
            return None
        floor, cap = (line.get(number, key, Money) for key in ("floor_yuan", "cap_yuan"))
        return BaseLimit(
            None if floor is None else floor.fen, None if cap is None else cap.fen,
            line.confidence(number, "floor_yuan", "cap_yuan"),
            f"{region}/{line.entries[number].since}/base_limit", line.entries[number].start,
        )

    def back_pay_credited(self, region: str | None, month: date) -> bool | None:
        """Whether back pay 补缴 for ``month`` reaches the account; None: not known, as nearly everywhere."""
        line = self._line(region, "in_service")
        return line.get(line.at(month), "back_pay_credited", bool)

    def flat_names(self, region: str | None, month: date) -> tuple[tuple[str, int], ...]:
        """Name and fen of the flat sums 定额 paid on top in ``month``."""
        line = self._line(region, "employee")
        number = line.at(month)
        flat = line.get(number, "flat_yuan", Money)
        return () if flat is None else ((line.get(number, "flat_name", str) or "定额", flat.fen),)

    def sub_accounts(self, region: str | None) -> tuple[tuple[str, str], ...]:
        """Code and name of the sub-accounts (当年, 历年) of a region, where it has any."""
        codes = self._codes(region, "sub_account")
        return tuple((code, self._line(region, "sub_account", code).get(0, "name", str) or code) for code in codes)

    def rule_starts(self, region: str | None, status: str | None) -> list[tuple[date, date | None]]:
        """The months in which one rule for ``status`` follows another, oldest first, and how early it may hold."""
        line = self._line(region, SECTION_OF.get(status or "", "in_service"))
        return [(entry.start, entry.uncertain_from) for entry in line.entries[1:]]

    # --- the rule -----------------------------------------------------------------------------------------------

    def rule(
        self, region: str | None, scheme: str, tier: str | None, status: str | None, month: date,
        birth: date | None = None,
    ) -> Rule:
        """What accrual ``month`` should put into the account of someone in this situation.

        ``status``: in_service (also when None), retired, flexible. Age counts from the month of the birthday.
        A region that is not in the table gets the national 2% rule from 2024-04, and nothing else. Its confidence is
        medium: the rule itself is confirmed, that a region follows it is not, and DESIGN section 4 has the national
        default supply it, so an amount may be judged by it.
        """
        month = month.replace(day=1)
        section = SECTION_OF.get(status or "", "in_service")
        ages = None if birth is None else self._telling_ages(region, section, month, birth)
        situation = (region, scheme, tier, status, month, ages)
        if situation not in self._rules:
            self._rules[situation] = self._rule(region, scheme, tier, status or "in_service", month, ages)
        return self._rules[situation]

    def _rule(
        self, region: str | None, scheme: str, tier: str | None, status: str, month: date, ages: tuple[int, ...] | None
    ) -> Rule:
        account = self._account(region, scheme, tier, status)
        if account.has is False or scheme != ACCOUNT_SCHEME:
            nothing = 0 if account.has is False else None
            kind = UNKNOWN if nothing is None else "none"
            rule = Rule(
                account.has, None, (), nothing, nothing, 0, None, False, "half_up", account.confidence, account.ref,
                kind=kind,
            )
            return self._paid(region, month, rule)
        section = SECTION_OF.get(status, "in_service")
        rules = [
            (self._paid(region, month, _with_account(credit(section, view), account, section)), upper_bound)
            for view, upper_bound in self._views(region, section, month, ages)
        ]
        primary = rules[0][0]
        # The other side of a true boundary is accepted even where its amount is not known: then nothing can be judged.
        # An upper bound is no boundary, only a known amount is accepted there.
        others = [rule for rule, upper_bound in rules[1:] if rule.known or not upper_bound]
        if account.has is None and section != FLEXIBLE:
            # Whether there is an account at all hangs on a tier that nobody stated: no amount is surely due.
            others = [primary, *others]
            primary = replace(
                primary, has_account=None, employer_ppm=None, monthly_fen=None, year_fen=None, kind=UNKNOWN,
                confidence=UNKNOWN, ref=account.ref,
            )
        distinct: dict[object, Rule] = {}
        for rule in others:
            if rule.content != primary.content:
                distinct.setdefault(rule.content, rule)
        return replace(primary, accepts=tuple(distinct.values()))

    def _telling_ages(self, region: str | None, section: str, month: date, birth: date) -> tuple[int, ...]:
        """The age in ``month``, then those of a birthday within a month of it, as far as they make a difference.

        An age stands for its bracket by the bracket's lowest, so that many people share one rule.
        """
        found = age_steps(section, [(line, number) for _, line, number, _ in self._seen(region, section, month)])
        ages = (full_years(birth, month, ahead) for ahead in (0, 1, -1, -2))
        return tuple(dict.fromkeys(
            age if found is None else max((step for step in found if step <= age), default=0) for age in ages
        ))

    def _views(
        self, region: str | None, section: str, month: date, ages: tuple[int, ...] | None
    ) -> list[tuple[View, bool]]:
        """The view of the month itself, then the others to accept, each with whether it rests on an upper bound."""
        seen = self._seen(region, section, month)
        brackets = ages_of_brackets(section, [(line, number) for _, line, number, _ in seen])
        return [
            (View(owner, line, number, age), upper_bound)
            for (owner, line, number, upper_bound), age in product(seen, [None, *brackets] if ages is None else ages)
        ]

    def _seen(self, region: str | None, section: str, month: date) -> list[_Seen]:
        """The entries that speak of ``month``: the one in force, then the others to accept."""
        key = (region, section, month)
        if key not in self._entries:
            self._entries[key] = self._find(region, section, month)
        return self._entries[key]

    def _find(self, region: str | None, section: str, month: date) -> list[_Seen]:
        owner, line = region or NATIONAL, self._line(region, section)
        if section == "in_service" and not line.entries:
            owner, line = NATIONAL, self._line(NATIONAL, section)
        near = line.near(month)
        if any(entry.applies_to == "credit" for entry in line.entries):
            near.append((line.at(self._credit_month(region, month)), False))
        now = (owner, line, line.at(month), False)
        if now[2] < 0 and section == "in_service":
            national = self._line(NATIONAL, section)
            now = (NATIONAL, national, national.at(month), False) if national.at(month) >= 0 else now
        return [now, *((owner, line, number, upper_bound) for number, upper_bound in near if number >= 0)]

    def _credit_month(self, region: str | None, month: date) -> date:
        """The month in which ``month`` is usually credited."""
        plan = self.schedule(region)
        if plan.kind != "annual" or plan.window_start is None or plan.credit_month is None:
            return shifted(month, plan.typical)
        end = date(month.year + (month.month >= plan.window_start), plan.window_start, 1)
        return date(end.year + (plan.credit_month < plan.window_start), plan.credit_month, 1)

    def _paid(self, region: str | None, month: date, rule: Rule) -> Rule:
        """``rule`` with what the employee pays: rate, flat sums (those of a boundary too), rounding."""
        line = self._line(region, "employee")
        if line.at(month) < 0:
            line = self._line(NATIONAL, "employee")
        number = line.at(month)
        paid = line.get(number, "rate", Rate)
        flats = [line.get(one, "flat_yuan", Money) for one in (number, *(other for other, _ in line.near(month)))]
        return replace(
            rule, employee_ppm=None if paid is None else paid.ppm,
            flat_fens=tuple(dict.fromkeys(flat.fen for flat in flats if flat is not None)),
            rounding=str(self._known(region, "rounding", "contribution") or "half_up"),
        )

    # --- has it an account --------------------------------------------------------------------------------------

    def _account(self, region: str | None, scheme: str, tier: str | None, status: str) -> Account:
        if scheme == ACCOUNT_SCHEME:
            own = self._tiers(region) if region else []
            return account_of(own, self._tiers(NATIONAL), region or NATIONAL, tier, status)
        line = self._line(NATIONAL, "scheme", scheme)
        last = len(line.entries) - 1
        return Account(
            line.get(last, "has_account", bool), line.confidence(last, "has_account"), f"{NATIONAL}/scheme/{scheme}"
        )

    def _tiers(self, region: str) -> list[Tier]:
        tiers = []
        for code in self._codes(region, "tier"):
            line = self._line(region, "tier", code)
            last = len(line.entries) - 1
            sure = line.confidence(last, "has_account")
            tiers.append(Tier(
                code, line.get(last, "name", str) or code, line.get(last, "status", str),
                Account(line.get(last, "has_account", bool), sure, f"{region}/tier/{code}"),
            ))
        return tiers

    def describe(self, region: str | None, month: date) -> dict[str, object]:
        """All that is known of a region in ``month``, as plain data: section -> key -> value, unit, from, source ..."""
        name = region or NATIONAL
        about = self.files[name].about if name in self.files else {}
        sections: dict[str, object] = {}
        for (owner, section, code), line in self._lines.items():
            if owner == name and line.at(month) >= 0:
                sections[f"{section}/{code}" if code else section] = described(section, line, line.at(month))
        return {"code": name, "month": f"{month:%Y-%m}", **about, "sections": sections}

    def ref_words(self, ref: str, lang: str = "zh") -> str:
        """Where a ``policy_ref`` stands, in words: region, month, source and confidence."""
        return ref_words(self.files, ref, lang)

    # --- plumbing -----------------------------------------------------------------------------------------------

    @cached_property
    def _gazetteer(self) -> Gazetteer:
        return Gazetteer.of([_region(self.files[code]) for code in sorted(self.files) if code != NATIONAL])

    @cached_property
    def _lines(self) -> dict[tuple[str, str, str], Line]:
        return {
            (name, section, code): Line.of(section, entries)
            for name, region in self.files.items() for (section, code), entries in region.sections.items()
        }

    def line(self, region: str, section: str, code: str = "") -> Line:
        """The entries of a section of a region along time, as they are stated; empty where there are none."""
        return self._line(region, section, code)

    def codes(self, region: str, section: str) -> list[str]:
        """The codes that a section of a region has entries for; one empty code for a section without codes."""
        return self._codes(region, section)

    def _line(self, region: str | None, section: str, code: str = "") -> Line:
        return self._lines.get((region or NATIONAL, section, code), Line())

    def _codes(self, region: str | None, section: str) -> list[str]:
        name = region or NATIONAL
        return [code for one, code in self.files[name].sections if one == section] if name in self.files else []

    def _latest(self, region: str | None, section: str, key: str) -> Value | None:
        """The latest known value of ``key`` in the region, else in the national defaults."""
        for name in (region or NATIONAL, NATIONAL):
            line = self._line(name, section)
            value = line.value(len(line.entries) - 1, key)
            if value is not None and value.known:
                return value
        return None

    def _known(self, region: str | None, section: str, key: str) -> object:
        value = self._latest(region, section, key)
        return None if value is None else value.parsed


def _with_account(rule: Rule, account: Account, section: str) -> Rule:
    """``rule`` seen through a stated tier: it is no surer than that the tier has an account."""
    if not account.has or not account.ref:
        return rule
    has = True if section == FLEXIBLE else rule.has_account
    return replace(rule, has_account=has, confidence=worst(rule.confidence, account.confidence))


def _region(file: RegionFile) -> Region:
    aliases = file.about.get("aliases", ())
    words = {key: str(file.about.get(key, "")) for key in ("province", "level", "note")}
    return Region(
        file.code, str(file.about.get("name", file.code)), words["province"], words["level"],
        aliases if isinstance(aliases, tuple) else (), str(file.about.get("completeness", "stub")), words["note"],
        file.files[0].rpartition("/")[2].removesuffix(".toml").partition("_")[2].replace("_", ""),
    )


def _years_later(day: date, years: int) -> date:
    """The same day ``years`` later; 29 February becomes the 28th where there is none."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def _number(parsed: object, default: int) -> int:
    return parsed if isinstance(parsed, int) else default


def _maybe(parsed: object) -> int | None:
    return parsed if isinstance(parsed, int) else None
