"""Pictures that come with the editor's form: kept, and put into the text beside which they were chosen."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

from accounts.models import User
from questions import images
from questions.draft_form import DraftForm, cleaned
from questions.draft_rows import with_text

MOST = 10
"""Of one post: each may cost a second."""


def insert(
    form: DraftForm, files: Any, alts: dict[str, str], *, by: User, now: datetime
) -> tuple[DraftForm, dict[str, str]]:
    """The form with each `picture-<field>` at the end of its text, and what is wrong with the others."""
    problems: dict[str, str] = {}
    chosen = [(name, upload) for name, upload in files.items() if name.startswith("picture-")]
    for count, (name, upload) in enumerate(chosen):
        field = name.removeprefix("picture-")
        if count >= MOST:
            problems[name] = _("At most %(n)d pictures at a time; this one was not read.") % {"n": MOST}
            continue
        markdown, problem = keep(upload, alts.get(field, ""), by=by, now=now)
        if problem:
            problems[name] = problem
            continue
        form = with_text(form, field, _appended(markdown)) or form
        alts.pop(field, None)
    return form, problems


def keep(upload: UploadedFile[Any] | None, alt: str, *, by: User, now: datetime) -> tuple[str, str]:
    """(the Markdown that shows it, "") or ("", what is wrong)."""
    alt = " ".join(re.sub(r"[\[\]\\<>]", " ", cleaned(alt)).split())
    if upload is None:
        return "", _("Choose a file first.")
    if not alt:
        return "", _("Say what the picture shows: who can't see it answers by these words.")
    if len(alt) > images.MAX_ALT:
        return "", _("Say it in at most %(n)d characters.") % {"n": images.MAX_ALT}
    try:
        if (upload.size or 0) > images.MAX_BYTES:
            raise images.ImageError("too_large")
        image = images.store(upload.read(), by=by, now=now)
    except images.ImageError as error:
        return "", message(error)
    return f"![{alt}](image:{image.name})", ""


def message(error: images.ImageError) -> str:
    mega = {"n": images.MAX_BYTES // 1024**2, "pixels": images.MAX_PIXELS // 1_000_000}
    words = {
        "empty": _("The file is empty. Choose another one."),
        "svg": _("SVG pictures are not taken: they can hold scripts. Save it as a PNG."),
        "not_an_image": _("That is no picture. PNG, JPEG and WebP are taken."),
        "unsupported": _("That kind of picture is not taken. Save it as PNG, JPEG or WebP."),
        "too_large": _("The file has more than %(n)d MB. Save it smaller.") % mega,
        "too_many_pixels": _("The picture has more than %(pixels)d million pixels. Save it smaller.") % mega,
    }
    return words.get(error.code, _("The picture can't be read; the file may be damaged. Save it anew."))


def _appended(markdown: str) -> Callable[[str], str]:
    return lambda text: f"{text.rstrip()}\n\n{markdown}\n" if text.strip() else markdown
