"""Links that leave Souk, in mails and webhooks: they lead to where PUBLIC_URL says, whatever host was asked."""

from django.conf import settings


def absolute(path: str) -> str:
    """Return the public address of a path."""
    return f"{settings.PUBLIC_URL.rstrip('/')}{path}"
