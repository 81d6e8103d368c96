"""Made-up screenshots and scans: an app's list of account lines, and a printed statement without a text layer.

Each picture knows what text stands where, so that most tests need neither the OCR extra nor a Chinese font.
"""

from __future__ import annotations

import io
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from recon.reading.ocr import Seen

INK, FAINT, GREEN, PAPER = "#202124", "#8A8F98", "#1A8F4C", "#FFFFFF"
Line = tuple[str, str, str, str]


@cache
def chinese_font() -> str | None:
    """A font with Chinese characters, None where the machine has none."""
    try:
        done = subprocess.run(["fc-list", ":lang=zh", "file"], capture_output=True, text=True, check=False)
    except OSError:
        return None
    names = sorted(line.split(":")[0] for line in done.stdout.splitlines())
    wanted = [name for name in names if "Sans" in name and "Regular" in name] or [
        name for name in names if name.endswith((".ttf", ".ttc", ".otf"))]
    return wanted[0] if wanted else None


@dataclass
class Canvas:
    """A picture while it is drawn, and the text on it."""

    width: int
    height: int
    paper: str = PAPER
    seen: list[Seen] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.image = Image.new("RGB", (self.width, self.height), self.paper)
        self.draw = ImageDraw.Draw(self.image)

    def text(self, x: float, y: float, text: str, size: int, fill: str = INK, *, right: bool = False) -> None:
        """Text whose upper left (or upper ``right``) corner is at the given place."""
        wide = sum(size if ord(char) > 0x2E7F else 0.55 * size for char in text)
        left = x - wide if right else x
        self.seen.append(Seen(text, left, y, left + wide, y + 1.2 * size, 0.99))
        name = chinese_font()
        if name is not None:
            self.draw.text((x, y), text, fill=fill, font=ImageFont.truetype(name, size), anchor="ra" if right else "la")
        else:  # something that differs from picture to picture
            self.draw.rectangle((left, y, left + wide, y + size), fill=f"#{sum(map(ord, text)) % 0xFFFFFF:06x}")


def app_list(
    lines: Sequence[Line], title: str = "个人账户明细", *, dark: bool = False, head: Sequence[str] = (),
    months: bool = False, day_first: bool = False,
) -> Canvas:
    """A phone's screen: for each line (kind, day, amount, balance or "") a card of two rows.

    ``months``: a heading of year and month before the first card of each month; ``day_first``: the day above the sum.
    """
    width, card = 720, 128
    ink, faint, paper = (INK, FAINT, PAPER) if not dark else ("#E8EAED", "#9AA0A6", "#16181C")
    canvas = Canvas(width, 200 + 44 * len(head) + (card + 60 * months) * len(lines), paper)
    canvas.text(28, 14, "9:41", 24, ink)
    canvas.text(250, 64, title, 34, ink)
    y = 130.0
    for text in head:
        canvas.text(32, y, text, 26, faint)
        y += 44
    before = ""
    for kind, day, amount, balance in lines:
        if months and day[:7] != before:
            before = day[:7]
            canvas.text(32, y + 10, f"{before[:4]}年{int(before[5:])}月", 28, ink)
            y += 60
        upper, lower = (y + 68, y + 16) if day_first else (y + 16, y + 68)
        canvas.text(32, upper, kind, 30, ink)
        canvas.text(width - 32, upper, amount, 32, GREEN if amount.startswith("+") else ink, right=True)
        canvas.text(32, lower, day[5:] if months else day, 24, faint)
        if balance:
            canvas.text(width - 32, lower, f"余额 {balance}", 24, faint, right=True)
        canvas.draw.line((32, y + card - 4, width - 32, y + card - 4), fill=faint)
        y += card
    return canvas


def statement(head: Sequence[str], columns: Sequence[tuple[str, int]], rows: Sequence[Sequence[str]]) -> Canvas:
    """A printed page: lines of text, then a table whose columns begin at the given places."""
    canvas = Canvas(1240, 240 + 52 * (len(rows) + len(head) + 1))
    y = 60.0
    for at, text in enumerate(head):
        canvas.text(80, y, text, 34 if at == 0 else 26)
        y += 60
    for row in [[name for name, _ in columns], *rows]:
        for (_, x), text in zip(columns, row, strict=True):
            if text:
                canvas.text(x, y, text, 26)
        y += 52
    return canvas


ACCOUNT_COLUMNS = (("收支时间", 80), ("收支类型", 300), ("收入（元）", 560), ("支出（元）", 760), ("余额（元）", 960))


def account_page(rows: Sequence[Sequence[str]], *head: str) -> Canvas:
    """A printed account statement of one person."""
    return statement(["医疗保险个人账户收支明细", *head], ACCOUNT_COLUMNS, rows)


def png(canvas: Canvas) -> bytes:
    """The picture as a PNG file."""
    out = io.BytesIO()
    canvas.image.save(out, "PNG")
    return out.getvalue()


def jpeg(canvas: Canvas) -> bytes:
    """The picture as a JPEG file, as chat programs send it."""
    out = io.BytesIO()
    canvas.image.save(out, "JPEG", quality=80)
    return out.getvalue()


def scan(*pages: Canvas) -> bytes:
    """A PDF of pictures without a text layer."""
    out = io.BytesIO()
    images = [page.image for page in pages]
    images[0].save(out, "PDF", resolution=200, save_all=True, append_images=images[1:])
    return out.getvalue()


def save(folder: Path, name: str, data: bytes) -> Path:
    """A file of a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(data)
    return path
