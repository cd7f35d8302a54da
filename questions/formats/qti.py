"""QTI 2.0 to 3.0: single items and content packages.  Pure.

Both formats read every version; they differ in what they write. The older one is 2.2 rather than 2.1: it is
what systems in use write themselves, and what of it stands in our items is the same in 2.1. A scenario is a
stimulus of its own in 3.0; in 2.2, where few systems know those, it stands at the head of each item.
"""

from __future__ import annotations

import re
from functools import partial

from questions.formats import archive, qti_package, qti_packing, qti_writing
from questions.formats.exchange import Format

_ROOT = re.compile(rb"<(?:[\w.-]+:)?(?:qti-)?assessment-?(?:item|test|section|stimulus)[\s>]", re.IGNORECASE)
_OF_3 = re.compile(rb"imsqtiasi_v3p|<(?:[\w.-]+:)?qti-assessment|imsqti_\w*xmlv3p|qtiv3p0")
_OF_2 = re.compile(rb"imsqti_v2p|imsqti_\w*xmlv2p|QTIv2\.")
_OTHERS = re.compile(rb"questestinterop|qti_xmlv1p|qtiasiv1p|moodle_backup", re.IGNORECASE)
_OF_CANVAS = (b"assessment_meta.xml", b"non_cc_assessments")
_OTHER_NAMES = ("[content_types].xml", "mimetype", "meta-inf/")


def looks_like_2(head: bytes, filename: str) -> bool:
    return _version(head, filename) == 2


def looks_like_3(head: bytes, filename: str) -> bool:
    return _version(head, filename) == 3


def _version(head: bytes, filename: str) -> int | None:
    if not head.startswith(b"PK"):
        plain = head.replace(b"\0", b"")
        found = _ROOT.search(plain)
        return None if found is None else 3 if _OF_3.search(plain) else 2
    names = []
    for name, first in archive.glimpse(head):
        names.append(name.lower())
        plain = first.replace(b"\0", b"")
        if name.lower().startswith(_OTHER_NAMES) or _OTHERS.search(plain):
            return None
        if _OF_3.search(plain):
            return 3
        if _OF_2.search(plain) or _ROOT.search(plain):
            return 2
    if names and all(name.endswith((".zip", ".imscc", "/", ".ds_store")) for name in names):
        return 2  # Its reader tells what to do with a zip of zips.
    # A package that begins with large pictures shows nothing; its reader will find out.
    is_likely = b"imsmanifest.xml" in head and not any(sign in head for sign in _OF_CANVAS)
    return 2 if is_likely and filename.lower().endswith(".zip") else None


FORMAT_2 = Format(
    name="qti2",
    label="QTI 2.1/2.2",
    extension=".zip",
    media_type="application/zip",
    parse=qti_package.parse,
    looks_like=looks_like_2,
    render=partial(qti_packing.render, dialect=qti_writing.QTI_2),
    losses=qti_writing.losses,
)
FORMAT_3 = Format(
    name="qti3",
    label="QTI 3.0",
    extension=".zip",
    media_type="application/zip",
    parse=qti_package.parse,
    looks_like=looks_like_3,
    render=partial(qti_packing.render, dialect=qti_writing.QTI_3),
    losses=qti_writing.losses,
)
