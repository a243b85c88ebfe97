"""The words of each product that the index holds, field by field."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from django.contrib.postgres.search import SearchVectorField
from django.db.models import Value
from django.db.models.functions import Cast

from catalog.category_paths import PATH_SEPARATOR
from catalog.models import SearchDocument
from catalog.ranking.languages import STOP_WORDS, detect, stem
from catalog.ranking.tokens import (
    Word,
    codes_in,
    joined,
    normalised,
    single_characters,
    spaced,
    words_of,
)
from catalog.ranking.units import measures
from marketplace.gtins import plain_gtin
from marketplace.models import Product

MAX_FIELD_CHARS = 8_000
MAX_PLACES = 8
PHRASE_END = "."
# What follows such a word says what the thing is for or comes with: a lock for laptops is no laptop.
COMPLEMENT = ">"
COMPLEMENT_WORDS = frozenset(
    [
        "for",
        "with",
        "without",
        "fur",
        "mit",
        "ohne",
        "pour",
        "avec",
        "sans",
        "para",
        "con",
        "sin",
        "com",
        "sem",
        "per",
        "voor",
        "met",
        "zonder",
        "med",
    ]
)
FIELDS = ("title", "brand", "codes", "categories", "description", "attributes")
# PostgreSQL's four weights: a word of a title counts most.
LETTERS = {"title": "A", "brand": "B", "codes": "B", "categories": "C", "description": "C", "attributes": "D"}
_WRITTEN = (*FIELDS, "language", "digest", "spoken", "stems")


class _Text(NamedTuple):
    """A text and its words."""

    text: str
    words: list[Word]


def document_of(product: Product, paths: Iterable[str]) -> SearchDocument:
    """Return the words of a product in the categories of these paths; nothing is saved."""
    title, brand = _read(product.title), _read(product.brand)
    description = _read(product.description)
    attributes = _read(" . ".join(_texts(product.attributes)))
    categories = _read(" . ".join(path.replace(PATH_SEPARATOR, " . ") for path in paths))
    forms = (word.form for word in (*title.words, *description.words))
    language = detect(forms, f"{title.text} {description.text}")
    fields = {
        "title": spaced([*_title(title.words, language), *_other_forms(title)]),
        "brand": _plain(brand, language),
        "codes": spaced(_codes(product, title, attributes)),
        "categories": _plain(categories, language),
        "description": _plain(description, language),
        "attributes": _plain(attributes, language),
        "spoken": spaced(_spoken([title, brand, categories], language)),
    }
    digest = sha256("\n".join([language, *fields.values()]).encode()).hexdigest()[:32]
    document = SearchDocument(product_id=product.pk, language=language, digest=digest, **fields)
    document.stems = Cast(Value(_lexemes(fields)), SearchVectorField())
    return document


def index_text(document: SearchDocument) -> str:
    """Return the text that BM25 finds candidates by: every field, stems only."""
    tokens = " ".join(getattr(document, field) for field in FIELDS).split()
    return " ".join(token for token in tokens if token not in (PHRASE_END, COMPLEMENT))


def write_documents(documents: Collection[SearchDocument]) -> None:
    """Keep documents; those that are there already as they are cost no write."""
    wanted = {document.product_id: document for document in documents}
    held = dict(SearchDocument.objects.filter(pk__in=wanted).values_list("pk", "digest"))
    changed = [document for pk, document in sorted(wanted.items()) if held.get(pk) != document.digest]
    SearchDocument.objects.bulk_create(
        changed, update_conflicts=True, unique_fields=["product"], update_fields=list(_WRITTEN)
    )


def remove_documents(product_ids: Collection[int]) -> None:
    """Forget the words of products that the index no longer holds."""
    if product_ids:
        SearchDocument.objects.filter(pk__in=list(product_ids)).delete()


def _title(words: Sequence[Word], language: str) -> Iterator[str]:
    """Yield stems with the ends of phrases between them: what a word belongs to is read from its neighbours."""
    for word in words:
        if word.begins_phrase:
            yield PHRASE_END
        if word.form in COMPLEMENT_WORDS:
            yield COMPLEMENT
        elif word.form in STOP_WORDS[language]:
            yield PHRASE_END
        else:
            yield stem(word.form, language)


def _lexemes(fields: Mapping[str, str]) -> str:
    """Write a tsvector: each stem with its places, which say no more than how often it stands in which field."""
    places: dict[str, list[str]] = {}
    for name, letter in LETTERS.items():
        for word in fields[name].split():
            if word not in (PHRASE_END, COMPLEMENT):
                found = places.setdefault(word, [])
                found.append(f"{len(found) + 1}{letter}")
    return " ".join(f"'{word}':{','.join(found[:MAX_PLACES])}" for word, found in places.items())


def _read(text: str) -> _Text:
    text = normalised(text[:MAX_FIELD_CHARS])
    return _Text(text, words_of(text))


def _plain(field: _Text, language: str) -> str:
    small = STOP_WORDS[language]
    stems = [stem(word.form, language) for word in field.words if word.form not in small]
    return spaced([*stems, *_other_forms(field)])


def _other_forms(field: _Text) -> list[str]:
    """List other forms that a query may take: measures, codes without separators, single characters."""
    held = {word.form for word in field.words}
    measured = (form for *_, form in measures(field.words, field.text))
    forms = [*measured, *codes_in(field.words, field.text), *single_characters(field.text)]
    others = [form for form in dict.fromkeys(forms) if form not in held]
    return [PHRASE_END, *others] if others else []


def _codes(product: Product, *fields: _Text) -> list[str]:
    """List all codes of a product, joined: SKU, GTIN and what looks like a code elsewhere; then the SKU's parts.

    Parts stand after the end of the phrase: they may lead to the product, but do not name it.
    """
    sku = normalised(product.sku)
    found = (code for field in fields for code in codes_in(field.words, field.text))
    codes = [code for code in dict.fromkeys([joined(sku), plain_gtin(product.gtin), *found]) if code]
    parts = [word.form for word in words_of(sku) if word.form not in codes]
    return [*codes, PHRASE_END, *parts] if parts else codes


def _spoken(fields: Iterable[_Text], language: str) -> Iterator[str]:
    small = STOP_WORDS[language]
    for field in fields:
        for word in field.words:
            if word.begins_phrase or word.form in small:
                yield PHRASE_END
            if word.form not in small:
                yield word.form
        yield PHRASE_END


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts among the values of attributes, however deep; numbers say nothing without their names."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)
