"""The seller's pages of photos: upload a sequence, follow what is made of it, change and accept the inventory."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from catalog.pages.photo_form import drafts_of, shown_items
from catalog.photos import sets, tus
from catalog.photos.files import PhotoFileAway, PhotoNotStored, picture_path, thumbnail_path
from catalog.photos.inventory import IncompleteInventory, UnknownParts, accept_inventory, change_inventory
from catalog.photos.models import Photo, PhotoSet
from catalog.photos.uploads import (
    MAX_BYTES,
    MAX_PHOTOS,
    PhotoRefused,
    UploadBusy,
    remove_upload,
    take_whole,
)
from jobs.admission import TooManyJobs
from marketplace.accounts.seller_pages import SellerRequest, seller_page
from marketplace.models import Product
from marketplace.syncs import SyncRunning

MAX_SHOWN_SETS = 50
LATER = "Too much work waits just now. Try again in {s:.0f} seconds."
# Icon and words: neither is left to the colour.
STATES = {
    "open": ("camera", "takes photos"),
    "queued": ("clock", "waits for its turn"),
    "processing": ("clock", "is being worked on"),
    "ready": ("question", "waits for you"),
    "accepted": ("check", "accepted"),
}


@seller_page
def photos_page(request: SellerRequest) -> HttpResponse:
    """List the sets; begin one, with the photos that come with the form."""
    if request.method == "POST":
        return _begin(request)
    found = list(sets.sets_of(request.seller).prefetch_related("photos")[:MAX_SHOWN_SETS])
    standings = sets.standings_of(found)
    rows = [{"set": it, "state": STATES[standings[it.pk].state], "photos": len(it.photos.all())} for it in found]
    return render(request, "catalog/photos/list.html", {"rows": rows, "most": MAX_PHOTOS, "max_bytes": MAX_BYTES})


@require_safe
@seller_page
def photo_set_page(request: SellerRequest, set_id: UUID) -> HttpResponse:
    """Show a set: its photos while it takes some, how far it is, then its inventory."""
    return _show(request, _set_of(request, set_id))


@require_POST
@seller_page
def add_photos_page(request: SellerRequest, set_id: UUID) -> HttpResponse:
    """Take the photos of a form."""
    photo_set = _set_of(request, set_id)
    _take_files(request, photo_set)
    return redirect("seller-photo-set", photo_set.pk)


@require_POST
@seller_page
def remove_photo_page(request: SellerRequest, set_id: UUID, photo_id: UUID) -> HttpResponse:
    """Remove one photo."""
    photo = get_object_or_404(Photo, pk=photo_id, photo_set=_set_of(request, set_id))
    try:
        remove_upload(photo)
        messages.success(request, f"{photo} was removed.")
    except (PhotoRefused, UploadBusy) as error:
        messages.error(request, str(error))
    return redirect("seller-photo-set", set_id)


@require_POST
@seller_page
def photo_set_act_page(request: SellerRequest, set_id: UUID, act: str) -> HttpResponse:
    """Start, stop or discard a set."""
    photo_set = _set_of(request, set_id)
    try:
        match act:
            case "start":
                sets.start_processing(photo_set, trigger="page")
            case "stop":
                sets.stop_processing(photo_set, actor=request.actor)
                messages.info(request, "Stopped. What was done is kept for the next time.")
            case "discard":
                sets.discard_set(photo_set, actor=request.actor)
                messages.success(request, f"The set “{photo_set}” was discarded with its photos.")
                return redirect("seller-photos")
            case _:
                raise Http404
    except sets.SetRefused as error:
        messages.error(request, str(error))
    except TooManyJobs as error:
        messages.error(request, LATER.format(s=error.retry_after_s))
    return redirect("seller-photo-set", set_id)


@require_POST
@seller_page
def inventory_page(request: SellerRequest, set_id: UUID) -> HttpResponse:
    """Store the inventory as its seller changed it; with `accept`, make products of it."""
    photo_set = _set_of(request, set_id)
    items = list(sets.items_of(photo_set))
    shown = shown_items(items, request.POST, currency="")
    if any(it.form.errors for it in shown):
        messages.error(request, "Some fields need your attention; nothing was saved.")
        return _show(request, photo_set, sent=request.POST, status=422)
    try:
        change_inventory(photo_set, drafts_of(shown, list(photo_set.photos.all()), request.POST))
        if "accept" not in request.POST:
            messages.success(request, "Saved.")
            return redirect("seller-photo-set", set_id)
        accept_inventory(photo_set, trigger="page")
    except IncompleteInventory as error:
        messages.error(request, f"Saved, and not accepted yet. {error}")
    except (sets.SetRefused, UnknownParts) as error:
        messages.error(request, str(error))
    except SyncRunning:
        messages.error(request, "Saved. Your products are being read just now: accept again when that has ended.")
    except TooManyJobs as error:
        messages.error(request, "Saved. " + LATER.format(s=error.retry_after_s))
    except PhotoFileAway:
        messages.error(request, "Saved. Some photos cannot be reached just now: accept again in a minute.")
    else:
        messages.success(request, "Accepted. Your products are being checked; buyers see them after that.")
    return redirect("seller-photo-set", set_id)


@require_safe
@seller_page
def photo_file_page(request: SellerRequest, set_id: UUID, photo_id: UUID, size: str) -> Any:
    """Send a photo as it is to be shown, to its seller alone."""
    photo = get_object_or_404(Photo, pk=photo_id, photo_set=_set_of(request, set_id))
    path, media_type = (
        (thumbnail_path(photo), "image/webp") if size == "thumbnail" else (picture_path(photo), "image/jpeg")
    )
    if not path.exists():
        raise Http404
    response = FileResponse(path.open("rb"), content_type=media_type)
    response.headers["Cache-Control"] = "private, max-age=3600"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@seller_page
def upload_page(request: SellerRequest, set_id: UUID, photo_id: UUID | None = None) -> HttpResponse:
    """Answer the page's own script, which uploads in pieces; by the same protocol as the API."""
    photo_set = _set_of(request, set_id)
    try:
        return tus.answer(
            request, photo_set, photo_id, location=lambda photo: reverse("seller-photo-upload", args=[set_id, photo.pk])
        )
    except tus.TusRefused as error:
        body = {"code": error.code, "detail": str(error), "status": error.status}
        return JsonResponse(body, status=error.status, headers={"Tus-Resumable": tus.VERSION})


def _set_of(request: SellerRequest, set_id: UUID) -> PhotoSet:
    return get_object_or_404(PhotoSet.objects.select_related("seller"), pk=set_id, seller=request.seller)


def _begin(request: SellerRequest) -> HttpResponse:
    try:
        photo_set = sets.begin_set(
            request.seller,
            location=request.POST.get("location", "").strip()[:200],
            description=request.POST.get("description", "").strip()[:2000],
        )
    except sets.SetRefused as error:
        messages.error(request, str(error))
        return redirect("seller-photos")
    _take_files(request, photo_set)
    if "by-script" in request.POST:  # which uploads the photos itself
        return JsonResponse(
            {
                "page": reverse("seller-photo-set", args=[photo_set.pk]),
                "uploads": reverse("seller-photo-uploads", args=[photo_set.pk]),
            }
        )
    return redirect("seller-photo-set", photo_set.pk)


def _take_files(request: SellerRequest, photo_set: PhotoSet) -> None:
    """Take the photos of a form, and say of each that is refused why."""
    taken = 0
    for file in request.FILES.getlist("photos"):
        try:
            take_whole(photo_set.pk, name=file.name or "", size_bytes=file.size or 0, pieces=file.chunks())
            taken += 1
        except PhotoRefused as error:
            messages.error(request, str(error) if (file.name or "?") in str(error) else f"{file.name}: {error}")
        except PhotoNotStored:
            messages.error(request, f"{file.name}: there is no room for photos just now. Try again later.")
    if taken:
        messages.success(request, f"{taken} photo{'s' if taken > 1 else ''} uploaded.")


def _show(request: SellerRequest, photo_set: PhotoSet, *, sent: Any = None, status: int = 200) -> HttpResponse:
    standing = sets.standing_of(photo_set)
    photos = list(photo_set.photos.order_by("position"))
    items = list(sets.items_of(photo_set)) if standing.state in ("ready", "accepted") else []
    context = {
        "set": photo_set,
        "standing": standing,
        "state": STATES[standing.state],
        "photos": photos,
        "complete": sum(photo.is_complete for photo in photos),
        "left_out": [photo for photo in photos if photo.item_id is None and not photo.error_code] if items else [],
        "broken": [photo for photo in photos if photo.error_code],
        "shown": shown_items(items, sent, currency=_usual_currency(photo_set)),
        "items": items,
        "most": MAX_PHOTOS,
        "max_bytes": MAX_BYTES,
    }
    return render(request, "catalog/photos/set.html", context, status=status)


def _usual_currency(photo_set: PhotoSet) -> str:
    """Return the currency of the seller's newest product that has one."""
    priced = Product.objects.filter(seller=photo_set.seller_id).exclude(currency="").order_by("-pk")
    return priced.values_list("currency", flat=True).first() or ""
