"""The answers for one person as one HTML page that needs nothing else: no script, no font, no address of any kind.

Readable on a phone, printable, in daylight and in the dark. Everything a colour says, a word or a sign says too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from html import escape
from typing import Any

import polars as pl

from recon.report.bridging import Bar, bars, part_name
from recon.report.explain import Answers
from recon.report.style import STATES, TONES
from recon.report.view import RunView
from recon.report.words import Words, yuan

_WIDE = 400  # the drawings' own unit: about one pixel on a phone
_TEXTS: dict[str, tuple[str, str]] = {
    "title": ("医保个人账户：三个问题的答案", "Medical insurance account: the three answers"),
    "in_short": ("一句话", "In short"),
    "strip": ("逐月结论", "Month by month"),
    "steps": ("每月应划与已划", "Due and credited, month by month"),
    "due": ("应划", "due"), "came": ("已划", "credited"),
    "waterfall": ("从缴费到余额", "From what was paid to the balance"),
    "waterfall_note": ("缴费里的大部分依规定进公共基金，从来不进个人账户，不是少了。",
                       "Most of what is paid goes to the common fund by rule and never reaches the account: nothing "
                       "is missing there."),
    "table": ("逐月收支（元）", "Month by month (yuan)"),
    "month": ("月份", "Month"), "opening": ("期初", "opening"), "credit": ("划入", "credited"),
    "interest": ("利息", "interest"), "spend": ("支出", "used"), "mutual_aid": ("家人共济", "family"),
    "premium": ("代缴", "premiums"), "transfer": ("转移", "transfers"), "adjustment": ("调整", "adjusted"),
    "unexplained": ("未解释", "unexplained"), "closing": ("期末", "closing"),
    "part": ("项目", "part"), "amount": ("金额（元）", "yuan"),
    "as_of": ("基准日 {day}", "as of {day}"),
    "foot": ("本页只含本人资料，由 recon {version} 在本机生成，不连网。结论说的是记录显示了什么。",
             "This page holds one person's data, made by recon {version} on this machine, offline. It says what the "
             "records show."),
    "account": ("{region}", "{region}"),
}
_COLUMNS = ("opening", "credit", "interest", "spend", "mutual_aid", "premium", "transfer", "adjustment", "unexplained",
            "closing")

_STYLE = """
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;--paper:#fff;--card:#f6f8fa;--rule:#d0d7de;--up:#2e7d32;
--down:#b35900;--sum:#1f4e78;--due:#1f4e78;--came:#2e7d32}
@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9da7b3;--paper:#0d1117;--card:#161b22;--rule:#30363d;
--up:#56b35c;--down:#e8a15c;--sum:#6ea8dc;--due:#6ea8dc;--came:#56b35c}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1rem;max-width:46rem;background:var(--paper);color:var(--ink);
font:16px/1.65 system-ui,-apple-system,"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif}
h1{font-size:1.3rem;margin:.2rem 0}h2{font-size:1.08rem;margin:1.6rem 0 .4rem;border-bottom:1px solid var(--rule)}
h3{font-size:.95rem;margin:.9rem 0 .3rem;color:var(--soft);font-weight:600}
p,li{margin:.3rem 0;overflow-wrap:anywhere}ul,ol{padding-left:1.3rem;margin:.3rem 0}
.soft{color:var(--soft);font-size:.88rem}
.short{background:var(--card);border-left:4px solid var(--sum);padding:.6rem .8rem;border-radius:4px}
svg{display:block;width:100%;max-width:30rem;height:auto}svg text{font-size:14px;fill:var(--ink)}
svg .soft{fill:var(--soft);font-size:12px}svg .end{text-anchor:end}svg .mid{text-anchor:middle}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.86rem;width:100%}
th,td{padding:.2rem .45rem;border-bottom:1px solid var(--rule);text-align:right;white-space:nowrap;
font-variant-numeric:tabular-nums}th:first-child,td:first-child{text-align:left}th{color:var(--soft);font-weight:600}
.legend{display:flex;flex-wrap:wrap;gap:.25rem .8rem;font-size:.84rem;margin:.3rem 0}
.chip{display:inline-block;min-width:1.7em;text-align:center;border-radius:3px;padding:0 .25em;margin-right:.3em}
summary{cursor:pointer;color:var(--soft);font-size:.92rem}code{font-size:.84rem;overflow-wrap:anywhere}
@media print{:root{--ink:#000;--soft:#333;--paper:#fff;--card:#fff;--rule:#999;--up:#2e7d32;--down:#b35900;
--sum:#1f4e78}body{max-width:none;font-size:10pt;line-height:1.45;padding:0}
svg{max-width:19rem}h2{margin:.8rem 0 .3rem}h2,h3{break-after:avoid}svg,li,tr{break-inside:avoid}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
"""


def page(view: RunView, told: Answers) -> str:
    """The page, whole."""
    say = _Say(view.lang)
    balance = view.table("balance").filter(
        (pl.col("person_id") == told.person_id) & pl.col("sub_account").is_null()
    ).sort("region", "scheme", "month")
    month = view.table("month").filter(pl.col("person_id") == told.person_id).sort("region", "scheme", "accrual_month")
    bridge = view.table("bridge").filter(pl.col("person_id") == told.person_id)
    body = [
        f"<h1>{escape(say('title'))}</h1>",
        f'<p>{escape(told.greeting)} <span class="soft">{escape(say("as_of", day=view.as_of))}</span></p>',
        f'<h3>{escape(say("in_short"))}</h3><p class="short">{escape(told.short)}</p>',
        _heading(told.titles["months"]), _paragraphs(told.overview), *_strips(view, say, month), _list(told.months),
        *([_heading(told.titles["changes"]), *_steps(view, say, month), _list(told.changes)]
          if told.changes or month.height > 1 else []),
        _heading(told.titles["balance"]), _list(told.balance), *_waterfall(view, say, bridge),
        *_balances(view, say, balance),
        _heading(told.titles["next"]), _list(told.todo, ordered=True),
        *([_heading(told.titles["sources"]), "<ul>",
           *(f"<li><code>{escape(place)}</code></li>" for place in told.sources), "</ul>"] if told.sources else []),
        f'<p class="soft">{escape(say("foot", version=view.version))}</p>',
    ]
    lang = "en" if view.lang == "en" else "zh-CN"
    return (
        f'<!doctype html>\n<html lang="{lang}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        # Even if a text slipped in as markup, nothing could be loaded and nothing run.
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="robots" content="noindex">\n'
        f"<title>{escape(say('title'))}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n" + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


class _Say:
    """The texts of this module in one language."""

    def __init__(self, lang: str):
        self.lang = lang

    def __call__(self, key: str, **fields: object) -> str:
        return _TEXTS[key][self.lang == "en"].format(**fields)


def _heading(text: str) -> str:
    return f"<h2>{escape(text.strip('【】'))}</h2>"


def _paragraphs(texts: Iterable[str]) -> str:
    return "".join(f"<p>{escape(text)}</p>" for text in texts)


def _list(texts: Sequence[str], *, ordered: bool = False) -> str:
    tag = "ol" if ordered and len(texts) > 1 else "ul"
    return f"<{tag}>" + "".join(f"<li>{escape(text)}</li>" for text in texts) + f"</{tag}>" if texts else ""


def _accounts(view: RunView, frame: pl.DataFrame) -> Iterable[tuple[str, pl.DataFrame]]:
    """Each account with its heading (none where there is only one)."""
    parts = frame.partition_by("region", "scheme", maintain_order=True)
    for part in parts:
        region = part["region"][0] or ""
        yield (view.region_names.get(region, region) if len(parts) > 1 else ""), part


# --- the months -------------------------------------------------------------------------------------------------


def _strips(view: RunView, say: _Say, month: pl.DataFrame) -> Iterable[str]:
    """A row of twelve cells per year and account, coloured and signed by verdict; and what the signs mean."""
    words = Words(view.lang)
    if month.is_empty():
        return
    seen: set[str] = set()
    yield f"<h3>{escape(say('strip'))}</h3>"
    for title, rows in _accounts(view, month):
        cells = {row["accrual_month"]: _state(row) for row in rows.iter_rows(named=True)}
        seen.update(state for state, _ in cells.values())
        years = sorted({day.year for day in cells})
        if title:
            yield f"<p class=\"soft\">{escape(title)}</p>"
        drawn = [f'<svg viewBox="0 0 {_WIDE} {len(years) * 40 + 16}" role="img" aria-label="{escape(say("strip"))}">']
        drawn += [f'<text class="soft mid" x="{54 + at * 29}" y="11">{at + 1}</text>' for at in range(12)]
        for line, year in enumerate(years):
            top = 18 + line * 40
            drawn.append(f'<text class="soft" x="0" y="{top + 20}">{year}</text>')
            for at in range(12):
                state, doubt = cells.get(date(year, at + 1, 1), ("", ""))
                if state:
                    drawn.append(_cell(words, state, doubt, 40 + at * 29, top, f"{year}-{at + 1:02d}"))
        yield "".join([*drawn, "</svg>"])
    yield '<div class="legend">' + "".join(
        f'<span><span class="chip" style="background:{TONES[state][0]};color:{TONES[state][1]}">'
        f"{escape(words(f'state_{state}'))}</span>{escape(_meaning(words, state))}</span>"
        for state in STATES if state in seen
    ) + "</div>"


def _state(row: dict[str, Any]) -> tuple[str, str]:
    state = row["verdict"]
    if state == "received" and row["label"] == "delay":
        state = "received_late"
    elif state == "received" and row["label"] == "refund_due":
        state = "refund"
    return state, "?" if row["confidence"] == "undecided" and row["verdict"] != "received" else ""


def _meaning(words: Words, state: str) -> str:
    return words(state) if state in ("received_late", "refund") else words.verdict(state)


def _cell(words: Words, state: str, doubt: str, x: int, y: int, month: str) -> str:
    fill, ink = TONES[state]
    sign = words(f"state_{state}") + doubt
    size = 12 if len(sign) < 3 else 9 if len(sign) < 4 else 8
    return (
        f'<g><title>{month} {escape(_meaning(words, state))}</title>'
        f'<rect x="{x}" y="{y}" width="27" height="32" rx="3" fill="{fill}" stroke="{ink}" stroke-width=".6"/>'
        f'<text class="mid" x="{x + 13.5}" y="{y + 21}" style="font-size:{size}px;fill:{ink}">{escape(sign)}</text></g>'
    )


def _steps(view: RunView, say: _Say, month: pl.DataFrame) -> Iterable[str]:
    """What was due as a stepped line, what came as dots, per account."""
    known = month.filter(pl.col("expected_fen").is_not_null())
    if known["accrual_month"].n_unique() < 2:
        return
    yield f"<h3>{escape(say('steps'))}</h3>"
    for title, rows in _accounts(view, known):
        if rows.height < 2:
            continue
        if title:
            yield f"<p class=\"soft\">{escape(title)}</p>"
        yield _step_chart(say, rows)


def _step_chart(say: _Say, rows: pl.DataFrame) -> str:
    months = [day.year * 12 + day.month - 1 for day in rows["accrual_month"]]
    due, came = rows["expected_fen"].to_list(), rows["credited_fen"].to_list()
    top = max([*due, *(fen or 0 for fen in came), 1])
    left, right, height, base = 6, _WIDE - 6, 120, 136
    span = max(months[-1] - months[0] + 1, 1)

    def x(number: float) -> float:
        return float(round(left + (right - left) * (number - months[0]) / span, 1))

    def y(fen: int) -> float:
        return float(round(base - height * fen / top * 0.86, 1))

    path = f"M{x(months[0])} {y(due[0])}"
    labels = [(x(months[0]), due[0])]
    for at, number in enumerate(months):
        if at and due[at] != due[at - 1]:
            path += f"H{x(number)}V{y(due[at])}"
            if x(number) - labels[-1][0] > 46:
                labels.append((x(number), due[at]))
    path += f"H{x(months[-1] + 1)}"
    dots = "".join(
        f'<circle cx="{x(number + 0.5)}" cy="{y(fen)}" r="2.8" stroke="var(--came)" '
        f'fill="{"var(--came)" if fen else "none"}"/>'
        for number, fen in zip(months, came, strict=True) if fen is not None)
    shown = "".join(f'<text x="{at}" y="{y(fen) - 6}">{yuan(fen)}</text>' for at, fen in labels)
    return (
        f'<svg viewBox="0 0 {_WIDE} 176" role="img" aria-label="{escape(say("steps"))}">'
        f'<line x1="{left}" x2="{right}" y1="{base}" y2="{base}" stroke="var(--rule)"/>'
        f'<path d="{path}" fill="none" stroke="var(--due)" stroke-width="2.2"/>{dots}{shown}'
        f'<text class="soft" x="{left}" y="{base + 15}">{rows["accrual_month"][0]:%Y-%m}</text>'
        f'<text class="soft end" x="{right}" y="{base + 15}">{rows["accrual_month"][-1]:%Y-%m}</text>'
        f'<line x1="{left}" x2="{left + 18}" y1="168" y2="168" stroke="var(--due)" stroke-width="2.2"/>'
        f'<text x="{left + 23}" y="172">{escape(say("due"))}</text>'
        f'<circle cx="{left + 90}" cy="168" r="2.8" fill="var(--came)"/>'
        f'<text x="{left + 98}" y="172">{escape(say("came"))}</text></svg>'
    )


# --- the balance ------------------------------------------------------------------------------------------------


def _waterfall(view: RunView, say: _Say, bridge: pl.DataFrame) -> Iterable[str]:
    """From paid to balance: one row a part, with its name, its bar and its amount."""
    found = bars(bridge)
    if len(found) < 2:
        return
    yield f"<h3>{escape(say('waterfall'))}</h3>"
    yield _waterfall_drawing(view, say, found)
    if any(bar.part == "pooled_share" for bar in found):
        yield f'<p class="soft">{escape(say("waterfall_note"))}</p>'


def _waterfall_drawing(view: RunView, say: _Say, found: Sequence[Bar]) -> str:
    low = min(0, *(min(bar.start, bar.end) for bar in found))
    high = max(1, *(max(bar.start, bar.end) for bar in found))
    step, wide = 34, _WIDE - 2

    def x(fen: int) -> float:
        return round(1 + wide * (fen - low) / (high - low), 1)

    rows = []
    for place, bar in enumerate(found):
        top = place * step
        first, last = sorted([x(bar.start), x(bar.end)])
        ink = "var(--sum)" if bar.is_total else "var(--up)" if bar.fen > 0 else "var(--down)"
        sign = "" if bar.is_total else "+" if bar.fen > 0 else ""
        weight = ' style="font-weight:600"' if bar.is_total else ""
        rows.append(
            f'<text x="0" y="{top + 12}"{weight}>{escape(part_name(bar.part, view.lang))}</text>'
            f'<text class="end" x="{_WIDE}" y="{top + 12}"{weight}>{sign}{yuan(bar.fen)}</text>'
            f'<rect x="0" y="{top + 17}" width="{_WIDE}" height="9" fill="var(--card)"/>'
            f'<rect x="{first}" y="{top + 17}" width="{max(last - first, 1.5)}" height="9" rx="1.5" fill="{ink}"/>'
        )
        if place + 1 < len(found):
            at = x(bar.end)
            rows.append(f'<line x1="{at}" x2="{at}" y1="{top + 26}" y2="{top + step + 17}" stroke="var(--rule)"/>')
    return (f'<svg viewBox="0 0 {_WIDE} {len(found) * step}" role="img" aria-label="{escape(say("waterfall"))}">'
            + "".join(rows) + "</svg>")


def _amount(column: str, fen: int | None) -> str:
    """A cell: balances always, movements only where there are any."""
    return "" if fen is None or (not fen and column not in ("opening", "closing")) else yuan(fen)


def _balances(view: RunView, say: _Say, balance: pl.DataFrame) -> Iterable[str]:
    """The balance table, a column only where something stands in it; folded, for it is long."""
    for title, rows in _accounts(view, balance):
        shown = [name for name in _COLUMNS
                 if (rows[f"{name}_fen"].fill_null(0) != 0).any() or name in ("credit", "spend")]
        head = "".join(f"<th>{escape(say(name))}</th>" for name in ("month", *shown))
        body = "".join(
            f"<tr><td>{row['month']:%Y-%m}</td>"
            + "".join(f"<td>{_amount(name, row[f'{name}_fen'])}</td>" for name in shown)
            + "</tr>"
            for row in rows.iter_rows(named=True))
        name = f"{say('table')} {title}".strip()
        yield (f'<details><summary>{escape(name)}</summary><div class="scroll"><table><thead><tr>{head}</tr></thead>'
               f"<tbody>{body}</tbody></table></div></details>")
