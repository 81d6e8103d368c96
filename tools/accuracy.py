"""Compare a run's tables with the truth of ``recon simulate``: precision and recall per label and cause, and more.

``python tools/accuracy.py --people 300`` makes an employer, runs recon and prints the comparison;
``--tables DIR --truth DIR`` compares the tables of a run that was made before. ``--examples N`` names N disagreements
of each kind, ``--markdown FILE`` writes the published page.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

NO_ROW = "(no row)"  # one side has the month and the other has not: wrong, but no label of its own
KEY = ["person_id", "region", "scheme", "accrual_month"]


@dataclass
class Compared:
    """Everything that is printed."""

    classes: pl.DataFrame  # label, cause: truth, found, right, precision, recall, f1
    facts: list[tuple[str, str]]
    months: pl.DataFrame  # truth and answer side by side, one row per month
    macro_f1: float
    arguments: str  # what the employer was made with


def compare(tables: Path, truth: Path) -> Compared:
    """The comparison of one run with its truth."""
    months = _side_by_side(tables, truth)
    classes = _classes(months)
    macro = float(classes.filter((pl.col("truth") > 0) & (pl.col("class") != NO_ROW))["f1"].mean() or 0)  # type: ignore[arg-type]
    run = json.loads((truth / "run.json").read_text(encoding="utf-8"))
    arguments = " ".join(f"--{name} {run[name]}" for name in ("people", "months", "seed", "noise"))
    return Compared(classes, _facts(months, tables, truth, run, macro), months, macro, arguments)


def _side_by_side(tables: Path, truth: Path) -> pl.DataFrame:
    told = pl.read_csv(truth / "truth_month.csv", schema_overrides={"person_id": pl.String, "region": pl.String,
                       "scheme": pl.String, "cause": pl.String, "also": pl.String}, try_parse_dates=True).with_columns(
        pl.concat_str("label", pl.lit("/"), pl.col("cause").fill_null("")).alias("truth"),
        pl.col("status").alias("truth_status"), pl.col("also").fill_null("").str.split("|"),
    ).select(*KEY, "truth", "truth_status", "also",
             pl.col("planted_tie").cast(pl.String).str.to_lowercase().eq("true").alias("tie"))
    found = pl.read_parquet(tables / "month.parquet").select(
        *KEY, pl.concat_str("label", pl.lit("/"), pl.col("cause").fill_null("")).alias("found"),
        pl.col("status").alias("found_status"), "confidence", "margin", "contributed_fen", "expected_fen",
        "credited_fen", "credited_on_time_fen", "lag_months",
    )
    known = found.join(told.select("person_id").unique(), on="person_id", how="semi")
    both = told.join(known, on=KEY, how="full", coalesce=True, nulls_equal=True)
    right = (pl.col("truth") == pl.col("found")) | pl.col("also").list.contains(pl.col("found"))
    return both.with_columns(
        pl.col("truth").fill_null(NO_ROW), pl.col("found").fill_null(NO_ROW), pl.col("tie").fill_null(False),
    ).with_columns(right.fill_null(False).alias("right")).with_columns(
        pl.when("right").then("truth").otherwise("found").alias("found")
    ).sort(KEY, nulls_last=True)


def _classes(months: pl.DataFrame) -> pl.DataFrame:
    scored = months.filter(~pl.col("tie"))
    truth = scored.group_by(pl.col("truth").alias("class")).agg(
        pl.len().alias("truth"), pl.col("right").sum().alias("right"))
    found = scored.group_by(pl.col("found").alias("class")).agg(pl.len().alias("found"))
    return truth.join(found, on="class", how="full", coalesce=True).with_columns(
        pl.col("truth", "found", "right").fill_null(0)
    ).with_columns(
        (pl.col("right") / pl.col("found")).fill_nan(0).alias("precision"),
        (pl.col("right") / pl.col("truth")).fill_nan(0).alias("recall"),
    ).with_columns(
        (2 * pl.col("precision") * pl.col("recall") / (pl.col("precision") + pl.col("recall"))).fill_nan(0).alias("f1")
    ).sort("truth", "class", descending=[True, False])


def _facts(months: pl.DataFrame, tables: Path, truth: Path, run: dict[str, Any], macro: float) -> list[tuple[str, str]]:
    scored = months.filter(~pl.col("tie"))
    accused = scored.filter(pl.col("found").str.starts_with("missing_month/")
                            & ~pl.col("truth").str.starts_with("missing_month/"))
    exact, people, on_ties = _links(months, tables, truth)
    asked = scored.filter(pl.col("confidence").is_not_null())
    undecided = scored.filter(pl.col("confidence") == "undecided")
    gap = pl.read_parquet(tables / "gap.parquet")
    rows = [
        ("people", str(run["people"])), ("months", str(months.height)),
        ("planted events (months)", str(sum(run["events"].values()))),
        ("right label and cause", _share(scored["right"].sum(), scored.height)),
        ("macro-F1 over label and cause", f"{macro:.4f}"),
        ("people with exactly the planted links", _share(exact, people)),
        ("people with other links, but only in months of a planted tie", str(on_ties)),
        ("people with exactly the planted links, planted ties aside", _share(exact + on_ties, people)),
        ("false missing_month per 10,000 months", f"{accused.height * 10_000 / max(scored.height, 1):.2f}"),
        ("undecided where no tie was planted", _share(undecided.height, scored.height)),
        ("months with a planted tie", f"{months['tie'].sum()}, of them right "
         + _share(months.filter("tie")["right"].sum(), int(months["tie"].sum()))),
        ("sum of |unexplained| (fen)", str(gap.filter(pl.col("label") == "unexplained")["amount_fen"].abs().sum())),
    ]
    for name in ("proved", "probable", "undecided"):
        sure = asked.filter(pl.col("confidence") == name)
        rows.append((f"right among {name}", _share(sure["right"].sum(), sure.height)))
    return rows


def _share(part: float, whole: int) -> str:
    return f"{part} of {whole} ({100 * part / whole:.2f}%)" if whole else "none"


def _links(months: pl.DataFrame, tables: Path, truth: Path) -> tuple[int, int, int]:
    """People whose links are exactly the planted ones, of how many, and how many of the others differ on ties only."""
    planted = pl.read_csv(truth / "truth_link.csv", schema_overrides=dict.fromkeys(KEY[:3], pl.String),
                          try_parse_dates=True)
    people = months.filter(pl.col("truth") != "(no row)").select("person_id").unique()
    found = pl.read_parquet(tables / "match.parquet").select(planted.columns).join(people, on="person_id", how="semi")
    counted = [frame.group_by(planted.columns).agg(pl.len().alias("times")) for frame in (planted, found)]
    wrong = pl.concat([
        counted[0].join(counted[1], on=counted[0].columns, how="anti", nulls_equal=True),
        counted[1].join(counted[0], on=counted[0].columns, how="anti", nulls_equal=True),
    ])
    beyond = wrong.join(months.filter("tie"), on=KEY, how="anti", nulls_equal=True)["person_id"].n_unique()
    differs = wrong["person_id"].n_unique()
    return people.height - differs, people.height, differs - beyond


def _print(compared: Compared, examples: int) -> None:
    out = sys.stdout.write
    for name, value in compared.facts:
        out(f"{name:60} {value}\n")
    out(f"\n{'label/cause':40}{'truth':>8}{'found':>8}{'right':>8}{'prec.':>8}{'recall':>8}{'F1':>8}\n")
    for row in compared.classes.iter_rows(named=True):
        out(f"{row['class']:40}{row['truth']:8}{row['found']:8}{row['right']:8}{row['precision']:8.4f}"
            f"{row['recall']:8.4f}{row['f1']:8.4f}\n")
    wrong = compared.months.filter(~pl.col("right"), ~pl.col("tie"))
    kinds = wrong.group_by("truth", "found").agg(pl.len().alias("months"), pl.col("person_id").n_unique().alias(
        "people"), pl.struct("person_id", "accrual_month").sort().head(examples).alias("where")).sort(
        "months", "truth", "found", descending=[True, False, False])
    out("\nwrong: truth -> found\n")
    for row in kinds.iter_rows(named=True):
        out(f"{row['months']:6} months {row['people']:5} people  {row['truth']} -> {row['found']}\n")
        for place in row["where"]:
            out(f"            {place['person_id']} {place['accrual_month']:%Y-%m}\n")


def markdown(compared: Compared) -> str:
    """The published page."""
    lines = [
        "# Accuracy on planted events", "",
        "Written by `make accuracy ACCURACY_PAGE=docs/accuracy.md`; do not edit. `recon simulate` makes up an",
        "employer, plants events and notes what is true; recon is run on its exports; this is the comparison.",
        "Months whose planted event nobody could tell from another (a hole behind which credits go on after the",
        "last line, or shortly before a month whose payment no record proves; a credit that came twice beside a month",
        "that was not due or not covered, or a month or two after one without a line; a month due before the exports",
        "begin and credited long after; a part taken back of what no export shows) are counted apart and not scored.",
        "The truth of links is what was planted, in the one form",
        "that DESIGN section 6 gives to what looks the same: equal credits of one stream do not cross, the older month",
        "has the earlier of two equal credits of one month, and an open month and a credit that came twice in one run",
        "of equal amounts are a run of credits that came late or early wherever that costs no more than two changes of",
        "the usual lag.", "",
        f"`recon simulate DIR {compared.arguments}`", "", "| fact | value |", "| --- | --- |",
    ]
    lines += [f"| {name} | {value} |" for name, value in compared.facts]
    lines += ["", "| label / cause | planted | found | right | precision | recall | F1 |",
              "| --- " + "| ---: " * 6 + "|"]
    lines += [
        f"| {row['class'].rstrip('/').replace('/', ' / ')} | {row['truth']} | {row['found']} | {row['right']} | "
        f"{row['precision']:.4f} | {row['recall']:.4f} | {row['f1']:.4f} |"
        for row in compared.classes.iter_rows(named=True)
    ]
    return "\n".join(lines) + "\n"


def simulated(folder: Path, people: int, months: int, seed: int, noise: int) -> Compared:
    """Make an employer in ``folder`` (emptied before), run recon on its exports and compare."""
    from recon import batch
    from recon.simulate import simulate

    if folder.exists():
        if not (folder / "truth" / "run.json").exists():
            message = f"{folder} is no folder of an earlier comparison; it is left alone"
            raise SystemExit(message)
        shutil.rmtree(folder)
    made = simulate(folder, people=people, months=months, seed=seed, noise=noise)
    run = batch.run_folder(folder / "exports", batch.Options(as_of=made.as_of))
    batch.write_tables(folder / "tables", run)
    return compare(folder / "tables", folder / "truth")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=300)
    parser.add_argument("--months", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--noise", type=int, default=16)
    parser.add_argument("--folder", type=Path, default=Path("build/accuracy"))
    parser.add_argument("--tables", type=Path, help="compare these tables (--truth too) instead of making a folder")
    parser.add_argument("--truth", type=Path)
    parser.add_argument("--examples", type=int, default=0, help="disagreements of each kind to name")
    parser.add_argument("--markdown", type=Path, help="write the published page")
    options = parser.parse_args(arguments)
    if options.tables and options.truth:
        compared = compare(options.tables, options.truth)
    else:
        compared = simulated(options.folder, options.people, options.months, options.seed, options.noise)
    _print(compared, options.examples)
    if options.markdown:
        options.markdown.write_text(markdown(compared), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
