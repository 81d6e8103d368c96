"""A first mapping for a file that no format knows: header found, columns guessed with reasons, for a person to finish.

In: one file and the formats there are. Out: the text of a TOML file that :mod:`recon.reading.format_toml` accepts once
the places it marks are filled in. Nothing is decided for the user: each guess says why, each unknown stands there
as one.
"""

from __future__ import annotations

from recon.draft.mapping import Draft, DraftError, draft_mapping

__all__ = ["Draft", "DraftError", "draft_mapping"]
