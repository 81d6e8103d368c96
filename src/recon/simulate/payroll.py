"""A synthetic firm with every payroll leg: payslips, declarations, records of arrival, its bank, and what was planted.

One firm of several payers in five regions, an agency among them; people join, leave, change payer and get new bases in
July; each finding of the payroll legs (DESIGN section 7) is planted in people and months of its own, so that the truth
is known row by row. Nothing here asks the core. The same arguments give the same firm.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from random import Random

from recon.simulate.employer import day_in, last_day, resident_id

FIRST = 2024 * 12  # January 2024
MONTHS = 12
DEFERRED = 9  # the month whose employer part one unit defers
NEW_BASES = 6  # months after FIRST: bases change in July
PER_FINDING = 8
UNIT_PERCENT = 8
COMPANY = "示例集团"


@dataclass(frozen=True)
class Unit:
    """One payer: its number and name, where, how many of a hundred people, and when its payslips deduct."""

    number: str
    name: str
    region: str
    area: str
    city: str
    share: int
    offset: int  # accrual month less the month of the payslip
    flat: int = 0
    flat_beside: bool = False  # the flat sum is an item and a line of its own
    is_agency: bool = False
    shifts_at: int | None = None  # payslip month (from FIRST) at which the offset becomes ``offset`` + 1


UNITS = (
    Unit("91420100MA4KTEST11", "示例武汉有限公司", "420100", "420106", "武汉市", 30, 0, flat=700, flat_beside=True),
    Unit("91420100MA4KTEST12", "示例武汉光谷分公司", "420100", "420111", "武汉市", 16, 0, flat=700, flat_beside=True),
    Unit("91110105MA01TEST13", "示例北京分公司", "110000", "110105", "北京市", 20, 0, flat=300),
    Unit("91610100MA6UTEST14", "示例西安分公司", "610100", "610102", "西安市", 14, -1),
    Unit("91510100MA6CTEST15", "成都示例人力代理", "510100", "510107", "成都市", 8, 1, is_agency=True),
    Unit("91350200MA2YTEST16", "示例厦门分公司", "350200", "350203", "厦门市", 12, -1, shifts_at=6),
)


@dataclass
class Employee:
    """One made-up person, with the months of employment (from FIRST, both included)."""

    number: int
    id: str
    name: str
    unit: Unit
    first: int
    last: int
    joined: date | None
    left: date | None
    bases: tuple[int, int]  # fen, before and from July
    department: str
    planted: str = ""

    def base(self, month: int) -> int:
        """The base of a month in fen."""
        return self.bases[month >= NEW_BASES]


@dataclass
class Slip:
    """One payslip item; ``month`` is the month it is meant for, ``pay`` the month of the payslip."""

    who: Employee
    month: int
    pay: int
    item: str
    fen: int
    base: int | None = None
    region: str | None = None
    payer: str | None = None


@dataclass
class Line:
    """One contribution line of a leg: declared or arrived."""

    who: Employee
    unit: Unit
    month: int
    own: int
    firm: int
    base: int
    leg: str
    scheme: str = "310"
    kind: str = "normal"
    paid: bool = True
    paid_on: date | None = None
    booked: int | None = None
    deferred: bool = False
    late_fee: int = 0
    wage: int | None = None


@dataclass(frozen=True)
class Truth:
    """One row that should be found: of a person, or (``person`` empty) of a payer."""

    person: str
    payer: str
    month: int
    label: str
    cause: str


@dataclass
class Firm:
    """Everything about it."""

    random: Random
    people: list[Employee] = field(default_factory=list)
    slips: list[Slip] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    debits: list[tuple[Unit, date, int, str]] = field(default_factory=list)
    truth: list[Truth] = field(default_factory=list)
    as_of: date = date(2025, 2, 28)
    planted: Counter[str] = field(default_factory=Counter)

    def tell(self, who: Employee, month: int, label: str, cause: str) -> None:
        """Add a truth about a person."""
        self.truth.append(Truth(who.id, who.unit.number, month, label, cause))

    def tell_unit(self, unit: Unit, month: int, label: str, cause: str) -> None:
        """Add a truth about a payer."""
        self.truth.append(Truth("", unit.number, month, label, cause))


def own_part(base: int) -> int:
    """2% of a base, half-up to the fen."""
    return (base * 2 + 50) // 100


def make_firm(people: int = 500, seed: int = 1) -> Firm:
    """The firm, planted."""
    firm = Firm(Random(seed))
    _hire(firm, people)
    for who in firm.people:
        _employ(firm, who)
    plans = _plans()
    random = firm.random
    free = [who for who in firm.people if who.first == 0 and who.last == MONTHS - 1]
    random.shuffle(free)
    for name, plant in plans.items():
        wanted = PER_FINDING if people >= 300 else max(1, people * PER_FINDING // 500)
        done = 0
        for who in list(free):
            if done == wanted:
                break
            if plant(firm, who):
                who.planted = name
                free.remove(who)
                done += 1
        firm.planted[name] = done
    _pay(firm)
    return firm


# ------------------------------------------------------------------------------------------------------------- people


def _hire(firm: Firm, people: int) -> None:
    random = firm.random
    counts = [people * unit.share // 100 for unit in UNITS]
    counts[0] += people - sum(counts)
    number = 0
    for unit, count in zip(UNITS, counts, strict=True):
        for _ in range(count):
            born = date(1966 + number % 34, 1 + number % 12, 1 + number % 28)
            first, last = 0, MONTHS - 1
            joined: date | None = date(2015 + number % 8, 1 + number % 12, 1)
            left: date | None = None
            draw = random.random()
            if unit.shifts_at is not None and draw < 0.3:
                # What tells the offsets apart: many joined before the change.
                first = 2 + random.randrange(2)
                joined = day_in(FIRST + first, 1)
            elif draw < 0.08:  # joins on the first, whole months only
                first = 2 + random.randrange(7)
                joined = day_in(FIRST + first, 1)
            elif draw < 0.15:
                last = 3 + random.randrange(6)
                left = last_day(FIRST + last)
            if random.random() < 0.1:
                joined = None  # the roster does not say everything
            base = random.randrange(640, 2600) * 1000
            later = max(690_000, base * random.randrange(97, 112) // 100 // 1000 * 1000)
            if later == base:
                later += 1000
            firm.people.append(Employee(
                number, resident_id(unit.area, born, 100 + number // 34), f"测试{number:04d}", unit, first, last,
                joined, left, (base, later), f"{'甲乙丙丁'[number % 4]}部"))
            number += 1


def _pay_month(unit: Unit, month: int) -> int:
    """The payslip month that deducts for ``month``."""
    if unit.shifts_at is not None and month >= unit.shifts_at + unit.offset + 1:
        return month - unit.offset - 1
    return month - unit.offset


def _skipped(unit: Unit) -> int | None:
    """The month nobody of a unit was deducted for when its offset changed."""
    return None if unit.shifts_at is None else unit.shifts_at + unit.offset


def _employ(firm: Firm, who: Employee) -> None:
    """Payslips and lines of somebody with whom nothing is wrong."""
    for month in range(who.first, who.last + 1):
        _declare(firm, who, who.unit, month)
        if month != _skipped(who.unit):
            _deduct(firm, who, month)


def _deduct(firm: Firm, who: Employee, month: int, own: int | None = None) -> None:
    unit, base = who.unit, who.base(month)
    own = own_part(base) if own is None else own
    pay = _pay_month(unit, month)
    inside = unit.flat if unit.flat and not unit.flat_beside else 0
    firm.slips.append(Slip(who, month, pay, "medical", own + inside, base))
    if unit.flat_beside:
        firm.slips.append(Slip(who, month, pay, "flat", unit.flat))


def _declare(firm: Firm, who: Employee, unit: Unit, month: int) -> None:
    base = who.base(month)
    inside = unit.flat if unit.flat and not unit.flat_beside else 0
    own, firm_part = own_part(base) + inside, base * UNIT_PERCENT // 100
    for leg in ("declared", "arrived"):
        firm.lines.append(Line(who, unit, month, own, firm_part, base, leg))
        if unit.flat_beside:
            firm.lines.append(Line(who, unit, month, unit.flat, 0, base, leg, scheme="330"))


# ------------------------------------------------------------------------------------------------------------ findings

Plant = Callable[[Firm, Employee], bool]


def _month(firm: Firm, who: Employee, low: int = 2, high: int = MONTHS - 4) -> int:
    """A month away from the edges and from the change of bases; in a unit whose offset changes, after the change.

    Before it, a handful of odd payslips in one month could as well be the first of the new offset.
    """
    if who.unit.shifts_at is not None:
        return firm.random.randrange(who.unit.shifts_at + 1, DEFERRED)
    while True:
        month = firm.random.randrange(low, high)
        if month not in (NEW_BASES - 1, NEW_BASES):
            return month


def _slips(firm: Firm, who: Employee, month: int) -> list[Slip]:
    return [slip for slip in firm.slips if slip.who is who and slip.month == month]


def _lines(firm: Firm, who: Employee, month: int, *legs: str) -> list[Line]:
    return [line for line in firm.lines if line.who is who and line.month == month and line.leg in legs]


def _drop_lines(firm: Firm, who: Employee, month: int, *legs: str) -> None:
    firm.lines = [line for line in firm.lines if not (line.who is who and line.month == month and line.leg in legs)]


def _drop_slips(firm: Firm, who: Employee, month: int) -> None:
    firm.slips = [slip for slip in firm.slips if not (slip.who is who and slip.month == month)]


def _not_declared(firm: Firm, who: Employee) -> bool:
    month = _month(firm, who)
    _drop_lines(firm, who, month, "declared", "arrived")
    firm.tell(who, month, "deducted_not_declared", "agency" if who.unit.is_agency else "not_in_declaration")
    return True


def _agency_not_declared(firm: Firm, who: Employee) -> bool:
    return who.unit.is_agency and _not_declared(firm, who)


def _never_declared(firm: Firm, who: Employee) -> bool:
    if who.unit.is_agency or who.unit.shifts_at is not None:
        return False
    for month in range(MONTHS):
        _drop_lines(firm, who, month, "declared", "arrived")
        if 0 <= _pay_month(who.unit, month) < MONTHS:
            firm.tell(who, month, "deducted_not_declared", "never_declared")
    return True


def _no_deduction(firm: Firm, who: Employee) -> bool:
    month = _month(firm, who)
    for slip in _slips(firm, who, month):
        slip.fen = 0
    firm.tell(who, month, "declared_not_deducted", "no_deduction")
    return True


def _not_on_payroll(firm: Firm, who: Employee) -> bool:
    month = _month(firm, who)
    _drop_slips(firm, who, month)
    firm.tell(who, month, "declared_not_deducted", "not_on_payroll")
    return True


def _medical(firm: Firm, who: Employee, month: int) -> Slip:
    return next(slip for slip in _slips(firm, who, month) if slip.item == "medical")


def _rounding(firm: Firm, who: Employee) -> bool:
    """The payslip rounds to the jiao."""
    month = _month(firm, who)
    for line in _lines(firm, who, month, "declared", "arrived"):
        if line.scheme == "310":
            line.own += 3
            line.base += 150
    slip = _medical(firm, who, month)
    slip.base = (slip.base or 0) + 150
    firm.tell(who, month, "amount_differs", "rounding")
    return True


def _wrong_month(firm: Firm, who: Employee) -> bool:
    if who.unit.shifts_at is not None:
        return False
    month = _month(firm, who, 2, 5)
    slips = _slips(firm, who, month)
    if not slips or not _slips(firm, who, month + 1):
        return False
    for slip, other in zip(slips, _slips(firm, who, month + 1), strict=True):
        other.fen += slip.fen
        slip.fen = 0
    firm.tell(who, month, "amount_differs", "wrong_month")
    firm.tell(who, month + 1, "amount_differs", "wrong_month")
    return True


def _flat_sum(firm: Firm, who: Employee) -> bool:
    if not who.unit.flat:
        return False
    month = _month(firm, who)
    if who.unit.flat_beside:
        for slip in _slips(firm, who, month):
            if slip.item == "flat":
                slip.fen = 0
    else:
        _medical(firm, who, month).fen -= who.unit.flat
    firm.tell(who, month, "amount_differs", "flat_sum")
    return True


def _rate(firm: Firm, who: Employee) -> bool:
    month = _month(firm, who)
    slip = _medical(firm, who, month)
    slip.fen += (slip.base or 0) // 100 - own_part(slip.base or 0)
    firm.tell(who, month, "amount_differs", "rate")
    return True


def _base(firm: Firm, who: Employee) -> bool:
    month = _month(firm, who)
    slip = _medical(firm, who, month)
    other = (slip.base or 0) + 50_000
    slip.fen += own_part(other) - own_part(slip.base or 0)
    slip.base = other
    firm.tell(who, month, "amount_differs", "base")
    return True


def _odd_amount(firm: Firm, who: Employee) -> bool:
    month = _month(firm, who)
    _medical(firm, who, month).fen += 1711
    firm.tell(who, month, "amount_differs", "")
    return True


def _joiner(firm: Firm, who: Employee) -> bool:
    """Joined on the 20th: the payslip deducts the month, the declaration begins with the next."""
    month = _month(firm, who, 3)
    for early in range(month):
        _drop_lines(firm, who, early, "declared", "arrived")
        _drop_slips(firm, who, early)
    who.first, who.joined = month, day_in(FIRST + month, 20)
    _drop_lines(firm, who, month, "declared", "arrived")
    firm.tell(who, month, "joiner_leaver_edge", "joiner")
    return True


def _late_joiner(firm: Firm, who: Employee) -> bool:
    """Joined on the 5th and declared, the payslip deducts from the next month on; the roster says no day."""
    month = _month(firm, who, 3)
    for early in range(month):
        _drop_lines(firm, who, early, "declared", "arrived")
        _drop_slips(firm, who, early)
    who.first, who.joined = month, None
    _drop_slips(firm, who, month)
    firm.tell(who, month, "joiner_leaver_edge", "joiner")
    return True


def _leaver(firm: Firm, who: Employee) -> bool:
    """Left on the 12th: declared for the month, not deducted."""
    if who.unit.shifts_at is not None:
        return False
    month = _month(firm, who, 3, MONTHS - 5)
    for late in range(month + 1, MONTHS):
        _drop_lines(firm, who, late, "declared", "arrived")
        _drop_slips(firm, who, late)
    who.last, who.left = month, day_in(FIRST + month, 12)
    _drop_slips(firm, who, month)
    firm.tell(who, month, "joiner_leaver_edge", "leaver")
    return True


def _two_payers(firm: Firm, who: Employee) -> bool:
    if who.unit is not UNITS[0]:
        return False
    month = _month(firm, who, 4)  # the other unit is short in the month before
    _declare(firm, who, UNITS[1], month)
    firm.tell(who, month, "double_enrolment", "two_payers")
    return True


def _two_regions(firm: Firm, who: Employee) -> bool:
    if who.unit is not UNITS[2]:
        return False
    month = _month(firm, who)
    _declare(firm, who, UNITS[3], month)
    firm.tell(who, month, "double_enrolment", "two_regions")
    return True


def _resident_too(firm: Firm, who: Employee) -> bool:
    month = _month(firm, who)
    paid_on = day_in(FIRST + month, 9)
    firm.lines.append(Line(who, who.unit, month, 38000, 0, 0, "arrived", scheme="390", paid_on=paid_on))
    firm.tell(who, month, "double_enrolment", "two_schemes")
    return True


def _other_payer(firm: Firm, who: Employee) -> bool:
    """Payroll says the one payer, the declaration the other, for three months."""
    if who.unit is not UNITS[0]:
        return False
    month = _month(firm, who, 2, 4)
    for at in range(month, month + 3):
        for line in _lines(firm, who, at, "declared", "arrived"):
            line.unit = UNITS[1]
        firm.tell(who, at, "wrong_branch", "payer")
    return True


def _other_region(firm: Firm, who: Employee) -> bool:
    if who.unit is not UNITS[3]:
        return False
    month = _month(firm, who)
    for line in _lines(firm, who, month, "declared", "arrived"):
        line.unit = replace(UNITS[3], region="310000", city="上海市")
    for at in range(MONTHS):
        for slip in _slips(firm, who, at):
            slip.region = "西安市"
    firm.tell(who, month, "wrong_branch", "region")
    return True


def _top_up(firm: Firm, who: Employee, *, recovered: bool) -> Iterator[int]:
    """New bases hold from January, the difference is declared in October."""
    booked = 9
    for month in range(1, 4):
        own = own_part(20_000)
        for leg in ("declared", "arrived"):
            firm.lines.append(Line(who, who.unit, month, own, 1600, 20_000, leg, kind="top_up", booked=booked))
        yield month
    if recovered:
        firm.slips.append(Slip(who, booked, _pay_month(who.unit, booked), "top_up", 3 * own_part(20_000)))


def _top_up_kept(firm: Firm, who: Employee) -> bool:
    for month in list(_top_up(firm, who, recovered=False)):
        if 0 <= _pay_month(who.unit, month) < MONTHS:
            firm.tell(who, month, "top_up_not_recovered", "in_service")
    return True


def _top_up_of_leaver(firm: Firm, who: Employee) -> bool:
    if who.unit.shifts_at is not None:
        return False
    for late in range(6, MONTHS):
        _drop_lines(firm, who, late, "declared", "arrived")
        _drop_slips(firm, who, late)
    who.last, who.left = 5, last_day(FIRST + 5)
    for month in list(_top_up(firm, who, recovered=False)):
        firm.tell(who, month, "top_up_not_recovered", "leaver")
    return True


def _top_up_recovered(firm: Firm, who: Employee) -> bool:
    return bool(list(_top_up(firm, who, recovered=True)))


def _late_fee(firm: Firm, who: Employee) -> bool:
    month = _month(firm, who)
    firm.slips.append(Slip(who, month, _pay_month(who.unit, month), "late_fee", 1234))
    firm.tell(who, month, "late_fee_deducted", "")
    return True


def _below_floor(firm: Firm, who: Employee) -> bool:
    """Beijing's floor is known: a base below it, on payslip and declaration alike."""
    if who.unit is not UNITS[2]:
        return False
    for month in range(MONTHS):
        low = 400_000
        for line in _lines(firm, who, month, "declared", "arrived"):
            line.own += own_part(low) - own_part(line.base)
            line.firm, line.base = low * UNIT_PERCENT // 100, low
        for slip in _slips(firm, who, month):
            slip.fen += own_part(low) - own_part(slip.base or 0)
            slip.base = low
        firm.tell(who, month, "base_out_of_limits", "below_floor")
    return True


def _payroll_base(firm: Firm, who: Employee) -> bool:
    """The payslip prints another base than it deducts by."""
    month = _month(firm, who)
    slip = _medical(firm, who, month)
    slip.base = (slip.base or 0) + 80_000
    firm.tell(who, month, "base_differs", "payroll_base")
    return True


def _declared_wage(firm: Firm, who: Employee) -> bool:
    """The declared wage, within the limits, is above the declared base."""
    if who.unit is not UNITS[2]:
        return False
    month = _month(firm, who)
    for line in _lines(firm, who, month, "declared"):
        line.wage = line.base + 90_000
    firm.tell(who, month, "base_differs", "wage")
    return True


def _unpaid(firm: Firm, who: Employee) -> bool:
    if who.unit.is_agency:
        return False
    month = _month(firm, who)
    for line in _lines(firm, who, month, "arrived"):
        line.paid = False
    firm.tell(who, month, "declared_not_paid", "unpaid")
    return True


def _agency_unpaid(firm: Firm, who: Employee) -> bool:
    if not who.unit.is_agency:
        return False
    month = _month(firm, who)
    _drop_lines(firm, who, month, "arrived")
    firm.tell(who, month, "declared_not_paid", "agency")
    return True


def _not_recorded(firm: Firm, who: Employee) -> bool:
    if who.unit.is_agency:
        return False
    month = _month(firm, who)
    _drop_lines(firm, who, month, "arrived")
    firm.tell(who, month, "declared_not_paid", "not_in_record")
    return True


def _short_arrival(firm: Firm, who: Employee) -> bool:
    month = _month(firm, who)
    for line in _lines(firm, who, month, "arrived"):
        if line.scheme == "310":
            line.own -= 2000
    firm.tell(who, month, "declared_not_paid", "short")
    return True


def _late_alone(firm: Firm, who: Employee) -> bool:
    month = _month(firm, who)
    for line in _lines(firm, who, month, "arrived"):
        line.paid_on = day_in(FIRST + month + 3, 18)
    firm.tell(who, month, "paid_late", "")
    return True


def _refunded(firm: Firm, who: Employee) -> bool:
    """Declared twice by mistake, deducted twice, refunded by the fund, not returned on the payslip."""
    month = _month(firm, who)
    line = next(line for line in _lines(firm, who, month, "arrived") if line.scheme == "310")
    for leg in ("declared", "arrived"):
        firm.lines.append(replace(line, leg=leg, own=-line.own, firm=-line.firm, kind="refund",
                                  paid_on=day_in(FIRST + month + 2, 20)))
        firm.lines.append(replace(line, leg=leg, kind="back_pay"))
    slip = _medical(firm, who, month)
    firm.slips.append(replace(slip))
    firm.tell(who, month, "refund_due", "refund_not_returned")
    return True


def _returned(firm: Firm, who: Employee) -> bool:
    """The same, returned two months later: nothing to find."""
    if not _refunded(firm, who):
        return False
    told = firm.truth.pop()
    slip = _medical(firm, who, told.month)
    firm.slips.append(replace(slip, month=told.month + 2, pay=slip.pay + 2, item="refund", fen=-slip.fen, base=None))
    return True


def _plans() -> dict[str, Plant]:
    """Name -> what plants it, the choosy ones first."""
    return {plan.__name__.strip("_"): plan for plan in (
        _agency_not_declared, _agency_unpaid, _two_regions, _below_floor, _declared_wage, _other_region, _two_payers,
        _other_payer, _flat_sum, _never_declared, _not_declared, _no_deduction, _not_on_payroll, _rounding,
        _wrong_month, _rate, _base, _odd_amount, _joiner, _late_joiner, _leaver, _resident_too, _top_up_kept,
        _top_up_of_leaver, _top_up_recovered, _late_fee, _payroll_base, _unpaid, _not_recorded, _short_arrival,
        _late_alone, _refunded, _returned,
    )}


# ---------------------------------------------------------------------------------------------------------- the payers


def _pay(firm: Firm) -> None:
    """When premiums arrive, what the bank paid, and what is planted in whole units."""
    for line in firm.lines:
        if line.leg == "arrived" and line.paid_on is None:
            collected = line.month if line.booked is None else line.booked
            line.paid_on = day_in(FIRST + collected + 1, 12)
    wuhan, branch, beijing, xian, _, xiamen = UNITS
    _late_unit(firm, xian, 7)
    _frozen(firm, branch, 3)
    _deferred(firm, xiamen, DEFERRED)
    for unit in UNITS:
        # The agency pays from its own account, which the firm does not see.
        if unit.is_agency:
            continue
        for month in range(MONTHS):
            _debit(firm, unit, month)
    _change_debit(firm, wuhan, 2, -4321, "short")
    _change_debit(firm, wuhan, 4, 6000, "over")
    _change_debit(firm, beijing, 3, None, "no_debit")
    _extra_debit(firm, beijing, 8, 777_700, "", "no_declaration")
    _extra_debit(firm, xian, 7, 25_250, "滞纳金", "late_fee")
    _two_together(firm, beijing, 9, 10)
    for unit in UNITS:
        skipped = _skipped(unit)
        if skipped is not None:
            firm.tell_unit(unit, skipped, "declared_not_deducted", "offset_shift")


def _of_unit(firm: Firm, unit: Unit, month: int, leg: str) -> list[Line]:
    return [line for line in firm.lines if line.unit.number == unit.number and line.leg == leg and line.scheme != "390"
            and (line.month if line.booked is None else line.booked) == month and line.kind != "refund"]


def _late_unit(firm: Firm, unit: Unit, month: int) -> None:
    """A whole unit pays two months late, with a late fee."""
    for line in _of_unit(firm, unit, month, "arrived"):
        if line.paid and line.kind == "normal":
            line.paid_on = day_in(FIRST + month + 3, 10)
            if line.scheme == "310" and not any(
                one.person == line.who.id and one.month == month and one.label == "paid_late" for one in firm.truth
            ):
                firm.tell(line.who, month, "paid_late", "")


def _frozen(firm: Firm, unit: Unit, month: int) -> None:
    """The unit's debit is 3.00 short: nobody's premium is split."""
    for line in _of_unit(firm, unit, month, "arrived"):
        line.paid = False
        line.paid_on = None
    mine = {line.who.id for line in _of_unit(firm, unit, month, "declared")}
    firm.truth = [one for one in firm.truth if not (
        one.person in mine and one.month == month and one.label in ("declared_not_paid", "paid_late"))]
    firm.tell_unit(unit, month, "unit_not_fully_paid", "")


def _deferred(firm: Firm, unit: Unit, month: int) -> None:
    """The employer's part is deferred: the record says unpaid, with the code of a deferral."""
    for line in _of_unit(firm, unit, month, "arrived"):
        if line.kind == "normal":
            line.paid, line.paid_on, line.deferred = False, None, True
            if line.scheme == "310":
                told = ("declared_not_paid", "paid_late")
                firm.truth = [one for one in firm.truth if not (
                    one.person == line.who.id and one.month == month and one.label in told)]
                firm.tell(line.who, month, "deferred", "")


def _debit(firm: Firm, unit: Unit, month: int) -> None:
    arrived = _of_unit(firm, unit, month, "arrived")
    paid = sum(line.own + line.firm for line in arrived if line.paid)
    day = day_in(FIRST + month + 1, 12)
    late = [line.paid_on for line in arrived if line.paid and line.paid_on and line.kind == "normal"]
    if late and min(late) > day:
        day = min(late)
    if not paid:
        declared = sum(line.own + line.firm for line in _of_unit(firm, unit, month, "declared"))
        if any(line.deferred for line in arrived):
            return
        paid = declared - 300
    firm.debits.append((unit, day, paid, "医疗保险费扣款"))


def _change_debit(firm: Firm, unit: Unit, month: int, change: int | None, cause: str) -> None:
    day = day_in(FIRST + month + 1, 12)
    at = next(at for at, debit in enumerate(firm.debits) if debit[0] is unit and debit[1] == day)
    if change is None:
        del firm.debits[at]
    else:
        old = firm.debits[at]
        firm.debits[at] = (old[0], old[1], old[2] + change, old[3])
    firm.tell_unit(unit, month, "paid_differs_from_bank", cause)


def _extra_debit(firm: Firm, unit: Unit, month: int, fen: int, memo: str, cause: str) -> None:
    day = day_in(FIRST + month, 26)
    firm.debits.append((unit, day, fen, f"医疗保险费{memo}"))
    firm.tell_unit(unit, month, "paid_differs_from_bank", cause)


def _two_together(firm: Firm, unit: Unit, month: int, other: int) -> None:
    """Two months in one debit: nothing to find."""
    days = [day_in(FIRST + one + 1, 12) for one in (month, other)]
    mine = [debit for debit in firm.debits if debit[0] is unit and debit[1] in days]
    if len(mine) == 2:
        firm.debits = [debit for debit in firm.debits if debit not in mine]
        firm.debits.append((unit, days[1], sum(debit[2] for debit in mine), "医疗保险费扣款"))
