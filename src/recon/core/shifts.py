"""Where a whole region's credits come later (or earlier) than its usual lag from some month on: nobody's own doing.

A month without credits for nearly everybody delays all that follow, one with two for everybody takes the last delay
back; a month that is never made up for may as well be one that nobody got. People are counted in parts and added up
(:func:`month_shares`); of the courses that can be read from the counts the one that most amounts fit is believed, and
only if they are more than fit without any (:func:`fits`).
"""

from __future__ import annotations

import polars as pl

from recon.core import months
from recon.core.lags import COHORT_PEOPLE, MAX_LEARNED_LAG, before_deductions, plain_lines
from recon.policy import Policy
from recon.tables import ACCOUNT

# A run that comes late for all: so many have nothing of it in its month, and so many have two of them in the next. The
# rest are people whose month holds something of its own: an older month that was late, a duplicate, a subsidy.
RUN_WITHOUT_PERCENT = 75
RUN_TWICE_PERCENT = 60
# A delay that lasts is believed only if more lines fit it, as many as so many of the people: chance makes a few.
LASTING_PERCENT = 25
# A region's new lag moves what is due once it has lasted so many months; it is expected to go on for so many more.
LASTING_MONTHS = 3
FORESEEN_MONTHS = 12

_SHIFT = {"region": pl.String, "scheme": pl.String, "arrival": pl.Int32, "shift": pl.Int32, "lasts": pl.Boolean}


def month_shares(lines: pl.DataFrame, credit: pl.DataFrame) -> pl.DataFrame:
    """region, scheme, month, people, without, twice: accounts whose credits span the month, and how they have it."""
    counts = credit.group_by([*ACCOUNT, "month"]).agg(pl.len().alias("n"))
    spans = counts.group_by(ACCOUNT).agg(
        pl.col("month").min().alias("first"), pl.col("month").max().alias("last")
    ).join(_lone_lines(lines).select(ACCOUNT).unique(), on=ACCOUNT, how="semi").filter(
        pl.col("last") - pl.col("first") >= 5)
    inside = spans.with_columns(
        pl.int_ranges(pl.col("first") + 1, "last", dtype=pl.Int32).alias("month")
    ).explode("month").join(counts, on=[*ACCOUNT, "month"], how="left")
    return inside.group_by("region", "scheme", "month").agg(
        pl.len().alias("people"), pl.col("n").is_null().sum().alias("without"), (pl.col("n") >= 2).sum().alias("twice")
    )


def courses(shares: pl.DataFrame, lag: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """region, scheme, way, arrival, shift, lasts, usual, people: each region's courses, from everybody's shares.

    way: 0 none, 1 with delays only that were made up for, 2 with every delay.
    """
    shares = shares.filter(pl.col("people") >= COHORT_PEOPLE).sort("region", "scheme", "month")
    frames = [pl.DataFrame(schema={**_SHIFT, "usual": pl.Int32, "way": pl.Int32, "people": pl.Int64})]
    for (region, scheme), months_of in shares.group_by("region", "scheme", maintain_order=True):
        if policy.schedule(str(region)).kind == "annual":
            continue
        usual = _usual_lag(lag, str(region), str(scheme), policy)
        counts = months_of.select("month", "people", "without", "twice").rows()
        paths = [_path(counts, usual, _never_made_up(counts)), _path(counts, usual, set())]
        ways = {way: path for way, path in enumerate(paths, 1) if any(shift for _, shift in path)}
        if ways:
            ways[0] = [(arrival, 0) for arrival in sorted({arrival for path in ways.values() for arrival, _ in path})]
        people = max((people for _, people, _, _ in counts), default=0)
        frames += [
            pl.DataFrame(
                {"region": region, "scheme": scheme, "arrival": [a for a, _ in path], "shift": [s for _, s in path],
                 "lasts": _lasting(path), "usual": usual, "way": way, "people": people}, schema=frames[0].schema)
            for way, path in sorted(ways.items())
        ]
    return pl.concat(frames)


def fits(lines: pl.DataFrame, credit: pl.DataFrame, course: pl.DataFrame) -> pl.DataFrame:
    """region, scheme, way, lines: how many lines have their amount in its month by each way of :func:`courses`.

    Their amount, or what a deduction seen again and again leaves of it.
    """
    lone = _lone_lines(lines)
    came = before_deductions(
        lone.select(*ACCOUNT, pl.col("arrival").alias("at"), pl.col("expected_fen").alias("fen")),
        credit.select(*ACCOUNT, pl.col("month").alias("at"), pl.col("net_fen").alias("fen")),
    ).select(*ACCOUNT, pl.col("at").alias("month"), pl.col("fen").alias("expected_fen")).unique()
    placed = lone.join(course, on=["region", "scheme", "arrival"]).select(
        *ACCOUNT, "expected_fen", "way", (pl.col("arrival") + pl.col("usual") + pl.col("shift")).alias("month"))
    found = placed.join(came, on=[*ACCOUNT, "month", "expected_fen"], how="semi")
    return found.group_by("region", "scheme", "way").agg(pl.len().alias("lines"))


def believed(course: pl.DataFrame, counts: pl.DataFrame | None) -> tuple[pl.DataFrame, list[str]]:
    """The courses that most lines fit (region, scheme, arrival, shift, lasts), and what to say: of equal the least.

    counts: everybody's :func:`fits`; None where there is no course. Delays that were never made up for must make more
    lines fit, as many as :data:`LASTING_PERCENT` of the people are: where sums are the same month after month, they
    fit nearly as many as no delay at all.
    """
    if counts is None:
        return course.drop("usual", "way", "people"), []
    people = course.group_by("region", "scheme").agg(pl.col("people").first())
    score = (
        pl.col("lines").cast(pl.Int64) * 100 - (pl.col("way") == 2) * pl.col("people") * LASTING_PERCENT
    ).alias("_score")
    best = counts.join(people, on=["region", "scheme"]).with_columns(score).sort(
        "region", "scheme", "_score", "way", descending=[False, False, True, False]).unique(
        ["region", "scheme"], keep="first", maintain_order=True).filter(pl.col("way") > 0)
    kept = course.join(best, on=["region", "scheme", "way"], how="semi", maintain_order="left")
    firsts = kept.filter(pl.col("shift") != 0).unique(["region", "scheme"], keep="first", maintain_order=True)
    notes = [f"{region}: {months.first_day(arrival):%Y-%m}起到账的缴费，多数人的划入滞后有变"
             for region, arrival in firsts.select("region", "arrival").iter_rows()]
    return kept.drop("usual", "way", "people"), notes


def _lone_lines(lines: pl.DataFrame) -> pl.DataFrame:
    """Plain lines of a known region, one of its account and arrival."""
    return plain_lines(lines).drop_nulls("region").filter(pl.len().over(*ACCOUNT, "arrival") == 1)


def _lasting(path: list[tuple[int, int]]) -> list[bool]:
    """Whether a month's shift is the one that stays to the end, for some months: one late run changes no due month."""
    last = path[-1][1]
    since = next((k for k in range(len(path) - 1, -1, -1) if path[k][1] != last), -1) + 1
    seen = len(path) - since - FORESEEN_MONTHS
    return [k >= since and seen >= LASTING_MONTHS for k in range(len(path))]


def _usual_lag(lag: pl.DataFrame, region: str, scheme: str, policy: Policy) -> int:
    learned = lag.filter(
        (pl.col("region") == region) & (pl.col("scheme") == scheme) & pl.col("payer").is_null())["learned"]
    return int(learned[0]) if learned.len() else policy.schedule(region).typical


def _is_empty(people: int, without: int) -> bool:
    return without * 100 >= people * RUN_WITHOUT_PERCENT


def _is_double(people: int, twice: int) -> bool:
    return twice * 100 >= people * RUN_TWICE_PERCENT


def _never_made_up(shares: list[tuple[int, int, int, int]]) -> set[int]:
    """The empty months that no double one takes back; a double one takes back the last."""
    waiting: list[int] = []
    for month, people, without, twice in shares:
        if _is_empty(people, without):
            waiting.append(month)
        elif waiting and _is_double(people, twice):
            waiting.pop()
    return set(waiting)


def _path(shares: list[tuple[int, int, int, int]], usual: int, holes: set[int]) -> list[tuple[int, int]]:
    """(arrival, shift) month by month: an empty month delays all that follow, a double one takes the delay back.

    In the months of ``holes`` nobody got anything, and nothing is delayed.
    """
    path: list[tuple[int, int]] = []
    lag = usual
    for month, people, without, twice in shares:
        arrival = month - lag
        if _is_empty(people, without) and month not in holes:
            lag += 1
            continue
        path.append((arrival, lag - usual))
        if lag > usual and _is_double(people, twice):
            lag -= 1
            path.append((arrival + 1, lag - usual))
    if path:
        # What arrived after the last credits seen is expected at the lag then in force.
        path += [(path[-1][0] + k, lag - usual) for k in range(1, FORESEEN_MONTHS + 1)]
    return path if lag - usual <= MAX_LEARNED_LAG else []
