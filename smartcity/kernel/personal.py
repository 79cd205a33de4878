# SPDX-License-Identifier: Apache-2.0
"""What no payload may carry: pictures, number plates, hardware addresses of people's things, ids of single tracks.

A camera or radar tells counts, classes, speeds and zones. What it says beyond that is refused as a whole, and its body
is not kept. A device's own address in its name (`urn:dev:mac:…`, RFC 9039) is no person's.
"""

from __future__ import annotations

import re
from typing import Final

KIND: Final = "personal data"
WHAT: Final = ("an image", "a number plate", "a MAC address", "a track id")

# Read first, because nearly no payload holds one of them: whatever the patterns below find holds a stem.
_STEMS: Final = (
    b"plate", b"kennzeichen", b"mac", b"bssid", b"bluetooth", b"track", b"object", b"imag", b"img", b"jp", b"png",
    b"pic", b"phot", b"snapshot", b"thumb", b"face",
)  # fmt: skip
_PICTURES: Final = (b"\xff\xd8\xff", b"\x89PNG\r\n")
_SMALLEST_PICTURE: Final = 64  # bytes; in less, these are numbers of some binary format
_WRITTEN_OUT: Final = (b"data:image/", b'"/9j/', b'"iVBORw0KGgo')
_WORDS: Final = (
    rb"(?:[a-z0-9]+[_-])?(?:images?|img|jpe?g|png|pictures?|photos?|snapshot|thumbnail|faces?)"
    rb"(?:[_-]?(?:data|base64|b64|url|jpe?g|png|raw))?",
    rb"(?:licen[cs]e|number|vehicle|registration|car)?[_-]?plates?(?:[_-]?(?:number|no|nr|text|id|hash))?|kennzeichen",
    rb"(?:[a-z0-9]+[_-])?(?:mac|macs|bssid)(?:[_-]?(?:addr|address|addresses|hash))?|bluetooth[_-]?(?:address|id)",
    rb"track(?:er|ing)?[_-]?ids?|tracks|object[_-]?ids?",
)
_NAME: Final = (
    rb"(?:^|[\"'<&?\s,;{(])(?:[\w./-]{0,64}[./]|(?<=<)\w{1,32}:)?(?:"
    + rb"|".join(b"(" + words + b")" for words in _WORDS)
    + rb")[\"']?\s*[:=>]"
)
_FIELD: Final = re.compile(_NAME)
_SENML: Final = re.compile(
    rb"\"b?n\"\s*:\s*\"(?:[\w:./-]{0,64}[:./])?(?:" + rb"|".join(b"(" + words + b")" for words in _WORDS) + rb")\""
)
_PAIRS: Final = re.compile(rb"(?<![0-9a-f:-])[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}(?![0-9a-f:-])")


def carried(payload: bytes) -> str:
    """Which of these the payload carries, in words; empty when it carries none. Linear in its length."""
    magic = _WRITTEN_OUT if len(payload) < _SMALLEST_PICTURE else _WRITTEN_OUT + _PICTURES
    if any(start in payload for start in magic):
        return WHAT[0]
    low = payload.lower()
    if any(stem in low for stem in _STEMS):
        found = _FIELD.search(low) or _SENML.search(low)
        if found is not None:
            return WHAT[next(place for place, words in enumerate(found.groups()) if words is not None)]
    return WHAT[2] if _PAIRS.search(low) else ""
