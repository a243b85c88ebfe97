"""The pages of the API's lists: they stay put while rows come and go."""

from rest_framework.pagination import CursorPagination


class InOrder(CursorPagination):
    """Rows in the order of their ids."""

    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200
    ordering: str | tuple[str, ...] = "id"


class NewestFirst(InOrder):
    """Rows whose ids grow, the newest first."""

    ordering = "-id"


class NewestByTime(InOrder):
    """Rows whose ids are random, the newest first."""

    ordering = ("-created_at", "id")
