"""Flagged products, and staff who judges them, for tests of the review."""

from decimal import Decimal
from typing import Any

from django.contrib.auth.models import Permission, User
from django.db import transaction

from marketplace.models import Picture, Product, Seller
from qc.verdicts import judge_products, record_judgements

PHONE = "Call +44 20 7946 0123 to order."


def make_reviewer(name: str = "ana", *, may_review: bool = True) -> User:
    """A member of staff who may look at the marketplace, and judge products."""
    user = User.objects.create_user(name, password="a long password", is_staff=True)
    codenames = ["view_product", "view_seller", "view_verdict", *(["review_product"] if may_review else [])]
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return user


def make_product(seller: Seller, **fields: Any) -> Product:
    """A product on its way, with one picture; not judged yet."""
    values = {"title": "Lamp", "price": Decimal(20), "currency": "EUR", "description": "A lamp of brass."}
    product = Product.objects.create(seller=seller, external_id=f"x:{Product.objects.count()}", **values | fields)
    Picture.objects.create(product=product, status="ready", width_px=800, height_px=600, sha256=f"{product.pk:064x}")
    return product


def control(*products: Product) -> None:
    """Have the rules judge products."""
    with transaction.atomic():
        record_judgements(judge_products([it.pk for it in products]))
    for product in products:
        product.refresh_from_db()


def make_flagged(seller: Seller, **fields: Any) -> Product:
    """A product that the rules flagged: its description has a phone number."""
    product = make_product(seller, **{"description": PHONE} | fields)
    control(product)
    assert product.status == "flagged"
    return product
