"""What is wrong with a seller's products, by reason: how many have it, the gravest first."""

from dataclasses import dataclass

from django.db import connection
from django.db.models import Q

from marketplace.models import Product, Seller
from qc.wording import issue_title

Status = Product.Status
HELD_BACK = (Status.REJECTED, Status.DEAD)
# The tabs of the list, by their name in its address: what they are called, and which statuses they hold.
TABS: dict[str, tuple[str, tuple[Status, ...]]] = {
    "live": ("Live", (Status.LIVE,)),
    "review": ("In review", (Status.FLAGGED, Status.PENDING)),
    "changes": ("Needs changes", HELD_BACK),
    "all": ("All", tuple(Status)),
}
MOST = 30

_COUNT = """
SELECT reason ->> 'code', coalesce(reason ->> 'severity', 'reject') = 'advise', count(DISTINCT product.id)
  FROM marketplace_product product CROSS JOIN LATERAL jsonb_array_elements(product.reasons) AS reason
 WHERE product.seller_id = %s AND product.status = ANY (%s) AND product.reasons <> '[]'
 GROUP BY 1, 2 ORDER BY 2, 3 DESC, 1 LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Issue:
    """One reason and how many products have it; advice holds none back."""

    code: str
    title: str
    is_advice: bool
    count: int


def issues_of(seller: Seller, *, tab: str = "all") -> list[Issue]:
    """Count the seller's products of a tab by reason: what holds them back first, then what most have."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [seller.pk, [str(status) for status in TABS[tab][1]], MOST])
        rows = cursor.fetchall()
    return [Issue(code, issue_title(code), is_advice, count) for code, is_advice, count in rows]


def with_issue(code: str) -> Q:
    """Select the products that have a reason."""
    return Q(reasons__contains=[{"code": code}])
