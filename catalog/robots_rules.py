"""The rules of a robots.txt: read and matched as RFC 9309 has it.

Protego, which served before, differs from it where it matters to us (0.7.0; held by the tests): it takes a group for
`Souk` for ours and leaves one for `SoukBot/0.1`; `Crawl-delay` between two agents parts their group; the most specific
rule is told by the length of its escapes, so that `/*?` outweighs `/ab*`; `/x$` forbids `/x$y` too; `%2F` is no slash.

Beyond the RFC, as sites expect it: misspelt names and a missing colon are understood, `Crawl-delay` and `Request-rate`
are read, and `Sitemap` lines count wherever they stand.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes, urljoin

PRODUCT = "soukbot"
MAX_LINE = 16 * 1024  # a rule may be as long as an address that any browser takes, in escapes
MAX_SITEMAPS = 1_000
MAX_SITEMAP_ADDRESS = 2_000
MAX_CRAWL_DELAY_S = 60.0  # a longer one would mean that a catalog is never read

_TOKEN = re.compile(r"[A-Za-z_-]+")
_GLOBAL = re.compile(r"\*(?:\s|$)")
_SEPARATORS = re.compile(r"[\s_-]+")
_AUTHORITY = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#\\]*")
_DELAY = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?|\.[0-9]{1,9}")
_RATE = re.compile(r"([0-9]{1,9})\s*/\s*([0-9]{1,9})\s*([smhd]?)\b", re.IGNORECASE)
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}

# After joining words: what sites write for each record. The misspellings are those that Google's parser knows.
_RECORDS = {
    "useragent": "user-agent",
    "disallow": "disallow",
    "dissallow": "disallow",
    "dissalow": "disallow",
    "disalow": "disallow",
    "diasllow": "disallow",
    "disallaw": "disallow",
    "allow": "allow",
    "sitemap": "sitemap",
    "sitemaps": "sitemap",
    "crawldelay": "crawl-delay",
    "requestrate": "request-rate",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """Whether the paths that a pattern matches may be read; `*` stands between the parts."""

    is_allow: bool
    parts: tuple[bytes, ...]
    is_anchored: bool  # the pattern ended with `$`
    octets: int

    def matches(self, target: bytes) -> bool:
        """Tell whether the pattern matches a path with its query, both without escapes."""
        first, *middle, last = self.parts if len(self.parts) > 1 else (*self.parts, b"")
        if not target.startswith(first):
            return False
        if len(self.parts) == 1:
            return not self.is_anchored or target == first
        place = len(first)
        for part in middle:
            found = target.find(part, place)
            if found < 0:
                return False
            place = found + len(part)
        if self.is_anchored:
            return target.endswith(last) and len(target) - len(last) >= place
        return target.find(last, place) >= 0


@dataclass(frozen=True, slots=True)
class RuleSet:
    """What a robots.txt says to us. Rules stand with the most specific first; allowing goes before forbidding."""

    rules: tuple[Rule, ...] = ()
    crawl_delay_s: float | None = None
    sitemaps: tuple[str, ...] = ()

    def allows(self, address: str) -> bool:
        """Tell whether an address, or a path with its query, may be read."""
        target = target_of(address)
        if target == b"/robots.txt":
            return True
        return next((rule.is_allow for rule in self.rules if rule.matches(target)), True)


def target_of(address: str) -> bytes:
    """Return the path and query that rules are matched against, escapes resolved; the path is never empty."""
    rest = _AUTHORITY.sub("", address, count=1).partition("#")[0]
    return _octets(rest if rest.startswith("/") else f"/{rest}")


def parse_rules(text: str, *, origin: str = "", product: str = PRODUCT) -> RuleSet:
    """Return what a robots.txt says to the robot of a product token; any text has a meaning.

    The groups that name the product are taken together; where none does, those for `*` (RFC 9309, 2.2.1).
    Sitemaps are absolute addresses, those of a relative form taken from origin.
    """
    groups: dict[str, dict[tuple[str, str], None]] = {}
    agents: set[str] = set()
    has_rules = False
    sitemaps: dict[str, None] = {}
    for record, value in _records(text):
        if record == "sitemap":
            _keep_sitemap(sitemaps, value, origin)
        elif record == "user-agent":
            agents = {_agent(value)} if has_rules else agents | {_agent(value)}
            has_rules = False
            groups.setdefault(_agent(value), {})
        else:
            has_rules = has_rules or record in ("allow", "disallow")
            for agent in agents & {product, "*"}:
                groups[agent][record, value] = None
    ours = list(groups.get(product, groups.get("*", {})))
    rules = [rule for record, value in ours if (rule := _rule(record, value))]
    rules.sort(key=lambda rule: (rule.octets, rule.is_allow), reverse=True)
    return RuleSet(tuple(dict.fromkeys(rules)), _delay_s(ours), tuple(sitemaps))


def _records(text: str) -> Iterator[tuple[str, str]]:
    """Yield the records that we know, comments removed."""
    for line in text.removeprefix("\ufeff").replace("\r", "\n").split("\n"):
        said = line[:MAX_LINE].partition("#")[0].strip()
        if not said:
            continue
        name, colon, value = said.partition(":")
        record = _RECORDS.get(_SEPARATORS.sub("", name).lower()) if len(name) <= 20 else None
        if record and colon:
            yield record, value.strip()
            continue
        words = said.split(maxsplit=1)  # `Disallow /x`: the colon is missing
        record = _RECORDS.get(_SEPARATORS.sub("", words[0]).lower()) if len(words) == 2 else None
        if record:
            yield record, words[1].strip()


def _agent(value: str) -> str:
    """Return the product token that a User-agent line begins with, in lower case, or `*`."""
    if _GLOBAL.match(value):
        return "*"
    token = _TOKEN.match(value)
    return token.group().lower() if token else ""


def _rule(record: str, value: str) -> Rule | None:
    """Return a rule; none for other records, and for an empty pattern, which matches nothing."""
    if record not in ("allow", "disallow") or not value:
        return None
    is_anchored = value.endswith("$")
    pattern = re.sub(r"\*+", "*", value.removesuffix("$"))
    parts = tuple(_octets(part) for part in pattern.split("*"))
    octets = sum(map(len, parts)) + len(parts) - 1 + is_anchored
    return Rule(is_allow=record == "allow", parts=parts, is_anchored=is_anchored, octets=octets)


def _octets(text: str) -> bytes:
    """Return the octets that a part of an address stands for: UTF-8, escapes resolved."""
    return unquote_to_bytes(text.encode("utf-8", "replace"))


def _delay_s(records: list[tuple[str, str]]) -> float | None:
    """Return the longest wait between two requests that is asked for, up to a minute; None where none is."""
    delays = []
    for record, value in records:
        if record == "crawl-delay" and _DELAY.fullmatch(value):
            delays.append(float(value))
        elif record == "request-rate" and (rate := _RATE.match(value)) and int(rate[1]) > 0:
            delays.append(int(rate[2]) * _SECONDS[rate[3].lower()] / int(rate[1]))
    return min(max(delays), MAX_CRAWL_DELAY_S) if delays else None


def _keep_sitemap(sitemaps: dict[str, None], value: str, origin: str) -> None:
    if len(sitemaps) >= MAX_SITEMAPS or not value or len(value) > MAX_SITEMAP_ADDRESS:
        return
    try:
        address = urljoin(f"{origin}/", value) if origin else value
    except ValueError:  # brackets that are no IPv6 address
        return
    if re.match(r"https?://[^/]", address, re.IGNORECASE):
        sitemaps[address] = None
