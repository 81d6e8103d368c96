"""What a run says of itself: its counts, its parameters, the rules it went by, and its exit code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from recon import __version__
from recon.batch.calls import EXIT_CLEAR, EXIT_OPEN, EXIT_REJECTED, Options

if TYPE_CHECKING:
    import polars as pl

    from recon.policy import Policy
    from recon.report.view import RunView

_REJECTED_STATUS = ("partly_read", "ambiguous", "unreadable")


def exit_code_of(counts: Mapping[str, Any]) -> int:
    """4 where a file or row was rejected, else 3 with open gaps, else 0 (DESIGN section 8)."""
    if counts["rejected"]["files"] or counts["rejected"]["rows"]:
        return EXIT_REJECTED
    return EXIT_OPEN if counts["gaps"]["open"] else EXIT_CLEAR


def counts_of(view: RunView, people: int) -> dict[str, Any]:
    """What ``--json`` prints: facts for scripts, without a name or an ID; of all ``people``."""
    import polars as pl

    from recon.report.view import only_credited

    gap, source, problem = view.whole("gap"), view.table("source"), view.table("problem")

    told = (pl.col("basis") == "balance") & (pl.col("status") == "explained")  # every spend line, and the like
    counted = gap.filter(~pl.col("label").is_in(["pooled_share", "flat_fee"]) & ~told)
    by_status = dict(view.collected(counted.group_by("status").agg(pl.len())).sort("status").iter_rows())
    by_cause = view.collected(counted.filter(pl.col("status").is_in(["open", "pending", "unknown"])).group_by(
        "status", "label", "cause").agg(
        pl.len().alias("parts"), pl.col("person_id").n_unique().alias("people"), pl.col("amount_fen").sum(),
    )).sort("status", "label", "cause", nulls_last=True)
    outstanding = view.collected(counted.filter(
        (pl.col("basis") == "credit") & pl.col("status").is_in(["open", "pending"])
    ).select("amount_fen"))["amount_fen"].sum()
    legs = {
        name: dict(zip(("rows", "people"), view.collected(view.whole(name).select(
            pl.len(), pl.col("person_id").n_unique() if name != "payment" else pl.lit(None).alias("person_id"))
        ).row(0), strict=True))
        for name in ("payroll", "contribution", "flow", "reading", "payment")
    }
    proofs = dict(view.collected(view.whole("contribution").group_by("proof").agg(pl.len())).sort(
        "proof", nulls_last=True).iter_rows())
    status = dict(source.group_by("status").agg(pl.len()).sort("status").iter_rows())
    return {
        "version": __version__, "as_of": view.as_of.isoformat(), "edition": view.edition, "people": people,
        "months": view.collected(view.whole("month").select(pl.len())).item(), "outstanding_fen": outstanding,
        "only_credited": only_credited(view).height,
        "region_unstated": view.collected(counted.filter(
            (pl.col("label") == "policy_unknown") & pl.col("region").is_null()).select("person_id")).n_unique(),
        "gaps": {name: by_status.get(name, 0) for name in ("open", "pending", "unknown", "resolved", "explained")},
        "causes": by_cause.to_dicts(), "findings": view.table("finding").height,
        "coverage": {"legs": legs, "contribution_proof": {str(key): value for key, value in proofs.items()}},
        "files": status, "proof": _proof(view.tables),
        "rejected": {
            "files": source.filter(  # a file read in part counts by its rows, or as a file where pages are missing
                pl.col("status").is_in(_REJECTED_STATUS)
                & ((pl.col("status") != "partly_read") | (pl.col("rows_rejected") == 0))).height,
            "rows": int(source["rows_rejected"].sum() or 0),
        },
        "problems": dict(problem.group_by("code").agg(pl.len()).sort("code").iter_rows()),
    }


def _proof(tables: Mapping[str, pl.DataFrame]) -> dict[str, Any]:
    """What running balances prove of the files that print them, and the rows that nothing proves, file by file.

    A file or sheet whose name tells who it is about is called by number, or not at all.
    """
    import polars as pl

    from recon.report.mask import mask_files, number_files

    balanced = tables["source"].drop_nulls("rows_proved").sort("file")
    open_ends = balanced.drop_nulls("unproved").select("file", "unproved").rows()
    told: list[dict[str, str]] = []
    if open_ends:
        named = [tables[name].select(pl.col("person_id"), pl.col("person_name")) for name in (
            "person", "contribution", "payroll")]
        ids = {one for frame in (*named, tables["month"]) for one in frame["person_id"].drop_nulls().unique()}
        names = {one for frame in named for one in frame["person_name"].drop_nulls().unique()}
        numbers = number_files(tables["source"]["file"].drop_nulls())
        shown = mask_files([text for pair in open_ends for text in pair], ids=ids, names=names)
        for file, rows in open_ends:
            told.append({"file": file if shown[file] == file else numbers[file],
                         "rows": rows if shown[rows] == rows else _without_sheets(rows)})
    return {"files": balanced.height, "rows_proved": int(balanced["rows_proved"].sum() or 0), "unproved": told}


def _without_sheets(rows: str) -> str:
    """``before 某某!R5; after 某某!R9`` as ``before R5; after R9``."""
    parts = (part.partition(" ") for part in rows.split("; "))
    return "; ".join(f"{what} {', '.join(place.rpartition('!')[2] for place in places.split(', '))}"
                     for what, _, places in parts)


def parameters_of(
    options: Options, region: str | None, notes: tuple[str, ...], offsets: tuple[str, ...]
) -> list[tuple[str, str]]:
    """What was stated for the run and what it learned, by name."""
    given = [
        ("as_of", options.as_of), ("region", region), ("tolerance", options.tolerance),
        ("mappings", options.mappings.name if options.mappings else None), ("edition", options.edition),
    ]
    stated = [(name, str(value)) for name, value in given if value is not None]
    learned = [("learned_lag", note) for note in notes] + [("payslip_month", note) for note in offsets]
    return stated + learned


def region_names(policy: Policy, tables: Mapping[str, pl.DataFrame]) -> dict[str, str]:
    """The names of the regions at hand, by code."""
    codes = set(tables["month"]["region"].drop_nulls()) | set(tables["flow"]["region"].drop_nulls())
    return {region.code: region.name for region in policy.regions() if region.code in codes}


def rules_told(inferred: pl.DataFrame, own_policy: Sequence[str], lang: str) -> Iterator[tuple[str, str]]:
    """What the run says of rules beyond the shipped ones: files of the user's own, and what the data showed."""
    from recon.core.inferred import inferred_notes

    for name in own_policy:
        yield "policy file" if lang == "en" else "自己的政策文件", name
    for note in inferred_notes(inferred, lang):
        yield "inferred rule" if lang == "en" else "推断的规则", note


def policy_refs(policy: Policy, tables: Mapping[str, pl.DataFrame], lang: str) -> dict[str, str]:
    """In words, each rule that decided an answer."""
    refs = {ref for name in ("expected", "step") for ref in tables[name]["policy_ref"].drop_nulls().unique()}
    return {ref: policy.ref_words(ref, lang) for ref in sorted(refs)}
