"""Connections: a seller's own access to a platform that shows the public nothing, such as WhatsApp's catalogs."""

from django.db import transaction

from catalog.models import CatalogConnection
from catalog.sources.source import Connection
from jobs.errors import PermanentError
from jobs.sealing import opened_text, seal_text
from marketplace.models import Seller, SyncRun


class ConnectionGone(PermanentError):
    """The seller has taken the connection away."""

    code = "catalog.connection_gone"


@transaction.atomic
def connect(seller: Seller, *, token: str, catalog_id: str = "", account_id: str = "") -> CatalogConnection:
    """Store a seller's access to Meta's Graph API in place of what there was; the token is kept encrypted.

    Raises:
        NoEncryptionKey: JOB_ENCRYPTION_KEYS is empty.
    """
    stored, _ = CatalogConnection.objects.update_or_create(
        seller=seller,
        defaults={
            "kind": CatalogConnection.Kind.WHATSAPP_GRAPH,
            "catalog_id": catalog_id,
            "account_id": account_id,
            "token": seal_text(token),
        },
    )
    return stored


def disconnect(seller: Seller) -> bool:
    """Forget a seller's connection; return False when there was none."""
    deleted, _ = CatalogConnection.objects.filter(seller=seller).delete()
    return deleted > 0


def connection_of(sync_id: int) -> Connection | None:
    """Return the connection of the seller whose catalog a sync reads."""
    sellers = SyncRun.objects.filter(pk=sync_id).values("seller")
    found = CatalogConnection.objects.filter(seller__in=sellers).values_list("pk", "kind").first()
    return Connection(*found) if found else None


def opened_connection(connection_id: int) -> tuple[CatalogConnection, str]:
    """Return a connection and its token.

    Raises:
        ConnectionGone, UnknownEncryptionKey: permanent.
    """
    stored = CatalogConnection.objects.filter(pk=connection_id).first()
    if stored is None:
        raise ConnectionGone
    return stored, opened_text(stored.token)
