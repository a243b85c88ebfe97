"""Take the metadata off a JPEG without decoding it."""

import re
import struct

SOI = b"\xff\xd8"
EOI = b"\xff\xd9"
_APP0, _APP2, _APP14, _APP15 = 0xE0, 0xE2, 0xEE, 0xEF
_COM, _SOS = 0xFE, 0xDA
# Inside a scan, FF 00 is a stuffed byte, FF D0..D7 a restart and FF FF padding; anything else ends the scan.
_END_OF_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_ICC = b"ICC_PROFILE\x00"


def strip_jpeg(data: bytes) -> bytes:
    """Return the JPEG without EXIF, XMP, IPTC, comments, embedded previews, and whatever follows its end.

    What decoding needs stays: the JFIF header without its thumbnail, Adobe's colour transform, and the ICC
    profile, since a wide-gamut photograph without its profile shows wrong colours. Pixels do not change.

    Raises:
        ValueError: it is no JPEG, or it is cut off.
    """
    if not data.startswith(SOI):
        raise ValueError("no JPEG: it does not start with SOI")
    kept = [SOI]
    at = 2
    while True:
        marker, at = _next_marker(data, at)
        if marker == EOI[1]:
            kept.append(EOI)
            return b"".join(kept)
        if at + 2 > len(data):
            raise ValueError("the JPEG is cut off inside a segment")
        (length,) = struct.unpack_from(">H", data, at)
        end = at + length
        if length < 2 or end > len(data):
            raise ValueError("the JPEG is cut off inside a segment")
        content = _kept_content(marker, data[at + 2 : end])
        if content is not None:
            kept.append(struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content)
        at = end
        if marker == _SOS:
            scan_end = _END_OF_SCAN.search(data, at)
            if scan_end is None:
                raise ValueError("the JPEG is cut off inside a scan")
            kept.append(data[at : scan_end.start()])
            at = scan_end.start()


def _next_marker(data: bytes, at: int) -> tuple[int, int]:
    """Return the marker at a place, and the place after it; any number of FF bytes may precede it."""
    if at >= len(data) or data[at] != 0xFF:
        raise ValueError("the JPEG has no marker where one must be")
    while at < len(data) and data[at] == 0xFF:
        at += 1
    if at >= len(data):
        raise ValueError("the JPEG ends inside a marker")
    return data[at], at + 1


def _kept_content(marker: int, content: bytes) -> bytes | None:
    """Return what to keep of a segment, None for nothing."""
    if marker == _APP0:
        # JFIF: name (5), version (2), units (1), densities (4), then the size of a thumbnail and the thumbnail.
        return content[:12] + b"\x00\x00" if content.startswith(b"JFIF\x00") and len(content) >= 14 else None
    if marker == _APP2:
        return content if content.startswith(_ICC) else None
    if marker == _APP14:
        return content if content.startswith(b"Adobe") else None
    if _APP0 < marker <= _APP15 or marker == _COM:
        return None
    return content
