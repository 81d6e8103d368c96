"""The commented ``recon.toml`` that ``recon init`` writes: every key with its meaning, all of them commented out.

What is switched on says only what its writer chose, so that a later version's defaults hold for the rest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from recon.config.keys import KEYS, REPEATED, REPEATED_KEYS, SECTIONS

_HEAD = """\
# recon 的配置：recon run 在导出文件夹里找到本文件（recon.toml），或用 --config 指定。
# 命令行上写的优先于这里写的。带 # 的行不起作用，去掉 # 即生效；写错的键会指出位置。
# Settings of recon: found in the folder of exports, or given as --config. The command line wins.
# Lines beginning with # are off; a mistake is reported with its place.
"""


def template(chosen: Mapping[tuple[str, str], str | int | bool] | None = None) -> str:
    """The file's text; ``chosen`` (section, key) -> value are written as set, everything else is commented out."""
    values = dict(chosen or {})
    parts = [_HEAD]
    for section, (zh, en) in SECTIONS.items():
        lines = [f"# {zh}", f"# {en}", f"[{section}]"]
        for key in (one for one in KEYS if one.section == section):
            value = values.get((section, key.name))
            lines.append(f"# {key.zh}")
            lines.append(f"# {key.en}")
            lines.append(f"# {key.name} = {key.example}" if value is None
                         else f"{key.name} = {json.dumps(value, ensure_ascii=False)}")
        parts.append("\n".join(lines) + "\n")
    for section, (written, zh, en) in REPEATED.items():
        keys = (one for one in REPEATED_KEYS if one.section == section)
        lines = [f"# {zh}", f"# {en}", f"# {written}",
                 *(f"# {key.name} = {key.example}  # {key.zh} / {key.en}" for key in keys)]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)
