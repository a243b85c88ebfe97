"""PostgreSQL's set of words of several text fields, as it can be searched by an index."""

from typing import Any

from django.db.models import Func
from django.db.models.functions import Concat


class UniqueWords(Func):
    """The words of fields that are separated by spaces, as a tsvector: no parser, no dictionary, no positions."""

    function = "array_to_tsvector"
    template = "%(function)s(array_remove(string_to_array(%(expressions)s, ' '), ''))"

    def __init__(self, *fields: str, **extra: Any) -> None:
        if len(fields) > 1:
            super().__init__(Concat(*fields), **extra)
        else:
            super().__init__(*fields, **extra)
