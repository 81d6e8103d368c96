"""Where a whole region's or payer's credits come later or earlier than usual from some month on: nobody's own doing.

A month without credits for nearly everybody delays all that follow, one with two for everybody takes the last delay
back; a month that is never made up for may as well be one that nobody got. People are counted in parts and added up
(:func:`month_shares`); of the courses that can be read from the counts the one that most amounts fit is believed, and
only if they are more than fit without any (:func:`fits`).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, groupby
from typing import NamedTuple

import polars as pl

from recon.core import months
from recon.core.lag_lines import MAX_LEARNED_LAG, before_deductions, plain_lines, prints
from recon.core.lags import COHORT_PEOPLE, NOTES
from recon.core.rounded import UNITS_FEN
from recon.policy import Policy
from recon.tables import ACCOUNT

# A run that comes late for all: so many have nothing of it in its month, and so many have two of them in the next. The
# rest are people whose month holds something of its own: an older month that was late, a duplicate, a subsidy.
RUN_WITHOUT_PERCENT = 75
RUN_TWICE_PERCENT = 60
_EMPTY = pl.col("without") * 100 >= pl.col("people") * RUN_WITHOUT_PERCENT
# A delay that lasts is believed only if more lines fit it, as many as so many of the people: chance makes a few.
LASTING_PERCENT = 25
# Of fewer people more must: a month that they lacked, and one sum to the end, show a longer lag as well.
FEW_PEOPLE, FEW_LASTING_PERCENT = 10, 60
PAYER_TURN_PEOPLE = 5  # so many people of one payer may show a course of their own
# One that begins with another lag than the usual, or the typical, must explain so much more. Where sums are the same
# month after month, the ends of the exports make one more line fit for everybody, and none lack its credit, if a month
# that nobody got is taken for the begin of a longer lag; a credit that all got twice, if it is taken for a shorter one.
SHORTER_START_PERCENT = 200
LONGER_START_PERCENT = 100
# A region's new lag moves what is due once it has lasted so many months (one that it had at first is what was due until
# then); it is expected to go on for so many more.
LASTING_MONTHS = 3
FORESEEN_MONTHS = 12
# A month that nobody of a cohort got is one event, though each of its people lacks a credit.
HOLE_PERCENT = 50
LATELY = 3  # lines whose largest amount a credit is held against that may be several months'
MOST_HOLES = 4  # empty months of which each may be one that nobody got or the begin of a delay

SHIFT = {"region": pl.String, "scheme": pl.String, "payer": pl.String, "arrival": pl.Int32, "shift": pl.Int32,
         "lasts": pl.Boolean, "lasting": pl.Int32}
# lasting: the shift of what is due, that of the months around where a run of its own was late; null where none lasts.
# way: number of a cohort's course, 0 what holds without one; start: the lag that shift counts from; percent: how many
# more lines must fit, in hundredths of the people; hole: whether nearly nobody got anything in that arrival's month.
_COURSE = {**SHIFT, "way": pl.Int32, "start": pl.Int32, "hole": pl.Boolean, "people": pl.Int64, "percent": pl.Int32}

_COUNTS = ["people", "without", "twice", "thrice", "idle", "paired"]
# What is counted of a course (see :func:`fits`).
FITS = ("lines", "lacking", "nobodys", "over")
_Month = tuple[int, int, int, int, int, int, int]  # month and _COUNTS


def month_shares(lines: pl.DataFrame, credit: pl.DataFrame) -> pl.DataFrame:
    """region, scheme, payer, month, people, without, twice, thrice: accounts whose credits span the month, and how.

    idle, paired: for how many of them no premium arrived in the month, because it did later, or two and more. ends,
    ends_twice: accounts whose last credit is of the month, and those that have two then.
    """
    lone = _lone_lines(lines)
    least = _payers(lone)
    # A top-up for all is no second month: what is far less than a month's credit is not counted. More than any month's,
    # rounded up to the yuan, is a credit of several.
    fen = pl.col("net_fen")
    several = (fen >= pl.col("most") + UNITS_FEN[-1]) | (fen * 2 >= pl.col("lately") * 3).fill_null(value=False)
    worth = pl.when(several).then(pl.max_horizontal(fen // pl.col("most"), 2)).otherwise(
        (fen * 2 >= pl.col("least")).cast(pl.Int64))
    # After a rule or a base has made credits smaller two months together may be no more than one was before.
    lately = lone.select(*ACCOUNT, pl.col("arrival").cast(pl.Int32).alias("month"), "expected_fen").sort(
        *ACCOUNT, "month").with_columns(
        pl.col("expected_fen").rolling_max(LATELY, min_samples=1).over(ACCOUNT).alias("lately")).drop("expected_fen")
    counts = credit.select(*ACCOUNT, pl.col("month").cast(pl.Int32), "net_fen").join(
        least.select(*ACCOUNT, "least", "most"), on=ACCOUNT, how="left"
    ).sort("month").join_asof(
        lately.sort("month"), on="month", by=ACCOUNT, check_sortedness=False
    ).group_by([*ACCOUNT, "month"]).agg(pl.len().alias("n"), worth.sum().alias("whole"))
    spans = counts.group_by(ACCOUNT).agg(
        pl.col("month").min().alias("first"), pl.col("month").max().alias("last")
    ).join(least, on=ACCOUNT).filter(pl.col("last") - pl.col("first") >= 5)
    inside = spans.with_columns(
        pl.int_ranges(pl.col("first") + 1, pl.col("last") + 1, dtype=pl.Int32).alias("month")
    ).explode("month").join(counts, on=[*ACCOUNT, "month"], how="left").join(
        _odd_arrivals(plain_lines(lines)), on=[*ACCOUNT, "month"], how="left")
    ends = pl.col("month") == pl.col("last")
    return inside.group_by("region", "scheme", "payer", "month").agg(
        (~ends).sum().alias("people"), pl.col("n").is_null().sum().alias("without"),
        (~ends & (pl.col("whole") >= 2)).sum().alias("twice"), (~ends & (pl.col("whole") >= 3)).sum().alias("thrice"),
        (~ends & (pl.col("arrived") == 0)).sum().alias("idle"),
        (~ends & (pl.col("arrived") >= 2)).sum().alias("paired"),
        ends.sum().alias("ends"), (ends & (pl.col("whole") >= 2)).sum().alias("ends_twice"),
    )


def _odd_arrivals(plain: pl.DataFrame) -> pl.DataFrame:
    """The account, month, arrived: in which two premiums arrived, or none of a line whose own came later than others'.

    A month without any line says nothing: its premium and credit may have come.
    """
    own = (pl.col("month") + (pl.col("arrival") - pl.col("month")).min().over(ACCOUNT)).cast(pl.Int32)
    placed = plain.select(*ACCOUNT, pl.col("arrival").cast(pl.Int32), own.alias("own"))
    arrived = placed.group_by(*ACCOUNT, pl.col("arrival").alias("month")).agg(pl.len().cast(pl.Int64).alias("arrived"))
    late = placed.filter(pl.col("arrival") > pl.col("own")).select(*ACCOUNT, pl.col("own").alias("month")).unique()
    none = late.join(arrived, on=[*ACCOUNT, "month"], how="anti").with_columns(pl.lit(0, pl.Int64).alias("arrived"))
    return pl.concat([none, arrived.filter(pl.col("arrived") >= 2)])


def courses(shares: pl.DataFrame, lag: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """Each region's courses (:data:`_COURSE`, payer null) that can be read from everybody's shares.

    way 0 is the lag learned of it throughout; a region whose months show no turn has no row.
    """
    shares = shares.group_by("region", "scheme", "month").agg(pl.col(_COUNTS).sum()).filter(
        pl.col("people") >= COHORT_PEOPLE).sort("region", "scheme", "month")
    frames = [pl.DataFrame(schema=_COURSE)]
    for cohort, months_of in shares.group_by("region", "scheme", maintain_order=True):
        region, scheme = (str(part) for part in cohort)
        if policy.schedule(region).kind == "annual":
            continue
        usual = _usual_lag(lag, region, scheme, policy)
        counts = months_of.select("month", *_COUNTS).rows()
        steady = _Way(usual, 0, [(arrival, 0) for arrival in _arrivals(counts)])
        ways = [steady, *_ways(counts, (usual,), (usual, policy.schedule(region).typical), [steady])]
        frames += _course(region, scheme, None, ways, counts)
    return pl.concat(frames)


def nobodys(shares: pl.DataFrame, lag: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """region, scheme, payer, month: in which nearly none of a payer's people got any, and nothing made it up.

    lag: the lags learned, of payers or of all of a region; what was due then counts from them.
    """
    key = ["region", "scheme", "payer"]
    asked = shares.filter(pl.col("payer").is_not_null() & (pl.col("people") >= COHORT_PEOPLE)).sort(*key, "month")
    empty = asked.filter(_EMPTY).select(key).unique()
    told = {(region, scheme, payer): learned for region, scheme, payer, learned in lag.rows()}
    found = []
    for cohort, months_of in asked.join(empty, on=key, how="semi").group_by(key, maintain_order=True):
        region, scheme, payer = (str(part) for part in cohort)
        usual = told.get((region, scheme, payer), _usual_lag(lag, region, scheme, policy))
        alone = _never_made_up(months_of.select("month", *_COUNTS).rows(), usual)
        found += [(*cohort, month) for month in sorted(alone)]
    return pl.DataFrame(found, schema={**dict.fromkeys(key, pl.String), "month": pl.Int32}, orient="row")


def fits(lines: pl.DataFrame, credit: pl.DataFrame, cover: pl.DataFrame, course: pl.DataFrame) -> pl.DataFrame:
    """region, scheme, way, lines, lacking, nobodys, over: how many lines have their amount in their month.

    course: of :func:`courses`. lines: those whose amount came, or what a deduction seen again and again leaves of it.
    lacking: those whose did not, though their month is covered (``cover``: of
    :func:`recon.core.cover.flow_cover`); nobodys: as many whose month is one in which nearly nobody got anything. over:
    credits between the first line's and the last one's that no line explains.
    """
    return _fitting(_lone_lines(lines, "month"), credit, cover, course, ["region", "scheme"])


def _fitting(
    lone: pl.DataFrame, credit: pl.DataFrame, cover: pl.DataFrame, course: pl.DataFrame, cohort: list[str]
) -> pl.DataFrame:
    """``cohort``, way, lines, lacking, nobodys, over (see :func:`fits`)."""
    came = before_deductions(
        lone.select(*ACCOUNT, pl.col("arrival").alias("at"), pl.col("expected_fen").alias("fen")),
        credit.join(lone.select(ACCOUNT).unique(), on=ACCOUNT, how="semi").select(
            *ACCOUNT, pl.col("month").alias("at"), pl.col("net_fen").alias("fen"), prints()),
    ).select(*ACCOUNT, pl.col("at").alias("month"), pl.col("fen").alias("expected_fen"), "prints")
    spans = cover.group_by("person_id", "region").agg(
        months.index_of(pl.col("from").min()).alias("_from"),
        (months.index_of(pl.col("to").max().dt.offset_by("1d")) - 1).alias("_to"))
    placed = lone.join(course, on=[*cohort, "arrival"]).select(
        *dict.fromkeys([*ACCOUNT, *cohort]), "expected_fen", "way", "hole", pl.col("month").alias("prints"),
        (pl.col("arrival") + pl.col("start") + pl.col("shift")).alias("month")
    ).join(came.select(ACCOUNT).unique(), on=ACCOUNT, how="semi").join(
        came.drop_nulls("prints").unique().with_columns(_printed=1),
        on=[*ACCOUNT, "month", "expected_fen", "prints"], how="left")
    way = list(dict.fromkeys([*ACCOUNT, *cohort, "way"]))
    there = came.group_by(*ACCOUNT, "month", "expected_fen").agg(
        pl.len().cast(pl.Int64).alias("_came"), pl.col("prints").is_null().sum().cast(pl.Int64).alias("_unsaid"))
    # What a month is due, and what of it came: sum by sum, or several lines as one credit. A credit that prints its
    # month is no other's.
    single = placed.group_by(*way, "month", "expected_fen").agg(
        pl.len().cast(pl.Int64).alias("_due"), pl.col("hole").any(), pl.col("_printed").sum()
    ).join(there, on=[*ACCOUNT, "month", "expected_fen"], how="left").group_by(*way, "month").agg(
        pl.col("_due").sum(), pl.col("hole").any(),
        pl.min_horizontal("_due", pl.col("_unsaid").fill_null(0) + pl.col("_printed")).sum().alias("_hit"),
        (pl.col("expected_fen") * pl.col("_due")).sum().alias("expected_fen"))
    lump = (pl.col("_due") > 1) & pl.col("_came").is_not_null()
    met = single.join(there, on=[*ACCOUNT, "month", "expected_fen"], how="left").with_columns(
        pl.when(lump).then("_due").otherwise("_hit").alias("_hit"),
        pl.when(lump).then(1).otherwise("_hit").alias("_used"),
    ).join(spans, on=["person_id", "region"], how="left")
    lacking = pl.when(pl.col("month").is_between("_from", "_to").fill_null(False)).then(
        pl.col("_due") - pl.col("_hit")).otherwise(0)
    # Credits in between that no line explains: less than half of any month's is none of a month.
    reach = met.group_by(way).agg(pl.col("month").min().alias("_first"), pl.col("month").max().alias("_last"))
    within = reach.join(there, on=ACCOUNT).join(_payers(lone).select(*ACCOUNT, "least"), on=ACCOUNT).filter(
        pl.col("month").is_between("_first", "_last") & (pl.col("expected_fen") * 2 >= pl.col("least")))
    key = [*cohort, "way"]
    return met.group_by(key).agg(
        pl.col("_hit").sum().alias("lines"), lacking.filter(~pl.col("hole")).sum().alias("lacking"),
        lacking.filter("hole").sum().alias("nobodys"), pl.col("_used").sum(),
    ).join(within.group_by(key).agg(pl.col("_came").sum()), on=key, how="left").select(
        *key, "lines", "lacking", "nobodys", (pl.col("_came").fill_null(0) - pl.col("_used")).alias("over"))


def believed(course: pl.DataFrame, counts: pl.DataFrame | None) -> tuple[pl.DataFrame, list[str]]:
    """The regions' courses that are believed (:data:`SHIFT`, payer null), and what to say.

    counts: everybody's :func:`fits`; None where there is no course. Shifts count from the lag learned of the region.
    """
    if counts is None:
        return pl.DataFrame(schema=SHIFT), []
    usual = course.filter(pl.col("way") == 0).select("region", "scheme", pl.col("start").alias("_usual")).unique()
    kept = course.join(_best(course, counts, ["region", "scheme"]), on=["region", "scheme", "way"], how="semi",
                       maintain_order="left").join(usual, on=["region", "scheme"], maintain_order="left").with_columns(
        pl.col("shift", "lasting") + pl.col("start") - pl.col("_usual"))
    firsts = kept.filter(pl.col("shift") != 0).unique(["region", "scheme"], keep="first", maintain_order=True)
    notes = [f"{region}: {months.first_day(arrival):%Y-%m}起到账的缴费，多数人的划入滞后有变"
             for region, arrival in firsts.select("region", "arrival").iter_rows()]
    return kept.select(*SHIFT), notes


def _best(course: pl.DataFrame, counts: pl.DataFrame, cohort: list[str]) -> pl.DataFrame:
    """``cohort``, way, start: of each one's courses the one that the most lines fit, if it is not way 0; of equal the
    first.

    A line that lacks its credit and a credit without a line each count against it, as :data:`HOLE_PERCENT` of one
    where nearly nobody got anything. Beyond that a course must make more lines fit, as many as ``percent`` of the
    people are: where sums are the same month after month, nearly as many fit it as fit none.
    """
    fit, lacking, nobodys, over = (
        pl.col(name).fill_null(0).cast(pl.Int64) for name in FITS)
    score = (fit - lacking - over) * 100 - nobodys * HOLE_PERCENT - pl.col("people") * pl.col("percent")
    return course.select(*cohort, "way", "start", "people", "percent").unique().join(
        counts, on=[*cohort, "way"], how="left", nulls_equal=True
    ).with_columns(score.alias("_score")).sort(
        *cohort, "_score", "way", descending=[*(False for _ in cohort), True, False]
    ).unique(cohort, keep="first", maintain_order=True).filter(pl.col("way") > 0).select(*cohort, "way", "start")


def _payers(lines: pl.DataFrame) -> pl.DataFrame:
    """Each account of ``lines`` with payer, least and most: the least and the largest amount due in a month.

    Of several payers the first by name, as where lags are asked for.
    """
    return lines.group_by(ACCOUNT).agg(
        pl.col("payer").min(), pl.col("expected_fen").min().alias("least"), pl.col("expected_fen").max().alias("most"))


def payer_courses(shares: pl.DataFrame, lag: pl.DataFrame, shift: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """The courses (:data:`_COURSE`) that single payers' lags may have taken, unlike their region's.

    way 0: what holds without one (the lag learned of the payer, else of the region, with the region's course
    ``shift``), then the region's lag and course where the payer's lag is another, the payer's lag throughout where the
    region's turned, then those that its people show.
    """
    key = ["region", "scheme", "payer"]
    frames = [pl.DataFrame(schema=_COURSE)]
    # A late run may come just before the records end: of one payer's people most end then.
    shares = shares.with_columns(people=pl.col("people") + pl.col("ends"), twice=pl.col("twice") + pl.col("ends_twice"))
    own_lag = lag.drop_nulls("payer").join(
        shift.filter(pl.col("shift") != 0), on=["region", "scheme"], how="semi"
    ).select(*key, pl.lit(value=True).alias("_own"))
    # Once so many of a payer's people are seen in a month, half of them tell of the months when some had not yet come
    # or had left: a turn there would else be taken for another lag from the beginning.
    most = pl.col("people").max().over(key)
    asked = shares.drop_nulls("payer").join(own_lag, on=key, how="left").filter(
        ((most >= PAYER_TURN_PEOPLE) & (pl.col("people") * 2 >= most)) | pl.col("_own")).sort(*key, "month")
    # Only a month that nearly all lack, or have twice, can be a turn; and one of the region's may be taken for a lag of
    # the payer's own, or be none of the payer's.
    turned = pl.struct("region", "scheme").is_in(
        shift.filter(pl.col("shift") != 0).select(pl.struct("region", "scheme").unique()).to_series().implode())
    turning = asked.filter(
        _EMPTY | (pl.col("twice") * 100 >= pl.col("people") * RUN_TWICE_PERCENT) | pl.col("_own") | turned
    ).select(key).unique()
    of_region = {(region, scheme): dict(zip(mine["arrival"], mine["shift"], strict=True))
                 for (region, scheme), mine in shift.group_by("region", "scheme")}
    told = {(region, scheme, payer): learned for region, scheme, payer, learned in lag.rows()}
    for cohort, months_of in asked.join(turning, on=key).group_by(key, maintain_order=True):
        region, scheme, payer = (str(part) for part in cohort)
        if policy.schedule(region).kind == "annual":
            continue
        usual = _usual_lag(lag, region, scheme, policy)
        own = told.get((region, scheme, payer), usual)
        counts = months_of.select("month", *_COUNTS).rows()
        shifts, arrivals = of_region.get((region, scheme), {}), _arrivals(counts)
        ways = [_Way(own, 0, [(arrival, _at(shifts, arrival + own - usual)) for arrival in arrivals])]
        if own != usual:
            ways.append(_Way(usual, 0, [(arrival, _at(shifts, arrival)) for arrival in arrivals]))
        if any(shift for way in ways for _, shift in way.path):
            # Without a month that they lack, or have twice, of two that fit as well it is the likelier.
            turns = any(_is_empty(row[1], row[2]) or row[3] * 100 >= row[1] * RUN_TWICE_PERCENT for row in counts)
            ways.append(_Way(own, 0 if turns else -1, [(arrival, 0) for arrival in arrivals]))
        if max(row[1] for row in counts) >= PAYER_TURN_PEOPLE:
            ways += _ways(counts, (own, usual), (own, usual, policy.schedule(region).typical), ways)
        frames += _course(region, scheme, payer, ways, counts)
    return pl.concat(frames)


class _Way(NamedTuple):
    """One course: the lag it begins with, its price in hundredths of the people, (arrival, shift from ``start``)."""

    start: int
    percent: int
    path: list[tuple[int, int]]

    def lags(self) -> tuple[tuple[int, int], ...]:
        """(arrival, lag)."""
        return tuple((arrival, self.start + shift) for arrival, shift in self.path)


def _ways(counts: list[_Month], lags: Sequence[int], known: Sequence[int], others: list[_Way]) -> list[_Way]:
    """The courses with a turn that the months ``counts`` show, beginning with one of ``lags`` or a month beside it.

    known: the lags that need no reason to begin with. others: those that need not be told again. Of the empty months
    that nothing makes up for, each may be the begin of a delay or a month that nobody got; where all are the begin of
    one, a lag may become shorter than it began, too.
    """
    told = {way.lags() for way in others}
    lasting = LASTING_PERCENT if max(row[1] for row in counts) >= FEW_PEOPLE else FEW_LASTING_PERCENT
    ways = []
    for start in sorted({max(lag + more, 0) for lag in lags for more in (-1, 0, 1)}):
        alone = _never_made_up(counts, start)
        readings = [(holes, start) for holes in _hole_sets(alone)] + [(set[int](), max(start - 1, 0))]
        for holes, least in readings:
            if start in lags:
                percent = 0 if holes == alone and least == start else lasting
            elif start in known:
                percent = lasting
            else:
                percent = lasting + (
                    SHORTER_START_PERCENT if start < min(known) else LONGER_START_PERCENT)
            way = _Way(start, percent, _path(counts, start, holes, least))
            if len({shift for _, shift in way.path}) > 1 and way.lags() not in told:
                told.add(way.lags())
                ways.append(way)
    # Of equal ones the first is believed: the least that must be explained.
    return sorted(ways, key=lambda way: way.percent)


def _course(
    region: str, scheme: str, payer: str | None, ways: list[_Way], counts: list[_Month]
) -> list[pl.DataFrame]:
    """:data:`_COURSE` of a cohort; none where only one way is known."""
    people = max(row[1] for row in counts)
    empty = {month for month, count, without, *_ in counts if _is_empty(count, without)}
    return [
        pl.DataFrame({
            "region": region, "scheme": scheme, "payer": payer, "way": number, "start": start, "percent": percent,
            "people": people, "arrival": [arrival for arrival, _ in path], "shift": [shift for _, shift in path],
            "lasts": [shift == each for (_, shift), each in zip(path, lasting, strict=True)],
            "lasting": lasting, "hole": [arrival + start + shift in empty for arrival, shift in path],
        }, schema=_COURSE)
        for number, (start, percent, path) in enumerate(ways) if len(ways) > 1
        for lasting in [_lasting(path)]
    ]


def _arrivals(counts: list[_Month]) -> range:
    """Every arrival whose credit may be in one of the months ``counts``, and those expected after them."""
    return range(counts[0][0] - MAX_LEARNED_LAG - 1, counts[-1][0] + FORESEEN_MONTHS + 1)


def _at(shifts: dict[int, int], arrival: int) -> int:
    """The shift at an arrival; after the last told it goes on."""
    return shifts.get(min(arrival, max(shifts)), 0) if shifts else 0


def payer_fits(
    lines: pl.DataFrame, credit: pl.DataFrame, cover: pl.DataFrame, course: pl.DataFrame
) -> pl.DataFrame:
    """:func:`fits` of single payers' people, by :func:`payer_courses`: region, scheme, payer, way and the counts."""
    key = ["region", "scheme", "payer"]
    lone = _lone_lines(lines, "month")
    theirs = lone.drop("payer").join(_payers(lone), on=ACCOUNT).join(course.select(key).unique(), on=key, how="semi")
    return _fitting(theirs, credit, cover, course, key)


def payers_own(
    course: pl.DataFrame, counts: pl.DataFrame, lag: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame, list[str]]:
    """The payers' courses that are believed (:data:`SHIFT`), ``lag`` with the lags they begin with, and what to say.

    counts: everybody's :func:`payer_fits`.
    """
    key = ["region", "scheme", "payer"]
    best = _best(course, counts, key)
    kept = course.join(best, on=[*key, "way"], how="semi", maintain_order="left")
    changed = kept.filter(pl.col("shift").n_unique().over(key) > 1).select("region", "payer").unique().sort(
        "region", "payer").rows()
    notes = [f"{region} {payer}: 这个缴费主体的划入滞后中途有变" for region, payer in changed[:NOTES]]
    if len(changed) > NOTES:
        notes.append(f"另有{len(changed) - NOTES}个缴费主体的划入滞后中途有变")
    begun = best.select(*key, pl.col("start").alias("learned")).select(lag.columns)
    return kept.select(*SHIFT), pl.concat([lag.join(best, on=key, how="anti"), begun]), notes


def _lone_lines(lines: pl.DataFrame, of: str = "arrival") -> pl.DataFrame:
    """Plain lines of a known region that are the only one of their account and arrival.

    of: "month" for the only one of their month instead; then several may have arrived together.
    """
    return plain_lines(lines).drop_nulls("region").filter(pl.len().over(*ACCOUNT, of) == 1)


def _lasting(path: list[tuple[int, int]]) -> list[int | None]:
    """By month the shift that stays to the end, for some months, or was so from the beginning; None in between.

    One late run changes no due month, neither its own nor that of the months around it.
    """
    shifts = [shift for _, shift in path]
    runs = [(shift, len(list(group))) for shift, group in groupby(shifts)]
    around = [shift for number, (shift, count) in enumerate(runs) for shift in [
        runs[number - 1][0] if 0 < number < len(runs) - 1 and count < LASTING_MONTHS
        and runs[number - 1][0] == runs[number + 1][0] else shift] * count]
    first, last = around[0], around[-1]
    since = next((k for k in range(len(around) - 1, -1, -1) if around[k] != last), -1) + 1
    until = next((k for k in range(len(around)) if around[k] != first), len(around))
    begins = until - MAX_LEARNED_LAG - 1 >= LASTING_MONTHS  # less those before the first credits
    stays = len(around) - since - FORESEEN_MONTHS >= LASTING_MONTHS
    return [around[k] if (k >= since and stays) or (k < until and begins) else None for k in range(len(path))]


def _usual_lag(lag: pl.DataFrame, region: str, scheme: str, policy: Policy) -> int:
    learned = lag.filter(
        (pl.col("region") == region) & (pl.col("scheme") == scheme) & pl.col("payer").is_null())["learned"]
    return int(learned[0]) if learned.len() else policy.schedule(region).typical


def _is_empty(people: int, without: int) -> bool:
    return without * 100 >= people * RUN_WITHOUT_PERCENT


def _due_by_arrival(counts: list[_Month]) -> dict[int, int]:
    """How many credits most people have to come for what arrived in a month: none, one or two; one where unknown."""
    return {month: 0 if _is_empty(people, idle) else 2 if paired * 100 >= people * RUN_TWICE_PERCENT else 1
            for month, people, _, _, _, idle, paired in counts}


def _taken_back(month: _Month, due: int) -> int:
    """How many delays a month takes back in which most have more credits than were ``due``."""
    _, people, without, twice, thrice, _, _ = month
    return max(sum(count * 100 >= people * RUN_TWICE_PERCENT for count in (people - without, twice, thrice)) - due, 0)


def _never_made_up(shares: list[_Month], lag: int) -> set[int]:
    """The empty months that no double one takes back; a double one takes back the last.

    lag: from the arrival of premiums. A month after none arrived is empty by itself, one after two came is double.
    """
    waiting: list[int] = []
    due = _due_by_arrival(shares)
    for counted in shares:
        month, people, without = counted[:3]
        expected = due.get(month - lag, 1)
        if _is_empty(people, without) and expected:
            waiting.append(month)
        for _ in range(_taken_back(counted, expected)):
            if waiting and waiting[-1] != month:
                waiting.pop()
    return set(waiting)


def _hole_sets(alone: set[int]) -> list[set[int]]:
    """Which of the empty months that nothing makes up for may be months that nobody got; all of them first."""
    asked = sorted(alone)[:MOST_HOLES]
    return [set(holes) for count in range(len(asked), -1, -1) for holes in combinations(asked, count)]


def _path(counts: list[_Month], start: int, holes: set[int], least: int) -> list[tuple[int, int]]:
    """(arrival, shift from ``start``): an empty month delays all that follow, a double one takes the delay back.

    Not so where no premium had arrived for it, or two months' had. In the months of ``holes`` nobody got anything, and
    nothing is delayed. A double month makes the lag no shorter than ``least``. Empty where the lag would become longer
    than any that is learned.
    """
    path: list[tuple[int, int]] = []
    lag, due = start, _due_by_arrival(counts)
    for counted in counts:
        month, people, without = counted[:3]
        arrival = month - lag
        expected = due.get(arrival, 1)
        if _is_empty(people, without) and expected and month not in holes:
            lag += 1
            continue
        path.append((arrival, lag - start))
        for more in range(1, 1 + min(lag - least, _taken_back(counted, expected))):
            lag -= 1
            path.append((arrival + more, lag - start))
    if not path or lag - start > MAX_LEARNED_LAG:
        return []
    # What arrived before the first credits that all have is at the lag of the beginning; what arrived after the last
    # ones seen is expected at the lag then in force.
    before = [(path[0][0] - more, path[0][1]) for more in range(MAX_LEARNED_LAG + 1, 0, -1)]
    return before + path + [(path[-1][0] + more, lag - start) for more in range(1, FORESEEN_MONTHS + 1)]
