"""Workbooks to fill in or to confirm; one that exists is never written over."""

from __future__ import annotations

from pathlib import Path

from recon.batch.calls import Progress, UsageError
from recon.batch.given import folder_of, mappings_of, passwords_of
from recon.batch.written import beside


def confirm(
    folder: Path, output: Path, *, mappings: Path | None = None, lang: str = "zh", passwords: Path | None = None,
    progress: Progress | None = None,
) -> tuple[int, int, int, int]:
    """Lay what the pictures of ``folder`` seem to say beside them in ``output``.

    How many pictures and rows are in it, how many pictures say nothing that can be laid out, and how many of those in
    it are scans with pages that could not be read.

    Without a picture nothing is written. Raises UsageError where the extra is missing or ``output`` exists: it may hold
    somebody's ticks.
    """
    from recon.fill.confirm import drafts, write_confirm

    if output.exists():
        raise UsageError(f"{output.name} 已经存在，不覆盖；请换一个名字 / it exists and is not written over")
    try:
        drawn = drafts(folder_of(folder), mappings_of(mappings), passwords_of(passwords), progress)
    except ImportError:
        raise UsageError(
            "没有安装图片识别组件：pip install 'recon[ocr]'；或用 recon template 手填 / "
            "the OCR extra is not installed: pip install 'recon[ocr]', or type the figures with recon template"
        ) from None
    found = [draft for draft in drawn if draft is not None]
    if found:
        with beside(output) as temporary:
            write_confirm(temporary, found, lang)
    return (len(found), sum(len(draft.rows) for draft in found), len(drawn) - len(found),
            sum(bool(draft.unread) for draft in found))


def write_template(path: Path, lang: str = "zh") -> None:
    """The fill-in workbook at ``path``; a file that exists is never written over."""
    from recon.fill import write_template

    if path.exists():
        raise UsageError(f"{path.name} 已经存在，不覆盖；请换一个名字 / it exists and is not written over")
    with beside(path) as temporary:
        write_template(temporary, lang)
