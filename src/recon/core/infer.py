"""Rules that the data themselves show, cohort by cohort, where the policy is silent, unsure, or at odds with a city.

A cohort is everybody of one region, scheme, status and tier. From months with one paid line and one credit in its
usual place it is asked whether nearly all credits are one share of the base, that share with a constant sum more or
less, or (retirees) one sum a month, for everybody or by age. What is found is marked ``inferred``: it may say that a
credit is as it usually is there, never that one is too small. Support is counted, and below it nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import polars as pl

from recon.core import months
from recon.core.expect import ACCUSING
from recon.core.prepare import Prepared
from recon.core.rounded import PPM, rounded_share
from recon.policy import Policy
from recon.tables import ACCOUNT, SCHEME_ACCOUNT

# A rule is believed from so many people and months on, and when so many of a thousand credits agree with it.
PEOPLE = 20
MONTHS = 3
FIT = 900
# The shipped rule is at odds with a cohort when it fits less than this many of a thousand of the same credits.
OWN_FIT = 500
# Rates are looked for in steps of 0.01%; a constant sum more or less is at most half the credit.
GRID_PPM = 100
FLAT_SHARE = 2
NATIONAL_PPM = 20_000
MAX_LAG = 5
DISTINCT_BASES = 3
SAMPLE = 500  # people of a cohort that are asked
PER_MONTH = 5  # a month with fewer credits neither begins nor ends a rule
PER_AGE = 3
MOST_BRACKETS = 6
INFERRED = "inferred"
_COHORT = ["region", "scheme", "insured", "tier"]

SCHEMA = pl.Schema({
    **dict.fromkeys(_COHORT, pl.String()), "from": pl.Int32(), "to": pl.Int32(), "age_min": pl.Int32(),
    "age_max": pl.Int32(), "kind": pl.String(), "personal_ppm": pl.Int64(), "employer_ppm": pl.Int64(),
    "flat_fen": pl.Int64(), "people": pl.Int32(), "months": pl.Int32(), "pairs": pl.Int32(), "hits": pl.Int32(),
    "own_hits": pl.Int32(), "verdict": pl.String(), "ref": pl.String(), "is_last": pl.Boolean(),
})


@dataclass(frozen=True)
class _Found:
    """One rule of a cohort over a run of months: brackets of (age_min, age_max, value) of one family."""

    family: str
    first: int
    last: int
    brackets: tuple[tuple[int | None, int | None, int], ...]


@dataclass(frozen=True)
class Asked:
    """Credits in place of people sampled from some of all: of each kind the people (with a hash) and their pairs."""

    in_service: tuple[pl.DataFrame, pl.DataFrame]
    retired: tuple[pl.DataFrame, pl.DataFrame]


def ask(lines: pl.DataFrame, prepared: Prepared, policy: Policy) -> Asked:
    """The credits in place of a sample of the people at hand; ``lines``: of :func:`recon.core.expect.lines_of`."""
    return Asked(_in_service_pairs(lines, prepared.credit), _retiree_pairs(prepared, policy))


def asked_of(parts: Sequence[Asked]) -> Asked:
    """Those who would have been asked of all ``parts`` together."""
    return Asked(_sample_of([one.in_service for one in parts]), _sample_of([one.retired for one in parts]))


def rules_from(asked: Asked, policy: Policy) -> pl.DataFrame:
    """What the data show, one row per cohort, run of months and age bracket (:data:`SCHEMA`), from everybody asked.

    kind: share, share_flat or fixed; from, to: months seen; verdict: confirms (the policy says the same), unknown (it
    is silent or of low confidence), conflict (it is well known and fits less than half of the same credits). A
    well-known rule less one sum for all is confirmed: what is lacking is a deduction (DESIGN section 7), no other rule.
    """
    pairs = pl.concat([_at_best_lag(asked.in_service[1], policy), asked.retired[1]])
    rows: list[dict[str, Any]] = []
    for cohort, mine in pairs.sort(*_COHORT, "month", "person_id", nulls_last=True).group_by(
        _COHORT, maintain_order=True
    ):
        found = list(_rules_of(mine)) if mine["person_id"].n_unique() >= PEOPLE else []
        for one in found:
            rows += _rows(dict(zip(_COHORT, cohort, strict=True)), one, mine, is_last=one is found[-1])
    return pl.DataFrame(rows, schema=SCHEMA)


def infer_rules(lines: pl.DataFrame, prepared: Prepared, policy: Policy) -> pl.DataFrame:
    """:func:`rules_from` everybody at once."""
    return rules_from(ask(lines, prepared, policy), policy)


# ---------------------------------------------------------------------------------------------- credits in place


_PEOPLE = pl.Schema({**dict.fromkeys((*_COHORT, "person_id"), pl.String()), "_h": pl.UInt64()})
_PAIRS = pl.Schema({
    **dict.fromkeys((*_COHORT, "person_id"), pl.String()), "month": pl.Int32(), "age": pl.Int32(),
    "base_fen": pl.Int64(), "fen": pl.Int64(), "lacks": pl.Int64(), "own": pl.Boolean(), "known": pl.Boolean(),
})
_RETIREE_RULES = 6  # a rule and those accepted beside it


def _in_service_pairs(lines: pl.DataFrame, credit: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Sampled people, and their months with one paid line and one credit, at every lag.

    lacks: the policy's amount less the credit; own: the credit is what the policy says (or accepts); known: the policy
    is sure enough to accuse.
    """
    plain = lines.filter(
        (pl.col("payment_kind") == "normal") & (pl.col("paid") == True) & ~pl.col("is_side")  # noqa: E712
        & ~pl.col("netted") & ~pl.col("no_account") & ~pl.col("stated") & (pl.col("base_fen") > 0)
        & pl.col("arrival").is_not_null() & pl.col("region").is_not_null() & (pl.col("stream") == "normal")
    ).filter((pl.len().over(*ACCOUNT, "month") == 1) & (pl.len().over(*ACCOUNT, "arrival") == 1))
    people = _sampled(plain)
    plain = _of(plain, people)
    lone = credit.join(plain.select(ACCOUNT).unique(), on=ACCOUNT, how="semi").select(
        *ACCOUNT, pl.col("month").alias("at"), pl.col("net_fen").alias("fen")).filter(
        pl.len().over(*ACCOUNT, "at") == 1)
    lags = pl.DataFrame({"lag": range(MAX_LAG + 1)}, schema={"lag": pl.Int32})
    pairs = plain.join(lags, how="cross").with_columns((pl.col("arrival") + pl.col("lag")).alias("at")).join(
        lone, on=[*ACCOUNT, "at"], nulls_equal=True)
    known = pl.col("policy_confidence").is_in(ACCUSING) & pl.col("expected_fen").is_not_null() & ~pl.col("unsure")
    fits = (pl.col("fen") == pl.col("expected_fen")).fill_null(False) | pl.col("accepts").list.contains(pl.col("fen"))
    return people, pairs.select(
        *_COHORT, "person_id", "month", ((pl.col("month") - pl.col("born")) // 12).cast(pl.Int32).alias("age"),
        "base_fen", "fen", (pl.col("expected_fen") - pl.col("fen")).alias("lacks"), fits.alias("own"),
        known.alias("known"), "lag",
    )


def _at_best_lag(pairs: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """The pairs at the lag that most of the region's credits fit."""
    if pairs.is_empty():
        return pairs.drop("lag")
    typical = {region: policy.schedule(region).typical for region in pairs["region"].unique().to_list()}
    # The lag at which the most credits agree with one share or one sum beside 2%; of equal ones the region's own.
    votes = pl.concat([
        pairs.select("region", "scheme", "lag", pl.lit(family).alias("_family"), _value(family).alias("_v"))
        for family in ("share", "share_flat")
    ]).drop_nulls("_v").group_by("region", "scheme", "lag", "_family", "_v").agg(pl.len().alias("n")).group_by(
        "region", "scheme", "lag").agg(pl.col("n").max()).with_columns(
        (pl.col("lag") != pl.col("region").replace_strict(typical, default=1, return_dtype=pl.Int32)).alias("_odd")
    ).sort("region", "scheme", "n", "_odd", "lag", descending=[False, False, True, False, False]).unique(
        ["region", "scheme"], keep="first", maintain_order=True).select("region", "scheme", "lag")
    return pairs.join(votes, on=["region", "scheme", "lag"], how="semi").drop("lag")


def _retiree_pairs(prepared: Prepared, policy: Policy) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Sampled people retired by the roster, and their months with one credit; their clock is the month itself."""
    person = prepared.tables["person"].filter(
        (pl.col("insured_status") == "retired") | pl.col("retired_from").is_not_null()
    ).select("person_id", pl.col("tier"), months.index_of(pl.col("birth_date")).alias("born"),
             months.index_of(pl.col("retired_from")).alias("_from"))
    if person.is_empty():
        return pl.DataFrame(schema=_PEOPLE), pl.DataFrame(schema=_PAIRS)
    pairs = prepared.credit.filter(
        (pl.col("scheme") == SCHEME_ACCOUNT) & pl.col("region").is_not_null()
        & (pl.len().over("person_id", "region", "scheme", "month") == 1)
    ).join(person, on="person_id").filter(pl.col("month") >= pl.col("_from").fill_null(0)).with_columns(
        ((pl.col("month") - pl.col("born")) // 12).cast(pl.Int32).alias("age"), pl.lit("retired").alias("insured"))
    people = _sampled(pairs)
    pairs = _of(pairs, people)
    situations = pairs.select("region", "tier", "month", "born").unique()
    told = []
    for region, tier, month, born in situations.iter_rows():
        rule = policy.rule(region, SCHEME_ACCOUNT, tier, "retired", months.first_day(month),
                           None if born is None else months.first_day(born))
        told.append({"region": region, "tier": tier, "month": month, "born": born, "slack": rule.slack_fen,
                     "due": [one.monthly_fen for one in (rule, *rule.accepts) if one.monthly_fen is not None],
                     "known": rule.monthly_fen is not None and rule.confidence in ACCUSING})
    rules = pl.DataFrame(told, schema={
        "region": pl.String(), "tier": pl.String(), "month": pl.Int32(), "born": pl.Int32(), "slack": pl.Int64(),
        "due": pl.List(pl.Int64()), "known": pl.Boolean()})
    joined = pairs.join(rules, on=["region", "tier", "month", "born"], how="left", nulls_equal=True)
    near = [(pl.col("net_fen") - pl.col("due").list.get(place, null_on_oob=True)).abs() <= pl.col("slack")
            for place in range(_RETIREE_RULES)]
    fits = pl.any_horizontal(near)
    return people, joined.select(
        *_COHORT, "person_id", "month", "age", pl.lit(None, dtype=pl.Int64).alias("base_fen"),
        pl.col("net_fen").alias("fen"), pl.lit(None, dtype=pl.Int64).alias("lacks"),
        fits.fill_null(False).alias("own"), pl.col("known").fill_null(False),
    )


def _sampled(rows: pl.DataFrame) -> pl.DataFrame:
    """At most :data:`SAMPLE` people of each cohort, taken by hash (``_h``): a rule shows in a few hundred."""
    return _fewest(rows.select(*_COHORT, "person_id").unique().with_columns(pl.col("person_id").hash(11).alias("_h")))


def _fewest(people: pl.DataFrame) -> pl.DataFrame:
    return people.filter(pl.struct("_h", "person_id").rank("ordinal").over(_COHORT) <= SAMPLE)


def _of(rows: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    return rows.join(people, on=[*_COHORT, "person_id"], how="semi", nulls_equal=True)


def _sample_of(parts: Sequence[tuple[pl.DataFrame, pl.DataFrame]]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The people who would have been sampled from all of them together, and their pairs."""
    if len(parts) == 1:
        return parts[0]
    people, pairs = (pl.concat(frames) for frames in zip(*parts, strict=True))
    people = _fewest(people)
    return people, _of(pairs, people)


def _value(family: str) -> pl.Expr:
    """What a pair would say of a family: its share (ppm), its constant sum beside 2% (fen), its sum (fen)."""
    base, fen = pl.col("base_fen"), pl.col("fen")
    if family == "fixed":
        return fen
    if family == "share_flat":
        rest = fen - rounded_share(base, pl.lit(NATIONAL_PPM))
        return pl.when((rest != 0) & (rest.abs() * FLAT_SHARE <= fen)).then(rest)
    ppm = (fen * PPM * 2 + base * GRID_PPM) // (base * 2 * GRID_PPM) * GRID_PPM
    # Two shares are rounded each by itself, so their sum may be a fen off.
    return pl.when((ppm > 0) & ((rounded_share(base, ppm) - fen).abs() <= 1)).then(ppm)


# --------------------------------------------------------------------------------------------- one cohort's rules


def _rules_of(pairs: pl.DataFrame) -> Iterator[_Found]:
    """The rules of a cohort, oldest first: for everybody where that fits, else by age, in what months are left."""
    families = ("fixed",) if pairs["base_fen"].null_count() == pairs.height else ("share", "share_flat")
    found: list[_Found] = []
    for family in families:
        valued = pairs.with_columns(_value(family).alias("value"))
        for run in _runs(_left(valued, found), family, found):
            if _fits(valued, run):
                found.append(run)
    for family in families:
        valued = pairs.with_columns(_value(family).alias("value"))
        for block in _blocks(_left(valued, found)):
            by_age = _by_age(block, family)
            if by_age is not None and _fits(valued, by_age):
                found.append(by_age)
    yield from sorted(found, key=lambda one: one.first)


def _left(pairs: pl.DataFrame, found: Sequence[_Found]) -> pl.DataFrame:
    """The pairs in months that no rule covers yet."""
    for one in found:
        pairs = pairs.filter(~pl.col("month").is_between(one.first, one.last))
    return pairs


def _runs(pairs: pl.DataFrame, family: str, found: Sequence[_Found]) -> Iterator[_Found]:
    """Runs of months with one most frequent value; none reaches over the months of a rule already found."""
    before = list(found)
    counts = pairs.group_by("month").agg(
        pl.len().alias("n"), pl.col("value").drop_nulls().mode().sort().first()
    ).filter(pl.col("n") >= PER_MONTH).sort("month")
    rows = counts.select("month", "value").iter_rows()
    for (value, _), run in groupby(rows, key=lambda row: (row[1], sum(one.last < row[0] for one in before))):
        seen = [month for month, _ in run]
        if value is not None:
            yield _Found(family, seen[0], seen[-1], ((None, None, value),))


def _blocks(pairs: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Runs of neighbouring months, of pairs whose age is known."""
    aged = pairs.filter(pl.col("age").is_not_null())
    seen = aged["month"].unique().sort().to_list()
    start = 0
    for place in range(1, len(seen) + 1):
        if place == len(seen) or seen[place] - seen[place - 1] > 1:
            yield aged.filter(pl.col("month").is_between(seen[start], seen[place - 1]))
            start = place


def _by_age(pairs: pl.DataFrame, family: str) -> _Found | None:
    """Age brackets of equal most frequent values; None where there are none or too many."""
    counts = pairs.group_by("age").agg(
        pl.len().alias("n"), pl.col("value").drop_nulls().mode().sort().first(), pl.col("person_id").n_unique(),
    ).filter((pl.col("n") >= PER_AGE) & pl.col("value").is_not_null()).sort("age")
    groups = [(value, [age for age, _ in run])
              for value, run in groupby(counts.select("age", "value").iter_rows(), key=lambda row: row[1])]
    if not 1 < len(groups) <= MOST_BRACKETS:
        return None
    bounds = [ages[0] for _, ages in groups]
    brackets = tuple(
        (None if place == 0 else bounds[place], bounds[place + 1] if place + 1 < len(groups) else None, value)
        for place, (value, _) in enumerate(groups)
    )
    return _Found(family, int(pairs["month"].min()), int(pairs["month"].max()), brackets)  # type: ignore[arg-type]


def _hits(pairs: pl.DataFrame, found: _Found) -> pl.DataFrame:
    """The pairs of the rule's months with ``hit``: whether the credit agrees with it."""
    expected = pl.lit(None, dtype=pl.Int64)
    for low, high, value in found.brackets:
        inside = pl.lit(True) if low is None and high is None else (
            pl.when(pl.col("age").is_null()).then(False)
            .otherwise((pl.col("age") >= (low or 0)) & (pl.col("age") < (high or 999))))
        expected = pl.when(inside).then(pl.lit(value, dtype=pl.Int64)).otherwise(expected)
    return pairs.filter(pl.col("month").is_between(found.first, found.last)).with_columns(
        (pl.col("value") == expected).fill_null(False).alias("hit"))


def _fits(pairs: pl.DataFrame, found: _Found) -> bool:
    """Whether enough people, months and credits agree, on bases that tell a share from a sum."""
    mine = _hits(pairs, found)
    agreeing = mine.filter("hit")
    voters = mine.group_by("person_id").agg((pl.col("hit").sum() * 2 > pl.len()).alias("agrees"))
    bases = agreeing["base_fen"].drop_nulls().n_unique()
    return (
        int(voters["agrees"].sum()) >= PEOPLE and agreeing["month"].n_unique() >= MONTHS
        and agreeing.height * 1000 >= mine.height * FIT
        and (found.family == "fixed" or bases >= DISTINCT_BASES)
    )


def _rows(cohort: Mapping[str, Any], found: _Found, pairs: pl.DataFrame, *, is_last: bool) -> list[dict[str, Any]]:
    valued = pairs.with_columns(_value(found.family).alias("value"))
    mine = _hits(valued, found)
    agreeing = mine.filter("hit")
    known = bool(mine["known"].sum() * 2 > mine.height)
    own = int(mine["own"].sum())
    if known and found.family == "share_flat" and all(value < 0 for *_, value in found.brackets):
        own = int((mine["own"] | (mine["hit"] & (mine["lacks"] == -mine["value"]))).fill_null(False).sum())
    verdict = "confirms" if own * 1000 >= mine.height * FIT else (
        "conflict" if known and own * 1000 < mine.height * OWN_FIT else "unknown" if not known else "confirms")
    start = f"{months.first_day(found.first):%Y-%m}"
    rows = []
    for low, high, value in found.brackets:
        personal, employer, flat = _parts(found.family, value, agreeing, low, high)
        rows.append({
            **cohort, "from": found.first, "to": found.last, "age_min": low, "age_max": high, "kind": found.family,
            "personal_ppm": personal, "employer_ppm": employer, "flat_fen": flat,
            "people": agreeing["person_id"].n_unique(), "months": agreeing["month"].n_unique(),
            "pairs": mine.height, "hits": agreeing.height, "own_hits": own, "verdict": verdict,
            "ref": f"{cohort['region']}/{start}/{INFERRED}", "is_last": is_last,
        })
    return rows


def _parts(
    family: str, value: int, agreeing: pl.DataFrame, low: int | None, high: int | None
) -> tuple[int | None, int | None, int]:
    """personal_ppm, employer_ppm, flat_fen; above 2% split in two where two roundings fit more credits."""
    if family == "fixed":
        return None, None, value
    if family == "share_flat":
        return NATIONAL_PPM, 0, value
    if value <= NATIONAL_PPM:
        return value, 0, 0
    mine = agreeing.filter(pl.col("age").is_between(low or 0, (high or 999) - 1)) if low or high else agreeing
    base, fen = pl.col("base_fen"), pl.col("fen")
    split = rounded_share(base, pl.lit(NATIONAL_PPM)) + rounded_share(base, pl.lit(value - NATIONAL_PPM))
    both, whole = mine.select(
        (split == fen).sum().alias("both"), (rounded_share(base, pl.lit(value)) == fen).sum().alias("whole")).row(0)
    return (NATIONAL_PPM, value - NATIONAL_PPM, 0) if both >= whole else (value, 0, 0)
