"""What a seller does with proposed texts: take them, as they are or changed, refuse them, or take them back."""

from collections import defaultdict
from collections.abc import Collection, Iterable

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from catalog.generation.edits import UnusableText, catalog_hash, lay_over, take_back, text_of
from catalog.generation.models import ProposedText
from catalog.occasions import occasion_of
from jobs.batch import NewJob
from jobs.ledger import enqueue
from jobs.models import Priority
from marketplace.models import Product

State = ProposedText.State


class NotOpen(Exception):
    """The text was accepted or refused before."""

    code = "generation.not_open"


class NotAccepted(Exception):
    """Only a text that was accepted can be taken back."""

    code = "generation.not_accepted"


class OutOfDate(Exception):
    """The product says something else by now than it did when the text was made. Ask for a new proposal."""

    code = "generation.out_of_date"


def texts_of(seller_id: int) -> QuerySet[ProposedText]:
    """Find the texts that are proposed to a seller, with their proposals and products."""
    return ProposedText.objects.filter(proposal__request__seller=seller_id).select_related("proposal__product")


def is_out_of_date(text: ProposedText, product: Product) -> bool:
    """Tell whether the catalog, or the field itself, has changed since the text was made."""
    if text.proposal.catalog_hash != catalog_hash(product):
        return True
    return text_of(product, text.field) != text.source if not text.language else False


def accept_text(text_id: int, *, actor: str, changed_to: str | None = None) -> ProposedText:
    """Lay a proposed text over what the catalog says, and send the product through the stages that look at it.

    Args:
        text_id: of a text that the actor may decide on.
        actor: who takes it.
        changed_to: what the seller made of it; None to take it as it is.

    Raises:
        NotOpen: it was decided on before.
        OutOfDate: the product has changed since.
        UnusableText: what it was changed to cannot be taken.
    """
    with transaction.atomic():
        text, product = _locked(text_id)
        _check_open(text, product)
        wanted = text.text if changed_to is None else changed_to
        laid = lay_over(product, text.field, text.language, wanted)
        text.accepted_text = text.text if changed_to is None else laid
        _decide(text, State.ACCEPTED, actor)
        _save(product)
        _follow(product, edit=f"{text.pk}-accepted", is_seen=not text.language)
    return text


def accept_texts(texts: Iterable[ProposedText], *, actor: str) -> tuple[int, int]:
    """Accept, as they are, those of the texts that are open, up to date and claim nothing that the listing does not.

    Returns how many were accepted, and how many were left for a closer look.
    """
    ids: dict[int, list[int]] = defaultdict(list)
    for text in texts:
        ids[text.proposal.product_id].append(text.pk)
    accepted = left = 0
    for product_id in sorted(ids):  # a transaction each: a thousand rows are not held for the last of them
        taken, rest = _accept_of_product(product_id, ids[product_id], actor=actor)
        accepted, left = accepted + taken, left + rest
    return accepted, left


def _accept_of_product(product_id: int, text_ids: Collection[int], *, actor: str) -> tuple[int, int]:
    with transaction.atomic():
        product = Product.objects.select_for_update().get(pk=product_id)
        rows = ProposedText.objects.filter(pk__in=text_ids, state=State.OPEN).select_related("proposal").order_by("pk")
        texts = list(rows.select_for_update(of=("self",)))
        taken: list[ProposedText] = []
        for text in texts:
            if text.notes or is_out_of_date(text, product):
                continue
            try:
                lay_over(product, text.field, text.language, text.text)
            except UnusableText:
                continue
            text.accepted_text = text.text
            _decide(text, State.ACCEPTED, actor)
            taken.append(text)
        if taken:
            _save(product)
            is_seen = any(not text.language for text in taken)
            _follow(product, edit=f"{taken[0].pk}-accepted", is_seen=is_seen)
    return len(taken), len(texts) - len(taken)


def refuse_text(text_id: int, *, actor: str) -> ProposedText:
    """Leave the product as it is.

    Raises:
        NotOpen: it was decided on before.
    """
    with transaction.atomic():
        text, _ = _locked(text_id)
        if text.state != State.OPEN:
            raise NotOpen(NotOpen.__doc__)
        _decide(text, State.REFUSED, actor)
    return text


def undo_text(text_id: int, *, actor: str) -> ProposedText:
    """Let the catalog's own text stand again where an accepted one lies over it.

    All accepted texts of the same field and language are undone with it.

    Raises:
        NotAccepted: it was never accepted, or is undone already.
    """
    with transaction.atomic():
        text, product = _locked(text_id)
        if text.state != State.ACCEPTED:
            raise NotAccepted(NotAccepted.__doc__)
        take_back(product, text.field, text.language)
        same = ProposedText.objects.filter(
            proposal__product=product, field=text.field, language=text.language, state=State.ACCEPTED
        )
        same.update(state=State.UNDONE, decided_by=actor, decided_at=timezone.now())
        text.refresh_from_db()
        _save(product)
        _follow(product, edit=f"{text.pk}-undone", is_seen=not text.language)
    return text


def _locked(text_id: int) -> tuple[ProposedText, Product]:
    """Lock the product, then the text: the order in which all who decide do."""
    product_id = ProposedText.objects.values_list("proposal__product", flat=True).get(pk=text_id)
    product = Product.objects.select_for_update().get(pk=product_id)
    text = ProposedText.objects.select_related("proposal").select_for_update(of=("self",)).get(pk=text_id)
    return text, product


def _check_open(text: ProposedText, product: Product) -> None:
    if text.state != State.OPEN:
        raise NotOpen(NotOpen.__doc__)
    if is_out_of_date(text, product):
        raise OutOfDate(OutOfDate.__doc__)


def _decide(text: ProposedText, state: ProposedText.State, actor: str) -> None:
    text.state, text.decided_by, text.decided_at = state, actor, timezone.now()
    text.save(update_fields=["state", "accepted_text", "decided_by", "decided_at"])


def _save(product: Product) -> None:
    product.save(update_fields=["title", "description", "attributes", "edits", "unedited", "updated_at"])


def _follow(product: Product, *, edit: str, is_seen: bool) -> None:
    """Have a product embedded, judged and indexed anew whose own words changed.

    One that has no vector yet comes through these stages anyway; one that is gone goes through none.
    """
    if not is_seen or not product.embedding_fingerprint or product.status == Product.Status.GONE:
        return
    payload = {"edit": edit, "sync": product.last_sync_id, "product": product.pk}
    tenant, key = str(product.seller_id), occasion_of(payload)
    enqueue(NewJob("generate-embedding", payload, tenant=tenant, priority=Priority.HIGH, key=key))
