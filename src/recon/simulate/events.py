"""Planted events: what happens to which month, as data, and how it is carried out.

:data:`EVENTS` is the table of everything that can happen to a month; :func:`plant` walks through each person's months
and lets it happen, with a month of quiet behind each event so that the data can still tell one event from another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from recon.simulate.employer import (
    Credit,
    Line,
    Person,
    Unit,
    World,
    day_in,
    month_of,
    share_of,
    two_per_cent,
)


@dataclass(frozen=True)
class Event:
    """One thing that can happen to ``months`` neighbouring months (one of the given numbers)."""

    code: str
    weight: int
    months: tuple[int, ...] = (1,)
    needs: str = ""  # account, export, unique amount, treasury, proof, clock, ...; retiree: may befall one
    quiet: int = 1  # months without another event behind it


EVENTS = (
    Event("missing", 16, (1, 1, 1, 2), "account retiree"),
    Event("lump", 12, (2, 2, 3), "account retiree", quiet=2),
    Event("split", 6, needs="account"),
    Event("split_over", 3, needs="account", quiet=2),
    Event("late", 10, needs="account retiree", quiet=2),
    Event("late_far", 5, needs="account unique", quiet=3),
    Event("short", 9, needs="account export"),
    Event("duplicate", 6, needs="account export retiree", quiet=2),
    Event("duplicate_reversed", 3, needs="account export"),
    Event("reposted", 4, needs="account export", quiet=2),
    Event("extra", 5, needs="account export"),
    Event("unpaid", 8, (1, 1, 2)),
    Event("absent", 8, (1, 1, 2, 3)),
    Event("paid_late", 7, needs="clock", quiet=3),
    Event("back_pay", 7, (1, 2, 3), quiet=3),
    Event("refunded", 3),
    Event("double_pay", 5, needs="two units"),
    Event("not_allocated", 6, needs="account treasury"),
    Event("other_number", 4, (2, 3), "account shared"),
    Event("billed", 5, needs="proof"),
    Event("unsaid", 2),
    Event("deferred", 3, (2, 3), quiet=2),
    Event("old_base", 2, (2, 3), "account export fallen", quiet=2),
    Event("part_refunded", 3, (3, 4, 5), "account export", quiet=2),
)
DEDUCTION_PERCENT = 2  # of people: from some month on the account pays a premium
UNLISTED_PERCENT = 18  # of people with events: a month is paid and credited, and stands in no contribution file
QUIET_RATE, LOUD_RATE = 0.03, 1.6  # in a quiet unit and in the others
MUCH_NOISE = 20  # per cent from which there are no quiet units and no people without events
TOP_UP_MISSING, TOP_UP_LATE = 0.1, 0.2
STILL_OLD = 0.5  # at most so often a lowered base is not known at once to the office that credits
STILL_DEFERRED, DEFERRED_CREDITED = 0.45, 0.3  # nothing came yet; the employee's part did; else made good since
TORN_CHANCE, TORN_WIDE = 0.9, 0.5  # of single exports handed in: lines are missing; those of two credits
OVERDUE_CHANCE = 0.055  # per newest month and person of a quiet unit: nearly all colleagues must have theirs


def plant(world: World, noise: int) -> None:
    """Lines, credits and events of everybody. ``noise``: per cent of person-months that an event befalls."""
    world.noise = noise
    for person in world.people:
        _plant_person(world, person, _rate(person, noise))
    _plant_subsidies(world)


def _rate(person: Person, noise: int) -> float:
    """The share of a person's months that an event befalls: very unlike from person to person, unless there is much."""
    if noise > MUCH_NOISE:
        return noise / 100 * (0.8 + 0.2 * person.rate)
    return noise / 100 * person.rate * (QUIET_RATE if person.spells[0].unit.quiet else LOUD_RATE)


def _plant_person(world: World, person: Person, rate: float) -> None:
    normal = [
        Line(spell.unit, month, "normal", person.base[month],
             share_of(person.region, _base_known(person, spell.unit, month)),
             day_in(month + spell.unit.pays_next_month, 5 + world.random.randrange(14)))
        for spell in person.spells for month in range(spell.first, spell.last + 1)
    ]
    for line in normal:
        line.base = _base_known(person, line.unit, line.month)
        if not person.has_account:
            line.due_fen = 0
    _mark_doubles(person, normal)
    plain = [line for line in normal if not line.second]
    person.lines = list(normal)
    if person.retired_from is not None:
        plain += _retired(world, person)
    if person.region.annual:
        _annual(world, person, plain, rate)
        return
    deducts = (world.random.random() * 100 < DEDUCTION_PERCENT and not person.unit.quiet
               and not person.region.extra_per_mille)
    if plain and deducts and person.has_account and person.windows:
        start, fee = plain[len(plain) // 3].month, world.random.choice((300, 500, 700, 1000))
        for line in plain:
            if line.month >= start and line.kind == "normal":
                line.deducted = fee
                world.planted["deduction"] += 1
    _walk(world, person, plain, rate)
    _unlisted(world, person, plain, rate)
    _top_ups(world, person, plain)
    _elsewhere(world, person)
    _spend(world, person)
    _tear(world, person)


def _base_known(person: Person, unit: Unit, month: int) -> int:
    """The base a normal line states: the old one in July and August where the unit learns the new one in September."""
    if unit.tops_up and month % 12 in (6, 7) and not person.varying:
        return person.base.get(month - 1 - month % 12 + 6, person.base[month])
    return person.base[month]


def _mark_doubles(person: Person, lines: list[Line]) -> None:
    """Two spells that overlap: the newer unit's line of the month earns nothing.

    Unless the amount due is known of the newer one alone: then nobody could say what the older one earns.
    """
    seen: dict[int, Line] = {}
    for line in lines:
        older = seen.setdefault(line.month, line)
        known = [each.unit.profile.stated or each.month >= person.region.known_from for each in (older, line)]
        line.second = older is not line and known != [False, True]
        older.second |= older is not line and not line.second


def _retired(world: World, person: Person) -> list[Line]:
    assert person.retired_from is not None
    assert person.region.retiree_fen is not None
    made = []
    for month in range(max(person.retired_from, world.first - 3), month_of(world.as_of) + 1):
        age = (month - (person.born.year * 12 + person.born.month - 1)) // 12
        line = Line(person.unit, month, "retiree", 0, person.region.retiree_fen[age >= 70], day_in(month, 1))
        made.append(line)
    person.lines += made
    return made


# -------------------------------------------------------------------------------------------------- when credits come


def slot(world: World, person: Person, line: Line) -> int:
    """The month in which a line's credit usually comes."""
    if line.kind == "retiree":
        return line.month
    assert line.arrived is not None
    late = person.region.late_run and month_of(line.arrived) == world.late_run
    return _usual_slot(world, person, line) + late


def _usual_slot(world: World, person: Person, line: Line) -> int:
    """The same, if no run had come late."""
    at, region = month_of(line.arrived or day_in(line.month, 1)), person.region
    return at + (region.lag_after if region.lag_after is not None and at >= world.changed else region.lag)


def _in_time(line: Line) -> bool:
    """Whether its premium arrived when the unit's premiums do."""
    return line.arrived is not None and month_of(line.arrived) == line.month + line.unit.pays_next_month


def _posted(world: World, person: Person, month: int, later: int = 0) -> tuple[int, int]:
    """(month, day) of a run: the region's day with a little noise, moved behind the long holidays."""
    region = person.region
    day = region.day + world.random.randint(-region.spread, region.spread)
    if month % 12 == 9 and day < 9:  # the National Day holiday
        day = 8 + day % 3
    if month % 12 == 1 and 8 <= day <= 17:  # Spring Festival
        day = 18 + day % 2
    return month, min(max(day, 1) + later, 28)


def _credit(
    world: World, person: Person, month: int, fen: int, shares: list[tuple[Line, int]], *, later: int = 0,
    surplus: int | None = None, cause: str = "", name: int | None = None,
) -> Credit:
    credit = Credit(day_in(*_posted(world, person, month, later)), fen, shares, surplus=surplus, cause=cause)
    whole = len(shares) == 1 and shares[0][1] == fen
    if person.printed and (whole or name is not None):
        credit.printed = shares[0][0].month if name is None else name
    person.credits.append(credit)
    return credit


def net(line: Line) -> int:
    """What a line's credit is, less a premium the account pays."""
    return line.due_fen - line.deducted


# -------------------------------------------------------------------------------------------------------- the walk


def _walk(world: World, person: Person, lines: list[Line], rate: float) -> None:
    at, chance = 0, _start_chance(rate)
    weights = [event.weight for event in EVENTS]
    quiet = 1
    while at < len(lines):
        line = lines[at]
        if _stands_out(world, person, line):
            world.planted["missing"] += 1
            at += 1
            continue
        if quiet:
            quiet -= 1
        elif (fallen := _is_lower(person, lines, at) and world.random.random() < min(2 * rate, STILL_OLD)) or (
                world.random.random() < chance):
            event = OLD_BASE if fallen else world.random.choices(EVENTS, weights)[0]
            block = lines[at:at + world.random.choice(event.months)]
            if _possible(world, person, event, block, lines):
                _HAPPENS[event.code](world, person, block)
                world.planted[event.code] += len(block)
                at += len(block)
                quiet = event.quiet
                continue
        _as_usual(world, person, line)
        at += 1


def _stands_out(world: World, person: Person, line: Line) -> bool:
    """Whether one of the newest months of a quiet unit stays uncredited, while nearly all colleagues have it."""
    newest = line.kind == "normal" and line.month >= world.last - 3 and slot(world, person, line) <= world.last
    return (newest and line.unit.quiet and person.has_account and bool(person.windows)
            and world.random.random() < OVERDUE_CHANCE)


def _start_chance(rate: float) -> float:
    """The chance to start an event in a free month so that about ``rate`` of all months are in one.

    An event takes 1.4 months and is followed by 1.5 quiet ones; about one in six draws is not possible.
    """
    if rate <= 0:
        return 0.0
    free = max(1 - rate - rate / 1.4 * 1.5, 0.02)
    return min(rate / 1.4 / free / 0.82, 0.95)


OLD_BASE = next(event for event in EVENTS if event.code == "old_base")
_ALWAYS = ("unpaid", "absent", "refunded")  # whatever else is unclear: these speak of the contribution alone


_WHOLE = ("lump", "old_base", "part_refunded")  # fewer months than it takes are another event
_UNPROVED = ("billed", "unsaid", "deferred")  # another payment of the month would be all that is seen
_OF_ACCOUNTS = ("unpaid", "absent", "double_pay", "back_pay", "paid_late", "billed", "unsaid", "deferred")


def _possible(world: World, person: Person, event: Event, block: list[Line], lines: list[Line]) -> bool:
    """Whether an event can befall these months and still be told from others."""
    first = block[0]
    in_a_row = [line.month for line in block] == list(range(first.month, first.month + len(block)))
    if not in_a_row or len({(line.kind, line.unit.number) for line in block}) > 1:
        return False
    if event.code in _WHOLE and len(block) < min(event.months):
        return False
    if first.kind == "retiree" and "retiree" not in event.needs:
        return False
    unknown = person.region.extra_per_mille > 0 or (not first.unit.profile.stated and any(
        line.month <= person.region.known_from + 1 for line in block) and person.region.known_from > 0)
    if unknown and event.code not in (*_ALWAYS, "missing"):
        return False
    if any(line.deducted for line in block) and event.code not in (*_ALWAYS, "missing"):
        return False
    if not person.has_account and event.code in _OF_ACCOUNTS:
        return False
    if _near_a_change(world, person, block) and event.code not in _ALWAYS:
        return False
    if event.code in _UNPROVED and any(other.month == line.month and other is not line
                                       for line in block for other in person.lines):
        return False
    if event.code in ("absent", "back_pay", "paid_late") and _at_an_edge(world, block, lines):
        return False
    return _has_what_it_needs(world, person, event, block, lines)


def _near_a_change(world: World, person: Person, block: list[Line]) -> bool:
    """Whether the region's lag changes near these months, or its run is late."""
    if person.region.lag_after is not None and any(
            -4 <= month_of(line.arrived or day_in(line.month, 1)) - world.changed <= 2 for line in block):
        return True
    return person.region.late_run and any(abs(line.month - world.late_run) <= 3 for line in block)


def _has_what_it_needs(world: World, person: Person, event: Event, block: list[Line], lines: list[Line]) -> bool:
    profile, needs = block[0].unit.profile, event.needs
    alone = all(sum(other.due_fen == line.due_fen for other in lines) == 1 for line in block)
    return not (
        ("account" in needs and not person.has_account)
        or ("export" in needs and not person.windows)
        or ("unique" in needs and not (alone or (person.printed and block[0].kind == "normal")))
        or ("treasury" in needs and not profile.treasury)
        or ("proof" in needs and profile.format not in ("csv", "parquet"))
        or ("clock" in needs and not (profile.paid_on or profile.booked))
        or ("fallen" in needs and not _is_lower(person, lines, lines.index(block[0])))
        or ("two units" in needs and not _others(world, person))
        or ("shared" in needs and (not person.windows or person.windows[0].format != "backoffice"))
    )


def _at_an_edge(world: World, block: list[Line], lines: list[Line]) -> bool:
    """Whether the months lie at the beginning or end of a spell, or of the time."""
    before, behind = lines.index(block[0]) - 1, lines.index(block[-1]) + 1
    if before < 0 or behind >= len(lines) or block[-1].month + 4 > world.last:
        return True
    return (
        lines[behind].unit is not block[-1].unit or lines[before].unit is not block[0].unit
        or lines[behind].month != block[-1].month + 1 or lines[behind].kind == "retiree"
    )


def _is_lower(person: Person, lines: list[Line], at: int) -> bool:
    """Whether a base that changes once a year is lower from this month on, and the month before was as usual."""
    line, before = lines[at], lines[at - 1]
    return (at > 0 and not person.varying and line.kind == before.kind == "normal" and before.month == line.month - 1
            and before.unit is line.unit and 0 < net(line) < net(before)
            and any(credit.shares == [(before, net(before))] for credit in person.credits))


def _others(world: World, person: Person) -> list[Unit]:
    """A second unit that may pay a month once more by mistake."""
    alike = [unit for unit in world.units if unit.region is person.region
             and unit not in (person.spells[0].unit, person.unit)
             and (unit.profile.stated == person.unit.profile.stated or not person.region.known_from)]
    return alike[:1]


def _as_usual(world: World, person: Person, line: Line, later: int = 0) -> None:
    if net(line) > 0:
        _credit(world, person, slot(world, person, line), net(line), [(line, net(line))], later=later)


# ------------------------------------------------------------------------------------------------------- what happens


def _missing(world: World, person: Person, block: list[Line]) -> None:
    """Nothing comes."""


def _lump(world: World, person: Person, block: list[Line]) -> None:
    shares = [(line, net(line)) for line in block]
    _credit(world, person, slot(world, person, block[-1]), sum(map(net, block)), shares)


def _two(line: Line) -> tuple[int, int]:
    part = net(line) * 5 // 6
    return part, net(line) - part


def _split(world: World, person: Person, block: list[Line], over: int = 0) -> None:
    line = block[0]
    month, (part, rest) = slot(world, person, line), _two(line)
    _credit(world, person, month, part, [(line, part)])
    _credit(world, person, month + over, rest, [(line, rest)], later=5)


def _split_over(world: World, person: Person, block: list[Line]) -> None:
    _split(world, person, block, over=1)


def _late(world: World, person: Person, block: list[Line], by: int = 1) -> None:
    line = block[0]
    _credit(world, person, slot(world, person, line) + by, net(line), [(line, net(line))])


def _late_far(world: World, person: Person, block: list[Line]) -> None:
    _late(world, person, block, by=world.random.randint(2, 5))


def _short(world: World, person: Person, block: list[Line]) -> None:
    line = block[0]
    fen = net(line) - max(net(line) * world.random.randrange(5, 30) // 100 // 10 * 10 + 7, 107)
    _credit(world, person, slot(world, person, line), fen, [(line, fen)], name=line.month)


def _duplicate(world: World, person: Person, block: list[Line]) -> None:
    line = block[0]
    _as_usual(world, person, line)
    _credit(world, person, slot(world, person, line), net(line), [], later=4, surplus=line.month,
            cause="duplicate_credit", name=line.month)


def _duplicate_reversed(world: World, person: Person, block: list[Line]) -> None:
    line = block[0]
    first = _credit(world, person, slot(world, person, line), net(line), [(line, net(line))])
    again = Credit(first.posted + timedelta(days=1), net(line), cancelled=True, printed=first.printed,
                   surplus=line.month, cause="duplicate_credit")
    person.credits += [again, Credit(first.posted + timedelta(days=2), -net(line), kind="reversal", cancelled=True)]


def _reposted(world: World, person: Person, block: list[Line]) -> None:
    line = block[0]
    wrong = _credit(world, person, slot(world, person, line), net(line), [(line, net(line))])
    wrong.cancelled = True
    person.credits.append(Credit(wrong.posted + timedelta(days=1), -net(line), kind="reversal", cancelled=True))
    _late(world, person, block)


def _extra(world: World, person: Person, block: list[Line]) -> None:
    line = block[0]
    _as_usual(world, person, line)
    fen = world.random.randrange(1000, 4000) * 2 + 1
    _credit(world, person, slot(world, person, line), fen, [], later=3, surplus=line.month, cause="unknown_extra",
            name=line.month)


def _unpaid(world: World, person: Person, block: list[Line]) -> None:
    for line in block:
        line.paid, line.arrived = False, None


def _absent(world: World, person: Person, block: list[Line]) -> None:
    for line in block:
        person.lines.remove(line)


def _paid_late(world: World, person: Person, block: list[Line]) -> None:
    line = block[0]
    assert line.arrived is not None
    line.arrived = day_in(month_of(line.arrived) + world.random.randint(2, 3), 5 + world.random.randrange(4))
    _as_usual(world, person, line)


def _back_pay(world: World, person: Person, block: list[Line]) -> None:
    last = block[-1]
    assert last.arrived is not None
    day = day_in(month_of(last.arrived) + 1 + world.random.randrange(2), 5 + world.random.randrange(9))
    for line in block:
        line.kind, line.arrived = "back_pay", day
    if not sum(map(net, block)):
        return
    month = slot(world, person, last)
    if len(block) == 1 or world.random.random() < 0.7:
        _credit(world, person, month, sum(map(net, block)), [(line, net(line)) for line in block], later=5)
    else:
        for line in block:
            _as_usual(world, person, line, later=5)


def _refunded(world: World, person: Person, block: list[Line]) -> None:
    line = block[0]
    _as_usual(world, person, line)
    for kind in ("normal", "refund"):
        person.lines.append(Line(line.unit, line.month, kind, line.base, line.due_fen, line.arrived, netted=True))


def _double_pay(world: World, person: Person, block: list[Line]) -> None:
    line = block[0]
    _as_usual(world, person, line)
    other = _others(world, person)[0]
    person.lines.append(Line(other, line.month, "normal", line.base, line.due_fen, line.arrived, second=True))


def _not_allocated(world: World, person: Person, block: list[Line]) -> None:
    block[0].allocated = False


def _other_number(world: World, person: Person, block: list[Line]) -> None:
    for line in block:
        _as_usual(world, person, line)
        line.other_number = True
        person.doubles.append(person.credits.pop())


def _billed(world: World, person: Person, block: list[Line]) -> None:
    line = block[0]
    _as_usual(world, person, line)
    line.paid, line.proof, line.arrived = None, world.random.choice(("billed", "declared")), None


def _unsaid(world: World, person: Person, block: list[Line]) -> None:
    """The record says neither that nor when the premium arrived; the credit came."""
    line = block[0]
    _as_usual(world, person, line)
    line.paid, line.arrived = None, None


def _deferred(world: World, person: Person, block: list[Line]) -> None:
    """A deferral (缓缴): nothing came yet, or the employee's part did, or the payer has made it good since."""
    draw, last = world.random.random(), block[-1]
    assert last.arrived is not None
    day = day_in(month_of(last.arrived) + world.random.randint(2, 3), 5 + world.random.randrange(4))
    told = last.unit.profile.paid_on or last.unit.profile.booked
    for line in block:
        line.deferred = True
        if draw >= STILL_DEFERRED + DEFERRED_CREDITED and told and month_of(day) <= world.last:
            line.arrived = day
            continue
        if STILL_DEFERRED <= draw < STILL_DEFERRED + DEFERRED_CREDITED:
            _as_usual(world, person, line)
        line.paid, line.arrived = None, None
    if last.arrived:
        _credit(world, person, slot(world, person, last), sum(map(net, block)), [(line, net(line)) for line in block],
                later=4)


def _old_base(world: World, person: Person, block: list[Line]) -> None:
    """The base is lower; the office goes on crediting the old one, and nets that with the last month's credit."""
    *over, last = block
    old = next(net(line) for line in person.lines
               if line.month == block[0].month - 1 and line.kind == "normal" and line.unit is last.unit)
    for line in over:
        _credit(world, person, slot(world, person, line), old, [(line, old)])
    _net_off(world, person, over, last, sum(old - net(line) for line in over))


def _part_refunded(world: World, person: Person, block: list[Line]) -> None:
    """Bases were too high: the fund gives a part of the premiums back, and the account lacks it in a later credit."""
    over, between, last = block[:-3] or block[:1], block[-3:-1], block[-1]
    for line in between if len(block) > 3 else between[1:]:
        _as_usual(world, person, line)
    less = over[0].base * world.random.randrange(4, 20) // 100 // 5000 * 5000 + 2500  # not the sum of a deduction
    for line in over:
        whole = net(line)
        _credit(world, person, slot(world, person, line), whole, [(line, whole)])
        line.returned = two_per_cent(less)
        line.due_fen -= line.returned
        person.lines.append(Line(line.unit, line.month, "refund", less, line.returned, last.arrived, netted=True,
                                 in_part=True))
    _net_off(world, person, over, last, sum(line.returned for line in over))


def _net_off(world: World, person: Person, over: list[Line], last: Line, fen: int) -> None:
    came = net(last) - fen
    credit = _credit(world, person, slot(world, person, last), came, [(last, came)], name=last.month)
    credit.takes_back = over


_HAPPENS: dict[str, Callable[[World, Person, list[Line]], None]] = {
    "missing": _missing, "lump": _lump, "split": _split, "split_over": _split_over, "late": _late,
    "late_far": _late_far, "short": _short, "duplicate": _duplicate, "duplicate_reversed": _duplicate_reversed,
    "reposted": _reposted, "extra": _extra, "unpaid": _unpaid, "absent": _absent, "paid_late": _paid_late,
    "back_pay": _back_pay, "refunded": _refunded, "double_pay": _double_pay, "not_allocated": _not_allocated,
    "other_number": _other_number, "billed": _billed, "unsaid": _unsaid, "deferred": _deferred,
    "old_base": _old_base, "part_refunded": _part_refunded,
}


# -------------------------------------------------------------------------------------------------- more than a month


def _annual(world: World, person: Person, lines: list[Line], rate: float) -> None:
    """Shanghai: April to March at once on 1 July, a few in August."""
    groups: dict[int, list[Line]] = {}
    for line in lines:
        if world.random.random() < rate / 2:
            line.paid, line.arrived = False, None
            world.planted["unpaid"] += 1
            continue
        end = line.month + (2 - line.month % 12) % 12  # March
        groups.setdefault(end, []).append(line)
    for end, members in sorted(groups.items()):
        late = world.random.random() < rate / 3
        world.planted["annual_late"] += late * len(members)
        credit = Credit(day_in(end + 4 + late, 1), sum(line.due_fen for line in members),
                        [(line, line.due_fen) for line in members])
        if month_of(credit.posted) <= month_of(world.as_of):
            person.credits.append(credit)
    _spend(world, person)


def _unlisted(world: World, person: Person, lines: list[Line], rate: float) -> None:
    """A month whose line is missing from the contribution files, in a run of equal amounts credited one by one.

    All of the run is seen, and it is not the last: else its credit could be that of a month at an end of the run.
    """
    if world.random.random() * 100 >= UNLISTED_PERCENT or not rate or not person.has_account or not person.windows:
        return
    if _may_be_torn(person):
        return
    whole = {id(line) for line in lines if line.arrived for credit in person.credits
             if credit.shares == [(line, line.due_fen)] and not credit.cancelled
             and any(window.start <= credit.posted <= window.end for window in person.windows)
             and month_of(credit.posted) == slot(world, person, line)}
    twice = {credit.surplus for credit in person.credits}
    busy = Counter(month_of(credit.posted) for credit in person.credits if credit.shares and not credit.cancelled)
    found = []
    for before, line, behind in zip(lines, lines[1:], lines[2:], strict=False):
        run = [other for other in lines if other.due_fen == line.due_fen and other.paid and other in person.lines]
        plain = all(id(other) in whole and other.month not in twice for other in run)
        between = (
            all(each in run and each.kind == "normal" and each.unit is line.unit for each in (before, line, behind))
            and behind.month == before.month + 2 and line.due_fen != lines[-1].due_fen
        )
        known = (line.unit.profile.stated or before.month > person.region.known_from + 1) and not any(
            before.month <= other.month <= behind.month and other not in (before, line, behind)
            for other in person.lines)
        if (plain and between and known and _in_time(line) and busy[slot(world, person, line)] == 1
                and not _near_a_change(world, person, [line]) and line.month % 12 not in (6, 7)):
            found.append(line)
    if found:
        person.lines.remove(world.random.choice(found))
        world.planted["unlisted"] += 1


def _top_ups(world: World, person: Person, lines: list[Line]) -> None:
    """The difference of July and August, paid and credited once the new base is known."""
    if person.varying:
        return
    july = world.first + (6 - world.first % 12) % 12
    for start in range(july + 12 * (july == world.first), world.last - 2, 12):
        made = []
        for line in lines:
            if line.kind == "normal" and line.month in (start, start + 1) and line.paid and line in person.lines:
                more = person.base[line.month] - line.base
                if more > 0:
                    stated = line.due_fen + line.returned
                    due = (two_per_cent(person.base[line.month]) - stated) if person.has_account else 0
                    made.append(Line(line.unit, line.month, "top_up", more, due,
                                     day_in(start + 2, 15 + world.random.randrange(4))))
        made = [line for line in made if any(
            other.month == start + 2 and other.unit is line.unit and other.paid for other in lines)]
        if not made:
            continue
        person.lines += made
        world.planted["top_up"] += len(made)
        total = sum(line.due_fen for line in made)
        draw = world.random.random()
        if not total or draw < TOP_UP_MISSING:
            world.planted["top_up_missing"] += len(made) if total else 0
            continue
        _credit(world, person, slot(world, person, made[0]) + (draw < TOP_UP_MISSING + TOP_UP_LATE), total,
                [(line, line.due_fen) for line in made], later=6)


def _elsewhere(world: World, person: Person) -> None:
    """Credits through an employer whose contributions are not in the folder: before joining, after leaving."""
    own = [line for line in person.lines if line.kind == "normal" and not line.second]
    if not own or not person.has_account:
        return
    months: list[int] = []
    if person.joined_from_elsewhere:
        months += range(world.first - 2, min(line.month for line in own))
    if person.goes_on_elsewhere:
        months += range(max(line.month for line in own) + 1, world.last + 1)
    for month in months:
        stranger = Line(person.unit, month, "normal", 0, 0, day_in(month, 9))
        base, at = person.base.get(month, person.base[world.first]), slot(world, person, stranger)
        # In the usual place of one of the person's own months it is one too many there, unless it names its month.
        here = None if person.printed else next(
            (line for line in own if line.paid and _in_time(line) and _usual_slot(world, person, line) == at), None)
        fen = share_of(person.region, base)
        cause = "" if here is None else "duplicate_credit" if fen == here.due_fen else "unknown_extra"
        _credit(world, person, at, fen, [], name=month, surplus=here.month if here else None, cause=cause)


def _spend(world: World, person: Person) -> None:
    if not person.windows or not person.credits:
        return
    for month in range(world.first, month_of(world.as_of)):
        if world.random.random() < 0.3:
            person.spends.append((day_in(month, 1 + world.random.randrange(28)), 500 + world.random.randrange(6000)))


def _may_be_torn(person: Person) -> bool:
    """Whether the account has one export, handed in by the person, which prints balances."""
    return len(person.windows) == 1 and person.windows[0].format.startswith("grid")


def _tear(world: World, person: Person) -> None:
    """Lines of an export that a person handed in are left out, with the credit of a month or two; balances go on."""
    if not _may_be_torn(person) or world.random.random() >= TORN_CHANCE:
        return
    window = person.windows[0]
    days = sorted({day for day in [*(credit.posted for credit in person.credits), *(day for day, _ in person.spends)]
                   if window.start <= day <= window.end})
    too_many = {month_of(credit.posted) for credit in person.credits if not credit.shares or credit.cancelled}
    whole = [credit for credit in person.credits if credit.shares and credit.posted in days[1:-1]
             and not credit.cancelled and month_of(credit.posted) not in too_many]
    if not whole or person.region.annual:
        return
    first = world.random.choice(whole)
    behind = [credit.posted for credit in whole if credit.posted > first.posted]
    wide = behind and world.random.random() < TORN_WIDE
    person.torn = (first.posted, min(behind) if wide else first.posted)
    world.planted["torn"] += 1 + bool(wide)


def _plant_subsidies(world: World) -> None:
    """One unit in five: the same extra sum for everybody in one month."""
    for unit in world.units:
        if unit.number % 5 != 1 or unit.region.annual or unit.region.extra_per_mille:
            continue
        month, fen = world.first + 3 + world.random.randrange(world.last - world.first - 6), 20_000
        if unit.region.late_run and abs(month - world.late_run) <= 1:
            month += 3  # two months' credits come together there: in whose place it came could not be said
        for person in world.people:
            mine = [line for line in person.lines if line.unit is unit and line.month == month and line.paid
                    and line.kind == "normal" and not line.second and not line.netted]
            if len(mine) != 1 or not _in_time(mine[0]) or not person.has_account or not person.windows:
                continue
            usual = slot(world, person, mine[0])
            alone = all(line is mine[0] or line.arrived is None or slot(world, person, line) != usual
                        for line in person.lines)
            if alone and any(
                    credit.shares == [(mine[0], net(mine[0]))] and not credit.cancelled
                    and month_of(credit.posted) == usual for credit in person.credits):
                _credit(world, person, slot(world, person, mine[0]), fen, [], later=7, surplus=month, cause="subsidy",
                        name=month)
                world.planted["subsidy"] += 1
