"""Sellers: who joins the marketplace, and whether they may act on it."""

from typing import Any, NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction

from jobs.models import Audit
from jobs.tenants import set_tenant
from marketplace import api_keys, directory
from marketplace.directory import EmbeddingJob
from marketplace.models import Seller

MAX_ADDRESS_LENGTH = 2000


class InvalidCatalogAddress(ValueError):
    """The catalog address is not one that can be read."""


def checked_catalog_address(address: str) -> str:
    """Return the address without surrounding space, or raise InvalidCatalogAddress saying what is wrong with it.

    Whether the address may be fetched (a private host, say) is decided when it is fetched.
    """
    address = address.strip()
    if not address:
        return ""
    if len(address) > MAX_ADDRESS_LENGTH:
        raise InvalidCatalogAddress(f"A catalog address has at most {MAX_ADDRESS_LENGTH} characters.")
    if any(character.isspace() or not character.isprintable() for character in address):
        raise InvalidCatalogAddress("A catalog address holds no spaces.")
    try:
        parts = urlsplit(address)
        is_complete = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError as error:
        raise InvalidCatalogAddress("Enter a complete address, like https://shop.example/catalog.") from error
    if parts.scheme not in ("http", "https"):
        raise InvalidCatalogAddress("A catalog address starts with https:// or http://.")
    if not is_complete:
        raise InvalidCatalogAddress("Enter a complete address, like https://shop.example/catalog.")
    if parts.username or parts.password:
        raise InvalidCatalogAddress("A catalog address holds no user name and no password.")
    return address


class Registration(NamedTuple):
    """A new seller, the key that is shown once, and the job of the seller's entry in the directory."""

    seller: Seller
    raw_key: str
    embedding_job: EmbeddingJob


@transaction.atomic
def register_seller(*, name: str, catalog_address: str = "", **facts: Any) -> Registration:
    """Create a seller with a first API key and an entry in the business directory.

    Args:
        name: what buyers see.
        catalog_address: an http or https address; may be given later.
        facts: email, category, description, address, phone.

    Raises:
        InvalidCatalogAddress: the address is none that can be read.
    """
    seller = Seller.objects.create(name=name, catalog_address=checked_catalog_address(catalog_address), **facts)
    _, raw_key = api_keys.issue_key(seller=seller)
    give_share(seller)
    return Registration(seller, raw_key, directory.follow_seller(seller))


@transaction.atomic
def update_seller(seller: Seller, **changes: Any) -> tuple[Seller, EmbeddingJob]:
    """Write the changed fields of a seller, and only those; the directory follows.

    A changed plan changes the share of the work.
    """
    if "catalog_address" in changes:
        changes["catalog_address"] = checked_catalog_address(changes["catalog_address"])
    for field, value in changes.items():
        setattr(seller, field, value)
    seller.save(update_fields=[*changes, "updated_at"])
    if "plan" in changes:
        give_share(seller)
    return seller, directory.follow_seller(seller, changes)


def give_share(seller: Seller) -> None:
    """Give the seller's jobs the share of the workers that the plan comes with, also those that wait already."""
    set_tenant(seller.tenant, weight=settings.SELLER_PLAN_WEIGHTS[seller.plan])


@transaction.atomic
def suspend_seller(seller: Seller, *, actor: str, reason: str) -> bool:
    """Bar a seller from the API and their products from search; return False when they already were."""
    return _change_status(seller, Seller.Status.SUSPENDED, actor=actor, action="suspend seller", reason=reason)


@transaction.atomic
def reactivate_seller(seller: Seller, *, actor: str, reason: str) -> bool:
    """Let a suspended seller act again; return False when they already could."""
    return _change_status(seller, Seller.Status.ACTIVE, actor=actor, action="reactivate seller", reason=reason)


def _change_status(seller: Seller, status: Seller.Status, *, actor: str, action: str, reason: str) -> bool:
    has_changed = Seller.objects.filter(pk=seller.pk).exclude(status=status).update(status=status) == 1
    if has_changed:
        seller.status = status
        Audit.objects.create(actor=actor, action=action, subject=f"seller {seller.pk}", reason=reason)
    return has_changed
