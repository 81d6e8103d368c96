"""Whether and what to tell: messages made of counts, kept until a channel has taken them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recon.config import Settings
from recon.job.plan import shown_path
from recon.job.words import alert, since
from recon.notify import send as sending
from recon.notify.message import News, message

if TYPE_CHECKING:
    from recon.batch import Run
    from recon.state.store import Store

# What is told however few gaps are new.
ALARMS = ("clock", "missed", "taken_up")


def is_worth_telling(settings: Settings, counts: Mapping[str, Any], alerts: Sequence[str]) -> bool:
    """Whether a run makes a message, as ``notify_when`` says."""
    when = settings.notify_when or "new"
    enough = counts["news"] and counts["news_people"] >= (settings.min_people or 1)
    rejected = any(counts["rejected"].values())
    return bool(when == "always" or enough or rejected or any(code in ALARMS for code in alerts)
                or (when == "open" and counts["counted"]))


def told(settings: Settings, run: Run, report: Path, counts: Mapping[str, Any], alerts: Sequence[str],
         facts: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """(channel, title, body) for every channel."""
    lang = settings.lang or "zh"
    gaps = counts["gaps"]
    title, body = message(News(
        lang=lang, as_of=counts["as_of"], news=counts["news"], open=gaps["open"], accepted=counts["accepted"],
        pending=gaps["pending"], unknown=gaps["unknown"], people=counts["counted_people"],
        rejected=counts["rejected"], since=since(counts.get("since"), lang),
        alerts=tuple(alert(code, lang, facts) for code in alerts), report=_masked(run, report),
    ))
    return [(channel.name, title, body) for channel in settings.channels]


def told_failure(settings: Settings, kind: str) -> list[tuple[str, str, str]]:
    """The same for a run that came to nothing."""
    title, body = message(News(lang=settings.lang or "zh", failed=kind))
    return [(channel.name, title, body) for channel in settings.channels]


def deliver(settings: Settings, store: Store, at: str) -> dict[str, str]:
    """Try to send all that waits; channel -> why it did not take it."""
    channels = {channel.name: channel for channel in settings.channels}
    failed: dict[str, str] = {}
    for waiting in store.unsent():
        channel = channels.get(waiting.channel)
        if channel is None:
            store.drop(waiting.message_id)
            continue
        error = failed.get(waiting.channel) or _sent(channel.url_env, channel.url_file, waiting.title, waiting.body)
        store.tried(waiting.message_id, at, error or None)
        if error:
            failed[waiting.channel] = error
    return failed


def deliver_now(settings: Settings, messages: Sequence[tuple[str, str, str]]) -> dict[str, str]:
    """The same without a state: one try."""
    channels = {channel.name: channel for channel in settings.channels}
    tried = {name: _sent(channels[name].url_env, channels[name].url_file, title, body)
             for name, title, body in messages}
    return {name: error for name, error in tried.items() if error}


def alerts_of(failed: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """The alerts about channels, and what their sentences name."""
    setup = {name: why for name, why in failed.items() if why in sending.SETUP}
    codes = (["notify_setup"] if setup else []) + (["notify_failed"] if len(setup) < len(failed) else [])
    named = [f"{name}: {why}" for name, why in failed.items()]
    return codes, {"channels": ", ".join(named)} if failed else {}


def _sent(url_env: str | None, url_file: Path | None, title: str, body: str) -> str:
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)  # its messages quote addresses
    url, problem = sending.address(url_env, url_file)
    return problem or sending.send(url, title, body)


def _masked(run: Run, report: Path) -> str:
    """Where the report is; a part of the path that names one of the people is left out."""
    from recon.report.mask import mask_files

    tables = run.view.tables
    names = {name for table in ("person", "contribution", "payroll") for name in
             tables[table]["person_name"].drop_nulls().to_list()}
    ids = {one for table in ("person", "month") for one in tables[table]["person_id"].drop_nulls().to_list()}
    parts = shown_path(report).replace("\\", "/").split("/")
    shown = mask_files(parts, ids=ids, names=names)
    return "/".join(part if part == shown[part] else "****" for part in parts)
