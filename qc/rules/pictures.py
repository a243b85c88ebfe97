"""Rules on whether a product has a picture that buyers can be shown.

One is enough; the first one's defect is told when there is none. What makes a picture a good one is told in
qc.rules.picture_quality.
"""

from collections.abc import Sequence

from qc.rules.contract import Finding, Limits, PictureFacts, ProductFacts, Severity, Threshold, rule

MISSING, UNDECODABLE = "picture.missing", "picture.undecodable"
TOO_LARGE, TOO_SMALL = "picture.too_large", "picture.too_small"


@rule(
    code=MISSING,
    severity=Severity.REJECT,
    looks_at=("pictures",),
    remedy="Add a picture of the product to your catalog.",
)
def picture_is_missing(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Reject a product that names no picture, where its source can name one, or none that is there."""
    if not facts.pictures and "pictures" in facts.not_carried:
        return None
    if _first_error(facts) != MISSING:
        return None
    return Finding(
        "pictures", "The product's picture cannot be found." if facts.pictures else "The product has no picture."
    )


@rule(
    code=UNDECODABLE,
    severity=Severity.REJECT,
    looks_at=("pictures",),
    remedy="Upload the picture again as JPEG, PNG or WebP.",
)
def picture_is_undecodable(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Reject a product whose picture is damaged or of an unknown format."""
    if _first_error(facts) != UNDECODABLE:
        return None
    return Finding("pictures", "The product's picture is damaged, or it is not a picture.")


@rule(
    code=TOO_LARGE,
    severity=Severity.REJECT,
    looks_at=("pictures",),
    remedy="Upload a smaller version of the picture.",
)
def picture_is_too_large(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Reject a product whose picture has more bytes or pixels than are read."""
    if _first_error(facts) != TOO_LARGE:
        return None
    return Finding("pictures", "The product's picture is larger than 16 MB or 64 megapixels.")


@rule(
    code=TOO_SMALL,
    severity=Severity.REJECT,
    looks_at=("pictures",),
    remedy="Upload a picture whose shorter side has {least_side_px:.0f} pixels or more.",
    thresholds=(
        Threshold(
            "least_side_px",
            default=250,
            least=1,
            most=4000,
            unit="pixels",
            calibration="Google Merchant Center, “Image link”: the minimum for apparel.",
        ),
    ),
)
def picture_is_too_small(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Reject a product none of whose pictures is large enough to see anything."""
    shown = shown_pictures(facts)
    if not shown or any(it.short_side_px >= limits["least_side_px"] for it in shown):
        return None
    first = shown[0]
    return Finding("pictures", f"The product's picture has {first.width_px} x {first.height_px} pixels.")


def shown_pictures(facts: ProductFacts) -> Sequence[PictureFacts]:
    """Return the pictures that buyers can be shown, in the seller's order."""
    return [it for it in facts.pictures if it.is_showable]


def _first_error(facts: ProductFacts) -> str:
    """Return the code of what is wrong with the first picture, if none can be shown."""
    if not facts.pictures:
        return MISSING
    return "" if any(picture.is_showable for picture in facts.pictures) else facts.pictures[0].error_code


RULES = (picture_is_missing, picture_is_undecodable, picture_is_too_large, picture_is_too_small)
