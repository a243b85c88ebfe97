"""The inventory as a form: one line of fields for each item, and for each photo the item that it belongs to."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from django import forms
from django.http import QueryDict

from catalog.photos.inventory import ItemDraft, lacks_of
from catalog.photos.models import Photo, PhotoItem
from catalog.photos.naming import MAX_COUNT, MAX_TITLE

NONE, NEW = "none", "new"


class ItemForm(forms.Form):
    """The fields of one item."""

    title = forms.CharField(max_length=MAX_TITLE, required=False, label="Name")
    count = forms.IntegerField(min_value=1, max_value=MAX_COUNT, label="How many", initial=1)
    price = forms.DecimalField(max_digits=18, decimal_places=4, min_value=Decimal(0), required=False, label="Price")
    currency = forms.RegexField(
        r"^[A-Za-z]{3}$", required=False, label="Currency", error_messages={"invalid": "Three letters, such as EUR."}
    )
    location = forms.CharField(max_length=200, required=False, label="Where it is")
    description = forms.CharField(
        max_length=5000, required=False, label="Description", widget=forms.Textarea(attrs={"rows": 3})
    )

    use_required_attribute = False  # an item may be removed with its fields empty

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["currency"].widget.attrs |= {"maxlength": 3, "size": 4, "autocapitalize": "characters"}
        for name in self.fields:
            if self.is_bound and name in self.errors:
                self.fields[name].widget.attrs |= {"aria-invalid": "true"}


@dataclass(frozen=True, slots=True)
class ShownItem:
    """An item with its fields, its photos, and what it lacks to be accepted."""

    item: PhotoItem
    form: ItemForm
    photos: Sequence[Photo]
    lacks: Mapping[str, str]


def shown_items(items: Sequence[PhotoItem], data: QueryDict | None, *, currency: str) -> list[ShownItem]:
    """Return the items with their fields: as they are stored, or as they were sent."""
    lacks: dict[int, dict[str, str]] = defaultdict(dict)
    for lack in lacks_of(items):
        lacks[lack.position][lack.field] = lack.message
    return [
        ShownItem(
            item,
            ItemForm(data, prefix=f"item-{item.pk}", initial=_initial(item, currency)),
            sorted(item.photos.all(), key=lambda it: it.position),
            lacks[item.position],
        )
        for item in items
    ]


def drafts_of(shown: Sequence[ShownItem], photos: Sequence[Photo], data: QueryDict) -> list[ItemDraft]:
    """Return the lines that the valid forms say. A photo that is to be an item of its own makes a new line.

    An item that is to be removed, and one that lost its last photo, are left out.
    """
    belongs: dict[str, list[UUID]] = defaultdict(list)
    for photo in photos:
        if not photo.error_code:
            stored = str(photo.item_id) if photo.item_id else NONE
            belongs[data.get(f"photo-{photo.pk}", stored)].append(photo.pk)
    drafts = [
        ItemDraft(
            title=it.form.cleaned_data["title"],
            count=it.form.cleaned_data["count"],
            location=it.form.cleaned_data["location"],
            description=it.form.cleaned_data["description"],
            price=it.form.cleaned_data["price"],
            currency=it.form.cleaned_data["currency"].upper(),
            photos=belongs[str(it.item.pk)],
            item_id=it.item.pk,
        )
        for it in shown
        if belongs[str(it.item.pk)] and f"remove-{it.item.pk}" not in data
    ]
    location = shown[0].item.location if shown else ""
    return drafts + [ItemDraft("", 1, location, "", None, "", [pk]) for pk in belongs[NEW]]


def _initial(item: PhotoItem, currency: str) -> dict[str, object]:
    return {
        "title": item.title,
        "count": item.count,
        "price": None if item.price is None else _plain(item.price),
        "currency": item.currency or currency,
        "location": item.location,
        "description": item.description,
    }


def _plain(price: Decimal) -> str:
    try:
        return f"{price.quantize(Decimal('0.01')):f}" if price == price.quantize(Decimal("0.01")) else f"{price:f}"
    except InvalidOperation:  # more digits than the context has
        return f"{price:f}"
