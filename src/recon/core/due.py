"""When each line is due, what the exports cover, and what leaving it open would cost.

In: lines and the context. Out: the same lines with due and last month, coverage flags and the open price. All rules are
DESIGN section 5; months are numbers.
"""

from __future__ import annotations

import polars as pl

from recon.core import months
from recon.core.cohorts import schedule_frame
from recon.core.context import Context
from recon.core.expect import ACCUSING
from recon.core.lag_lines import may_be_corrected
from recon.core.lags import joined
from recon.core.links import PRICES, YEAR
from recon.policy import Policy
from recon.tables import ACCOUNT

# A payer that pays so many months, and most of them, in several lines of one sum pays in parts.
PARTED_MONTHS = 3
TURN_LINES = 3  # so many lines more must show that an account's lag did not turn with the others'
_NOBODY = ""  # no payer's name: who is of it takes nobody's course


def with_due(lines: pl.DataFrame, credit: pl.DataFrame, context: Context, policy: Policy) -> pl.DataFrame:
    """``lines`` with due, last, usual (lag), covered and priced columns.

    due_over, last_over: the month is over at the as-of date. has_export, due_covered, last_covered, before (due begins
    before the cover), open_end (the cover's end is known from lines only), later_credit (a credit after due),
    other_rows (credits of its amount and place under another number of the name), not_split (in the treasury only).
    """
    lines = _with_schedule(lines, credit, context, policy)
    over = months.last_over(context.as_of)
    lines = lines.with_columns(
        (pl.col("due") <= over).fill_null(False).alias("due_over"),
        (pl.col("last") <= over).fill_null(False).alias("last_over"),
    )
    lines = lines.with_columns((pl.col("arrival") + pl.col("usual") + pl.col("shift")).alias("place"))
    lines = _with_paid_before(_with_cover(lines.with_row_index("line"), context), credit, context)
    spans = credit.group_by(ACCOUNT).agg(
        pl.col("month").min().alias("oldest"), pl.col("month").max().alias("newest")
    )
    lines = lines.join(spans, on=ACCOUNT, how="left", nulls_equal=True)
    counted = (pl.col("due_over") & pl.col("due_covered")) | pl.col("due").is_between("oldest", "newest")
    # By a learned lag the credit may come after the due month: it is lacking only where that month, too, can be seen.
    place_seen = (pl.col("place") <= pl.max_horizontal("due", "newest")) | (
        (pl.col("place") <= over) & pl.col("place_covered"))
    counted &= place_seen.fill_null(True) & ~pl.col("place_before")
    lines = lines.with_columns(
        (pl.col("newest") > pl.col("due")).fill_null(False).alias("later_credit"),
        counted.fill_null(False).alias("counted"),
    )
    lines = _with_second(lines).join(
        context.elsewhere, on=["person_id", "region", "due", "expected_fen"], how="left", nulls_equal=True,
        maintain_order="left",
    )
    # Open for a reason that the records themselves give: the credit stands under another number, was never split, or
    # none of the payer's people got theirs.
    found = pl.col("other_rows").is_not_null()
    lines = lines.join(
        context.nobodys.with_columns(pl.lit(value=True).alias("_nobodys")).rename({"month": "place"}),
        on=["region", "scheme", "payer", "place"], how="left", maintain_order="left")
    not_split = pl.col("treasury_on").is_not_null() & pl.col("allocated_on").is_null() & pl.col("allocates")
    return lines.with_columns(not_split.fill_null(False).alias("not_split")).with_columns(
        pl.when(~pl.col("payable") | ~pl.col("counted") | pl.col("second") | found).then(0)
        .when(pl.col("not_split") | (pl.col("_nobodys").fill_null(value=False) & ~pl.col("is_annual")))
        .then(PRICES.open_with_reason)
        .otherwise(PRICES.open).alias("open_price")
    ).drop("oldest", "newest", "place", "place_covered", "place_before", "_nobodys")


def _with_schedule(
    lines: pl.DataFrame, credit: pl.DataFrame, context: Context, policy: Policy
) -> pl.DataFrame:
    schedules = schedule_frame(lines["region"].unique().to_list(), policy, context.tolerance)
    scheduled = joined(joined(lines.join(schedules, on="region", how="left", nulls_equal=True), context.lag, "learned"),
                       context.steady, "steady_lag").join(context.own_lag, on=ACCOUNT, how="left", nulls_equal=True)
    retiree = pl.col("stream") == "retiree"
    of_all = joined(lines.select("region", "scheme", pl.lit(None, pl.String).alias("payer")), context.lag, "learned")
    scheduled = _with_turns(scheduled.with_columns(of_all["learned"].alias("_of_all")), credit, context)
    # A few people who all show one lag tell where credits are looked for, though not what is due: unless it turned.
    turned = context.shift.filter(pl.col("shift") != 0).select("region", "scheme", pl.lit(value=True).alias("_turned"))
    scheduled = scheduled.join(turned.unique(), on=["region", "scheme"], how="left", maintain_order="left")
    few = pl.when(pl.col("_turned").is_null() & (pl.col("kind") != "annual")).then("steady_lag")
    known = pl.coalesce("own_learned", "learned", "typical").cast(pl.Int32)
    usual = pl.when(retiree).then(0).otherwise(pl.coalesce("own_learned", "learned", few, "typical")).cast(pl.Int32)
    # The region's course is told by the arrivals of those who have its usual lag; others came as much earlier or later.
    course = context.shift.select(
        "region", "scheme", pl.col("payer").alias("_turns"), pl.col("arrival").alias("_at"), "shift", "lasting")
    scheduled = scheduled.with_columns(
        (pl.col("arrival") + usual - pl.col("_common")).cast(pl.Int32).alias("_at")
    ).join(course, on=["region", "scheme", "_turns", "_at"], how="left", nulls_equal=True, maintain_order="left").drop(
        "_at", "_turns", "_common", "_of_all")
    # What is learned always moves what is usual. It moves what is due only where the schedule may be corrected, or
    # where a line does not say when its premium arrived: then the schedule counts from a month that nobody knows.
    soft = pl.col("region").is_in(
        sorted(region for region in schedules["region"].drop_nulls() if may_be_corrected(policy.schedule(region)))
    ) | (pl.col("arrival_day").is_null() & pl.col("booked_month").is_null())
    learned = pl.col("own_learned").is_not_null() | pl.col("learned").is_not_null()
    annual = (pl.col("kind") == "annual") & ~retiree & ~learned
    yearly = pl.col("stream") == "annual"
    clock = pl.when(yearly).then(pl.col("month")).otherwise(pl.col("arrival"))
    # The window a month lies in ends eleven months after its start; the credit month after that end is due.
    window_end = clock - (clock - (pl.col("window_start") - 1)) % 12 + 11
    next_credit = window_end + 1 + ((pl.col("credit_month") - 1) - (window_end + 1)) % 12
    shift = pl.when(retiree | annual).then(0).otherwise(pl.col("shift").fill_null(0))
    lasting = pl.when(retiree | annual).then(0).otherwise(pl.col("lasting").fill_null(0))
    usual_due = pl.col("arrival") + pl.when(retiree).then(0).when(soft).then(known + lasting).otherwise(
        pl.col("typical"))
    due = pl.when(annual).then(next_credit).otherwise(usual_due)
    last = pl.when(annual).then(next_credit + 1).otherwise(
        pl.max_horizontal(pl.col("arrival") + pl.col("tolerance"), usual_due)
    )
    return scheduled.with_columns(
        usual.alias("usual"), due.cast(pl.Int32).alias("due"), last.cast(pl.Int32).alias("last"),
        annual.alias("is_annual"), pl.col("kind").str.contains("prepaid").fill_null(False).alias("prepaid"),
        (~pl.col("stated") & ~pl.col("policy_confidence").is_in(ACCUSING)).fill_null(False).alias("weak"),
        shift.cast(pl.Int32).alias("shift"),
        (shift != lasting).alias("run_late"),
        pl.when(yearly & ~annual).then(pl.lit("normal")).otherwise(pl.col("stream")).alias("stream"),
        (pl.col("steady_lag") == usual).fill_null(False).alias("steady"),
        # What is learned is learned of normal lines; back pay and top-ups may keep to the schedule.
        pl.when(annual | retiree).then(0).otherwise((due - pl.col("arrival") - pl.col("typical")).clip(
            lower_bound=0)).fill_null(0).cast(pl.Int32).alias("ahead"),
    ).drop(
        "typical", "tolerance", "window_start", "credit_month", "kind", "learned", "own_learned", "steady_lag",
        "lasting", "_turned",
    )


def _with_turns(lines: pl.DataFrame, credit: pl.DataFrame, context: Context) -> pl.DataFrame:
    """``_turns``: the line's payer, where its people take a course of their own; ``_common``: the lag it counts from.

    What lies on such a course, or on one of the region's that lasts, is nobody's own lag, unless the account's credits
    kept it throughout: then it takes no course (``_turns`` names nobody).
    """
    key = ["region", "scheme", "payer"]
    turning = context.shift.filter(pl.col("lasts") | pl.col("payer").is_not_null())
    ends = turning.group_by(key).agg(
        pl.min_horizontal(pl.col("shift").min(), 0).alias("_low"),
        pl.max_horizontal(pl.col("shift").max(), 0).alias("_high"))
    own = ends.drop_nulls("payer").select(
        *key, pl.col("payer").alias("_turns"), pl.col("_low", "_high").name.suffix("_own"))
    of_region = ends.filter(pl.col("payer").is_null()).drop("payer")
    lines = lines.join(own, on=key, how="left", maintain_order="left").join(
        of_region, on=["region", "scheme"], how="left", maintain_order="left")
    mine = pl.col("_turns").is_not_null()
    common = pl.when(mine).then(pl.coalesce("learned", "typical")).otherwise(pl.coalesce("_of_all", "typical"))
    low, high = (pl.when(mine).then(f"{name}_own").otherwise(name) for name in ("_low", "_high"))
    lag = pl.coalesce("own_learned", "learned", "typical")
    lines = lines.with_columns(
        common.alias("_common"), lag.alias("_lag"), (lag - common).is_between(low, high).fill_null(False).alias("_on"))
    kept = _unturned(lines, credit, context)
    lines = lines.join(kept, on=[*ACCOUNT, "payer"], how="left", nulls_equal=True, maintain_order="left")
    stays = pl.col("_stays").fill_null(False)
    is_own = ~pl.col("_on") | (pl.col("own_learned") == pl.col("_common")) | stays
    return lines.with_columns(
        pl.when(stays).then(pl.lit(_NOBODY)).otherwise("_turns").alias("_turns"),
        pl.when(is_own).then("own_learned").alias("own_learned"),
    ).drop("_low", "_high", "_low_own", "_high_own", "_lag", "_on", "_stays")


def _unturned(lines: pl.DataFrame, credit: pl.DataFrame, context: Context) -> pl.DataFrame:
    """Account, payer, ``_stays``: whose credits came at one lag all along, though the region's or payer's lag turned.

    More lines have their sum at that lag than on the course; as many are enough where the payer's people show it.
    """
    asked = lines.filter(
        pl.col("_on") & pl.col("arrival").is_not_null() & (pl.col("stream") == "normal")
        & (pl.col("paid") == True) & (pl.col("expected_fen") > 0)  # noqa: E712
    ).select(*ACCOUNT, "payer", "_turns", "_common", "_lag", "arrival", "expected_fen")
    if asked.is_empty():
        return asked.select(*ACCOUNT, "payer", pl.lit(value=True).alias("_stays"))
    course = context.shift.select("region", "scheme", pl.col("payer").alias("_turns"), "arrival", "shift")
    asked = asked.join(course, on=["region", "scheme", "_turns", "arrival"], how="left", nulls_equal=True)
    there = credit.select(
        *ACCOUNT, pl.col("month").cast(pl.Int32).alias("_at"), pl.col("net_fen").alias("expected_fen"),
        pl.lit(1, dtype=pl.Int32).alias("_hit")).unique()
    for name, place in (("_one", pl.col("_lag")), ("_turned", pl.col("_common") + pl.col("shift").fill_null(0))):
        asked = asked.with_columns((pl.col("arrival") + place).cast(pl.Int32).alias("_at")).join(
            there.rename({"_hit": name}), on=[*ACCOUNT, "_at", "expected_fen"], how="left", nulls_equal=True)
    more = pl.col("_one").sum() - pl.col("_turned").sum()
    of_payer = context.steady.filter(pl.col("payer").is_not_null())
    asked = asked.join(of_payer, on=["region", "scheme", "payer"], how="left")
    shown = (pl.col("steady_lag") == pl.col("_lag")).fill_null(False).all() & pl.col("_turns").is_null().all()
    return asked.group_by(*ACCOUNT, "payer").agg(
        (more >= pl.when(shown).then(0).otherwise(TURN_LINES)).alias("_stays")).filter("_stays")


def _with_cover(lines: pl.DataFrame, context: Context) -> pl.DataFrame:
    """Coverage flags by the account's merged spans; a month counts only when all of it is covered, and holds no hole.

    hole_from, hole_to: the days between which lines are missing, where a credit due then may have stood.
    """
    place = lines.select(
        "line", "person_id", "region", months.date_of(pl.col("due")).alias("due_from"),
        months.date_of(pl.col("place")).alias("place_from"), months.last_date_of(pl.col("place")).alias("place_to"),
        months.last_date_of(pl.col("due")).alias("due_to"), months.last_date_of(pl.col("last")).alias("last_to"),
        months.date_of(pl.when(pl.col("is_annual")).then("due").otherwise(pl.min_horizontal("arrival", "due")))
        .alias("soonest"),
    )
    hits = place.join(context.cover, on=["person_id", "region"], how="inner", nulls_equal=True).sort("line", "from")
    inside = (pl.col("from") <= pl.col("due_from")) & (pl.col("to") >= pl.col("due_to"))
    # The span that ends the cover before the due month says whether its end was stated or only seen.
    begun = pl.col("from") <= pl.col("due_from")
    # Lines are missing on some day on which the credit may have come, if sooner than usual (ADR 0020).
    holed = place.join(
        context.hole.select("person_id", "region", "hole_from", "hole_to"), on=["person_id", "region"], nulls_equal=True
    ).filter((pl.col("hole_from") <= pl.col("last_to")) & (pl.col("hole_to") >= pl.col("soonest"))).group_by(
        "line").agg(pl.col("hole_from").min(), pl.col("hole_to").max())
    flags = hits.group_by("line").agg(
        inside.any().alias("due_covered"),
        ((pl.col("from") <= pl.col("place_from")) & (pl.col("to") >= pl.col("place_to"))).any().alias("place_covered"),
        (inside & (pl.col("to") >= pl.col("last_to"))).any().alias("last_covered"),
        (~begun).all().alias("before"),
        # By a learned lag the credit came a month or more before the due month, and nobody can have seen that one.
        ((pl.col("place_from") < pl.col("due_from")) & (pl.col("from") > pl.col("place_from"))).all()
        .alias("place_before"),
        pl.col("open_end").filter(begun).last().alias("open_end"),
    )
    lines = lines.join(flags, on="line", how="left", maintain_order="left").join(
        holed, on="line", how="left", maintain_order="left")
    unseen = pl.col("place_before").fill_null(False) & ~pl.col("is_annual")  # of a year the window says what is due
    return lines.with_columns(
        pl.col("due_covered").is_not_null().alias("has_export"),
        pl.col("due_covered", "last_covered").fill_null(False) & pl.col("hole_from").is_null() & ~unseen,
        pl.col("before").fill_null(False) | unseen,
        unseen.alias("place_before"),
        pl.col("open_end").fill_null(True),
    )


def _with_paid_before(lines: pl.DataFrame, credit: pl.DataFrame, context: Context) -> pl.DataFrame:
    """``before`` also of the months of a year that was credited in advance before the account's export begins.

    The January that follows brought twelve times what it was due, and nothing came until then: so this is how the
    account is paid, and what the months before that January are lacking nobody can have seen.
    """
    january = pl.col("month") // YEAR * YEAR
    asked = lines.filter(pl.col("prepaid") & (pl.col("stream") == "normal") & (pl.col("month") % YEAR == 0))
    if asked.is_empty():
        return lines
    first = credit.group_by(ACCOUNT).agg(pl.col("month").min().alias("_first"))
    begins = months.index_of(pl.col("from").min()).alias("_begins")
    habit = asked.select(*ACCOUNT, "month", (pl.col("expected_fen") * YEAR).alias("net_fen")).join(
        credit, on=[*ACCOUNT, "month", "net_fen"], how="semi", nulls_equal=True
    ).join(first, on=ACCOUNT, nulls_equal=True).filter(pl.col("month") == pl.col("_first")).select(
        *ACCOUNT, pl.col("month").alias("_paid")
    ).unique().join(context.cover.group_by("person_id", "region").agg(begins), on=["person_id", "region"])
    told = lines.filter("prepaid").select("line", *ACCOUNT, january.alias("_january")).join(
        habit, on=ACCOUNT, nulls_equal=True
    ).filter((pl.col("_january") + YEAR == pl.col("_paid")) & (pl.col("_january") < pl.col("_begins")))
    hit = pl.col("line").is_in(told["line"].implode())
    return lines.with_columns(
        pl.col("before") | hit, pl.col("due_covered", "last_covered") & ~hit,
        pl.col("place_before") | hit)


def _full_lines(lines: pl.DataFrame) -> pl.DataFrame:
    """Paid normal lines that may stand beside each other in one month, and back pay beside another payer's."""
    found = lines.filter(
        (pl.col("payable") | pl.col("by_place")) & (pl.col("paid") == True)  # noqa: E712
        & pl.col("payment_kind").is_in(["normal", "back_pay"]) & (pl.col("stream") != "retiree")
    )
    back_pay = pl.col("payment_kind") == "back_pay"
    if not found.select(back_pay.any()).item():
        return found
    key = [*ACCOUNT, "month"]
    payers = found.filter(~back_pay).group_by(key).agg("payer")
    beside = found.filter(back_pay).join(payers.rename({"payer": "_payers"}), on=key, nulls_equal=True).filter(
        ~pl.col("_payers").list.contains(pl.col("payer")))["line"]
    return found.filter(~back_pay | pl.col("line").is_in(beside.implode()))


def _with_second(lines: pl.DataFrame) -> pl.DataFrame:
    """``second``: a further full normal line of a month that already has one (another payer, or the same sum again).

    Of two of one sum that of the payer who paid first is the month's own.
    """
    key = [*ACCOUNT, "month"]
    full = _full_lines(lines)
    # Nearly every month has one line: only the others are put in order.
    shared = full.select(
        "line", *key, "expected_fen", "payer", "arrival", "arrival_day", "row_id").filter(pl.len().over(key) > 1)
    began = [pl.col(name).min().over([*key, "expected_fen", "payer"]) for name in ("arrival", "arrival_day")]
    ordered = shared.sort(
        "expected_fen", *began, "payer", "arrival", "row_id",
        descending=[True, *[False] * 5], nulls_last=True
    )
    ranked = ordered.with_columns(
        pl.int_range(pl.len()).over(key).alias("rank"),
        pl.col("expected_fen").first().over(key).alias("first_fen"),
        pl.col("payer").first().over(key).alias("first_payer"),
    )
    second = ranked.filter(
        (pl.col("rank") > 0)
        & ((pl.col("expected_fen") == pl.col("first_fen")) | (pl.col("payer") != pl.col("first_payer")))
    )
    further = second.join(_in_parts(full, second), on=ACCOUNT, how="left", nulls_equal=True).filter(
        pl.col("rank") >= pl.col("parts").fill_null(0))["line"]
    return lines.with_columns(pl.col("line").is_in(further.implode()).alias("second"))


def _in_parts(full: pl.DataFrame, second: pl.DataFrame) -> pl.DataFrame:
    """Accounts whose payer pays most of their months (``full``) in several lines of one sum, in how many (``parts``).

    Parts of a month, none of them full; a line beyond their usual number is a second payment all the same.
    """
    key = [*ACCOUNT, "month"]
    same = second.filter(pl.col("payer").eq_missing(pl.col("first_payer"))).group_by(key).agg(
        (pl.col("rank").max() + 1).cast(pl.Int64).alias("parts"))
    usual = same.group_by(*ACCOUNT, "parts").agg(pl.len().alias("_often")).sort("_often", "parts").group_by(
        ACCOUNT, maintain_order=True).agg(pl.col("parts").last())
    parted = same.group_by(ACCOUNT).agg(pl.len().alias("_parted"))
    all_of = full.join(parted, on=ACCOUNT, how="semi", nulls_equal=True).group_by(ACCOUNT).agg(
        pl.col("month").n_unique().alias("_months"))
    return usual.join(parted, on=ACCOUNT, nulls_equal=True).join(all_of, on=ACCOUNT, nulls_equal=True).filter(
        (pl.col("_parted") >= PARTED_MONTHS) & (pl.col("_parted") * 2 > pl.col("_months"))).select(*ACCOUNT, "parts")


def settle_second(lines: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    """``lines`` with ``second`` as the credits have it: of two payments of one month the one without its credit.

    Before the search the larger is taken for the month's own; where only the other has a credit, they change places.
    """
    if not lines["second"].any():
        return lines
    key = [*ACCOUNT, "month"]
    shared = lines.filter("second").select(key).unique()
    paid = _full_lines(lines).select("line", *key, "second").join(shared, on=key, how="semi", nulls_equal=True)
    paid = paid.with_columns(
        pl.col("line").is_in(links.filter(~pl.col("surplus"))["line"].drop_nulls().implode()).alias("_came")
    )
    turned = paid.filter(
        (pl.col("second") & pl.col("_came")).any().over(key) & (~pl.col("second") & ~pl.col("_came")).any().over(key)
    ).select("line", (~pl.col("_came")).alias("_second"))
    return lines.join(turned, on="line", how="left", maintain_order="left").with_columns(
        pl.coalesce("_second", "second").alias("second")
    ).drop("_second")
