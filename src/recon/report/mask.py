"""Personal data made unrecognisable: IDs, names and the names of files that carry either.

On screen, in logs and in short texts everything is masked; the workbook masks IDs only, unless ``full_ids``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

_KEPT = 4
_STARS = "****"
_PREFIX = re.compile(r"^(PSN:|DOC:)")
# 15 and 18 digit IDs, and any longer run of digits (bank cards, personal numbers); dates and amounts are shorter.
_LONG_NUMBER = re.compile(r"(?<![0-9A-Za-z])[0-9]{9,}[Xx]?(?![0-9A-Za-z])|[0-9]{14,}[Xx]?")


def mask_id(person_id: str | None) -> str:
    """``****4917`` for ``110105198503074917``; a prefix ``PSN:``/``DOC:`` stays, short numbers keep half at most."""
    if not person_id:
        return ""
    prefix = "".join(_PREFIX.findall(person_id))
    number = person_id.removeprefix(prefix)
    kept = min(_KEPT, len(number) // 2)
    return f"{prefix}{_STARS}{number[len(number) - kept:]}"


def mask_name(name: str | None) -> str:
    """``张*`` for ``张三``: the first character and one star, whatever the length."""
    text = (name or "").strip()
    return f"{text[0]}*" if text else ""


def mask_numbers(text: str) -> str:
    """``text`` with every number that may identify a person (nine digits or more) reduced to its last four."""
    return _LONG_NUMBER.sub(lambda found: mask_id(found.group()), text)


def mask_files(files: Iterable[str], *, ids: Iterable[str] = (), names: Iterable[str] = ()) -> dict[str, str]:
    """How each file may be called outside the workbook: its own name, or ``F0012`` where that tells who it is about.

    The number is the place of the file in the sorted list of all ``files``, so it is the same in screen output, logs
    and the workbook's list of inputs. A file is numbered when its name carries a long number, the ID or personal
    number of a known person (``ids``), or the name of one (``names``).
    """
    numbers = {_PREFIX.sub("", one).upper() for one in ids}
    fragments = _by_length([*numbers, *names])
    return {
        file: number if _tells(file, fragments) else file for file, number in number_files(files).items()
    }


def number_files(files: Iterable[str]) -> dict[str, str]:
    """``F0001`` … for every file, by place in the sorted list."""
    return {file: f"F{place:04d}" for place, file in enumerate(sorted(set(files)), start=1)}


def _by_length(fragments: Sequence[str]) -> Mapping[int, frozenset[str]]:
    """The telling fragments by length, so that one file name costs one look-up per substring, not per person."""
    groups: dict[int, set[str]] = {}
    for fragment in fragments:
        if len(fragment) > 1:
            groups.setdefault(len(fragment), set()).add(fragment)
    return {length: frozenset(group) for length, group in groups.items()}


def _tells(file: str, fragments: Mapping[int, frozenset[str]]) -> bool:
    if _LONG_NUMBER.search(file):
        return True
    for text in (file, file.upper()):
        for length, group in fragments.items():
            if any(text[start:start + length] in group for start in range(len(text) - length + 1)):
                return True
    return False
