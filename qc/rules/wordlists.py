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
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from qc.rules.reading import KEPT, LISTED_TOKEN, Reading, fold, is_quoted, read

FOLDER = Path(__file__).parent / "words"
PATTERNS = "patterns"
# No phrase is longer: what may be near a match is looked for no farther away.
MOST_WORDS = 16
_CLAUSE_ENDS = frozenset(".!?;\n।؛؟。…\u2028\u2029")

_ENDS_WITH_COMMA = _CLAUSE_ENDS | frozenset(",،，")
# A comma between digits is part of a number.
_DIVIDER = re.compile(r"\n|(?<!\d),|,(?!\d)")
_INNERMOST = re.compile(r"\{[^{}()]*\}|\([^{}()]*\)")
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
        title_decides: whether a description may name them in passing; see prohibited_goods.
    """

    name: str
    title: str
    phrases: tuple[tuple[str, str], ...]
    carriers_spare: bool = True
    title_decides: bool = False


class WordListInvalid(ValueError):
    """A file of phrases is not written as it should be."""


Found = tuple[str, str]  # a list's name, and the kind of a phrase


class _Node:
    """What may follow the tokens that lead here, and what they are when nothing does."""

    __slots__ = ("beginnings", "endings", "found", "words")

    def __init__(self) -> None:
        self.words: dict[str, list[_Node]] = {}
        self.endings: dict[str, list[_Node]] = {}
        self.beginnings: dict[str, list[_Node]] = {}
        self.found: tuple[Found, ...] = ()

    def after(self, token: str) -> Iterator["_Node"]:
        """Yield what a token leads to."""
        if token in self.words:
            yield _only(self.words[token])
        if token[0].isdigit() and "#" in self.words:
            yield _only(self.words["#"])
        if self.endings:
            for cut in range(len(token) - 2):
                yield from self.endings.get(token[cut:], ())
        if self.beginnings:
            for cut in range(3, len(token) + 1):
                yield from self.beginnings.get(token[:cut], ())

    def lead(self, token: str, node: "_Node") -> None:
        """Let a phrase's token lead to a node."""
        if token.startswith("*"):
            self.endings.setdefault(token[1:], []).append(node)
        elif token.endswith("*"):
            self.beginnings.setdefault(token[:-1], []).append(node)
        else:
            self.words.setdefault(token, []).append(node)


def _only(nodes: list[_Node]) -> _Node:
    """Return the one node that stands for several, made of them when it is first asked for."""
    if len(nodes) > 1:
        one = _Node()
        for node in nodes:
            one.found = (*one.found, *(it for it in node.found if it not in one.found))
            for mine, its in ((one.words, node.words), (one.endings, node.endings), (one.beginnings, node.beginnings)):
                for token, after in its.items():
                    mine[token] = [*mine.get(token, ()), *after]
        nodes[:] = [one]
    return nodes[0]


@cache
def word_lists() -> Mapping[str, WordList]:
    """Return all lists of phrases by name.

    Raises:
        WordListInvalid: a file has no title, or no source, or no words.
    """
    paths = sorted(it for it in FOLDER.rglob("*.toml") if it.parent.name != PATTERNS)
    return {it.name: it for it in map(_load, paths)}


@cache
def words_for_patterns(name: str, kind: str) -> tuple[str, ...]:
    """Return plain words from a file under words/patterns/: no phrases to be found, but what patterns are made of.

    Raises:
        WordListInvalid: the file is not as it should be, or has no such words.
    """
    words = tuple(it.strip() for its, it in _load(FOLDER / PATTERNS / f"{name}.toml").phrases if its == kind)
    if not words:
        raise WordListInvalid(f"{PATTERNS}/{name}.toml has no {kind!r}")
    return words


def one_of(name: str, kind: str) -> str:
    """Return a pattern, in brackets, that matches any of the words for patterns of a kind."""
    return f"(?:{'|'.join(map(re.escape, sorted(words_for_patterns(name, kind), key=len, reverse=True)))})"


def _load(path: Path) -> WordList:
    content = tomllib.loads(path.read_text())
    name = path.relative_to(FOLDER).with_suffix("").as_posix()
    if missing := {"title", "source", "words"} - content.keys():
        raise WordListInvalid(f"{name}.toml lacks {', '.join(sorted(missing))}")
    phrases = [
        (kind, phrase)
        for kinds in content["words"].values()
        for kind, listed in kinds.items()
        for phrase in _DIVIDER.split(listed)
        if phrase.strip()
    ]
    return WordList(
        name, content["title"], tuple(phrases), content.get("carriers_spare", True), content.get("title_decides", False)
    )


@cache
def _tree() -> tuple[_Node, Mapping[str, Mapping[str, list[Found]]]]:
    """Return the root of all phrases, and those of scripts without spaces by the sign that they begin with."""
    root, unspaced = _Node(), dict[str, dict[str, list[Found]]]()
    for words in word_lists().values():
        for kind, phrase in words.phrases:
            if _UNSPACED.search(phrase) and not any(map(str.isspace, phrase.strip())):
                for form in _spelled_out(fold(phrase.strip())):
                    unspaced.setdefault(form[0], {}).setdefault(form, []).append((words.name, kind))
            else:
                plant(root, phrase, (words.name, kind))
    return root, unspaced


def plant(root: _Node, phrase: str, what: Found) -> None:
    """Let all forms of a phrase lead from a root to what it is.

    Raises:
        WordListInvalid: a bracket is not closed, a word is too short to have an open end, or the phrase is too long
            or may be empty.
    """
    ends, longest = [root], 0
    for part in _parts(fold(phrase)):
        node = _Node()
        forms = {tuple(LISTED_TOKEN.findall(it)) for it in _spelled_out(part)}
        longest += max(map(len, forms))
        for form in forms - {()}:
            if any("*" in word and len(word) < 4 for word in form):
                raise WordListInvalid(f"{phrase!r}: an open word needs three letters")
            for end in ends:
                _lead(end, form, node)
        ends = [*ends, node] if () in forms else [node]
    if longest > MOST_WORDS:
        raise WordListInvalid(f"{phrase!r}: of {longest} words; {MOST_WORDS} are the most")
    if root in ends:
        raise WordListInvalid(f"{phrase!r}: nothing in it has to be said")
    for end in ends:
        end.found = (*end.found, what)


def _lead(start: _Node, form: tuple[str, ...], end: _Node) -> None:
    for token in form[:-1]:
        step = _Node()
        start.lead(token, step)
        start = step
    start.lead(form[-1], end)


def _parts(phrase: str) -> Iterator[str]:
    """Cut a phrase at the spaces outside of brackets."""
    depth, part = 0, ""
    for character in phrase:
        depth += (character in "{(") - (character in "})")
        if character.isspace() and depth == 0:
            yield part
            part = ""
        else:
            part += character
    yield part
    if depth:
        raise WordListInvalid(f"{phrase!r}: a bracket is not closed")


def _spelled_out(part: str) -> Iterator[str]:
    match = _INNERMOST.search(part)
    if match is None:
        yield part
        return
    options = match.group()[1:-1].split("|")
    for option in options if match.group().startswith("{") else ["", *options]:
        yield from _spelled_out(part[: match.start()] + option + part[match.end() :])


@lru_cache(maxsize=20_000)
def _starts(token: str) -> tuple[_Node, ...]:
    """Return what phrases that begin with a word go on with; listings use few words, again and again."""
    root = _tree()[0]
    nodes = list(root.after(token))
    if _ARABIC.match(token) and (bare := _ARABIC_PREFIX.sub("", token)) != token:
        nodes.extend(root.after(bare))
    return tuple(nodes)


@lru_cache(maxsize=KEPT)
def matches_in(text: str) -> Mapping[str, tuple[Match, ...]]:
    """Return what a text says of each list, by the list's name, in the order of the text."""
    reading = read(text)
    found: dict[str, list[Match]] = {}
    for match in sorted(_matches(reading), key=_first):
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
    for place, token in enumerate(tokens):
        if _UNSPACED.search(token):
            for (name, kind), phrase in _unspaced_in(token).items():
                if kind != "whole" or phrase == token:
                    yield Match(name, kind, place, place)


def _unspaced_in(token: str) -> dict[Found, str]:
    """Return the phrases that a text without spaces has, one of each kind, the longest."""
    listed, found = _tree()[1], dict[Found, str]()
    for at, sign in enumerate(token):
        for phrase, its in listed.get(sign, {}).items():
            if token.startswith(phrase, at):
                found.update((it, phrase) for it in its if len(phrase) > len(found.get(it, "")))
    return found


def first_match(text: str, name: str, kind: str, *, unless: str = "") -> Match | None:
    """Return the first phrase of a kind that shares no word with one of the kind `unless`."""
    return next(iter(of_kind(text, name, kind, unless=unless)), None)


def of_kind(text: str, name: str, kind: str, *, unless: str = "") -> list[Match]:
    """List the phrases of a kind that share no word with one of the kind `unless`, in the order of the text."""
    matches = matches_in(text).get(name, ())
    wanted = [it for it in matches if it.kind == kind]
    return apart_from(wanted, [it for it in matches if it.kind == unless]) if wanted and unless else wanted


def apart_from(matches: Sequence[Match], others: Iterable[Match]) -> list[Match]:
    """List the matches that share no token with any of the others."""
    taken = {token for it in others for token in range(it.first, it.last + 1)}
    return [it for it in matches if taken.isdisjoint(range(it.first, it.last + 1))] if taken else list(matches)


def near(match: Match, others: Sequence[Match], *, reach: int) -> Iterator[Match]:
    """Yield those of the others, which are in the order of the text, that end or begin within reach of a match.

    What shares a token with the match is not beside it.
    """
    begin = bisect_left(others, match.first - reach - MOST_WORDS, key=_first)
    end = bisect_right(others, match.last + reach, lo=begin, key=_first)
    for it in others[begin:end]:
        if it.last >= match.first - reach and not it.overlaps(match):
            yield it


def overlapping(match: Match, others: Sequence[Match]) -> Iterator[Match]:
    """Yield those of the others, which are in the order of the text, that share a token with a match."""
    begin = bisect_left(others, match.first - MOST_WORDS, key=_first)
    end = bisect_right(others, match.last, lo=begin, key=_first)
    return (it for it in others[begin:end] if it.overlaps(match))


def _first(match: Match) -> int:
    return match.first


def between(one: Match, other: Match, tokens: Sequence[str]) -> Sequence[str]:
    """Return the tokens between two matches that share none."""
    return tokens[min(one.last, other.last) + 1 : max(one.first, other.first)]


def in_clause(
    match: Match, others: Sequence[Match], tokens: Sequence[str], *, reach: int, may_have_comma: bool = True
) -> Iterator[Match]:
    """Yield what is near a match, where nothing between them ends a clause."""
    ends = _CLAUSE_ENDS if may_have_comma else _ENDS_WITH_COMMA
    return (it for it in near(match, others, reach=reach) if ends.isdisjoint(between(match, it, tokens)))


def is_motif(match: Match, text: str, *, title: str) -> bool:
    """Tell whether words are what a thing shows: in the title of a mug or a sign, or quoted in its description."""
    if "printed" not in matches_in(title):
        return False
    reading = read(text)
    return text == title or is_quoted(reading, reading.span(match.first, match.last))


def said(text: str, match: Match) -> str:
    """Return the words of a match as the text has them."""
    return read(text).original(match.first, match.last)
