"""Products as their seller and staff look for them."""

from django.db.models import Prefetch, Q, QuerySet

from marketplace.models import Picture, Product, ProductCategory, Seller
from marketplace.money import Money

# Not in its catalog any more, or not to be read: nothing is decided on it, and no buyer sees it.
AWAY = (Product.Status.GONE, Product.Status.DEAD)


def products_of(seller: Seller) -> QuerySet[Product]:
    """Find a seller's products, newest first, with their categories and pictures."""
    return (
        Product.objects.filter(seller=seller)
        .prefetch_related("categories", Prefetch("pictures", queryset=Picture.objects.order_by("position")))
        .order_by("-id")
    )


def matching_products(
    products: QuerySet[Product], *, status: str = "", category: str = "", q: str = "", sync: int | None = None
) -> QuerySet[Product]:
    """Narrow products down; what is left empty does not narrow.

    Args:
        products: where to look.
        status: one of Product.Status.
        category: a category's name or its path, in any case.
        q: words of the title, or a whole SKU or id of the source.
        sync: the sync that saw the product last.
    """
    if status:
        products = products.filter(status=status)
    if category:
        named = Q(category__name__iexact=category) | Q(category__path__iexact=category)
        through = ProductCategory.objects.filter(named)
        products = products.filter(pk__in=through.values("product"))
    if q:
        products = products.filter(Q(title__icontains=q) | Q(sku__iexact=q) | Q(external_id__iexact=q))
    if sync is not None:
        products = products.filter(last_sync=sync)
    return products


def amount_text(money: Money) -> str:
    """Write the amount as people do: no needless digits, and never one decimal alone."""
    amount = money.amount.normalize()
    if amount == amount.to_integral_value():
        return f"{amount:.0f}"
    decimals = max(2, -int(amount.as_tuple().exponent))
    return f"{amount:.{decimals}f}"


def price_text(product: Product) -> str:
    """Write the price with its currency, or the raw text where no amount was read."""
    money = product.money
    if money is None:
        return product.price_raw
    return f"{amount_text(money)} {money.currency}".strip()


def list_price_text(product: Product) -> str:
    """Write the price before a reduction with its currency; empty where there is none."""
    if product.list_price is None:
        return ""
    money = Money(amount=product.list_price, currency=product.currency, raw="")
    return f"{amount_text(money)} {money.currency}".strip()
