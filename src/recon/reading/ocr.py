"""Text of a picture with its places, by RapidOCR where the extra ``recon[ocr]`` is installed. Offline, no meaning.

The models lie inside the package; nothing is downloaded and no picture leaves the machine. What is read here is a
guess until something proves it (:mod:`recon.reading.picture`).
"""

from __future__ import annotations

import os
import warnings
from functools import cache
from importlib import metadata
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from PIL import Image

MAX_PIXELS = 60_000_000
STRIP, OVERLAP = 1600, 160  # pixels: taller pictures are read in strips, or their text would be shrunk away
_PACKAGES = ("rapidocr", "onnxruntime")


class Seen(NamedTuple):
    """One stretch of text: its edges in pixels, and how sure the reading is (0 to 1)."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    score: float


class PictureError(ValueError):
    """A picture that cannot be opened, or is larger than MAX_PIXELS."""


def available() -> bool:
    """Whether pictures can be read on this machine; ``RECON_OCR=off`` in the environment says they shall not be."""
    return os.environ.get("RECON_OCR") != "off" and _is_installed()


@cache
def _is_installed() -> bool:
    try:
        _engine()
    except ImportError:
        return False
    return True


def require() -> None:
    """Raises ImportError, and says what to install, where pictures cannot be read."""
    if not available():
        raise ImportError("pip install 'recon[ocr]'")


def version() -> str:
    """Which engine reads pictures here, "" where none does; what was read with another is read again."""
    if os.environ.get("RECON_OCR") == "off":
        return ""
    try:
        return " ".join(f"{name} {metadata.version(name)}" for name in _PACKAGES)
    except metadata.PackageNotFoundError:
        return ""


@cache
def _engine() -> Any:
    """The engine, made once in a process; one thread, because files are read side by side."""
    from rapidocr import RapidOCR  # type: ignore[import-untyped,import-not-found,unused-ignore]

    return RapidOCR(params={
        "Global.log_level": "critical", "Global.use_cls": False,
        "EngineConfig.onnxruntime.intra_op_num_threads": 1, "EngineConfig.onnxruntime.inter_op_num_threads": 1,
    })


def load(data: bytes) -> Image.Image:
    """The picture upright and in colours; PictureError where it cannot be opened or is too large."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(BytesIO(data))
            return _upright(image) if image.width * image.height <= MAX_PIXELS else _refused()
    except Exception as error:  # the library raises nearly anything for bad bytes
        raise PictureError(type(error).__name__) from error


def _refused() -> Image.Image:
    raise PictureError("too large")


def _upright(image: Image.Image) -> Image.Image:
    from PIL import Image, ImageOps

    upright = ImageOps.exif_transpose(image)
    if "A" not in upright.getbands() and "transparency" not in upright.info:
        return upright.convert("RGB")
    paper = Image.new("RGBA", upright.size, "white")
    paper.alpha_composite(upright.convert("RGBA"))
    return paper.convert("RGB")


def recognise(image: Image.Image) -> list[Seen]:
    """The text of a picture, top to bottom. Raises ImportError without the extra."""
    engine = _engine()
    found: list[Seen] = []
    top = 0
    while True:
        bottom = min(top + STRIP, image.height)
        strip = image if bottom - top == image.height else image.crop((0, top, image.width, bottom))
        result = engine(strip)
        boxes = getattr(result, "boxes", None)
        for box, text, score in zip(boxes, result.txts, result.scores, strict=True) if boxes is not None else ():
            xs, ys = [float(point[0]) for point in box], [float(point[1]) + top for point in box]
            _keep(found, Seen(str(text).strip(), min(xs), min(ys), max(xs), max(ys), float(score)))
        if bottom == image.height:
            break
        top = bottom - OVERLAP
    return sorted((each for each in found if each.text), key=lambda each: (each.y0, each.x0))


def _keep(found: list[Seen], new: Seen) -> None:
    """Add a stretch of text, unless the strip before showed it already; of a stretch cut at the edge, the whole one."""
    for at, old in enumerate(found):
        inside = min(old.x1, new.x1) - max(old.x0, new.x0), min(old.y1, new.y1) - max(old.y0, new.y0)
        if inside[0] > 0.5 * min(old.x1 - old.x0, new.x1 - new.x0) and inside[1] > 0.5 * min(
                old.y1 - old.y0, new.y1 - new.y0):
            if (new.y1 - new.y0, new.score) > (old.y1 - old.y0 + 2, old.score):
                found[at] = new
            return
    found.append(new)
