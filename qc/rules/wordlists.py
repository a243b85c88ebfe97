"""Lists of words and phrases, and where a text says them.

A list is a file under `words/`. Its phrases stand in sections by language, and in each by kind, divided by commas
and lines. Words are written in small letters; accents, capitals and hyphens make no difference. In a phrase

    knife(s)            may end in what stands in brackets
    {water|toy} gun     one of several
    *pistole            a word that ends so
    zigarett*           a word that begins so
    #                   a number

A phrase never reaches over the end of a sentence or clause. Phrases in scripts without spaces are found anywhere.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from itertools import product
from pathlib import Path

from qc.rules.reading import KEPT, Reading, fold, read

FOLDER = Path(__file__).parent / "words"

_WORD = re.compile(r"[^\s\-'/]+")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]")
_ARABIC = re.compile(r"[\u0600-\u06ff]")
_ARABIC_PREFIX = re.compile(r"^(?:[وف]?(?:ال|لل)|[وف]?[بكل](?:ال)?|[وف])(?=..)")


@dataclass(frozen=True, slots=True)
class Match:
    """A phrase that a text says, from its token `first` to its token `last`, which is included."""

    name: str
    kind: str
    first: int
    last: int

    def overlaps(self, other: "Match") -> bool:
        """Tell whether the two share a token."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True, slots=True)
class WordList:
    """A file of phrases.

    Args:
        name: the file's, without its ending; those in a folder have it in front, as "prohibited/drugs".
        title: what it lists, as sellers are told.
        phrases: each with its kind, as written.
        carriers_spare: whether what may show any goods makes these harmless; see prohibited_goods.
    """

    name: str
    title: str
    phrases: tuple[tuple[str, str], ...]
    carriers_spare: bool = True


class WordListInvalid(ValueError):
    """A file of phrases is not written as it should be."""


@dataclass(slots=True)
class _Node:
    """What may follow the tokens that lead here, and what they are when nothing does."""

    words: dict[str, "_Node"] = field(default_factory=dict)
    endings: dict[str, "_Node"] = field(default_factory=dict)
    beginnings: dict[str, "_Node"] = field(default_factory=dict)
    found: list[tuple[str, str]] = field(default_factory=list)

    def after(self, token: str) -> Iterator["_Node"]:
        """Yield what a token leads to."""
        if (node := self.words.get(token)) is not None:
            yield node
        if (node := self.words.get("#")) is not None and token[0].isdigit():
            yield node
        if self.endings:
            yield from (it for cut in range(len(token) - 2) if (it := self.endings.get(token[cut:])) is not None)
        if self.beginnings:
            yield from (it for cut in range(3, len(token) + 1) if (it := self.beginnings.get(token[:cut])) is not None)

    def add(self, token: str) -> "_Node":
        """Return the node that a phrase's token leads to, made where there is none."""
        if token.startswith("*"):
            return self.endings.setdefault(token[1:], _Node())
        if token.endswith("*"):
            return self.beginnings.setdefault(token[:-1], _Node())
        return self.words.setdefault(token, _Node())


@cache
def word_lists() -> Mapping[str, WordList]:
    """Return all lists by name.

    Raises:
        WordListInvalid: a file has no title, or no source, or a section of an unknown form.
    """
    paths = sorted(FOLDER.rglob("*.toml"))
    return {it.name: it for it in map(_load, paths)}


def _load(path: Path) -> WordList:
    content = tomllib.loads(path.read_text())
    name = path.relative_to(FOLDER).with_suffix("").as_posix()
    if missing := {"title", "source", "words"} - content.keys():
        raise WordListInvalid(f"{name}.toml lacks {', '.join(sorted(missing))}")
    phrases = [
        (kind, phrase)
        for kinds in content["words"].values()
        for kind, listed in kinds.items()
        for phrase in re.split(r"[,\n]", listed)
        if phrase.strip()
    ]
    return WordList(name, content["title"], tuple(phrases), content.get("carriers_spare", True))


def spellings(phrase: str) -> list[tuple[str, ...]]:
    """Return the tokens of each form that a phrase may take.

    Raises:
        WordListInvalid: a bracket is not closed, or a word is too short to have an open end.
    """
    parts = re.split(r"(\{[^{}]*\}|\([^()]*\))", fold(phrase.strip().replace("|", "\0")).replace("\0", "|"))
    options = [_options(part) for part in parts]
    if any(set("{}()") & set(option) for choices in options for option in choices):
        raise WordListInvalid(f"{phrase!r}: a bracket is not closed, or stands within another")
    forms = list(dict.fromkeys(tuple(_WORD.findall("".join(choice))) for choice in product(*options)))
    if any("*" in word and len(word) < 4 for form in forms for word in form):
        raise WordListInvalid(f"{phrase!r}: an open word needs three letters")
    return [form for form in forms if form]


def _options(part: str) -> list[str]:
    if part.startswith("{"):
        return part[1:-1].split("|")
    if part.startswith("("):
        return ["", *part[1:-1].split("|")]
    return [part]


@cache
def _root() -> tuple[_Node, dict[str, list[tuple[str, str]]]]:
    """Return the tree of all phrases, and those of scripts without spaces."""
    root, unspaced = _Node(), dict[str, list[tuple[str, str]]]()
    for words in word_lists().values():
        for kind, phrase in words.phrases:
            for form in spellings(phrase):
                if _UNSPACED.search(phrase):
                    unspaced.setdefault("".join(form), []).append((words.name, kind))
                else:
                    _plant(root, form, (words.name, kind))
    return root, unspaced


def _plant(root: _Node, form: Iterable[str], what: tuple[str, str]) -> None:
    node = root
    for token in form:
        node = node.add(token)
    if what not in node.found:
        node.found.append(what)


@lru_cache(maxsize=20_000)
def _starts(token: str) -> tuple[_Node, ...]:
    """Return what phrases that begin with a word go on with; listings use few words, again and again."""
    nodes = list(_root()[0].after(token))
    if _ARABIC.match(token) and (bare := _ARABIC_PREFIX.sub("", token)) != token:
        nodes.extend(_root()[0].after(bare))
    return tuple(nodes)


@lru_cache(maxsize=KEPT)
def matches_in(text: str) -> Mapping[str, tuple[Match, ...]]:
    """Return what a text says of each list, by the list's name, in the order of the text."""
    reading = read(text)
    found: dict[str, list[Match]] = {}
    for match in _matches(reading):
        found.setdefault(match.name, []).append(match)
    return {name: tuple(its) for name, its in found.items()}


def _matches(reading: Reading) -> Iterator[Match]:
    tokens = reading.tokens
    for first, token in enumerate(tokens):
        for start in _starts(token):
            yield from _walk(start, tokens, first, first)
    if not reading.folded.isascii():
        yield from _unspaced_matches(tokens)


def _walk(node: _Node, tokens: tuple[str, ...], first: int, last: int) -> Iterator[Match]:
    for name, kind in node.found:
        yield Match(name, kind, first, last)
    if last + 1 < len(tokens) and (node.words or node.endings or node.beginnings):
        for after in node.after(tokens[last + 1]):
            yield from _walk(after, tokens, first, last + 1)


def _unspaced_matches(tokens: tuple[str, ...]) -> Iterator[Match]:
    listed = _root()[1]
    for place, token in enumerate(tokens):
        if _UNSPACED.match(token):
            for phrase, found in listed.items():
                if phrase in token:
                    yield from (Match(name, kind, place, place) for name, kind in found)


def first_match(text: str, name: str, kind: str, *, unless: str = "") -> Match | None:
    """Return the first phrase of a kind that shares no word with one of the kind `unless`."""
    matches = matches_in(text).get(name, ())
    spared = [it for it in matches if it.kind == unless]
    wanted = (it for it in matches if it.kind == kind)
    return next((it for it in wanted if not any(it.overlaps(other) for other in spared)), None)


def said(text: str, match: Match) -> str:
    """Return the words of a match as the text has them."""
    return read(text).original(match.first, match.last)
