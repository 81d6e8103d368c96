"""``recon.toml``: what a firm settles once, so that a run needs no options (docs/config.md).

A leaf: it knows files, keys and values, and nothing of what they lead to.
"""

from __future__ import annotations

from recon.config.keys import KEYS, REPEATED_KEYS, SECTIONS, Key
from recon.config.load import CONFIG_NAME, Channel, ConfigError, Settings, find_config, load_config, read_config
from recon.config.template import template

__all__ = [
    "CONFIG_NAME", "KEYS", "REPEATED_KEYS", "SECTIONS", "Channel", "ConfigError", "Key", "Settings", "find_config",
    "load_config", "read_config", "template",
]
