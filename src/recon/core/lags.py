"""Usual lags that the data themselves show: of a region, of a payer that differs, of one person (DESIGN section 5).

Only a lag that is the single clean one of an account speaks for it (:mod:`recon.core.lag_votes`). For a region, or for
a payer whose people differ from their region's, the votes of its people are counted.
"""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from recon.core.counts import added
from recon.core.lag_lines import due_and_came
from recon.core.lag_votes import COUNTED, OWN_LAG_MORE, PERSON_MONTHS, Votes
from recon.policy import Policy
from recon.tables import ACCOUNT

# A usual lag other than the region's is believed from this many people (or PERSON_MONTHS months of one person).
COHORT_PEOPLE = 20
COHORT_TELLING = 10  # of whom so many show it and no other lag as well
COHORT_SHARE_PERCENT = 67  # of those whose records fit one lag better than any other: there is much amiss in many
STEADY_SHARE_PERCENT = 90  # of all
# A payer that pays later than others, in a region whose exports do not say when: so many of its people tell.
PAYER_PEOPLE = 5
# From so many clean records of one lag on, a lone change of lag must beat the price of a credit taken from outside.
STEADY_PEOPLE = 5
# A lag that so many of the records of a payer (else of a region) that fit one lag alone keep, where no lag is that of
# nearly all, is one of several there: a person's record has it when more of its lines fit it than any other of them.
MIXED_SHARE_PERCENT = 10
NOTES = 20  # so many cohorts are named


def lags_of(votes: Votes, policy: Policy) -> tuple[pl.DataFrame, pl.DataFrame, list[str]]:
    """(region, scheme, payer, learned), (region, scheme, payer, steady_lag) and what to say, from everybody's votes.

    A row without a payer speaks of all of the region who have none of their own.
    """
    of_region = replace(votes, **{name: _of_region(getattr(votes, name)) for name in COUNTED})
    many, of_even = _of_cohort(of_region)
    nearly_all = pl.concat([of_even, *(
        _shared(counts, COHORT_PEOPLE, STEADY_SHARE_PERCENT).join(of_even, on=["region", "scheme"], how="anti")
        for counts in (_with_even(of_region.all, of_region.even), of_region.all))]).unique(
        ["region", "scheme"], keep="first", maintain_order=True)
    # A few people are only asked when their records are clean: one odd record would outweigh them. So many of any kind
    # that tell one lag from the others, and tell the same, are enough, too.
    few = pl.concat([
        _shared(counts, STEADY_PEOPLE, STEADY_SHARE_PERCENT)
        for counts in (of_region.clean, _telling_one(of_region.all))
    ]).unique(["region", "scheme"], keep="first", maintain_order=True).join(
        nearly_all, on=["region", "scheme"], how="anti", maintain_order="left")
    of_payers = replace(votes, **{name: getattr(votes, name).drop_nulls("payer") for name in COUNTED})
    of_payer = pl.concat([_shared(_telling_one(of_payers.long), PAYER_PEOPLE), _of_cohort(of_payers)[0]]).unique(
        ["region", "scheme", "payer"], keep="first", maintain_order=True)
    regions = sorted({*many["region"], *of_payer["region"]})
    usual = pl.DataFrame({"region": regions, "_usual": [policy.schedule(region).typical for region in regions]},
                         schema={"region": pl.String, "_usual": pl.Int32})
    of_all = many.select("region", "scheme", pl.col("lag").alias("_all"))
    different = of_payer.join(of_all, on=["region", "scheme"], how="left", maintain_order="left").join(
        usual, on="region", maintain_order="left").filter(pl.col("lag") != pl.coalesce("_all", "_usual"))
    kept = _kept(of_payers.undated, of_all, usual).join(
        different, on=["region", "scheme", "payer"], how="anti")
    learned = pl.concat([many, different.select(many.columns), kept.select(many.columns)])
    steady = pl.concat([nearly_all, few, different.select(many.columns)]).select(
        "region", "scheme", "payer", pl.col("lag").alias("steady_lag"))
    notes = [
        f"{row['region']}{'' if row['payer'] is None else ' ' + row['payer']}: "
        f"由{row['people']}人的明细得出通常滞后{row['lag']}个月"
        for row in learned.join(usual, on="region", maintain_order="left").iter_rows(named=True)
        if row["lag"] != row["_usual"]
    ]
    if len(notes) > NOTES:
        notes = [*notes[:NOTES], f"另有{len(notes) - NOTES}个地区或缴费主体由明细得出各自的通常滞后"]
    return learned.select("region", "scheme", "payer", pl.col("lag").alias("learned")), steady, notes


def _of_cohort(votes: Votes) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The lags that cohorts show (:func:`_shared`), and of these the ones that records of one sum had to tell."""
    telling = _shared(_telling_one(votes.all), COHORT_TELLING, cohort=COHORT_PEOPLE)
    # Where too few records tell one lag from the others, those of one sum are asked, too.
    key = ["region", "scheme", "payer"]
    of_a_year = _with_even(votes.long, votes.long_even)
    of_even = pl.concat([
        _shared(_with_even(votes.all, votes.even), COHORT_PEOPLE),
        _shared(of_a_year, STEADY_PEOPLE, STEADY_SHARE_PERCENT),
        _shared(of_a_year, COHORT_TELLING),
    ]).unique(key, keep="first", maintain_order=True).join(telling, on=key, how="anti", nulls_equal=True)
    return pl.concat([telling, of_even]), of_even


def carried_of(votes: Votes) -> pl.DataFrame:
    """(region, scheme, payer, lag): lags that many of a payer's people keep; payer null: of the whole region's."""
    counts = _telling_one(votes.long)
    of_payer = counts.drop_nulls("payer").filter(
        pl.col("people").sum().over("region", "scheme", "payer") >= COHORT_PEOPLE)
    return pl.concat([
        _shared(each, STEADY_PEOPLE, MIXED_SHARE_PERCENT).drop("people") for each in (of_payer, _of_region(counts))])


def joined(lines: pl.DataFrame, frame: pl.DataFrame, column: str) -> pl.DataFrame:
    """``lines`` with ``column`` of ``frame`` (one of :func:`lags_of`'s): the payer's own, else the region's."""
    key = ["region", "scheme"]
    of_payer = frame.filter(pl.col("payer").is_not_null())
    lines = lines.join(frame.filter(pl.col("payer").is_null()).drop("payer"), on=key, how="left", nulls_equal=True,
                       maintain_order="left")
    if of_payer.is_empty():
        return lines
    of_payer = of_payer.rename({column: "_own"})
    return lines.join(of_payer, on=[*key, "payer"], how="left", maintain_order="left").with_columns(
        pl.coalesce("_own", column).alias(column)).drop("_own")


def own_lags(
    votes: Votes, steady: pl.DataFrame, carried: pl.DataFrame, lines: pl.DataFrame, credit: pl.DataFrame,
    policy: Policy,
) -> pl.DataFrame:
    """Own lags that stand against the lag of the region's people: the whole record is clean, or far more lines fit.

    With one amount throughout, a record with a late month fits a lag that nobody else has as well as the common one.
    Where there is no common one, a lag that others have too is believed as soon as more lines fit it than any other.
    """
    own = pl.concat([votes.own, _among_several(votes.likely, steady, carried, policy)]).drop("payer")
    whole = votes.whole
    asked = joined(votes.own, steady, "steady_lag").drop("payer").filter(
        pl.col("steady_lag").is_not_null() & (pl.col("steady_lag") != pl.col("own_learned"))
    ).join(whole, left_on=[*ACCOUNT, "own_learned"], right_on=[*ACCOUNT, "lag"], how="anti")
    if asked.is_empty():
        return own
    due, came = due_and_came(lines, credit, policy)
    lines = due.drop("dated").unique().join(asked, on=ACCOUNT)
    there = came.unique()
    hits = lines.group_by(ACCOUNT).len("n").drop("n")
    for name, lag in (("own_hits", "own_learned"), ("common_hits", "steady_lag")):
        moved = lines.with_columns((pl.col("at") + pl.col(lag)).alias("at"))
        fits = moved.join(there, on=[*ACCOUNT, "at", "fen"], how="semi")
        hits = hits.join(fits.group_by(ACCOUNT).len(name), on=ACCOUNT, how="left")
    weak = hits.filter(
        pl.col("own_hits").fill_null(0) < pl.col("common_hits").fill_null(0) + OWN_LAG_MORE
    )
    return own.join(weak, on=ACCOUNT, how="anti")


def _among_several(
    likely: pl.DataFrame, steady: pl.DataFrame, carried: pl.DataFrame, policy: Policy
) -> pl.DataFrame:
    """Own lags, other than the region's own, of people whose payer or region shares none.

    Of the lags that a fair part of the payer's people keep (else of the region's) the one that most lines fit, of equal
    ones that with fewer lines that do not, then the region's own, then the shortest.
    """
    free = joined(likely, steady, "steady_lag").filter(pl.col("steady_lag").is_null()).drop("steady_lag")
    if free.is_empty():
        return free.select(*ACCOUNT, "payer", pl.col("lag").alias("own_learned"))
    usual = pl.col("region").replace_strict(
        {region: policy.schedule(region).typical for region in free["region"].unique().to_list()},
        return_dtype=pl.Int32)
    told, of_all = (carried.filter(pl.col("payer").is_null() == whole) for whole in (False, True))
    key = ["region", "scheme", "payer"]
    alone = free.join(told.select(key).unique(), on=key, how="anti")
    known = pl.concat([free.join(told, on=[*key, "lag"], how="semi"),
                       alone.join(of_all, on=["region", "scheme", "lag"], how="semi"),
                       free.filter(pl.col("lag") == usual)]).unique()
    best = known.sort(*ACCOUNT, "lines", "score", pl.col("lag") != usual, "lag",
                      descending=[False, False, False, True, True, False, False]).unique(
        ACCOUNT, keep="first", maintain_order=True)
    return best.filter((pl.col("lines") >= PERSON_MONTHS) & (pl.col("lag") != usual)).select(
        *ACCOUNT, "payer", pl.col("lag").alias("own_learned"))


def _of_region(counts: pl.DataFrame) -> pl.DataFrame:
    """The votes of all of a region together: payer null."""
    return counts.group_by("region", "scheme", "lag").agg(pl.col("people", "tied").sum()).with_columns(
        pl.lit(None, pl.String).alias("payer"))


def _telling_one(counts: pl.DataFrame) -> pl.DataFrame:
    """The votes of those whose record fits one lag better than any other."""
    return counts.with_columns(pl.col("people") - pl.col("tied"))


def _with_even(votes: pl.DataFrame, even: pl.DataFrame) -> pl.DataFrame:
    """The votes of those whose record fits one lag better than any other, and of those of one sum throughout."""
    return added([_telling_one(votes), even], ["region", "scheme", "payer", "lag"]).with_columns(
        pl.lit(0, pl.UInt32).alias("tied"))


def _kept(votes: pl.DataFrame, of_all: pl.DataFrame, usual: pl.DataFrame) -> pl.DataFrame:
    """Payers most of whose people fit the region's own lag though others taught it a shorter one: it stays theirs.

    They may pay later, which exports that name no arrival hide. votes: per payer, of records without days of arrival;
    of_all: region, scheme, _all (the lag learned); usual: region, _usual. Columns of :func:`_shared`.
    """
    people = pl.col("people")
    return votes.join(of_all, on=["region", "scheme"]).join(usual, on="region").filter(
        (pl.col("lag") == pl.col("_usual")) & (pl.col("_all") < pl.col("_usual"))
    ).join(votes.group_by("region", "scheme", "payer").agg(people.sum().alias("_of")),
           on=["region", "scheme", "payer"]).filter(
        (people >= PAYER_PEOPLE) & (people * 100 >= pl.col("_of") * COHORT_SHARE_PERCENT)
    ).sort("region", "scheme", "payer")


def _shared(
    counts: pl.DataFrame, people: int, percent: int = COHORT_SHARE_PERCENT, cohort: int = 0
) -> pl.DataFrame:
    """region, scheme, payer, lag, people: the lag most voters of a cohort share, from ``people`` voters on.

    cohort: so many people there must be with those whose records fit it as well as another (``tied``).
    """
    of_all = pl.col("people").sum().over("region", "scheme", "payer")
    tied = pl.col("tied").sum().over("region", "scheme", "payer")
    return counts.filter(
        (pl.col("people") * 100 >= of_all * percent) & (pl.col("people") >= people)
        & (pl.col("people") + tied >= cohort)
    ).select("region", "scheme", "payer", "lag", "people").sort("region", "scheme", "payer", nulls_last=True)
