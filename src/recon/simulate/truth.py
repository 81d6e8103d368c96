"""What recon should find: labels and links from what was planted, by the rules of DESIGN sections 5 to 7.

The core is not asked. Links are known because they were planted; what remains is what the exports let one see: which
credits are visible, what is covered, what was due when. Where the data leave a choice the row says so: ``also`` names
further answers that are right, ``planted_tie`` marks months that nobody could tell.
"""

from __future__ import annotations

import csv
import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from recon.simulate.employer import NEVER, Credit, Line, Person, Region, World, day_in, last_day, month_of
from recon.simulate.events import net, slot
from recon.simulate.exports import entries, label

# What is credited in the place of such a month is its own, whatever its amount.
_BY_PLACE = {("policy_unknown", ""), ("policy_unknown", "table_differs"), *(
    ("data_incomplete", cause) for cause in ("billed_only", "arrival_unsaid", "deferred", "contribution_unseen"))}
_LATE_MONTHS = 2  # by which a premium without its record may plausibly have been late
_STATUS = ("open", "unknown", "pending", "resolved", "explained")
_LABELS = ("on_time", "no_account", "delay", "missing_month", "short_credit", "top_up", "over_credit", "clawback",
           "account_deduction", "refund_due", "policy_unknown", "data_incomplete", "unexplained")
COHORT_PEOPLE, STEADY_MONTHS = 20, 12
OTHER_NUMBER_MONTHS = 2  # one equal sum under another number of the name is no evidence
REVERSED_DAYS = 2  # a wrong credit is taken back within so many days
# "Nearly all colleagues have theirs": a wait may be called overdue where so many of a hundred have a credit of any
# kind, and must be where so many have it whole and in one piece.
OVERDUE_MAY, OVERDUE_MUST, OVERDUE_PEOPLE = 80, 91, 10
# In tenths of a month of lateness: a link a month late, one a month early, and two changes of the usual lag.
_LATE, _EARLY, _TWO_CHANGES = 10, 30, 34


@dataclass(frozen=True)
class Part:
    """One labelled part of a month."""

    label: str
    cause: str
    status: str
    fen: int


@dataclass
class Row:
    """The truth about one account and accrual month."""

    month: int
    parts: list[Part] = field(default_factory=list)
    paid_late: bool = False
    also: set[str] = field(default_factory=set)
    tie: bool = False
    events: set[str] = field(default_factory=set)


@dataclass
class Seen:
    """One line with what the exports show of it."""

    line: Line
    arrival: int | None  # the clock: month number; None: never late
    due: int | None
    last: int | None
    links: list[tuple[date, int]] = field(default_factory=list)

    @property
    def linked(self) -> int:
        """Fen that came for the line."""
        return sum(fen for _, fen in self.links)


def write_truth(world: World, folder: Path) -> int:
    """truth_month.csv, truth_link.csv and run.json in ``folder``; returns the number of months."""
    folder.mkdir(parents=True, exist_ok=True)
    learned = _steady_regions(world)
    colleagues = _colleagues(world)
    months = 0
    with (folder / "truth_month.csv").open("w", encoding="utf-8", newline="") as month_file, \
            (folder / "truth_link.csv").open("w", encoding="utf-8", newline="") as link_file:
        month_out, link_out = csv.writer(month_file), csv.writer(link_file)
        month_out.writerow(("person_id", "region", "scheme", "accrual_month", "label", "cause", "status", "also",
                            "planted_tie"))
        link_out.writerow(("person_id", "region", "scheme", "accrual_month", "posted_on", "amount_fen"))
        for person in world.people:
            rows, links = _person(world, person, learned, colleagues)
            months += len(rows)
            key = (person.id, person.region.code, "310")
            for row in sorted(rows, key=lambda row: row.month):
                name, cause, status = headline(row)
                month_out.writerow((*key, day_in(row.month, 1), name, cause, status, "|".join(sorted(row.also)),
                                    "true" if row.tie else "false"))
            for month, posted, fen in sorted(links):
                link_out.writerow((*key, day_in(month, 1), posted, fen))
    (folder / "run.json").write_text(json.dumps(
        {"as_of": world.as_of.isoformat(), "first_month": label(world.first), "last_month": label(world.last),
         "people": len(world.people), "months": world.last - world.first + 1, "seed": world.seed, "noise": world.noise,
         "events": dict(sorted(world.planted.items()))}, indent=1) + "\n")
    return months


def headline(row: Row) -> tuple[str, str, str]:
    """Label, cause and status: the worst part, of equals the largest, of equals the first of the table of labels."""
    if not row.parts:
        return "on_time", "paid_late" if row.paid_late else "", "explained"
    part = min(row.parts, key=lambda part: (_STATUS.index(part.status), -abs(part.fen), _LABELS.index(part.label)))
    return part.label, part.cause, part.status


# --------------------------------------------------------------------------------------------------- what is visible


def _visible(person: Person, credit: Credit) -> bool:
    gone = person.torn
    return any(window.start <= credit.posted <= window.end for window in person.windows) and not (
        gone and gone[0] <= credit.posted <= gone[1])


def _stands(person: Person, credit: Credit) -> bool:
    """Whether the exports show a credit, and not that it was taken back."""
    return _visible(person, credit) and not (credit.cancelled and (credit.fen < 0 or any(
        back.fen == -credit.fen and 0 < (back.posted - credit.posted).days <= REVERSED_DAYS and _visible(person, back)
        for back in person.credits)))


def _steady_regions(world: World) -> set[str]:
    """Regions whose true lag is another than 1 throughout and is to be seen in enough people."""
    people: Counter[str] = Counter()
    for person in world.people:
        if person.region.learnable and person.region.lag_after is None and _plain_months(person) >= STEADY_MONTHS:
            people[person.region.code] += 1
    return {code for code, count in people.items() if count >= COHORT_PEOPLE}


def _plain_months(person: Person) -> int:
    """Months whose one credit came at the region's lag."""
    return sum(
        1 for credit in person.credits if len(credit.shares) == 1 and _stands(person, credit)
        and (line := credit.shares[0][0]).arrived and line.kind == "normal" and credit.fen == line.due_fen
        and month_of(credit.posted) - month_of(line.arrived) == person.region.lag
    )


def _typical(person: Person, learned: set[str]) -> int:
    region = person.region
    steady = region.code in learned or (
        region.learnable and region.lag_after is None and _plain_months(person) >= STEADY_MONTHS)
    return region.lag if steady else 1


def _clock(line: Line) -> int | None:
    """The month the premium arrived, as far as the export of its unit tells."""
    profile = line.unit.profile
    if line.kind == "retiree":
        return line.month
    if line.proof != "fund_record" or line.arrived is None:
        return line.month
    if profile.paid_on or profile.booked:
        return month_of(line.arrived)
    return line.month if line.kind in ("normal", "refund") else None


def _due(region: Region, line: Line, arrival: int | None, typical: int) -> tuple[int | None, int | None]:
    if line.kind == "retiree":
        return line.month, line.month + region.tolerance
    if region.annual:
        due = line.month + (2 - line.month % 12) % 12 + 4  # the July after the window that ends in March
        return due, due + 1
    if arrival is None:
        return None, None
    return arrival + typical, arrival + max(typical, region.tolerance)


def _seen_lines(person: Person, typical: int) -> list[Seen]:
    seen = {}
    for line in person.lines:
        arrival = _clock(line)
        due, last = _due(person.region, line, arrival, typical)
        seen[id(line)] = Seen(line, arrival, due, last)
    for credit in person.credits:
        if not _stands(person, credit):
            continue
        for line, fen in credit.shares:
            if id(line) in seen and not line.other_number:
                seen[id(line)].links.append((credit.posted, fen))
    found = list(seen.values())
    _uncross(person, found)
    return found


def _uncross(person: Person, lines: list[Seen]) -> None:
    """Equal amounts of one stream do not cross, unless a month is printed: the oldest line has the oldest credit."""
    if person.printed:
        return
    alike: dict[tuple[str, int], list[Seen]] = defaultdict(list)
    for seen in lines:
        line = seen.line
        if len(seen.links) == 1 and seen.links[0][1] == net(line) and line.kind in ("normal", "retiree"):
            alike[line.kind, net(line)].append(seen)
    for group in alike.values():
        single = [seen for seen in group if _alone(person, seen)]
        days = sorted(seen.links[0] for seen in single)
        single.sort(key=lambda seen: (seen.arrival if seen.arrival is not None else seen.line.month, seen.line.month))
        for seen, link in zip(single, days, strict=True):
            seen.links = [link]
    # Equal credits of one month could change places even between streams: the older line has the earlier one.
    together: dict[tuple[int, int], list[Seen]] = defaultdict(list)
    for seen in lines:
        if len(seen.links) == 1 and seen.links[0][1] == net(seen.line) and _alone(person, seen):
            together[net(seen.line), month_of(seen.links[0][0])].append(seen)
    for (fen, month), group in together.items():
        # Also with one that no month here has: a credit through another employer.
        strays = [(credit.posted, credit.fen) for credit in person.credits if credit.fen == fen and not credit.shares
                  and credit.surplus is None and month_of(credit.posted) == month and _stands(person, credit)]
        days = sorted([*(seen.links[0] for seen in group), *strays])[:len(group)]
        group.sort(key=lambda seen: (seen.line.month, seen.line.kind))
        if all(seen.line.arrived is None or seen.line.arrived <= day for seen, (day, _) in
               zip(group, days, strict=True)):
            for seen, link in zip(group, days, strict=True):
                seen.links = [link]


def _read_as_late(
    world: World, person: Person, lines: list[Seen], shown: list[int]
) -> tuple[set[int], set[int]]:
    """A hole and a credit that came twice, in one run of equal amounts: credits that came late, or early.

    By DESIGN section 6 that is the cheaper reading wherever it costs no more than two changes of the usual lag: by
    these a link any number of months late is reached, and any late link within reach costs less than an open month and
    a credit left over. Gives the ids of the credits that are then not too many, and months that are a tie of two such
    readings. What that does not decide (a hole for which nothing was due or covered, a month between the two that is
    credited in yet another way) stays as planted, and is a tie too.
    """
    read: set[int] = set()
    tied: set[int] = set()
    if person.printed or person.region.annual:
        return read, tied
    for kind in ("normal", "retiree"):
        known = sorted((seen for seen in lines if seen.line.kind == kind and seen.line.paid and not seen.line.second
                        and not seen.line.netted), key=lambda seen: seen.line.month)
        # A premium that came after a later month's is credited out of turn.
        places = [slot(world, person, seen.line) for seen in known]
        in_turn = [seen for i, seen in enumerate(known) if places[i] <= min(places[i:])]
        for run in _runs(in_turn):
            while found := _cheapest_shift(world, person, run, shown, read, tied):
                credit, first, moved = found
                read.add(id(credit))
                for seen, links in zip(run[first:], moved, strict=False):
                    seen.links = links
    return read, tied


_Links = list[tuple[date, int]]
_Shift = tuple[Credit, int, list[_Links]]  # the credit that came twice, the first line moved, the links


def _cheapest_shift(
    world: World, person: Person, run: list[Seen], shown: list[int], read: set[int], tied: set[int]
) -> _Shift | None:
    """The cheapest way to move links of ``run`` so that a hole is filled; ``tied`` gets the months of equal ones."""
    holes = [i for i, seen in enumerate(run) if not seen.links and seen.line.allocated and not seen.line.other_number
             and seen.due is not None and _counts(world, person, max(seen.due, slot(world, person, seen.line)), shown)]
    months = {seen.line.month: i for i, seen in enumerate(run)}
    found: list[tuple[int, int, _Shift]] = []  # price, the later hole first, the shift
    for credit in person.credits:
        at = months.get(credit.surplus or 0)
        if at is None or id(credit) in read or credit.fen != net(run[at].line) or not _stands(person, credit):
            continue
        for hole in holes:
            first, last = min(hole, at), max(hole, at)
            members = run[first:last + 1]
            moved = sorted([*(seen.links for seen in members if seen.links), [(credit.posted, credit.fen)]],
                           key=lambda links: (links[0][0], links[-1][0]))
            places = [slot(world, person, seen.line) for seen in members]
            if len(moved) == len(members) and all(
                _known(seen.line, person) and all(_own(person, day, fen, members) for day, fen in seen.links)
                for seen in members
            ) and all(_may_come(seen, links[0][0]) for seen, links in zip(members, moved, strict=True)):
                before = sum(_off(month_of(seen.links[-1][0]) - place)
                             for seen, place in zip(members, places, strict=True) if seen.links)
                late = [month_of(links[-1][0]) - place for links, place in zip(moved, places, strict=True)]
                # The usual lag changes for all of them but the one that has its own credit either way.
                by, rest = (1, late[:-1]) if hole < at else (-1, late[1:])
                price = sum(map(_off, late)) - before
                if members[0].line.kind == "normal":  # only these have a lag that changes
                    price = min(price, _TWO_CHANGES + sum(_off(each - by) for each in rest) - before)
                if price <= _TWO_CHANGES:
                    found.append((price, -hole, (credit, first, moved)))
    least = [each for each in found if each[0] == min(price for price, *_ in found)]
    for _, _, (_, first, moved) in least if len(least) > 1 else ():
        tied.update(seen.line.month for seen in run[first:first + len(moved)])
    # Of equal answers the one whose open months are earliest: the latest hole is filled.
    return min(least, key=lambda each: each[1])[2] if least else None


def _counts(world: World, person: Person, due: int, shown: list[int]) -> bool:
    """Whether leaving a month open has a price: it is over and covered, or lies between credits that are seen."""
    return bool(shown and shown[0] <= due <= shown[-1]) or (_over(world, due) and _covered(person, due))


def _off(months: int) -> int:
    """What a credit so many months later than usual costs."""
    return months * _LATE if months >= 0 else -months * _EARLY


def _own(person: Person, day: date, fen: int, members: list[Seen]) -> bool:
    """Whether a credit is one line's alone, too many, or a lump of ``members`` only, in equal shares."""
    inside = {id(seen.line) for seen in members}
    return any(
        credit.posted == day and (credit.fen == fen if len(credit.shares) <= 1 else all(
            id(line) in inside and share == fen for line, share in credit.shares))
        for credit in person.credits
    )


def _may_come(seen: Seen, day: date) -> bool:
    """Whether a credit of that day may be the line's: not before its premium arrived, by day where that is known."""
    if seen.arrival is None or month_of(day) != seen.arrival:
        return seen.arrival is None or month_of(day) > seen.arrival
    return not seen.line.unit.profile.paid_on or seen.line.arrived is None or day >= seen.line.arrived


def _alone(person: Person, seen: Seen) -> bool:
    """Whether the line's credit pays nothing else."""
    return any(credit.posted == seen.links[0][0] and credit.fen == seen.links[0][1] and len(credit.shares) == 1
               for credit in person.credits)


# ------------------------------------------------------------------------------------------------------------ labels


def _over(world: World, month: int) -> bool:
    return world.as_of >= last_day(month)


def _covered(person: Person, month: int, until: int | None = None) -> bool:
    until = month if until is None else until
    return any(start <= day_in(month, 1) and end >= last_day(until) for start, end, _ in _spans(person))


def _spans(person: Person) -> list[tuple[date, date, bool]]:
    """The covers united where they meet."""
    spans: list[tuple[date, date, bool]] = []
    for start, end, is_open in sorted(person.cover):
        if spans and start.toordinal() <= spans[-1][1].toordinal() + 1:
            before = spans[-1]
            later = (end, is_open) if end > before[1] else (before[1], before[2])
            spans[-1] = (before[0], *later)
        else:
            spans.append((start, end, is_open))
    return spans


def _uncovered_cause(person: Person, due: int) -> str:
    begun = [span for span in _spans(person) if span[0] <= day_in(due, 1)]
    if not begun:
        return "before_export"
    return "tail_open" if begun[-1][2] else "after_export"


def _known(line: Line, person: Person) -> bool:
    """Whether the amount due is known: stated, or the region's rule is."""
    return line.kind == "retiree" or line.unit.profile.stated or line.month >= person.region.known_from


Colleagues = dict[tuple[int, int], tuple[int, int, int]]


def _colleagues(world: World) -> Colleagues:
    """Per unit and month: people with an export, how many have a credit for the month, and how many have it plainly."""
    people: Counter[tuple[int, int]] = Counter()
    have: Counter[tuple[int, int]] = Counter()
    plain: Counter[tuple[int, int]] = Counter()
    for person in world.people:
        if not person.windows or not person.has_account:
            continue
        shown = [credit for credit in person.credits if _stands(person, credit)]
        credited = {id(line) for credit in shown for line, _ in credit.shares}
        whole = {id(line) for credit in shown for line, fen in credit.shares if fen == credit.fen == line.due_fen}
        for line in person.lines:
            if line.kind == "normal" and line.paid and not line.second:
                people[line.unit.number, line.month] += 1
                have[line.unit.number, line.month] += id(line) in credited
                plain[line.unit.number, line.month] += id(line) in whole
    return {key: (count, have[key], plain[key]) for key, count in people.items()}


def _person(
    world: World, person: Person, learned: set[str], colleagues: Colleagues
) -> tuple[list[Row], list[tuple[int, date, int]]]:
    lines = _seen_lines(person, _typical(person, learned))
    credits = sorted(month_of(credit.posted) for credit in person.credits
                     if _stands(person, credit))
    newest = credits[-1] if credits else None
    read, tied = _read_as_late(world, person, lines, credits)
    view = View(world, person, newest, _hole(person))
    view.clawed = _clawed(view, lines)
    rows: dict[int, Row] = {}
    links: list[tuple[int, date, int]] = []
    first_row = _first_retiree_row(person)
    strays: set[int] = set()  # months with a credit for a month that has no row: it looks like one too many
    for seen in lines:
        line = seen.line
        if line.netted:
            continue
        if line.kind == "retiree" and (first_row is None or line.month < first_row):
            strays.update(month_of(posted) for posted, _ in seen.links)
            continue
        row = rows.setdefault(line.month, Row(line.month))
        links += [(line.month, posted, fen) for posted, fen in seen.links]
        row.parts += _parts(view, seen)
        row.paid_late |= line.kind == "normal" and bool(line.paid) and seen.arrival is not None and (
            seen.arrival > line.month + 1)
        _leave_choice(view, seen, row, colleagues)
    _surplus(person, rows, links, read)
    unlisted = list(_unlisted(person))
    links += unlisted
    for month in _absent(world, person):
        rows.setdefault(month, Row(month)).parts.append(
            Part("data_incomplete", "contribution_unseen", "unknown", 0) if month in {month for month, *_ in unlisted}
            else Part("missing_month", "contribution_missing", "open", 0) if _over(world, month + 1)
            else Part("delay", "not_yet_due", "pending", 0))
    _mark_ties(person, lines, rows, read, world.late_run)
    tied |= _partly_seen(world, person, lines) | _half_netted(person) | _long_late(world, person, lines)
    for month in (strays | tied) & rows.keys():
        rows[month].tie = True
    return list(rows.values()), links


def _first_retiree_row(person: Person) -> int | None:
    if person.retired_from is None or not person.cover:
        return None
    start = min(start for start, _, _ in person.cover)
    covered = month_of(start) + (start.day > 1)
    return max(person.retired_from, covered)


@dataclass
class View:
    """One account as its exports show it."""

    world: World
    person: Person
    newest: int | None  # month of the newest credit
    hole: tuple[date, date] | None  # between these days lines are missing, as the balances show
    clawed: set[int] = field(default_factory=set)  # lines (by id) that got too much, or less for that, both seen


def _hole(person: Person) -> tuple[date, date] | None:
    """From the last line before the missing ones to the first behind them."""
    if person.torn is None:
        return None
    days = [entry.day for entry in entries(person, person.windows[0])]
    return (max(day for day in days if day < person.torn[0]), min(day for day in days if day > person.torn[1]))


def _clawed(view: View, lines: list[Seen]) -> set[int]:
    """The lines of which one lacks just what the others got too much, where the exports show all of it."""
    by_line = {id(seen.line): seen for seen in lines}
    found: set[int] = set()
    for credit in view.person.credits:
        group = [by_line.get(id(line)) for line in (*credit.takes_back, *(line for line, _ in credit.shares))]
        told = [part.label for seen in group if seen for part in _parts(view, seen)
                if part.label in ("over_credit", "short_credit")]
        if credit.takes_back and told == ["over_credit"] * (len(group) - 1) + ["short_credit"]:
            found.update(id(seen.line) for seen in group if seen)
    return found


def _parts(view: View, seen: Seen) -> list[Part]:
    """The parts of one line that can be a headline."""
    line, world, person = seen.line, view.world, view.person
    late = sum(fen for posted, fen in seen.links if seen.due is not None and month_of(posted) > seen.due)
    parts = [Part("top_up" if line.kind == "top_up" else "delay", "late", "resolved", late)] if late else []
    whole = line.base // 10
    if line.paid and not person.has_account:
        return [Part("no_account", "", "explained", whole)]
    if line.paid is False:
        return [Part("missing_month", "contribution_unpaid", "open", 0) if _over(world, line.month + 1)
                else Part("delay", "not_yet_due", "pending", 0)]
    if line.paid is None:
        cause = "billed_only" if line.proof != "fund_record" else "deferred" if line.deferred else "arrival_unsaid"
        return [*parts, Part("data_incomplete", cause, "unknown", 0)]
    if line.second:
        return [*parts, Part("refund_due", "", "pending", whole)]
    if person.region.extra_per_mille and seen.linked:
        return [*parts, Part("policy_unknown", "table_differs", "unknown", whole)]
    if not _known(line, person) and seen.linked:
        return [*parts, Part("policy_unknown", "", "unknown", whole)]
    rest = line.due_fen - seen.linked
    if rest > 0:
        parts.append(_rest(view, seen, rest))
    elif rest < 0:
        parts.append(Part("clawback", "", "explained", rest) if id(line) in view.clawed
                     else Part("over_credit", "unknown_extra", "open", rest))
    return parts


def _rest(view: View, seen: Seen, rest: int) -> Part:
    """What is said of money that has not come."""
    line, due, last, world, person = seen.line, seen.due, seen.last, view.world, view.person
    if seen.linked and line.deducted:
        return Part("account_deduction", "", "explained", rest)
    if due is None or last is None:  # never late; without an export nothing can be said at all
        return Part("delay", "not_yet_due", "pending", rest) if person.cover else Part(
            "data_incomplete", "no_account_export", "unknown", rest)
    if not _over(world, due) and not seen.linked:
        return Part("delay", "annual_schedule" if person.region.annual else "not_yet_due", "pending", rest)
    if not person.cover:
        return Part("data_incomplete", "no_account_export", "unknown", rest)
    soonest = due if person.region.annual or seen.arrival is None else min(due, seen.arrival)
    holed = view.hole is not None and view.hole[0] <= last_day(last) and view.hole[1] >= day_in(soonest, 1)
    if not seen.linked and (holed or not _covered(person, due)):
        return Part("data_incomplete", "rows_missing" if holed else _uncovered_cause(person, due), "unknown", rest)
    if not _over(world, last):
        return Part("top_up" if line.kind == "top_up" else "delay", "late", "pending", rest)
    if holed or (not _covered(person, due, last) and (view.newest is None or view.newest <= due)):
        return Part("data_incomplete", "rows_missing" if holed else _uncovered_cause(person, due), "unknown", rest)
    if id(line) in view.clawed:
        return Part("clawback", "", "explained", rest)
    if seen.linked:
        return Part("short_credit", "", "open", rest)
    if line.kind == "top_up":
        return Part("top_up", "credit_missing", "open", rest)
    if line.other_number and sum(_visible(person, credit) for credit in person.doubles) >= OTHER_NUMBER_MONTHS:
        return Part("missing_month", "other_identity", "open", rest)
    return Part("missing_month", "credit_missing" if line.allocated else "not_allocated", "open", rest)


def _leave_choice(view: View, seen: Seen, row: Row, colleagues: Colleagues) -> None:
    """Answers besides the planted one that the rules leave open."""
    world, person, line = view.world, view.person, seen.line
    region = person.region
    if not region.extra_per_mille and not _known(line, person) and seen.linked == line.due_fen:
        row.also.add("on_time/")  # the rule is known from an upper bound on, or colleagues' credits show it
        if any(seen.due is not None and month_of(posted) > seen.due for posted, _ in seen.links):
            row.also.add("delay/late")
    if region.lag_after is not None and seen.arrival is not None and seen.arrival >= world.changed:
        # The region's new lag may count as the usual one from here on (case 34).
        moved = Seen(line, seen.arrival, seen.arrival + region.lag_after, seen.last, seen.links)
        other = Row(row.month, _parts(view, moved), row.paid_late)
        row.also.add("/".join(headline(other)[:2]))
    waiting = [part for part in row.parts if (part.label, part.cause, part.status) == ("delay", "late", "pending")]
    people, have, plain = colleagues.get((line.unit.number, line.month), (0, 0, 0))
    if waiting and not seen.links and line.kind == "normal" and people >= OVERDUE_PEOPLE:
        if plain * 100 > people * OVERDUE_MUST:
            row.parts = [Part("delay", "overdue", part.status, part.fen) if part in waiting else part
                         for part in row.parts]
        elif have * 100 > people * OVERDUE_MAY:
            row.also.add("delay/overdue")
    if waiting and line.kind == "retiree" and people >= OVERDUE_PEOPLE and have * 100 > people * OVERDUE_MAY:
        row.also.add("delay/overdue")  # a retiree's unit pays nothing for the month, but its people have theirs


def _surplus(
    person: Person, rows: dict[int, Row], links: list[tuple[int, date, int]], read: Collection[int]
) -> None:
    """Money too much belongs to the month in whose place it came; not the credits (by id) ``read`` as a month's own."""
    for credit in person.credits:
        if id(credit) in read or credit.surplus is None or not _stands(person, credit) or credit.surplus not in rows:
            continue
        row = rows[credit.surplus]
        links.append((credit.surplus, credit.posted, credit.fen))
        if not any((part.label, part.cause) in _BY_PLACE for part in row.parts):
            row.parts.append(Part("over_credit", credit.cause, "open", -credit.fen))
        if credit.cause == "subsidy":
            row.also.add("over_credit/unknown_extra")


def _unlisted(person: Person) -> Iterator[tuple[int, date, int]]:
    """Links of months whose credit is seen and whose line is in no file."""
    have = {id(line) for line in person.lines}
    for credit in person.credits:
        if _stands(person, credit):
            yield from ((line.month, credit.posted, fen) for line, fen in credit.shares if id(line) not in have)


def _absent(world: World, person: Person) -> Iterator[int]:
    """Months without a line inside a spell."""
    have = {line.month for line in person.lines if line.kind != "refund" and not line.netted}
    for spell in person.spells:
        end = world.last if person.stops and spell is person.spells[-1] else spell.last
        if person.retired_from is not None:
            end = min(end, person.retired_from - 1)
        yield from (month for month in range(spell.first, end + 1) if month not in have)


# -------------------------------------------------------------------------------------------------------------- ties


def _mark_ties(
    person: Person, lines: list[Seen], rows: dict[int, Row], read: Collection[int] = (), late_run: int = NEVER
) -> None:
    """Months nobody could tell apart, within each run of equal amounts.

    A hole whose later credits could all belong one month earlier, because credits of the same amount go on behind the
    last line, or for months that may not have been paid; and a hole (or a month not seen, or not due) on one side of
    which a credit came twice: that is the very picture of a run of months credited one month late, or early. So is a
    month without a line a month or two before a credit that came twice: it may have been paid, late, and the records
    lack it.
    """
    if person.printed or person.region.annual:
        return
    for kind in ("normal", "retiree"):
        known = sorted((seen for seen in lines if seen.line.kind == kind and seen.line.paid and not seen.line.second
                        and not seen.line.netted), key=lambda seen: seen.line.month)
        for run in _runs(known, stated=True):
            _mark_run(person, run, run[-1] is known[-1], rows, read)
        for run in _runs(known):
            _mark_together(run, rows, late_run if person.region.late_run else NEVER)


def _partly_seen(world: World, person: Person, lines: list[Seen]) -> set[int]:
    """Months credited in parts of which the exports show one only, and those in whose place that one stands."""
    parts: dict[int, list[Credit]] = defaultdict(list)
    for credit in person.credits:
        if len(credit.shares) == 1 and not credit.cancelled and credit.fen < net(credit.shares[0][0]):
            parts[id(credit.shares[0][0])].append(credit)
    found: set[int] = set()
    for seen in lines:
        shown = [credit for credit in parts[id(seen.line)] if _visible(person, credit)]
        if 0 < len(shown) < len(parts[id(seen.line)]):
            at = month_of(shown[0].posted)
            found |= {seen.line.month, *(other.line.month for other in lines if other.line.arrived is not None
                                         and slot(world, person, other.line) == at)}
    return found


def _long_late(world: World, person: Person, lines: list[Seen]) -> set[int]:
    """Months due before the exports begin, credited long after, and those in whose place that credit stands."""
    found: set[int] = set()
    for seen in lines:
        at = max((month_of(posted) for posted, _ in seen.links), default=0)
        if seen.due is not None and at - seen.due > _LATE_MONTHS and not _covered(person, seen.due):
            found |= {seen.line.month, *(other.line.month for other in lines if other.line.arrived is not None
                                         and slot(world, person, other.line) == at)}
    return found


def _half_netted(person: Person) -> set[int]:
    """Months refunded in part whose whole credit no export shows, and the one whose credit then has a refunded sum."""
    return {
        line.month for credit in person.credits if _stands(person, credit) and any(
            line.due_fen == credit.fen and not any(
                line is own for other in person.credits if _stands(person, other) for own, _ in other.shares)
            for line in credit.takes_back)
        for line in (*credit.takes_back, credit.shares[0][0])
    }


def _runs(lines: list[Seen], *, stated: bool = False) -> list[list[Seen]]:
    """Neighbouring lines of equal amounts, due or (``stated``) before a part was refunded."""
    runs: list[list[Seen]] = []
    for seen in lines:
        before = runs[-1][-1].line if runs else seen.line
        more = seen.line.returned - before.returned if stated else 0
        if runs and before.due_fen == seen.line.due_fen + more:
            runs[-1].append(seen)
        else:
            runs.append([seen])
    return runs


def _mark_together(run: list[Seen], rows: dict[int, Row], late_run: int) -> None:
    """Premiums of one amount whose credits are due together: if one has its credit, it may be the other's.

    They arrived in one month, or in two of which the first one's run (that of ``late_run``) came a month late.
    """
    arrivals: dict[int | None, list[Seen]] = defaultdict(list)
    for seen in run:
        is_late = seen.arrival == late_run and seen.line.kind != "retiree"
        arrivals[None if seen.arrival is None else seen.arrival + is_late].append(seen)
    for group in arrivals.values():
        if len({bool(seen.links) for seen in group}) == 2:
            for seen in group:
                rows[seen.line.month].tie = True


def _mark_run(person: Person, run: list[Seen], is_last: bool, rows: dict[int, Row], read: Collection[int]) -> None:
    fen, last = run[-1].line.due_fen + run[-1].line.returned, run[-1].line.month
    seen_credits = [credit for credit in person.credits
                    if credit.fen == fen and _stands(person, credit) and id(credit) not in read]
    # Behind the last line, or for a month behind it of which no record says that it was paid.
    free = [line.month for credit in seen_credits for line, _ in credit.shares if line.paid is None]
    unproved = [month for month in free if month > last]
    behind = bool(unproved) or any(not credit.shares and credit.surplus is None
                                   and credit.posted > day_in(last + 1, 28) for credit in seen_credits)
    open_months = [seen.line.month for seen in run if not seen.links and not seen.line.other_number]
    tied: set[int] = set()
    if open_months and is_last and behind:
        tied.update(range(min(open_months), last + 1))
        tied.update(unproved)
    # So few months late are likelier than a hole, though credits are in step again behind the unproved month.
    tied.update(each for gone in open_months for month in free if 0 < month - gone <= _LATE_MONTHS + 1
                for each in range(gone, month + 1))
    twice = [credit.surplus for credit in seen_credits if credit.surplus is not None]
    unlisted = [month for month, row in rows.items()
                if any(part.cause == "contribution_missing" for part in row.parts)]
    tied.update(month for again in twice for gone in unlisted if 0 < again - gone <= _LATE_MONTHS
                for month in (gone, again))
    for month in twice:
        for other in open_months:
            tied.update(range(min(month, other), max(month, other) + 1))
    for month, row in rows.items():
        row.tie |= month in tied
