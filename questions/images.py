"""Pictures that people upload or import: decoded, bounded, encoded anew, so that nothing but pixels is kept."""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from datetime import datetime

import PIL.Image
import PIL.ImageOps
from PIL import UnidentifiedImageError

from accounts.models import User
from questions.models import Image

MAX_BYTES = 5 * 1024 * 1024
MAX_PIXELS = 20_000_000
"""Of the picture as it comes: a small file can hold a very large one."""
MAX_SIDE = 1_600
"""Pixels of the picture as it is kept; larger ones are made smaller."""
MAX_ALT = 300

_READABLE = ("PNG", "JPEG", "WEBP")


class ImageError(ValueError):
    """`code` is one of: empty, svg, not_an_image, unsupported, too_large, too_many_pixels, broken."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def store(data: bytes, *, by: User | None, now: datetime) -> Image:
    """Keep a picture; the same pixels again give the same row. Raises `ImageError`."""
    encoded, media_type, (width, height) = encode(data)
    suffix = "png" if media_type == "image/png" else "jpg"
    digest = hashlib.sha256(encoded).hexdigest()[:32]
    image, _ = Image.objects.get_or_create(
        name=f"{digest}-{width}x{height}.{suffix}",
        defaults={
            "data": encoded,
            "media_type": media_type,
            "width": width,
            "height": height,
            "size": len(encoded),
            "uploaded_by": by,
            "uploaded_at": now,
        },
    )
    return image


def encode(data: bytes) -> tuple[bytes, str, tuple[int, int]]:
    """The picture as PNG, or as JPEG if it came as one; its media type; width and height."""
    if not data:
        raise ImageError("empty")
    if len(data) > MAX_BYTES:
        raise ImageError("too_large")
    if re.search(rb"<svg[\s>]", data[:4_096], re.IGNORECASE):
        raise ImageError("svg")
    try:
        with warnings.catch_warnings():
            # Pillow warns of a picture that is too large; ours is the tighter bound, below.
            warnings.simplefilter("ignore", PIL.Image.DecompressionBombWarning)
            picture = PIL.Image.open(io.BytesIO(data), formats=_READABLE)
    except UnidentifiedImageError as error:
        raise ImageError(_kind_of(data)) from error
    except (PIL.Image.DecompressionBombError, OSError, ValueError, SyntaxError) as error:
        raise ImageError("broken") from error
    if picture.width * picture.height > MAX_PIXELS:
        raise ImageError("too_many_pixels")
    is_jpeg = picture.format == "JPEG"
    try:
        upright = PIL.ImageOps.exif_transpose(picture)
        upright.thumbnail((MAX_SIDE, MAX_SIDE))
        kept = upright.convert("RGB" if is_jpeg else "RGBA" if _is_see_through(upright) else "RGB")
    except (OSError, ValueError, SyntaxError, IndexError, EOFError) as error:
        raise ImageError("broken") from error
    out = io.BytesIO()
    # Only pixels are copied over: whatever else the file carried (places, comments, profiles) stays behind.
    clean = PIL.Image.frombytes(kept.mode, kept.size, kept.tobytes())
    if is_jpeg:
        clean.save(out, "JPEG", quality=85, optimize=True)
    else:
        clean.save(out, "PNG", optimize=True)
    return out.getvalue(), "image/jpeg" if is_jpeg else "image/png", clean.size


def _is_see_through(picture: PIL.Image.Image) -> bool:
    return picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info


def _kind_of(data: bytes) -> str:
    """A picture of another kind, or no picture at all."""
    known = (b"GIF8", b"BM", b"II*\x00", b"MM\x00*", b"\x00\x00\x01\x00", b"8BPS", b"%PDF")
    is_heif = data[4:8] == b"ftyp"
    return "unsupported" if data.startswith(known) or is_heif else "not_an_image"
