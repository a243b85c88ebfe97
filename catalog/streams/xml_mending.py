"""Mending: XML as sites write it, made readable for a strict parser, without knowing the whole of it.

A bare ampersand (`?a=1&b=2`) is escaped, a name of HTML (`&nbsp;`) becomes its character, characters that XML forbids
are dropped. No reference to an entity that a document declares is left: none is ever expanded.
"""

import re
from html.entities import html5

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# What is not one of XML's own names.
_REFERENCE = re.compile(
    r"&(?!(?:amp|lt|gt|quot|apos);)(?:#(\d{1,7});|#[xX]([0-9a-fA-F]{1,6});|([A-Za-z][A-Za-z0-9]{0,31});)?"
)
_MARK = re.compile(r"<!\[CDATA\[|<!--|<\?")
_ENDS = {"<![CDATA[": "]]>", "<!--": "-->", "<?": "?>"}
_LONGEST_REFERENCE = 34
_LONGEST_TAG = 4096  # that is kept whole


class XmlMender:
    """Mends text chunk by chunk; what may go on in the next chunk is held back.

    Comments and processing instructions are left out: a parser reads an unfinished one again with each chunk.
    """

    def __init__(self) -> None:
        self._held = ""
        self._mark = ""  # of the section that the text is in: one of _ENDS, or none
        self.mended = 0  # references and characters that were no XML

    def feed(self, text: str, *, is_last: bool = False) -> str:
        """Return the next part of the document, mended."""
        text, count = _FORBIDDEN.subn("", text)
        self.mended += count
        text = self._held + text
        end = len(text) if is_last else len(text) - self._open_end(text)
        parts: list[str] = []
        at = 0
        while at < end:
            at = self._pass_section(text, at, end, parts) if self._mark else self._pass_plain(text, at, end, parts)
        self._held = text[end:]
        return "".join(parts)

    def _pass_section(self, text: str, at: int, end: int, parts: list[str]) -> int:
        """Go to the section's end, or the text's; return where that is."""
        mark = _ENDS[self._mark]
        found = text.find(mark, at, end)
        stop = end if found < 0 else found + len(mark)
        if self._mark == "<![CDATA[":
            parts.append(text[at:stop])
        if found >= 0:
            self._mark = ""
        return stop

    def _pass_plain(self, text: str, at: int, end: int, parts: list[str]) -> int:
        """Go to where a section begins, or to the text's end; return where that is."""
        match = _MARK.search(text, at, end)
        stop = match.start() if match else end
        plain = text[at:stop]
        parts.append(_REFERENCE.sub(self._mend, plain) if "&" in plain else plain)
        if match is None:
            return end
        self._mark = match[0]
        if self._mark == "<![CDATA[":
            parts.append(self._mark)
        return match.end()

    def _open_end(self, text: str) -> int:
        """Return how many characters at the end may be the beginning of a tag, a mark or a reference."""
        tag = text.rfind("<", max(0, len(text) - _LONGEST_TAG))
        if tag >= 0 and text.find(">", tag) < 0:
            return len(text) - tag
        if text.endswith(("]", "-", "?")):
            return min(2, len(text))
        at = text.rfind("&", max(0, len(text) - _LONGEST_REFERENCE))
        return len(text) - at if at >= 0 and ";" not in text[at:] else 0

    def _mend(self, match: re.Match[str]) -> str:
        decimal, hexadecimal, name = match.groups()
        if decimal or hexadecimal:
            code = int(decimal) if decimal else int(hexadecimal, 16)
            if code <= 0x10FFFF and not _FORBIDDEN.match(chr(code)):
                return f"&#{code};"
            self.mended += 1
            return ""
        self.mended += 1
        characters = html5.get(f"{name};", "") if name else ""
        if characters:
            return "".join(f"&#{ord(character)};" for character in characters)
        return f"&amp;{match[0][1:]}"
