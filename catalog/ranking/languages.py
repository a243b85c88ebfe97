"""Languages: told by their small words, and the stem of a word in each of them.

Words are stemmed after their accents are folded, in products and in queries alike, for buyers type few accents.
Source: Snowball's stemmers and stop-word lists, https://snowballstem.org (the most frequent words of each list).
"""

import threading
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

import Stemmer

from catalog.words import STOP_WORDS as ENGLISH

DEFAULT = "en"
MIN_EVIDENCE = 2

_SMALL_WORDS = {
    "de": (
        "aber als am an auch auf aus bei bis das dass dem den der des die durch ein eine einem einen einer eines "
        "er es fur hat ich ihr im in ist kann mit nach nicht noch oder ohne sich sie sind so uber um und unter "
        "vom von vor war wie wir wird zu zum zur"
    ),
    "fr": (
        "a au aux avec ce ces cette dans de des du elle en est et il ils la le les leur ne nous ou par pas plus "
        "pour que qui sans sa se ses son sont sur un une votre vous"
    ),
    "es": (
        "al como con de del desde el ella en entre es esta este la las lo los mas mi muy no o para pero por que "
        "se sin sobre son su sus un una y ya"
    ),
    "pt": (
        "a ao aos as com como da das de do dos e ela ele em entre essa este foi mais mas na nas nao no nos o os "
        "ou para pela pelo por que se sem seu seus sua suas um uma"
    ),
    "it": (
        "a ai al alla anche che come con da dal dalla degli dei del della delle di e gli ha i il in la le lo ma "
        "nel nella non o per piu si sono su sul sulla tra un una uno"
    ),
    "nl": (
        "aan al als bij dan dat de deze die dit door een en er geen het hun in is je maar met naar niet of om ook "
        "op over te tot uit van voor wat werd wordt zich zijn"
    ),
    "sv": (
        "att av de den det dig din du eller en ett for fran har i inte jag kan med men och om pa sig sin som till "
        "utan var vid"
    ),
}
STOP_WORDS = {"en": ENGLISH} | {code: frozenset(words.split()) for code, words in _SMALL_WORDS.items()}
# Letters that one language writes and its neighbours do not; each counts as one small word.
LETTERS = {"de": "äöüß", "fr": "èêëœçù", "es": "ñ¿¡", "pt": "ãõ", "it": "ìò", "sv": "å"}
_ALGORITHMS = {
    "en": "english",
    "de": "german",
    "fr": "french",
    "es": "spanish",
    "pt": "portuguese",
    "it": "italian",
    "nl": "dutch",
    "sv": "swedish",
}
# A script with one language that has a stemmer decides by itself.
_SCRIPTS = {"CYRILLIC": "russian", "GREEK": "greek", "ARABIC": "arabic", "ARMENIAN": "armenian"}

_local = threading.local()


def detect(words: Iterable[str], text: str) -> str:
    """Return the code of the language whose small words are most among these folded words; English in doubt.

    Two pieces of evidence more than English has are needed: a product's name alone seldom tells.
    """
    seen = set(words)
    letters = set(text.casefold())
    evidence = {code: len(seen & small) for code, small in STOP_WORDS.items()}
    for code, own in LETTERS.items():
        evidence[code] += not letters.isdisjoint(own)
    best = max(evidence, key=lambda code: (evidence[code], code == DEFAULT))
    is_clear = sum(1 for count in evidence.values() if count == evidence[best]) == 1
    return best if is_clear and evidence[best] >= evidence[DEFAULT] + MIN_EVIDENCE else DEFAULT


@lru_cache(maxsize=100_000)
def stem(word: str, language: str) -> str:
    """Return the stem of a folded word: by its script, else in the language. Words with digits have none."""
    if not word.isascii():
        name = unicodedata.name(word[0], "").partition(" ")[0]
        algorithm = _SCRIPTS.get(name)
    else:
        algorithm = _ALGORITHMS[language] if word.isalpha() else None
    return word if algorithm is None else str(_stemmer(algorithm).stemWord(word))


def stems_in(word: str, languages: Iterable[str]) -> list[str]:
    """List the stems of a folded word in these languages, each once, in their order."""
    return list(dict.fromkeys(stem(word, language) for language in languages))


def _stemmer(algorithm: str) -> Stemmer.Stemmer:
    """Return this thread's stemmer: a Stemmer keeps state and is not safe to share."""
    stemmers: dict[str, Stemmer.Stemmer] = _local.__dict__.setdefault("stemmers", {})
    if algorithm not in stemmers:
        stemmers[algorithm] = Stemmer.Stemmer(algorithm)
    return stemmers[algorithm]
