"""Where a whole region's credits come later (or earlier) than its usual lag from some month on: nobody's own doing.

A month without credits for nearly everybody delays all that follow, one with two for everybody takes the delay back.
People are counted in parts and added up (:func:`month_shares`); a course read from the counts is believed only if more
amounts fit their month with it than without (:func:`fits`).
"""

from __future__ import annotations

import polars as pl

from recon.core import months
from recon.core.lags import COHORT_PEOPLE, MAX_LEARNED_LAG, plain_lines
from recon.policy import Policy
from recon.tables import ACCOUNT

# A run that comes late for all: so many have nothing of it in its month, and so many have two of them in the next. The
# rest are people whose month holds something of its own: an older month that was late, a duplicate, a subsidy.
RUN_WITHOUT_PERCENT = 75
RUN_TWICE_PERCENT = 60
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
    """region, scheme, arrival, shift, lasts, usual: the course of each region that changes, from everybody's shares."""
    shares = shares.filter(pl.col("people") >= COHORT_PEOPLE).sort("region", "scheme", "month")
    frames = [pl.DataFrame(schema={**_SHIFT, "usual": pl.Int32})]
    for (region, scheme), months_of in shares.group_by("region", "scheme", maintain_order=True):
        if policy.schedule(str(region)).kind == "annual":
            continue
        usual = _usual_lag(lag, str(region), str(scheme), policy)
        path = _path(months_of.select("month", "people", "without", "twice").rows(), usual)
        if any(shift for _, shift in path):
            frames.append(pl.DataFrame(
                {"region": region, "scheme": scheme, "arrival": [a for a, _ in path], "shift": [s for _, s in path],
                 "lasts": _lasting(path), "usual": usual}, schema=frames[0].schema))
    return pl.concat(frames)


def fits(lines: pl.DataFrame, credit: pl.DataFrame, course: pl.DataFrame) -> pl.DataFrame:
    """region, scheme, with, without: how many lines have their amount in its month by the course, and without it."""
    came = credit.select(*ACCOUNT, "month", pl.col("net_fen").alias("expected_fen")).unique()
    mine = _lone_lines(lines).join(course, on=["region", "scheme", "arrival"])
    due = pl.col("arrival") + pl.col("usual")
    placed = [
        mine.select(*ACCOUNT, "expected_fen", (due + pl.col("shift") * use).alias("month"))
        .join(came, on=[*ACCOUNT, "month", "expected_fen"], how="semi").group_by("region", "scheme").len(name)
        for use, name in ((1, "with"), (0, "without"))
    ]
    return placed[0].join(placed[1], on=["region", "scheme"], how="full", coalesce=True).with_columns(
        pl.col("with", "without").fill_null(0))


def believed(course: pl.DataFrame, counts: pl.DataFrame | None) -> tuple[pl.DataFrame, list[str]]:
    """The courses that more lines fit than do without (region, scheme, arrival, shift, lasts), and what to say.

    counts: everybody's :func:`fits`; None where there is no course.
    """
    if counts is None:
        return course.drop("usual"), []
    kept = course.join(counts.filter(pl.col("with") > pl.col("without")), on=["region", "scheme"], how="semi",
                       maintain_order="left")
    firsts = kept.filter(pl.col("shift") != 0).unique(["region", "scheme"], keep="first", maintain_order=True)
    notes = [f"{region}: {months.first_day(arrival):%Y-%m}起到账的缴费，多数人的划入滞后有变"
             for region, arrival in firsts.select("region", "arrival").iter_rows()]
    return kept.drop("usual"), notes


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


def _path(shares: list[tuple[int, int, int, int]], usual: int) -> list[tuple[int, int]]:
    """(arrival, shift) month by month: an empty month delays all that follow, a double one takes the delay back."""
    path: list[tuple[int, int]] = []
    lag = usual
    for month, people, without, twice in shares:
        arrival = month - lag
        if without * 100 >= people * RUN_WITHOUT_PERCENT:
            lag += 1
            continue
        path.append((arrival, lag - usual))
        if lag > usual and twice * 100 >= people * RUN_TWICE_PERCENT:
            lag -= 1
            path.append((arrival + 1, lag - usual))
    if path:
        # What arrived after the last credits seen is expected at the lag then in force.
        path += [(path[-1][0] + k, lag - usual) for k in range(1, FORESEEN_MONTHS + 1)]
    return path if lag - usual <= MAX_LEARNED_LAG else []
