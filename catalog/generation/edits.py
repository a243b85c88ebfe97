"""A seller's own texts, laid over what the catalog says whenever a product is read again.

`Product.edits` holds them by field: {"title": …, "description": …, "attributes": {name: value},
"translations": {language: {"title": …, "description": …}}}. `Product.unedited` holds what the catalog says of the first
three where they are edited, so that an edit can be taken back. The content hash stays that of the catalog: an edited
product whose page says the same costs nothing.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from catalog.sources.source import ExtractedProduct
from marketplace.models import Product
from marketplace.storable import storable_text

EDITED_FIELDS = ("title", "description", "attributes")
TRANSLATIONS = "translations"


MAX_TEXT_CHARS = 20_000


class UnusableText(ValueError):
    """The text cannot be taken for this field; the message says what to do."""


def laid_over(content: ExtractedProduct, edits: Mapping[str, Any]) -> ExtractedProduct:
    """Return what the catalog says with the seller's own texts in its place."""
    own = {field: edits[field] for field in EDITED_FIELDS if field in edits}
    if "attributes" in own:
        own["attributes"] = {**content.attributes, **own["attributes"]}
    return replace(content, **own) if own else content


def covered(content: ExtractedProduct, edits: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the catalog says where the seller's own texts cover it."""
    return {field: getattr(content, field) for field in EDITED_FIELDS if field in edits}


def catalog_hash(product: Product) -> str:
    """Return the SHA-256 of the texts that the catalog itself has of a product, whatever is laid over them."""
    said = [product.unedited.get(field, getattr(product, field)) for field in EDITED_FIELDS]
    return hashlib.sha256(json.dumps([*said, product.brand], ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def text_of(product: Product, field: str, language: str = "") -> str:
    """Return what a product says in a field, or in its translation, as one text."""
    if language:
        return str(product.edits.get(TRANSLATIONS, {}).get(language, {}).get(field, ""))
    value = getattr(product, field)
    return attribute_lines(value) if field == "attributes" else str(value)


def lay_over(product: Product, field: str, language: str, text: str) -> str:
    """Set the seller's own text of a field on the product, unsaved; return it as it was taken.

    Raises:
        UnusableText: see its message.
    """
    text = _checked(field, text)
    if language:
        translations = product.edits.get(TRANSLATIONS, {})
        of_language = {**translations.get(language, {}), field: text}
        product.edits = {**product.edits, TRANSLATIONS: {**translations, language: of_language}}
        return text
    if field not in product.edits:
        product.unedited = {**product.unedited, field: getattr(product, field)}
    value: Any = text
    if field == "attributes":
        value = {**product.edits.get(field, {}), **attributes_in(text)}
    product.edits = {**product.edits, field: value}
    setattr(product, field, {**product.unedited[field], **value} if field == "attributes" else value)
    return text


def take_back(product: Product, field: str, language: str) -> None:
    """Let the catalog's own text stand again, unsaved; without an edit nothing changes."""
    edits, unedited = dict(product.edits), dict(product.unedited)
    if language:
        translations = {code: dict(texts) for code, texts in edits.pop(TRANSLATIONS, {}).items()}
        translations.get(language, {}).pop(field, None)
        if kept := {code: texts for code, texts in translations.items() if texts}:
            edits[TRANSLATIONS] = kept
    elif field in edits:
        del edits[field]
        setattr(product, field, unedited.pop(field))
    product.edits, product.unedited = edits, unedited


def attribute_lines(attributes: Mapping[str, Any]) -> str:
    """Write attributes as text: a line each."""
    return "\n".join(f"{name}: {_one_line(value)}" for name, value in sorted(attributes.items()))


def attributes_in(text: str) -> dict[str, str]:
    """Read what attribute_lines writes.

    Raises:
        UnusableText: a line has no name or no value.
    """
    found = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        name, _, value = (part.strip() for part in line.partition(":"))
        if not name or not value:
            raise UnusableText(f'Write each attribute on a line of its own as "name: value", not "{line[:80]}".')
        found[name] = value
    return found


def _checked(field: str, text: str) -> str:
    text = storable_text(text).strip()
    if not text:
        raise UnusableText("Write a text, or refuse the proposal.")
    if len(text) > MAX_TEXT_CHARS:
        raise UnusableText(f"A text has at most {MAX_TEXT_CHARS:,} characters; this one has {len(text):,}.")
    if field == "title":
        text = " ".join(text.split())
        most = Product._meta.get_field("title").max_length
        if most is not None and len(text) > most:
            raise UnusableText(f"A title has at most {most} characters; this one has {len(text)}.")
    return text


def _one_line(value: Any) -> str:
    return " ".join((value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)).split())
