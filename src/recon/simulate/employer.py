"""The synthetic employer: regions, units that pay, people with their spells and wages.

Months are whole numbers (year * 12 + month - 1). Everything is drawn from one seeded source, person by person.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from random import Random

FIRST_MONTH = 2023 * 12 + 6  # July 2023: after the reforms of the regions below, before the national 2% rule
UNIT_SIZE = 250
NEVER = 10**6


@dataclass(frozen=True)
class Region:
    """How a region credits accounts, and what is publicly known of its rule."""

    code: str
    area: str  # first six digits of made-up IDs
    name: str
    share: int  # of a hundred people
    lag: int
    day: int  # usual day of the credit
    spread: int
    tolerance: int
    flat_fen: int = 0  # paid with the employee's part, never credited
    known_from: int = 0  # month from which the 2% rule is known where an export does not state the credited sum
    annual: bool = False
    lag_after: int | None = None  # the usual lag after two thirds of the time
    late_run: bool = False  # one month's run comes a month late for everybody
    learnable: bool = False  # the schedule is of low confidence: a steady other lag is believed
    tiers: tuple[str, ...] = ()
    shipped: bool = True  # whether a policy file of recon's own knows its name; exports of others give the code
    extra_per_mille: int = 0  # credited of the base beyond 2%, whatever the policy table says
    retiree_fen: tuple[int, int] | None = None  # below 70, from 70


_NATIONAL = 2024 * 12 + 3
REGIONS = (
    Region("420100", "420106", "武汉市", 27, 1, 12, 2, 3, flat_fen=700, late_run=True, retiree_fen=(8335, 8335)),
    Region("110000", "110105", "北京市", 20, 1, 4, 1, 2, flat_fen=300, retiree_fen=(9700, 10700)),
    Region("440300", "440305", "深圳市", 17, 0, 24, 2, 2, learnable=True,
           tiers=("一档", "一档", "一档", "二档", "三档")),
    Region("310000", "310101", "上海市", 8, 1, 1, 0, 1, annual=True),
    Region("610100", "610102", "西安市", 15, 1, 20, 3, 3, known_from=_NATIONAL, lag_after=2, learnable=True),
    Region("140200", "140202", "大同市", 10, 1, 15, 2, 3, known_from=_NATIONAL, shipped=False),
    Region("130200", "130202", "唐山市", 3, 1, 17, 2, 3, known_from=_NATIONAL, extra_per_mille=5, shipped=False),
)
TELLING = 50  # people of a region from which on its credits show a rule of their own; fewer have the table's


@dataclass(frozen=True)
class Profile:
    """Which columns a unit's contribution export has."""

    format: str  # portal | national | city | parquet | csv
    paid_on: bool
    booked: bool
    stated: bool  # the credited sum
    treasury: bool = False


PROFILES = (
    Profile("portal", paid_on=False, booked=True, stated=True), Profile("national", True, True, True, treasury=True),
    Profile("portal", paid_on=True, booked=True, stated=False), Profile("city", True, False, True),
    Profile("parquet", True, False, True, treasury=True), Profile("portal", False, False, True),
    Profile("csv", True, True, False, treasury=True), Profile("portal", False, True, False),
)
UNSTATED = tuple(profile for profile in PROFILES if not profile.stated)


@dataclass(frozen=True)
class Window:
    """What a flow export covers and says of it."""

    start: date
    end: date
    basis: str  # stated | exported | declared | none
    format: str  # backoffice | csv | parquet | grid_csv | grid_xlsx
    printed: bool = False  # credits name the month they are for


@dataclass
class Unit:
    """One paying unit in one region."""

    number: int
    region: Region
    profile: Profile
    window: Window
    pays_next_month: bool
    tops_up: bool  # the new base is known in September, the difference is paid then

    @property
    def quiet(self) -> bool:
        """Hardly anything happens here, so that one person's wait stands out among colleagues."""
        return self.number % 3 == 2

    @property
    def payer(self) -> str:
        """Its number at the insurer."""
        return f"{self.region.area}{self.number:05d}"

    @property
    def name(self) -> str:
        """Its made-up name."""
        return f"示例第{self.number}公司"


@dataclass
class Spell:
    """Months paid by one unit, first to last."""

    unit: Unit
    first: int
    last: int


@dataclass
class Person:
    """One made-up person; lines and credits are planted by :mod:`recon.simulate.events`."""

    number: int
    id: str
    name: str
    born: date
    region: Region
    spells: list[Spell]
    base: dict[int, int]  # fen, by month
    varying: bool
    tier: str
    windows: list[Window]  # exports of the account; empty: none
    rate: float  # of events: 0 none, 1 the mean, 2 twice as many
    in_roster: bool = True
    retired_from: int | None = None
    stops: bool = False  # still employed, but lines stop
    joined_from_elsewhere: bool = False
    goes_on_elsewhere: bool = False
    lines: list[Line] = field(default_factory=list)
    credits: list[Credit] = field(default_factory=list)
    spends: list[tuple[date, int]] = field(default_factory=list)
    cover: list[tuple[date, date, bool]] = field(default_factory=list)  # from, to, end known from lines only
    doubles: list[Credit] = field(default_factory=list)  # credits under another number
    torn: tuple[date, date] | None = None  # the lines of these days are not in the export; its balances show it

    @property
    def has_account(self) -> bool:
        """Whether the tier has a personal account."""
        return self.tier in ("", "一档")

    @property
    def unit(self) -> Unit:
        """The newest unit."""
        return self.spells[-1].unit

    @property
    def printed(self) -> bool:
        """Whether every export names the month a credit is for."""
        return bool(self.windows) and all(window.printed for window in self.windows)


@dataclass
class Line:
    """One contribution line, or one month of a retiree."""

    unit: Unit
    month: int
    kind: str  # normal | back_pay | top_up | refund | retiree
    base: int
    due_fen: int
    arrived: date | None
    paid: bool | None = True
    proof: str = "fund_record"
    allocated: bool = True
    second: bool = False  # paid again by another unit, earns nothing
    netted: bool = False  # a refund and what it refunds
    returned: int = 0  # fen of the due that a later refund of a part took back; the line itself still states them
    in_part: bool = False  # a refund of a part: the flat sum stays
    deferred: bool = False  # the premium is put off (缓缴), whether it has been made good since or not
    deducted: int = 0  # a premium the account pays each month
    other_number: bool = False


@dataclass
class Credit:
    """One line of income of an account; shares say which lines it pays, surplus the month it is too much for."""

    posted: date
    fen: int
    shares: list[tuple[Line, int]] = field(default_factory=list)
    kind: str = "credit"
    surplus: int | None = None
    cause: str = ""
    cancelled: bool = False
    printed: int | None = None
    takes_back: list[Line] = field(default_factory=list)  # what came too much for these is lacking here


@dataclass
class World:
    """Everything about one synthetic employer."""

    random: Random
    seed: int
    first: int
    last: int
    as_of: date
    units: list[Unit]
    people: list[Person]
    planted: Counter[str] = field(default_factory=Counter)
    noise: int = 0  # per cent of person-months that were to be in an event
    late_run: int = NEVER
    changed: int = NEVER


def month_of(day: date) -> int:
    """The number of a day's month."""
    return day.year * 12 + day.month - 1


def day_in(month: int, day: int) -> date:
    """A day of a month; past its end is its last day."""
    first = date(month // 12, month % 12 + 1, 1)
    return min(first + timedelta(days=day - 1), last_day(month))


def last_day(month: int) -> date:
    """The last day of a month."""
    return date((month + 1) // 12, (month + 1) % 12 + 1, 1) - timedelta(days=1)


def two_per_cent(base: int) -> int:
    """2% of a base, half-up to the fen."""
    return (base * 2 + 50) // 100


def share_of(region: Region, base: int) -> int:
    """What a region credits of a base: 2%, and where it has a rule of its own the extra share, each half-up."""
    return two_per_cent(base) + (base * region.extra_per_mille + 500) // 1000


def resident_id(area: str, born: date, order: int) -> str:
    """A made-up ID with a valid check digit."""
    body = f"{area}{born:%Y%m%d}{order:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 11]


def hire(people: int, months: int, seed: int) -> World:
    """The employer with its people; nothing is planted yet."""
    if people < 1 or not 12 <= months <= 60:
        message = "at least 1 person and 12 to 60 months"
        raise ValueError(message)
    random = Random(seed)
    first, last = FIRST_MONTH, FIRST_MONTH + months - 1
    as_of = day_in(last + 1, 25)
    counts = [people * region.share // 100 for region in REGIONS]
    counts[0] += people - sum(counts)
    world = World(random, seed, first, last, as_of, [], [], late_run=first + months // 2,
                  changed=first + months * 2 // 3)
    number = 0
    for plain, count in zip(REGIONS, counts, strict=True):
        region = plain if count >= TELLING else replace(plain, extra_per_mille=0)
        units = [_unit(world, region, len(world.units) + index, index) for index in range(max(2, count // UNIT_SIZE))]
        world.units += units
        for index in range(count):
            world.people.append(_person(world, number, region, units, units[index % len(units)]))
            number += 1
    return world


def _unit(world: World, region: Region, number: int, index: int) -> Unit:
    profile = PROFILES[(number + index) % len(PROFILES)]
    if region.annual:
        profile = PROFILES[(0, 1, 3, 4)[index % 4]]
    if region.extra_per_mille:
        profile = UNSTATED[index % len(UNSTATED)]
    can_shift = (profile.paid_on or profile.booked) and region.lag > 0 and not region.annual
    tops_up = number % 3 == 1 and not region.annual and not region.extra_per_mille
    return Unit(number, region, profile, _shared_window(world, number, region),
                pays_next_month=can_shift and number % 5 == 4, tops_up=tops_up)


def _shared_window(world: World, number: int, region: Region) -> Window:
    """The export of most people's accounts of a unit: whole, late to start, early to end; dated or not."""
    start, end = day_in(world.first - 2, 1), world.as_of
    if number % 7 == 3:
        start = day_in(world.first + 4, 1 if number % 2 else 15)
    if number % 7 == 5:
        end = day_in(world.last - 3, 28 if number % 2 else 17)
    basis = ("stated", "exported", "stated", "none", "declared")[number % 5]
    layout = ("backoffice", "csv", "parquet")[number % 3] if basis != "declared" else "csv"
    if basis in ("stated", "exported"):
        layout = "backoffice"
    return Window(start, end, basis, layout, printed=number % 6 == 2 and region.lag > 0 and not region.annual)


def _person(world: World, number: int, region: Region, units: list[Unit], unit: Unit) -> Person:
    random = world.random
    retired = region.retiree_fen is not None and random.random() < 0.08
    born = date(1946 if retired else 1966, 1, 1) + timedelta(days=(number * 7) % (4800 if retired else 12400))
    order = 100 + number // (600 if retired else 1700)
    person = Person(
        number, resident_id(region.area, born, order), f"测试{number:05d}", born, region, [], {},
        varying=random.random() < 0.15 and not region.annual,
        tier=random.choice(region.tiers) if region.tiers else "", windows=[], rate=random.choice((0.0, 1.0, 2.0)),
        in_roster=retired or bool(region.tiers) or random.random() < 0.9,
    )
    _spells(world, person, unit, units, retired=retired)
    _bases(world, person)
    _windows(world, person, retired=person.retired_from is not None)
    return person


def _spells(world: World, person: Person, unit: Unit, units: list[Unit], *, retired: bool) -> None:
    """Who pays from when to when."""
    random, first, last = world.random, world.first, world.last
    months = last - first + 1
    other = units[(units.index(unit) + 1) % len(units)]
    draw = random.random()
    if retired:
        person.retired_from = first - 40 if draw < 0.75 else first + months // 3 + random.randrange(months // 3)
        person.spells = [Spell(unit, first, person.retired_from - 1)]
    elif person.region.annual:
        person.spells = [Spell(unit, first - first % 12 + 3 - 12 * (first % 12 < 3), last)]  # from an April on
    elif draw < 0.70:
        person.spells = [Spell(unit, first, last)]
    elif draw < 0.82:
        person.spells = [Spell(unit, first + 2 + random.randrange(months - 8), last)]
        person.joined_from_elsewhere = random.random() < 0.5
    elif draw < 0.91:
        person.spells = [Spell(unit, first, last - 2 - random.randrange(months - 8))]
        person.goes_on_elsewhere = random.random() < 0.3
    elif draw < 0.97:
        change = first + 3 + random.randrange(months - 6)
        gap = random.choice((0, 0, 0, 1, -1))  # -1: both pay one month
        person.spells = [Spell(unit, first, change), Spell(other, change + 1 + gap, last)]
    else:
        person.spells = [Spell(unit, first, last - 2 - random.randrange(5))]
        person.stops = person.in_roster = True


def _bases(world: World, person: Person) -> None:
    """A base that changes each July, or each month."""
    random = world.random
    base = random.randrange(400, 2600) * 1000
    for month in range(world.first - 12, world.last + 1):
        if month % 12 == 6 and month > world.first:
            base = max(400_000, base * random.randrange(94, 114) // 100 // 1000 * 1000)
        person.base[month] = base
        if person.varying:
            person.base[month] = base + random.randrange(-60, 60) * 1000 + (month % 7) * 100


def _windows(world: World, person: Person, *, retired: bool) -> None:
    """The exports of the account: most in the unit's file, some handed in by the person, some none."""
    random, unit = world.random, person.spells[0].unit
    draw = random.random()
    own = draw < 0.06 and world_cap(person.number)
    if (draw >= 0.88 or (unit.number % 11 == 7 and not own)) and not retired:
        return  # some hand nothing in, and of a unit in eleven the whole file is missing
    if not own:
        person.windows = [unit.window]
        return
    start = day_in(world.first - 2 + (random.randrange(6) if random.random() < 0.3 else 0), 1)
    end = world.as_of if random.random() < 0.6 else day_in(world.last - random.randrange(5), 20 + random.randrange(9))
    basis = random.choice(("stated", "stated", "exported", "none"))
    layout = random.choice(("grid_csv", "grid_xlsx"))
    printed = unit.window.printed
    if random.random() < 0.25:
        middle = (month_of(start) + month_of(end)) // 2
        person.windows = [Window(start, day_in(middle + 1, 28), basis, layout, printed),
                          Window(day_in(middle, 1), end, basis, "grid_csv", printed)]
    else:
        person.windows = [Window(start, end, basis, layout, printed)]


def world_cap(number: int) -> bool:
    """Whether a person may hand in a file of their own: not everybody of a large employer does."""
    return number % 10_000 < 3000
