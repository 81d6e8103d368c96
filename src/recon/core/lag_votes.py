"""At which lag each account's own record fits, and how many records of a payer or region fit which (DESIGN section 5).

A lag L is *clean* when the multisets of (arrival + L, fen) and (posted, fen) agree over the months both sides span.
Accounts whose record is not clean at any lag vote for the one that fits most of their lines, those of one sum for what
their ends say (:mod:`recon.core.lag_ends`). Votes are counted and added up, so that people can be asked in parts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import polars as pl

from recon.core.counts import added
from recon.core.lag_ends import even_records, unrefuted, unsaid_lines, with_ends
from recon.core.lag_lines import LAGS, MAX_LEARNED_LAG, due_and_came, soft_regions
from recon.policy import Policy
from recon.tables import ACCOUNT

PERSON_MONTHS = 12  # so many months of one person teach a lag
# So many single months credited one by one refute a yearly schedule for the account.
YEARLY_REFUTED = 6
# So many more lines must fit a person's own lag than the lag of all others, unless the whole record is clean at it.
OWN_LAG_MORE = 6
PERSONAL = ("own", "likely", "whole")  # the votes that speak of single people
COUNTED = ("clean", "all", "long", "even", "long_even", "undated")  # the votes that are counted

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
    even, long_even: the same of (long) records of one sum throughout (:func:`even_records`), which fit nearly any lag.
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


def votes_of(
    lines: pl.DataFrame, credit: pl.DataFrame, policy: Policy, cover: Callable[[], pl.DataFrame] | None = None
) -> Votes:
    """The votes of the people in ``lines`` (see the module).

    cover: tells what exports cover (:func:`recon.core.cover.flow_cover`), if it is asked for; else they end with the
    last credit.
    """
    due, came = due_and_came(lines, credit, policy)
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
    moved = due.join(spans.select(*ACCOUNT, "came_from", "came_to"), on=ACCOUNT).join(LAGS, how="cross").filter(
        (pl.col("at") + pl.col("lag")).is_between("came_from", "came_to")
    ).select(*ACCOUNT, "lag", pl.col("at") + pl.col("lag"), "fen", "accrual")
    fit = _fit(moved, came, spans)
    typical = {region: policy.schedule(region).typical for region in regions}
    scores = _scores(moved, came)
    told = with_ends(scores, fit, due, spans, typical, text, cover)
    whole = _whole_alone(fit, told, typical).with_columns(pl.lit(False).alias("tied"))
    part = _telling(fit.join(whole.select(ACCOUNT).unique(), on=ACCOUNT, how="anti"), told, typical)
    clean = pl.concat([whole, part]).filter(pl.len().over(ACCOUNT) == 1).select(*ACCOUNT, "lag", "lines", "tied")
    rough = _best_fit(scores, typical).join(clean.select(ACCOUNT), on=ACCOUNT, how="anti")
    # A record that fits another lag as well says nothing of its own.
    strong = pl.concat([clean.filter(~pl.col("tied")), _far_better(rough, scores)]).filter(
        pl.col("lines") >= PERSON_MONTHS)
    # Of a record of one sum the ends alone tell its lag, and what is covered there decides.
    even = even_records(due, came, unsaid_lines(lines), typical, text, cover, soft_regions(regions, policy))
    clean, rough, strong = (unrefuted(each, even) for each in (clean, rough, strong))
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


def _counted(votes: pl.DataFrame) -> pl.DataFrame:
    """region, scheme, payer, lag, people, tied: how many records of three lines or more vote for a lag."""
    return votes.filter(pl.col("lines") >= 3).group_by("region", "scheme", "payer", "lag").agg(
        pl.len().alias("people"), pl.col("tied").sum()).cast(pl.Schema(_VOTES))


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
    inside = came.join(spans.select(*ACCOUNT, "due_from", "due_to"), on=ACCOUNT).join(LAGS, how="cross").filter(
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
