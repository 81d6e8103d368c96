"""A message handed to a channel: the only place of recon that speaks to a network, and only when asked to.

Addresses hold secrets. They come from an environment variable or a file that its owner alone may read, and never stand
in a message, a log or an error.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

# Why a message did not go out; worded in recon.job.words.
NO_LIBRARY, NO_ADDRESS, UNPROTECTED, BAD_ADDRESS, REFUSED = (
    "no_library", "no_address", "unprotected", "bad_address", "refused")
SETUP = (NO_LIBRARY, NO_ADDRESS, UNPROTECTED, BAD_ADDRESS)


def address(url_env: str | None, url_file: Path | None) -> tuple[str, str]:
    """(address, "") of a channel, or ("", why there is none)."""
    if url_env is not None:
        url = os.environ.get(url_env, "").strip()
        return (url, "") if url else ("", NO_ADDRESS)
    if url_file is None:
        return "", NO_ADDRESS
    try:
        if os.name == "posix" and stat.S_IMODE(url_file.stat().st_mode) & 0o077:
            return "", UNPROTECTED
        url = url_file.read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError):
        return "", NO_ADDRESS
    return (url, "") if url else ("", NO_ADDRESS)


def send(url: str, title: str, body: str) -> str:
    """Hand a message to the channel at ``url``; "" when it was taken, else why not. Never raises."""
    try:
        import apprise
    except ImportError:
        return NO_LIBRARY
    try:
        channel = apprise.Apprise()
        if not channel.add(url):
            return BAD_ADDRESS
        return "" if channel.notify(body=body, title=title) else REFUSED
    except Exception:  # noqa: BLE001 - whatever a channel does, it must not cost the run
        return REFUSED
