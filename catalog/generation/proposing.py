"""Make proposals: ask the model about products, look at what it claims, keep what differs."""

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.utils import timezone

from catalog.generation.edits import attribute_lines, catalog_hash, text_of
from catalog.generation.grounding import Claimed, Note, Sayings, brand_candidates, claims_beyond, sayings_of
from catalog.generation.models import Proposal, ProposedText
from catalog.generation.orders import Kind, Order
from catalog.generation.prompts import (
    MAX_ATTRIBUTES,
    MAX_DESCRIPTION_CHARS,
    MAX_VALUE_CHARS,
    MAX_VARIANTS,
    PROMPT_VERSION,
    ListingFacts,
    instruction_for,
    room_for,
    schema_for,
    text_for,
)
from catalog.generation.requests import order_of
from catalog.generation.tidying import tidy_line, tidy_text
from jobs.errors import JobError, PermanentError
from marketplace.gemini.errors import GeminiAnswerCut
from marketplace.gemini.generating import Generated, PicturePart, Prompt, TextPart, generate_each
from marketplace.models import Picture, Product, ProductCategory

CACHED_FOR = timedelta(days=30)
MORE_ROOM = 3  # times the tokens, for an answer that was cut
State = Proposal.State
Field = ProposedText.Field


class NothingToWriteAbout(PermanentError):
    """The product has neither a text nor a picture any more."""

    code = "generation.nothing_to_write_about"


@dataclass(frozen=True, slots=True)
class Subject:
    """What one proposal is made from."""

    proposal_id: int
    order: Order
    facts: ListingFacts
    present: Mapping[str, str]  # what the product says, by field
    translated: Mapping[tuple[str, str], str]  # what its translations say, by language and field
    picture_name: str
    catalog_hash: str
    input_hash: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model said, and what it cost; cached answers cost nothing."""

    data: Mapping[str, Any]
    model: str
    prompt_tokens: int = 0
    answer_tokens: int = 0
    is_from_cache: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """A text to propose."""

    field: str
    language: str
    source: str
    text: str
    notes: tuple[Note, ...]


def subjects_of(proposal_ids: Collection[int]) -> dict[int, Subject]:
    """Return what proposals are made from that are not made yet, by their ids."""
    rows = Proposal.objects.filter(pk__in=proposal_ids, state__in=[State.WAITING, State.FAILED])
    proposals = list(rows.select_related("request", "product"))
    product_ids = [it.product_id for it in proposals]
    pictures = {
        it.product_id: it
        for it in Picture.objects.filter(product__in=product_ids, status=Picture.Status.READY)
        .exclude(display="")
        .order_by("product_id", "-position")
    }
    paths: dict[int, list[str]] = {pk: [] for pk in product_ids}
    links = ProductCategory.objects.filter(product__in=product_ids).order_by("category__path")
    for product_id, path in links.values_list("product_id", "category__path"):
        paths[product_id].append(path)
    return {it.pk: _subject(it, pictures.get(it.product_id), paths[it.product_id]) for it in proposals}


def _subject(proposal: Proposal, picture: Picture | None, paths: Sequence[str]) -> Subject:
    product, order = proposal.product, order_of(proposal.request)
    facts = facts_of(product, paths)
    told = [
        settings.GEMINI_MODEL, PROMPT_VERSION, proposal.request.kinds, order.parameters, asdict(facts),
        picture.sha256 if picture else "", product.seller_id,
    ]  # fmt: skip
    fields = [Field.TITLE, Field.DESCRIPTION]
    return Subject(
        proposal_id=proposal.pk,
        order=order,
        facts=facts,
        present={field: text_of(product, field) for field in Field.values},
        translated={(code, field): text_of(product, field, code) for code in order.languages for field in fields},
        picture_name=picture.display.name or "" if picture else "",
        catalog_hash=catalog_hash(product),
        input_hash=hashlib.sha256(json.dumps(told, ensure_ascii=False, sort_keys=True).encode()).hexdigest(),
    )


def facts_of(product: Product, category_paths: Sequence[str]) -> ListingFacts:
    """Return what the model sees of a product's text, cut where it is very long."""
    texts = {name: value for name, value in product.attributes.items() if isinstance(value, str)}
    variants = (json.dumps(it, ensure_ascii=False, sort_keys=True) for it in product.variants[:MAX_VARIANTS])
    return ListingFacts(
        title=product.title,
        description=product.description[:MAX_DESCRIPTION_CHARS],
        brand=product.brand,
        categories=tuple(category_paths) or (" > ".join(product.breadcrumbs),),
        attributes={name: value[:MAX_VALUE_CHARS] for name, value in sorted(texts.items())[:MAX_ATTRIBUTES]},
        variants=tuple(it[:MAX_VALUE_CHARS] for it in variants),
    )


def answers_for(
    subjects: Collection[Subject], *, is_stopping: Callable[[], bool] = lambda: False
) -> dict[int, Answer | JobError | None]:
    """Return the model's answers by proposal: from earlier proposals where the question is the same, else asked for.

    An answer that was cut is asked for once more with more room. None: not begun, since the worker is to stop.
    """
    known = cached_answers({it.input_hash for it in subjects})
    answers: dict[int, Answer | JobError | None] = {
        it.proposal_id: known[it.input_hash] for it in subjects if it.input_hash in known
    }
    fresh = [it for it in subjects if it.proposal_id not in answers]
    prompts: dict[int, Prompt] = {}
    for it in fresh:
        parts = _parts(it)
        if parts is None:
            answers[it.proposal_id] = NothingToWriteAbout()
        else:
            prompts[it.proposal_id] = _prompt(it, parts)
    answers |= _ask(prompts, is_stopping)
    cut = {pk: prompts[pk] for pk, answer in answers.items() if isinstance(answer, GeminiAnswerCut)}
    roomier = {pk: replace(it, max_answer_tokens=it.max_answer_tokens * MORE_ROOM) for pk, it in cut.items()}
    return answers | _ask(roomier, is_stopping)


def cached_answers(input_hashes: Collection[str]) -> dict[str, Answer]:
    """Return the answers to the same questions that are not too old."""
    rows = Proposal.objects.filter(
        input_hash__in=input_hashes, answer__isnull=False, made_at__gte=timezone.now() - CACHED_FOR
    ).order_by("input_hash", "-pk")
    latest = rows.distinct("input_hash").values_list("input_hash", "answer", "model")
    return {input_hash: Answer(data or {}, model, is_from_cache=True) for input_hash, data, model in latest}


def _ask(prompts: Mapping[int, Prompt], is_stopping: Callable[[], bool]) -> dict[int, Answer | JobError | None]:
    outcomes = generate_each(list(prompts.values()), concurrency=settings.JOB_CONCURRENCY, is_stopping=is_stopping)
    return {
        pk: Answer(it.data, it.model, it.prompt_tokens, it.answer_tokens) if isinstance(it, Generated) else it
        for pk, it in zip(prompts, outcomes, strict=True)
    }


def _parts(subject: Subject) -> list[TextPart | PicturePart] | None:
    """Return what the model is shown; None where there is nothing."""
    parts: list[TextPart | PicturePart] = [TextPart(text_for(subject.facts))]
    if subject.picture_name and default_storage.exists(subject.picture_name):
        with default_storage.open(subject.picture_name) as file:
            parts.append(PicturePart(file.read(), "image/jpeg"))
    elif not (subject.facts.title or subject.facts.description):
        return None
    return parts


def _prompt(subject: Subject, parts: Sequence[TextPart | PicturePart]) -> Prompt:
    return Prompt(
        model=settings.GEMINI_MODEL,
        instruction=instruction_for(subject.order),
        parts=parts,
        schema=schema_for(subject.order),
        max_answer_tokens=room_for(subject.order, subject.facts),
    )


def drafts_of(answers: Mapping[int, Answer], subjects: Mapping[int, Subject]) -> dict[int, list[Draft]]:
    """Return the texts that differ from what the products say, with what they claim beyond it, by proposal."""
    texts = {pk: list(_texts(answer.data, subjects[pk])) for pk, answer in answers.items()}
    candidates = {name for drafts in texts.values() for draft in drafts for name in brand_candidates(draft.text)}
    brands = set(Product.objects.filter(brand__in=candidates).order_by().values_list("brand", flat=True).distinct())
    made: dict[int, list[Draft]] = {}
    for pk, drafts in texts.items():
        said = sayings_of(subjects[pk].facts.words)
        noted = (_noted(draft, said, subjects[pk].order, brands) for draft in drafts)
        made[pk] = [draft for draft in noted if draft.text and draft.text != _standing(draft, subjects[pk])]
    return made


def _standing(draft: Draft, subject: Subject) -> str:
    return subject.translated[draft.language, draft.field] if draft.language else draft.source


def _texts(data: Mapping[str, Any], subject: Subject) -> Iterable[Draft]:
    """Take from an answer what was asked for; a model may say more."""
    present, kinds = subject.present, subject.order.kinds
    if Kind.TITLE in kinds:
        yield Draft(Field.TITLE, "", present["title"], tidy_line(data["title"]), ())
    if Kind.DESCRIPTION in kinds:
        yield Draft(Field.DESCRIPTION, "", present["description"], tidy_text(data["description"]), ())
    if Kind.ATTRIBUTES in kinds:
        pairs = ((tidy_line(it["name"]).replace(":", ""), tidy_line(it["value"])) for it in data["attributes"])
        known = {name.casefold() for name in subject.facts.attributes}
        new = {name: value for name, value in pairs if name and value and name.casefold() not in known}
        yield Draft(Field.ATTRIBUTES, "", present["attributes"], attribute_lines(new), ())
    translations = {it["language"]: it for it in data.get("translations", ())}
    for language in subject.order.languages:
        it = translations.get(language)
        if it is None:
            continue
        yield Draft(Field.TITLE, language, present["title"], tidy_line(it["title"]), ())
        yield Draft(Field.DESCRIPTION, language, present["description"], tidy_text(it["description"]), ())


def _noted(draft: Draft, said: Sayings, order: Order, brands: Collection[str]) -> Draft:
    """Add the notes; attributes that name a number which the listing does not are left out: each stands alone."""
    language = draft.language or order.language
    if draft.field != Field.ATTRIBUTES:
        present = brand_candidates(draft.text) & set(brands)
        return replace(draft, notes=tuple(claims_beyond(draft.text, said, language=language, brands=present)))
    kept: list[str] = []
    notes: list[Note] = []
    for line in draft.text.splitlines():
        value = line.partition(": ")[2]
        found = claims_beyond(value, said, language=language, brands=brand_candidates(value) & set(brands))
        if any(note.kind is Claimed.NUMBER for note in found):
            continue
        kept.append(line)
        notes += found
    return replace(draft, text="\n".join(kept), notes=tuple(dict.fromkeys(notes)))


def kept_proposal(subject: Subject, answer: Answer, drafts: Sequence[Draft]) -> dict[str, Any]:
    """Return a made proposal as JSON, so that it can wait on disk while PostgreSQL is away."""
    return {
        "catalog_hash": subject.catalog_hash,
        "input_hash": subject.input_hash,
        "model": answer.model,
        "answer": dict(answer.data),
        "is_from_cache": answer.is_from_cache,
        "prompt_tokens": answer.prompt_tokens,
        "answer_tokens": answer.answer_tokens,
        "texts": [asdict(draft) | {"notes": [asdict(note) for note in draft.notes]} for draft in drafts],
    }


def store_proposals(kept: Mapping[int, Mapping[str, Any]]) -> None:
    """Write made proposals, in the caller's transaction; one that is made already stays as it is."""
    locked = Proposal.objects.filter(pk__in=kept, state__in=[State.WAITING, State.FAILED]).order_by("pk")
    proposals = list(locked.select_for_update())
    now = timezone.now()
    for proposal in proposals:
        made = kept[proposal.pk]
        for name in ("catalog_hash", "input_hash", "model", "answer", "is_from_cache", "prompt_tokens"):
            setattr(proposal, name, made[name])
        proposal.answer_tokens = made["answer_tokens"]
        proposal.prompt_version = PROMPT_VERSION
        proposal.state = State.READY if made["texts"] else State.EMPTY
        proposal.error_code, proposal.error_message = "", ""
        proposal.made_at = now
    written = [
        "catalog_hash", "input_hash", "model", "answer", "is_from_cache", "prompt_tokens", "answer_tokens",
        "prompt_version", "state", "error_code", "error_message", "made_at",
    ]  # fmt: skip
    Proposal.objects.bulk_update(proposals, written)
    ProposedText.objects.bulk_create(
        [ProposedText(proposal=proposal, **text) for proposal in proposals for text in kept[proposal.pk]["texts"]]
    )


def fail_proposals(errors: Mapping[int, tuple[str, str]]) -> None:
    """Write of proposals that are not made why: code and message, by id. In the caller's transaction."""
    for pk, (code, message) in sorted(errors.items()):
        Proposal.objects.filter(pk=pk, state=State.WAITING).update(
            state=State.FAILED, error_code=code, error_message=message
        )
