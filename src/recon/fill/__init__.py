"""Workbooks a person fills in: a form for those who would rather type, and drafts of pictures to be confirmed.

What is typed comes back through :mod:`recon.reading.filled`, whose fields both share.
"""

from __future__ import annotations

from recon.fill.template import write_template

__all__ = ["write_template"]
