"""``recon confirm``: what pictures seem to say, laid beside the pictures, for a person to tick or correct.

One sheet per picture, in the fields of :mod:`recon.reading.filled`: a strip of the picture, whether the row counts, and
the row as it was read. Nothing is ticked beforehand: a figure counts because a person looked at it, says who and when.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xlsxwriter

from recon.fill.form import FAINT, Form
from recon.problems import Problem
from recon.reading import ocr
from recon.reading.containers import (
    MAX_DEPTH,
    Shared,
    is_archive,
    is_package,
    list_files,
    load,
    members,
    open_bytes,
    picture_kind,
)
from recon.reading.filled import CONFIRM_MARK, IDENTITY, SECTIONS, TICK_FIELD, is_filled, read_filled
from recon.reading.format import Format, Formats
from recon.reading.formats import load_formats
from recon.reading.lines import SIGNS, word
from recon.reading.picture import SURE, Sheet, drafted, open_scan, pages_of, password_of, sheet_of
from recon.reading.values import Unreadable, clean, parse_day, parse_fen, parse_months
from recon.reading.workers import SECONDS, Failure, Pool, Task, cores

if TYPE_CHECKING:
    from PIL import Image

BLANK = 4  # further rows for lines that were not seen
_CROP, _WIDEST, _LETTER = 460, 900, 15  # pixels: a strip's width, the most it may take, the least height of its text
_WHOLE = 620
_HEAD = 1024  # bytes that say what a file is
_SECONDS_PER_BYTE = 24 / (1 << 20)  # beside SECONDS: twenty times what opening a workbook takes
_DRAW_SECONDS = 900.0  # for one picture or scan: forty pages, read and drawn, on a slow machine
_ASKED = ("person_name", "person_id", "psn_no", "region", "employer", "year", "covers_from", "covers_to",
          "confirmed_by", "confirmed_on", "sha256")


@dataclass(frozen=True)
class Picture:
    """A strip of a picture, or the whole, as it is embedded: a PNG file and its size in pixels."""

    png: bytes
    width: int
    height: int


@dataclass(frozen=True)
class Draft:
    """What one picture or scan seems to say; ``rows``: cells of the section ``table``, the strip, how sure.

    ``unread``: what was wrong with pages that are not in it.
    """

    file: str
    sha256: str
    table: str
    about: dict[str, object]
    rows: list[tuple[dict[str, object], Picture | None, float]]
    wholes: list[Picture]
    unread: list[Problem] = field(default_factory=list)


def drafts(
    folder: Path, mappings: Sequence[Path], passwords: Sequence[str] = (),
    progress: Callable[[int, int], None] | None = None,
) -> list[Draft | None]:
    """Each picture and scan of ``folder`` that no confirmation in it settles, read; None for one that says nothing.

    Whatever a library has to open is opened in worker processes, as in a run: a file that takes its reader down costs
    itself alone. Raises ImportError without the extra, FormatError for a mistake in a mapping.
    """
    ocr.require()
    risky = [(name, path) for name, path in list_files(folder) if is_package(head := _head(path)) or _shows(head)]
    if not risky:
        return []
    formats = load_formats(list(mappings))
    shared = Shared(tuple(mappings), formats.header_words, tuple(passwords), formats)
    pool = Pool(min(cores(), len(risky)))
    try:
        seen = _answers(pool, [Task(at, f"{__name__}:look_task", (path,), SECONDS + _SECONDS_PER_BYTE * _size(path))
                               for at, (_, path) in enumerate(risky)], shared)
        read = _answers(pool, _unsettled(risky, seen), shared, progress)
    finally:
        pool.close()
    lost: list[Draft | None] = [None for each in seen if isinstance(each, Failure)]
    return lost + [draft for each in read for draft in ([None] if isinstance(each, Failure) else each)]


def _unsettled(files: Sequence[tuple[str, Path]], seen: Sequence[Found | Failure]) -> list[Task]:
    """The reading of each picture that no confirmation in any file settles; of equal ones the first."""
    done = {digest for each in seen if isinstance(each, Found) for digest in each.settled}
    tasks: list[Task] = []
    for (name, path), each in zip(files, seen, strict=True):
        for inside, digest in each.pictures if isinstance(each, Found) else ():
            if digest not in done:
                done.add(digest)
                given = ("!".join((name, *inside)), path, inside, digest)
                tasks.append(Task(len(tasks), f"{__name__}:draft_task", given, _DRAW_SECONDS))
    return tasks


def _answers(
    pool: Pool, tasks: Sequence[Task], shared: Shared, progress: Callable[[int, int], None] | None = None
) -> list[Any]:
    """What the tasks answered, in their order; their keys count from 0."""
    answers: list[Any] = [None] * len(tasks)
    for count, (task, answer) in enumerate(pool.run(tasks, shared), start=1):
        answers[task.key] = answer
        if progress:
            progress(count, len(tasks))
    return answers


@dataclass(frozen=True)
class Found:
    """What a file is or holds: its pictures and scans, and the pictures that confirmations settle, by their sha256.

    A picture is the members that lead to it, none for the file itself, and its sha256.
    """

    pictures: tuple[tuple[tuple[str, ...], str], ...] = ()
    settled: frozenset[str] = frozenset()


def look_task(shared: Shared, path: Path) -> Found:
    """What a file is or holds, as deep as a run goes; what a run refuses to load or unpack holds nothing."""
    data = load(path)
    return _look(shared, data) if isinstance(data, bytes) else Found()


def _look(shared: Shared, data: bytes, depth: int = 0) -> Found:
    if _shows(data):
        return Found((((), hashlib.sha256(data).hexdigest()),))
    if not is_package(data):
        return Found()
    opened = open_bytes(data, shared.header_words, shared.passwords)
    settled = {each for grid in opened.grids if is_filled(grid) for each in read_filled(grid).pictures}
    pictures: list[tuple[tuple[str, ...], str]] = []
    if is_archive(opened) and depth < MAX_DEPTH:
        for member, content in members(data, shared.passwords):
            found = _look(shared, content, depth + 1) if isinstance(content, bytes) else Found()
            pictures += [((member, *inside), digest) for inside, digest in found.pictures]
            settled |= found.settled
    return Found(tuple(pictures), frozenset(settled))


def draft_task(shared: Shared, name: str, path: Path, inside: Sequence[str], digest: str) -> list[Draft | None]:
    """What the picture or scan ``name`` says, which stands in the file at ``path`` under the members ``inside``."""
    if shared.formats is None:
        shared.formats = load_formats(list(shared.mappings))
    data = load(path)
    picture = _unpacked(data, inside, digest, shared.passwords) if isinstance(data, bytes) else None
    if picture is None:  # the file has changed meanwhile
        return [None]
    return list(_drafted(name, digest, picture, shared.formats, shared.passwords))


def _unpacked(data: bytes, inside: Sequence[str], digest: str, passwords: Sequence[str]) -> bytes | None:
    """The member with this sha256; several members may bear one name."""
    if not inside:
        return data if hashlib.sha256(data).hexdigest() == digest else None
    within = (_unpacked(content, inside[1:], digest, passwords)
              for _, content in members(data, passwords, inside[0]) if isinstance(content, bytes))
    return next((found for found in within if found is not None), None)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(_HEAD)
    except OSError:  # a run says so
        return b""


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _shows(data: bytes) -> bool:
    """Whether a file is a picture, or a PDF, which may be a scan."""
    return not is_package(data) and (picture_kind(data) is not None or b"%PDF-" in data[:_HEAD])


def _drafted(
    name: str, digest: str, data: bytes, formats: Formats, passwords: Sequence[str]
) -> Iterator[Draft | None]:
    """What one picture or scan says, None where nothing can be made of it; nothing for a PDF whose pages are text."""
    opened = open_bytes(data, formats.header_words, passwords)
    password = None if picture_kind(data) else password_of(data, passwords)
    if opened.grids and opened.scanned and not any(grid.seen for grid in opened.grids):
        opened = open_scan(data, password, opened.scanned)  # only some of its pages are pictures
    grid = next((grid for grid in opened.grids if grid.seen), None)
    if grid is None:
        if not opened.grids:
            yield None
        return
    sheet = sheet_of(grid, formats)
    table = sheet.header.format.table if sheet.header else "flow"
    if table not in SECTIONS:
        yield None
        return
    said = drafted(sheet)
    strips: dict[int, Picture] = {}
    wholes: list[Picture] = []
    drawn = [(1, ocr.load(data))] if picture_kind(data) else pages_of(data, password, opened.scanned)
    for number, image in drawn:
        if image is None:
            continue
        for at, _ in said:
            page, upper, lower = sheet.grid.boxes[at]
            if page == number - 1:
                strips[at] = _strip(image, upper, lower)
        wholes.append(_embedded(image, min(1.0, _WHOLE / image.width)))
    rows = [(_cells(table, texts, sheet), strips.get(at), sheet.scores.get(at, 1.0)) for at, texts in said]
    facts = sheet.header.facts if sheet.header else {}
    about: dict[str, object] = {each: facts[each] for each in _ASKED if each in facts}
    unread = [problem for problem in opened.problems if problem.code == "pages-unread"]
    yield Draft(name, digest, table, about | {"sha256": digest}, rows, wholes, unread)


def _cells(table: str, said: dict[str, str], sheet: Sheet) -> dict[str, object]:
    """A row in the fields of its section: what can be read in its own type, the rest as it stands."""
    known = sheet.header.format if sheet.header else None
    assert known is not None  # only a sheet with a header has rows
    cells: dict[str, object] = {}
    if table == "flow":
        kind, amount = _kind_and_amount(said, known)
        cells |= {"flow_kind": kind, "amount_fen": amount, "memo": said.get("memo")}
    for each in SECTIONS[table]:
        text = said.get(each.name)
        if each.name in cells or not text:
            continue
        if each.kind == "money":
            cells[each.name] = _fen(text)
        elif each.kind == "day":
            cells[each.name] = _day(text)
        elif each.kind == "month":
            cells[each.name] = _month(text)
        elif each.kind == "word":
            cells[each.name] = word(text, known, each.name) or ""
        else:
            cells[each.name] = text
    return cells


def _kind_and_amount(said: dict[str, str], known: Format) -> tuple[str, object]:
    """The kind, "" where no list knows it, and the sum: positive where the kind says which way it goes."""
    texts = [said.get(name, "") for name in ("kind_text", "memo")]
    kind = next((found for text in texts if text and (found := word(text, known, "flow_kind"))), "").rstrip("+-")
    fen = _fen(said.get("amount_fen") or "")
    if not isinstance(fen, int):
        came, went = _fen(said.get("in_fen") or ""), _fen(said.get("out_fen") or "")
        if isinstance(came, int) or isinstance(went, int):
            fen = (came if isinstance(came, int) else 0) - (went if isinstance(went, int) else 0)
    if isinstance(fen, int) and SIGNS.get(kind):
        if fen * SIGNS[kind] < 0 and (known.amount != "by_kind"):
            return "reversal", fen
        return kind, abs(fen)
    return kind, fen


def _fen(text: str) -> int | str | None:
    try:
        return parse_fen(text)
    except Unreadable:
        return clean(text)


def _day(text: str) -> date | str | None:
    try:
        return parse_day(text)
    except Unreadable:
        return clean(text)


def _month(text: str) -> str:
    try:
        months = parse_months(text)
    except Unreadable:
        return clean(text)
    return f"{months[0]:%Y-%m}" if months else ""


# ------------------------------------------------------------------------------------------------------- the workbook


def write_confirm(path: Path, found: Sequence[Draft], lang: str = "zh") -> None:
    """The workbook at ``path``: a sheet for each picture."""
    options = {"strings_to_formulas": False, "strings_to_urls": False, "in_memory": True}
    with xlsxwriter.Workbook(str(path), options) as book:
        book.set_properties({"title": "recon 核对表" if lang == "zh" else "recon confirmation"})
        for number, draft in enumerate(found, start=1):
            _sheet(book, draft, number, lang)


def _sheet(book: Any, draft: Draft, number: int, lang: str) -> None:
    form = Form(book, book.add_worksheet(f"图{number}" if lang == "zh" else f"Picture {number}"), lang)
    form.title(f"{CONFIRM_MARK} · {draft.file}")
    form.note(form.say(
        "对着左边的图逐行看：对的“用”选“是”；不对的改正后选“是”；不要的空着。黄底红字的最不可靠。",
        "Compare each row with the strip of the picture: “use” yes when right or corrected, blank leaves it out. Red "
        "figures are the least sure."))
    form.note(form.say("必须写填写人和填写日期；日期没有年份的，写上“年份”。填好放回同一个文件夹，再运行 recon run。",
                       "Say who filled it in and when; give the year where days lack it. Keep it in the folder and run "
                       "recon run again."))
    for problem in draft.unread:
        form.note(str(problem.row(lang)["message"]), bold=True)
    form.gap()
    form.identity([each for each in IDENTITY if each.name in _ASKED], draft.about, left=1)
    form.gap()
    fields = (TICK_FIELD, *SECTIONS[draft.table])
    top = form.row + 2
    doubtful = {at for at, (_, _, score) in enumerate(draft.rows) if score < SURE}
    first = form.section(form.say("读出的行", "rows read"), fields, [cells for cells, _, _ in draft.rows], blank=BLANK,
                         left=1, doubtful=doubtful)
    assert first == top  # the section's title and header stand above its first row
    head = form.style(bold=True, font_color=FAINT, align="center")
    form.page.write_string(first - 1, 0, form.say("图片", "picture"), head)
    widest = 0
    for at, (_, strip, _) in enumerate(draft.rows):
        if strip is None:
            continue
        widest = max(widest, strip.width)
        form.page.set_row(first + at, max(20.0, (strip.height + 6) * 0.75))
        _insert(form.page, first + at, strip)
    form.page.set_column(0, 0, max(18.0, widest / 7 + 1))
    for column, each in enumerate(fields, start=1):
        form.page.set_column(column, column, max(each.width, {1: 16, 2: 24, 4: 16, 5: 24}.get(column, 10)))
    form.gap()
    form.note(form.say("整张图：", "the whole picture:"))
    for whole in draft.wholes:
        _insert(form.page, form.row, whole)
        form.row += whole.height // 20 + 2
    form.page.freeze_panes(first, 0)
    form.page.hide_gridlines(2)
    form.page.set_landscape()
    form.page.set_paper(9)
    form.page.fit_to_pages(1, 0)


def _strip(image: Image.Image, upper: float, lower: float) -> Picture:
    """The part of a picture that shows one row, as large as its text needs to be read."""
    margin = max(4.0, (lower - upper) * 0.15)
    strip = image.crop((0, max(0, int(upper - margin)), image.width, min(image.height, int(lower + margin))))
    wanted = max(_CROP / strip.width, _LETTER / max(lower - upper, 1.0))
    return _embedded(strip, min(wanted, _WIDEST / strip.width, 1.0))


def _embedded(image: Image.Image, factor: float) -> Picture:
    if factor < 1:
        image = image.resize((max(1, round(image.width * factor)), max(1, round(image.height * factor))))
    data = BytesIO()
    image.save(data, "PNG", optimize=True)
    return Picture(data.getvalue(), image.width, image.height)


def _insert(page: Any, row: int, picture: Picture) -> None:
    page.insert_image(row, 0, f"r{row}.png", {
        "image_data": BytesIO(picture.png), "x_offset": 3, "y_offset": 3, "object_position": 1})
