"""How the reviewer stands, for operators."""

from typing import Any

from django.conf import settings

from qc.reviewer.absence import absence
from qc.reviewer.again import unreviewed_products
from qc.reviewer.review import PROMPT_VERSION, is_on

COUNT_LIMIT = 10_000


def recent_figures() -> dict[str, Any]:
    """Return who reviews, why not where nobody can, and how many products wait for it."""
    away = absence() if is_on() else None
    return {
        "reviewer": settings.QC_REVIEWER,
        "model": settings.GEMINI_MODEL if is_on() else "",
        "prompt_version": PROMPT_VERSION if is_on() else "",
        "away": {"code": away.code, "message": str(away)} if away else None,
        "unreviewed": unreviewed_products()[:COUNT_LIMIT].count(),
        "count_limit": COUNT_LIMIT,
    }
