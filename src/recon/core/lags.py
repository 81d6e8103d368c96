"""Usual lags that the data themselves show, account by account and region by region (DESIGN section 5).

Account by account, a lag L is *clean* when the multisets of (arrival + L, fen) and (posted, fen) agree over the months
both sides span; only a lag that is the single clean one speaks for that account. For a region, or for a payer whose
people differ from their region's, accounts whose record is not clean at any lag vote for the one that fits most of
their lines. Votes are counted and added up, so that people can be asked in parts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import polars as pl

from recon.core import months
from recon.core.counts import added
from recon.policy import Policy, Schedule
from recon.tables import ACCOUNT

# A usual lag other than the region's is believed from this many people, or from this many months of one person.
COHORT_PEOPLE = 20
COHORT_TELLING = 10  # of whom so many show it and no other lag as well
COHORT_SHARE_PERCENT = 67  # of those whose records fit one lag better than any other: there is much amiss in many
STEADY_SHARE_PERCENT = 90  # of all
PERSON_MONTHS = 12
# A payer that pays later than others, in a region whose exports do not say when: so many of its people tell.
PAYER_PEOPLE = 5
# From so many clean records of one lag on, a lone change of lag must beat the price of a credit taken from outside.
STEADY_PEOPLE = 5
# So many single months credited one by one refute a yearly schedule for the account.
YEARLY_REFUTED = 6
# So many more lines must fit a person's own lag than the lag of all others, unless the whole record is clean at it.
OWN_LAG_MORE = 6
MAX_LEARNED_LAG = 5
# The same small sum lacking from the credits of so many lines is a deduction; at most this part of what is due.
DEDUCTION_MONTHS = 3
DEDUCTION_SHARE = 4
ODD_SHARE = 3  # where one credit in so many is no line's sum, a deduction is looked for
# A lag that so many of the records of a payer (else of a region) that fit one lag alone keep, where no lag is that of
# nearly all, is one of several there: a person's record has it when more of its lines fit it than any other of them.
MIXED_SHARE_PERCENT = 10
NOTES = 20  # so many cohorts are named
PERSONAL = ("own", "likely", "whole")  # the votes that speak of single people
COUNTED = ("clean", "all", "long", "even", "long_even", "undated")  # the votes that are counted

_LAGS = pl.DataFrame({"lag": range(MAX_LEARNED_LAG + 1)}, schema={"lag": pl.Int32})
_SCORES = {"payer": pl.String, "lag": pl.Int32, "lines": pl.UInt32, "score": pl.Int32}
_VOTES = {"region": pl.String(), "scheme": pl.String(), "payer": pl.String(), "lag": pl.Int32(), "people": pl.UInt32(),
          "tied": pl.UInt32()}


@dataclass(frozen=True)
class Votes:
    """What some people's records say of lags.

    own: account, payer, own_learned; likely: account, payer, lag, lines, score (:func:`_scores`) of records that fit no
    lag far better than any other; whole: account, lag at which a record is clean throughout. clean, all: region,
    scheme, payer, lag, people, tied: how many clean records, and how many records of any kind, vote for it; tied: how
    many of these fit another lag as well. long: the same of records of :data:`PERSON_MONTHS` fitting lines and more.
    even, long_even: the same of (long) records of one sum throughout (:func:`_even`), which fit nearly any lag.
    undated: the same of records of any kind with a line that names no day of arrival.
    """

    own: pl.DataFrame
    likely: pl.DataFrame
    whole: pl.DataFrame
    clean: pl.DataFrame
    all: pl.DataFrame
    long: pl.DataFrame
    even: pl.DataFrame
    long_even: pl.DataFrame
    undated: pl.DataFrame


def may_be_corrected(plan: Schedule) -> bool:
    """A schedule that steady data may correct: of low confidence, or only the national default."""
    return not plan.typical_stated and (plan.confidence == "low" or plan.ref.startswith("national"))


def plain_lines(lines: pl.DataFrame) -> pl.DataFrame:
    """Paid normal lines whose amount and arrival are known: the ones lags and cohorts are read from."""
    return lines.filter(
        pl.col("stream").is_in(["normal", "annual"]) & pl.col("payable") & pl.col("arrival").is_not_null()
    )


def votes_of(
    lines: pl.DataFrame, credit: pl.DataFrame, policy: Policy, cover: Callable[[], pl.DataFrame] | None = None
) -> Votes:
    """The votes of the people in ``lines`` (see the module).

    cover: tells what exports cover (:func:`recon.core.cover.flow_cover`), if it is asked for; else they end with the
    last credit.
    """
    due, came = _due_and_came(lines, credit, policy)
    regions = due["region"].unique().to_list()
    if due.is_empty() or came.is_empty():
        account = dict.fromkeys(ACCOUNT, pl.String)
        return Votes(pl.DataFrame(schema={**account, "payer": pl.String, "own_learned": pl.Int32}),
                     pl.DataFrame(schema={**account, **_SCORES}), pl.DataFrame(schema={**account, "lag": pl.Int32}),
                     *(pl.DataFrame(schema=_VOTES) for _ in COUNTED))
    # The same accounts are joined and counted lag by lag: as numbers in the order of their names.
    numbered = [pl.col(name).cast(pl.Enum(due[name].drop_nulls().unique().sort())) for name in ACCOUNT]
    text = pl.col(ACCOUNT).cast(pl.String)
    due, came = due.with_columns(numbered), came.with_columns(numbered)
    payers = due.group_by(ACCOUNT).agg(pl.col("payer").min(), pl.col("dated").all())
    due = due.drop("payer", "dated")
    spans = due.group_by(ACCOUNT).agg(pl.col("at").min().alias("due_from"), pl.col("at").max().alias("due_to"),
                                      pl.len().alias("due_lines")).join(
        came.group_by(ACCOUNT).agg(pl.col("at").min().alias("came_from"), pl.col("at").max().alias("came_to"),
                                   pl.len().alias("came_lines")), on=ACCOUNT)
    moved = due.join(spans.select(*ACCOUNT, "came_from", "came_to"), on=ACCOUNT).join(_LAGS, how="cross").filter(
        (pl.col("at") + pl.col("lag")).is_between("came_from", "came_to")
    ).select(*ACCOUNT, "lag", pl.col("at") + pl.col("lag"), "fen", "accrual")
    fit = _fit(moved, came, spans)
    typical = {region: policy.schedule(region).typical for region in regions}
    scores = _scores(moved, came)
    told = _with_ends(scores, fit, due, spans, typical, text, cover)
    whole = _whole_alone(fit, told, typical).with_columns(pl.lit(False).alias("tied"))
    part = _telling(fit.join(whole.select(ACCOUNT).unique(), on=ACCOUNT, how="anti"), told, typical)
    clean = pl.concat([whole, part]).filter(pl.len().over(ACCOUNT) == 1).select(*ACCOUNT, "lag", "lines", "tied")
    rough = _best_fit(scores, typical).join(clean.select(ACCOUNT), on=ACCOUNT, how="anti")
    # A record that fits another lag as well says nothing of its own.
    strong = pl.concat([clean.filter(~pl.col("tied")), _far_better(rough, scores)]).filter(
        pl.col("lines") >= PERSON_MONTHS)
    # Of a record of one sum the ends alone tell its lag, and what is covered there decides.
    even = _even(due, came, _unsaid(lines), typical, text, cover, _soft(regions, policy))
    clean, rough, strong = (_unrefuted(each, even) for each in (clean, rough, strong))
    even = even.join(pl.concat([clean, rough]).filter(~pl.col("tied")), on=ACCOUNT, how="anti")
    own = strong.select(*ACCOUNT, pl.col("lag").alias("own_learned"))
    yearly = sorted(region for region in regions if policy.schedule(region).kind == "annual")
    if yearly:
        monthly_all_the_same = _monthly_after_all(due.filter(pl.col("region").is_in(yearly)), came)
        own = pl.concat([own, monthly_all_the_same.join(own, on=ACCOUNT, how="anti")])
    likely = _likely(scores).join(own, on=ACCOUNT, how="anti").join(payers, on=ACCOUNT)
    own = own.join(payers, on=ACCOUNT, maintain_order="left").select(*ACCOUNT, "payer", "own_learned")
    votes = pl.concat([clean, rough]).join(payers, on=ACCOUNT).with_columns(text)
    even = even.join(payers, on=ACCOUNT).with_columns(text)
    return Votes(own.with_columns(text), likely.with_columns(text).select(*ACCOUNT, *_SCORES),
                 whole.select(text, "lag"), _counted(clean.join(payers, on=ACCOUNT).with_columns(text)),
                 _counted(votes), _counted(votes.filter(pl.col("lines") >= PERSON_MONTHS)),
                 _counted(even), _counted(even.filter(pl.col("lines") >= PERSON_MONTHS)),
                 _counted(pl.concat([votes, even.select(votes.columns)]).filter(~pl.col("dated"))))


def all_votes(parts: Sequence[Votes]) -> Votes:
    """The votes of several groups of people together."""
    key = ["region", "scheme", "payer", "lag"]
    return Votes(
        *(pl.concat([getattr(one, name) for one in parts]) for name in PERSONAL),
        *(added([getattr(one, name) for one in parts], key) for name in COUNTED),
    )


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
    of_even = pl.concat([
        _shared(_with_even(votes.all, votes.even), COHORT_PEOPLE),
        _shared(_with_even(votes.long, votes.long_even), STEADY_PEOPLE, STEADY_SHARE_PERCENT),
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
    due, came = _due_and_came(lines, credit, policy)
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


def _due_and_came(lines: pl.DataFrame, credit: pl.DataFrame, policy: Policy) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Account, payer, at, fen, accrual, dated of the lines that wait for a monthly credit; and their accounts' credits.

    dated: the day of arrival is known. Of the credits the account, at, fen and prints: the accrual month printed.
    """
    due = plain_lines(lines).filter(pl.col("region").is_not_null()).select(
        *ACCOUNT, "payer", pl.col("arrival").alias("at"), pl.col("expected_fen").alias("fen"),
        pl.col("month").alias("accrual"), pl.col("arrival_day").is_not_null().alias("dated"))
    regions = due["region"].unique().to_list()
    # A yearly schedule that is not sure yields to steady monthly credits like any other.
    monthly = {region for region in regions if policy.schedule(region).kind != "annual"} | _soft(regions, policy)
    due = due.filter(pl.col("region").is_in(sorted(monthly)))
    # A month of posting that is printed as the accrual month says nothing.
    prints = pl.when(pl.col("printed") != pl.col("month")).then("printed").alias("prints")
    came = credit.select(*ACCOUNT, pl.col("month").alias("at"), pl.col("net_fen").alias("fen"), prints).join(
        due.select(ACCOUNT).unique(), on=ACCOUNT, how="semi")
    return due, before_deductions(due, _without_others(lines, due, came))


def _without_others(lines: pl.DataFrame, due: pl.DataFrame, came: pl.DataFrame) -> pl.DataFrame:
    """``came`` without the credits of top-ups and back pay: what a line of these is, or all that arrived together.

    They say nothing of the lag of the months. One that is a month's own sum, too, stays.
    """
    other = lines.filter(
        pl.col("stream").str.contains("^(?:top_up|back_pay)") & pl.col("payable") & pl.col("arrival").is_not_null()
        & (pl.col("expected_fen") > 0) & pl.col("region").is_not_null())
    if other.is_empty():
        return came
    key = [*ACCOUNT, "arrival"]
    together = other.group_by([*key, "stream"]).agg(pl.col("expected_fen").sum())
    sums = pl.concat([other.select(*key, "expected_fen"), together.select(*key, "expected_fen")]).unique().rename(
        {"expected_fen": "fen"}).join(due.select(*ACCOUNT, "fen").unique(), on=[*ACCOUNT, "fen"], how="anti")
    theirs = sums.join(_LAGS, how="cross").select(*ACCOUNT, (pl.col("arrival") + pl.col("lag")).alias("at"), "fen")
    return came.join(theirs.unique(), on=[*ACCOUNT, "at", "fen"], how="anti", maintain_order="left")


def before_deductions(due: pl.DataFrame, came: pl.DataFrame) -> pl.DataFrame:
    """``came`` with what a deduction took put back, where that makes more of an account's lines fit at one lag.

    due, came: account, at (month), fen. Looked at are accounts where many credits (:data:`ODD_SHARE`) are no line's
    sum; the sum lacking from most lines' credits, :data:`DEDUCTION_MONTHS` or more, is put back where that gives a sum
    that is due.
    """
    sums = due.select(*ACCOUNT, "fen").unique()
    odd = came.join(sums, on=[*ACCOUNT, "fen"], how="anti").group_by(ACCOUNT).agg(pl.len().alias("_odd"))
    poor = odd.join(came.group_by(ACCOUNT).agg(pl.len().alias("_all")), on=ACCOUNT).filter(
        pl.col("_odd") * ODD_SHARE >= pl.col("_all")).select(ACCOUNT)
    if poor.is_empty():
        return came
    theirs = came.join(poor, on=ACCOUNT, how="semi")
    asked = due.select(*ACCOUNT, "at", "fen").join(poor, on=ACCOUNT, how="semi").join(_LAGS, how="cross")
    lacking = asked.with_columns(pl.col("at") + pl.col("lag")).join(
        theirs.rename({"fen": "_fen"}), on=[*ACCOUNT, "at"]
    ).with_columns((pl.col("fen") - pl.col("_fen")).alias("rest")).filter(
        (pl.col("rest") >= 0) & (pl.col("rest") * DEDUCTION_SHARE <= pl.col("fen")))
    often = lacking.group_by([*ACCOUNT, "rest", "lag"]).agg(pl.col("at").n_unique().alias("n")).sort(
        *ACCOUNT, "n", "rest", descending=[False, False, False, True, False]
    ).unique(ACCOUNT, keep="first", maintain_order=True).filter(
        (pl.col("rest") > 0) & (pl.col("n") >= DEDUCTION_MONTHS))
    back = theirs.join(often.select(*ACCOUNT, "rest"), on=ACCOUNT).with_columns(
        (pl.col("fen") + pl.col("rest")).alias("_whole")).join(
        sums.rename({"fen": "_whole"}), on=[*ACCOUNT, "_whole"], how="semi").select(*ACCOUNT, "fen", "_whole").unique()
    return came.join(back, on=[*ACCOUNT, "fen"], how="left", maintain_order="left").with_columns(
        pl.coalesce("_whole", "fen").alias("fen")).drop("_whole")


def _soft(regions: Sequence[str], policy: Policy) -> set[str]:
    return {region for region in regions if may_be_corrected(policy.schedule(region))}


def _counted(votes: pl.DataFrame) -> pl.DataFrame:
    """region, scheme, payer, lag, people, tied: how many records of three lines or more vote for a lag."""
    return votes.filter(pl.col("lines") >= 3).group_by("region", "scheme", "payer", "lag").agg(
        pl.len().alias("people"), pl.col("tied").sum()).cast(pl.Schema(_VOTES))


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


def _telling(part: pl.DataFrame, scores: pl.DataFrame, typical: dict[str, int]) -> pl.DataFrame:
    """Of lags at which the months both sides span are clean, those that explain more lines than any other lag.

    One at which few lines have a place at all is clean by chance. The region's own lag is no stranger than any other:
    it need only explain as many.
    """
    others = scores.select(*ACCOUNT, pl.col("lag").alias("_lag"), "lines")
    part = part.drop("lines").join(scores.select(*ACCOUNT, "lag", "lines"), on=[*ACCOUNT, "lag"]).select(part.columns)
    other = part.select(*ACCOUNT, "lag").join(others, on=ACCOUNT).filter(pl.col("_lag") != pl.col("lag")).group_by(
        *ACCOUNT, "lag").agg(pl.col("lines").max().alias("_other"))
    own = pl.col("lag") == pl.col("region").replace_strict(typical, return_dtype=pl.Int32)
    return part.join(other, on=[*ACCOUNT, "lag"], how="left").filter(
        (pl.col("lines") > pl.col("_other").fill_null(0)) | (own & (pl.col("lines") >= pl.col("_other")))
    ).with_columns((pl.col("lines") == pl.col("_other").fill_null(0)).alias("tied")).drop("_other")


def _with_ends(
    scores: pl.DataFrame, fit: pl.DataFrame, due: pl.DataFrame, spans: pl.DataFrame, typical: dict[str, int],
    text: pl.Expr, cover: Callable[[], pl.DataFrame] | None,
) -> pl.DataFrame:
    """``scores`` where the lags up to the region's own have the lines, too, whose credits nobody can have seen.

    Where every month has one sum, and the lines and the credits are those of the same months, a shorter lag seems to
    explain one line more: the last one, whose credit at the region's lag comes after the export. Asked are only the
    accounts that are clean at a shorter lag than the region's.
    """
    usual = pl.col("region").cast(pl.String).replace_strict(typical, return_dtype=pl.Int32)
    shorter = fit.filter(pl.col("lag") < usual).select(ACCOUNT).unique()
    if shorter.is_empty():
        return scores
    theirs = due.join(shorter, on=ACCOUNT).join(spans.select(*ACCOUNT, "came_from", "came_to"), on=ACCOUNT)
    asked = theirs.join(_LAGS, how="cross").filter(pl.col("lag") <= usual).with_columns(
        (pl.col("at") + pl.col("lag")).alias("due")).filter(~pl.col("due").is_between("came_from", "came_to"))
    if cover is not None and asked.height:
        seen = asked.select(text, "due").join(
            _ends(cover()), on=["person_id", "region"], how="left", maintain_order="left")
        asked = asked.filter(~seen.select(pl.col("due").is_between("_from", "_to").fill_null(value=False)).to_series())
    more = asked.group_by(*ACCOUNT, "lag").agg(pl.len().cast(pl.UInt32).alias("_more"))
    return scores.join(more, on=[*ACCOUNT, "lag"], how="left").with_columns(
        pl.col("lines") + pl.col("_more").fill_null(0)).drop("_more")


def _unrefuted(votes: pl.DataFrame, even: pl.DataFrame) -> pl.DataFrame:
    """``votes`` without those for one lag alone where ``even`` (:func:`_even`) tells another for the account."""
    other = even.select(*ACCOUNT, pl.col("lag").alias("_lag"))
    return votes.join(other, on=ACCOUNT, how="left", maintain_order="left").filter(
        pl.col("tied") | (pl.col("lag") == pl.col("_lag")).fill_null(value=True)).drop("_lag")


def _unsaid(lines: pl.DataFrame) -> pl.DataFrame:
    """Account, at of paid normal lines that wait for a monthly credit of which nobody knows how much it is."""
    return lines.filter(
        pl.col("stream").is_in(["normal", "annual"]) & (pl.col("paid") == True) & pl.col("expected_fen").is_null()  # noqa: E712
        & ~pl.col("is_side") & ~pl.col("no_account") & ~pl.col("netted") & pl.col("arrival").is_not_null()
    ).select(*ACCOUNT, pl.col("arrival").alias("at"))


def _even(
    due: pl.DataFrame, came: pl.DataFrame, unsaid: pl.DataFrame, typical: dict[str, int], text: pl.Expr,
    cover: Callable[[], pl.DataFrame] | None, soft: set[str],
) -> pl.DataFrame:
    """Account, lag, lines, tied (none is): at which lag the fewest lines and credits of a record of one sum are alone.

    Such a record fits nearly any lag; what tells them apart is what the export covers: at too short a lag the first
    lines have no credit there, at too long a one the first credits have no line. One record may as well lack its first
    month; that many do is unlikely, and a longer lag accuses nobody. The region's own lag wins a tie it takes part in.
    unsaid: further lines of theirs (:func:`_unsaid`), which any credit fits.
    """
    none = due.head(0).select(*ACCOUNT, pl.lit(0, pl.Int32).alias("lag"), pl.lit(0, pl.UInt32).alias("lines"),
                              pl.lit(value=False).alias("tied"))
    if cover is None:
        return none
    ends = _ends(cover())
    lines = pl.concat([due.select(text, "at", "fen"),
                       unsaid.with_columns(pl.lit(None, pl.Int64).alias("fen"))]).filter(
        pl.col("region").is_in(sorted(soft))).join(ends, on=["person_id", "region"]).filter(
        (pl.col("at") <= pl.col("_to")) & (pl.col("at") + MAX_LEARNED_LAG >= pl.col("_from"))).drop("_from", "_to")
    one_sum = lines.group_by(ACCOUNT).agg(pl.col("fen").drop_nulls().n_unique().alias("_sums")).filter(
        pl.col("_sums") == 1).select(ACCOUNT)
    if one_sum.is_empty():
        return none
    theirs = lines.join(one_sum, on=ACCOUNT, how="semi").join(_LAGS, how="cross").select(
        *ACCOUNT, "lag", pl.col("at") + pl.col("lag"), pl.col("fen").is_not_null().alias("said"))
    lines = _seen(theirs, ends)
    credits = _seen(came.select(text, "at").join(one_sum, on=ACCOUNT, how="semi").unique(), ends)
    fits = lines.join(credits, on=[*ACCOUNT, "at"], how="semi").group_by(*ACCOUNT, "lag").agg(
        pl.len().cast(pl.Int64).alias("_fit"), pl.col("said").sum().alias("lines"))
    seen = lines.group_by(*ACCOUNT, "lag").agg(pl.len().cast(pl.Int64).alias("_seen"))
    all_credits = credits.group_by(ACCOUNT).agg(pl.len().cast(pl.Int64).alias("_came"))
    alone = seen.join(fits, on=[*ACCOUNT, "lag"]).join(all_credits, on=ACCOUNT).with_columns(
        (pl.col("_seen") + pl.col("_came") - 2 * pl.col("_fit")).alias("_alone"),
        (pl.col("lag") == pl.col("region").replace_strict(typical, return_dtype=pl.Int32)).alias("_own"))
    fewest = alone.filter(pl.col("_alone") == pl.col("_alone").min().over(ACCOUNT)).filter(
        pl.col("_own") | ~pl.col("_own").any().over(ACCOUNT))
    return fewest.filter(pl.len().over(ACCOUNT) == 1).select(
        *(pl.col(name).cast(none.schema[name]) for name in ACCOUNT), "lag", "lines", pl.lit(value=False).alias("tied"))


def _seen(lines: pl.DataFrame, ends: pl.DataFrame) -> pl.DataFrame:
    """Of ``lines`` (person_id, region, at) those with their month inside what the person's exports cover there."""
    return lines.join(ends, on=["person_id", "region"]).filter(
        pl.col("at").is_between("_from", "_to")).drop("_from", "_to")


def _ends(cover: pl.DataFrame) -> pl.DataFrame:
    """person_id, region, _from, _to: from which to which whole month a person's exports reach."""
    return cover.group_by("person_id", "region").agg(
        months.index_of(pl.col("from").min()).alias("_from"),
        (months.index_of(pl.col("to").max().dt.offset_by("1d")) - 1).alias("_to"))


def _whole_alone(fit: pl.DataFrame, scores: pl.DataFrame, typical: dict[str, int]) -> pl.DataFrame:
    """Of ``fit`` the records that are wholly clean, unless the region's own lag explains as much of them."""
    lines = scores.select(*ACCOUNT, "lag", pl.col("lines").alias("_lines"))
    # What the printed months say is no lag of the record's, however its sums agree, is none.
    whole = fit.filter(pl.col("whole")).join(lines, on=[*ACCOUNT, "lag"]).filter(
        pl.col("_lines") >= pl.col("lines")).drop("_lines")
    usual = pl.col("region").cast(pl.String).replace_strict(typical, return_dtype=pl.Int32)
    also = fit.join(lines, on=[*ACCOUNT, "lag"]).filter(
        (pl.col("lag") == usual) & ~pl.col("whole")).select(*ACCOUNT, "_lines")
    tied = whole.join(also, on=ACCOUNT).filter(pl.col("_lines") >= pl.col("lines")).select(ACCOUNT)
    return whole.join(tied, on=ACCOUNT, how="anti")


def _scores(moved: pl.DataFrame, came: pl.DataFrame) -> pl.DataFrame:
    """Per account and lag: lines (how many have a credit of their amount there) and score (those less the others).

    moved: the lines at every lag, those among the account's credits. A credit that prints its month is no other's.
    """
    hit = pl.lit(1, dtype=pl.Int32).alias("hit")
    seen = came.filter(pl.col("prints").is_null()).select(*ACCOUNT, "at", "fen").unique().with_columns(hit)
    told = came.filter(pl.col("prints").is_not_null()).select(
        *ACCOUNT, "at", "fen", pl.col("prints").cast(pl.Int32).alias("accrual")).unique()
    there = moved.join(seen, on=[*ACCOUNT, "at", "fen"], how="left")
    if told.height:
        there = there.join(told.with_columns(hit.alias("_told")), on=told.columns, how="left").with_columns(
            pl.coalesce("hit", "_told").alias("hit"))
    return there.group_by(*ACCOUNT, "lag").agg(
        pl.col("hit").sum().cast(pl.UInt32).alias("lines"),
        (pl.col("hit").sum() * 2 - pl.len().cast(pl.Int32)).alias("score"),
    )


def _best_fit(scores: pl.DataFrame, typical: dict[str, int]) -> pl.DataFrame:
    """Per account the lag at which most lines, less those without, have a credit of their amount; ties say nothing.

    Columns: the account, lag, lines (how many fit), tied. The region's own lag wins a tie it takes part in; a line
    fewer, because the records end there, is one.
    """
    near = scores.filter((pl.col("score") >= pl.col("score").max().over(ACCOUNT) - 1) & (pl.col("score") > 0))
    own = (pl.col("lag") == pl.col("region").replace_strict(typical, return_dtype=pl.Int32)).alias("_own")
    best = near.with_columns(own, (pl.len().over(ACCOUNT) > 1).alias("tied")).filter(
        pl.col("_own")
        | (~pl.col("_own").any().over(ACCOUNT) & (pl.col("score") == pl.col("score").max().over(ACCOUNT))))
    return best.filter(pl.len().over(ACCOUNT) == 1).select(
        *ACCOUNT, "lag", "lines", (pl.col("_own") & pl.col("tied")).alias("tied"))


def _likely(scores: pl.DataFrame) -> pl.DataFrame:
    """:func:`_scores` of the accounts with a lag that a year of lines fits."""
    return scores.filter(pl.col("lines").max().over(ACCOUNT) >= PERSON_MONTHS)


def _far_better(rough: pl.DataFrame, scores: pl.DataFrame) -> pl.DataFrame:
    """Of the records that are clean at no lag, those where far more lines fit their lag than fit any other."""
    other = rough.select(*ACCOUNT, "lag").join(
        scores.select(*ACCOUNT, pl.col("lag").alias("_lag"), pl.col("lines").alias("_lines")), on=ACCOUNT
    ).filter(pl.col("_lag") != pl.col("lag")).group_by(ACCOUNT).agg(pl.col("_lines").max())
    return rough.join(other, on=ACCOUNT, how="left").filter(
        pl.col("lines").cast(pl.Int64) >= pl.col("_lines").fill_null(0).cast(pl.Int64) + OWN_LAG_MORE).drop("_lines")


def _monthly_after_all(due: pl.DataFrame, came: pl.DataFrame) -> pl.DataFrame:
    """Accounts of a yearly region whose single months were credited one by one, and at which lag, most often."""
    pairs = due.join(came.rename({"at": "came_at"}), on=[*ACCOUNT, "fen"]).with_columns(
        (pl.col("came_at") - pl.col("at")).cast(pl.Int32).alias("own_learned")
    ).filter(pl.col("own_learned").is_between(0, MAX_LEARNED_LAG))
    counts = pairs.group_by([*ACCOUNT, "own_learned"]).agg(pl.col("at").n_unique().alias("n"))
    return counts.filter(pl.col("n") >= YEARLY_REFUTED).sort(
        *ACCOUNT, "n", "own_learned", descending=[False, False, False, True, False]
    ).unique(ACCOUNT, keep="first", maintain_order=True).select(*ACCOUNT, "own_learned")


def _fit(moved: pl.DataFrame, came: pl.DataFrame, spans: pl.DataFrame) -> pl.DataFrame:
    """Accounts and lags at which they are clean: lines matched, and whether both sides are used up wholly.

    moved: the lines at every lag, those among the account's credits.
    """
    inside = came.join(spans.select(*ACCOUNT, "due_from", "due_to"), on=ACCOUNT).join(_LAGS, how="cross").filter(
        (pl.col("at") - pl.col("lag")).is_between("due_from", "due_to"))
    key = [*ACCOUNT, "lag"]
    left = moved.group_by(key).agg(pl.struct("at", "fen").hash(7).sum().alias("sum"), pl.len().alias("lines"))
    right = inside.group_by(key).agg(pl.struct("at", "fen").hash(7).sum().alias("came_sum"), pl.len().alias("credits"))
    return left.join(right, on=key).filter(
        (pl.col("sum") == pl.col("came_sum")) & (pl.col("lines") == pl.col("credits"))
    ).join(spans, on=ACCOUNT).select(
        *key, "lines",
        ((pl.col("lines") == pl.col("due_lines")) & (pl.col("credits") == pl.col("came_lines"))).alias("whole"),
    )
