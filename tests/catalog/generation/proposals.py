"""Products with something to write about, and what a model may say of them."""

import json
from collections.abc import Sequence
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from catalog.generation.edits import catalog_hash, text_of
from catalog.generation.models import GenerationRequest, Proposal, ProposedText
from catalog.generation.orders import make_order
from catalog.generation.requests import start_generation
from marketplace.models import Product, Seller
from tests.catalog.products import add_picture, make_product, make_seller, make_sync, picture_bytes

TITLE, DESCRIPTION = "lamp brass", "Table lamp of brass, 40 cm high."
ANSWER: dict[str, Any] = {
    "title": "Brass table lamp, 40 cm",
    "description": "A table lamp of brass. It is 40 cm high.",
    "attributes": [{"name": "Material", "value": "Brass"}, {"name": "Height", "value": "40 cm"}],
    "translations": [{"language": "de", "title": "Tischlampe aus Messing, 40 cm", "description": "Aus Messing."}],
}


def make_lamp(seller: Seller | None = None, **fields: Any) -> Product:
    seller = seller or make_seller()
    sync = seller.syncs.first() or make_sync(seller)
    values = {
        "title": TITLE,
        "description": DESCRIPTION,
        "content_hash": "a" * 64,
        "status": "live",
        "embedding_fingerprint": "f",
    }
    return make_product(sync, **values | fields)


def give_picture(product: Product, name: str = "pictures/lamp.jpg") -> bytes:
    data = picture_bytes()
    stored = default_storage.save(name, ContentFile(data))
    add_picture(product, display=stored, thumbnail=stored, sha256="c" * 64)
    return data


def ask(products: Sequence[Product], *, kinds: Sequence[str] = ("title",), **parameters: Any) -> GenerationRequest:
    return start_generation(
        make_order(list(kinds), parameters),
        seller=products[0].seller,
        product_ids=[product.pk for product in products],
        trigger="api",
    )


def reply(**fields: Any) -> str:
    return json.dumps(fields)


def propose(product: Product, field: str = "title", text: str = "Brass table lamp", **fields: Any) -> ProposedText:
    """Store a proposal that is ready, as the task would."""
    request = GenerationRequest.objects.create(seller=product.seller, kinds=[field], trigger="api")
    product.refresh_from_db()
    proposal = Proposal.objects.create(
        request=request, product=product, state="ready", catalog_hash=catalog_hash(product), model="a-model"
    )
    values = {"source": text_of(product, field)} | fields
    return ProposedText.objects.create(proposal=proposal, field=field, text=text, **values)
