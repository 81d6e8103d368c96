"""Amounts and places as text, column-wise; used in evidence and actions. No meaning is decided here."""

from __future__ import annotations

import polars as pl


def yuan(fen: pl.Expr) -> pl.Expr:
    """``12345`` fen as ``123.45``, by whole-number arithmetic; null as ``?``."""
    size = fen.abs()
    text = pl.concat_str(
        pl.when(fen < 0).then(pl.lit("-")).otherwise(pl.lit("")), (size // 100).cast(pl.String), pl.lit("."),
        (size % 100).cast(pl.String).str.zfill(2),
    )
    return text.fill_null("?")


def yuan_text(fen: int) -> str:
    """:func:`yuan` of one amount."""
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def percent(ppm: pl.Expr) -> pl.Expr:
    """``20000`` parts per million as ``2%``, ``8050`` as ``0.805%``; exact, null as ``?``."""
    rest = (ppm % 10_000).cast(pl.String).str.zfill(4).str.strip_chars_end("0")
    point = pl.when(rest != "").then(pl.lit(".")).otherwise(pl.lit(""))
    return pl.concat_str((ppm // 10_000).cast(pl.String), point, rest, pl.lit("%")).fill_null("?")


def percent_text(ppm: int) -> str:
    """:func:`percent` of one rate."""
    rest = f"{ppm % 10_000:04d}".rstrip("0")
    return f"{ppm // 10_000}{'.' if rest else ''}{rest}%"


def listed(frame: pl.DataFrame, key: list[str], columns: list[str], limit: int, name: str) -> pl.DataFrame:
    """Per ``key`` the first ``limit`` of its values in ``columns``, sorted and joined by ``; ``; keys without any lack.

    Most keys have one value: only the others are sorted group by group, which is slow.
    """
    told = [column for column in columns if frame[column].null_count() < frame.height] or columns[:1]
    long = pl.concat([frame.select(*key, pl.col(column).alias(name)) for column in told]).drop_nulls(name)
    counts = long.group_by(key).agg(pl.col(name).first(), pl.len().alias("_n"))
    several = counts.filter(pl.col("_n") > 1).select(key)
    if several.is_empty():
        return counts.drop("_n")
    rest = long.join(several, on=key, how="semi", nulls_equal=True).group_by(key).agg(
        pl.col(name).sort().head(limit).str.join("; ")
    )
    return pl.concat([counts.filter(pl.col("_n") == 1).select(*key, name), rest])


def fill(template: str, fields: dict[str, pl.Expr]) -> pl.Expr:
    """``template`` with its ``{field}`` marks replaced row by row; a null field reads ``?``."""
    parts: list[pl.Expr] = []
    rest = template
    while rest:
        before, brace, after = rest.partition("{")
        if before:
            parts.append(pl.lit(before))
        if not brace:
            break
        name, _, rest = after.partition("}")
        parts.append(fields[name].fill_null("?"))
    return pl.concat_str(parts) if parts else pl.lit("")
