"""Rules on pictures. One picture that can be shown is enough; the first one's defect is told when there is none."""

from qc.rules.contract import PictureFacts, ProductFacts, Reason, Severity

MIN_SHORT_SIDE_PX = 250  # Source: Google Merchant Center, "Image link", minimum for apparel
MISSING, UNDECODABLE = "picture.missing", "picture.undecodable"
TOO_LARGE, TOO_SMALL = "picture.too_large", "picture.too_small"


def picture_is_missing(facts: ProductFacts) -> Reason | None:
    """Reject a product that names no picture, where its source can name one, or none that is there."""
    if not facts.pictures and "pictures" in facts.not_carried:
        return None
    if _defect(facts) != MISSING:
        return None
    message = "The product's picture cannot be found." if facts.pictures else "The product has no picture."
    return _reason(MISSING, message, "Add a picture of the product to your catalog.")


def picture_is_undecodable(facts: ProductFacts) -> Reason | None:
    """Reject a product whose picture is damaged or of an unknown format."""
    if _defect(facts) != UNDECODABLE:
        return None
    return _reason(
        UNDECODABLE,
        "The product's picture is damaged, or it is not a picture.",
        "Upload the picture again as JPEG, PNG or WebP.",
    )


def picture_is_too_large(facts: ProductFacts) -> Reason | None:
    """Reject a product whose picture has more bytes or pixels than are read."""
    if _defect(facts) != TOO_LARGE:
        return None
    return _reason(
        TOO_LARGE,
        "The product's picture is larger than 16 MB or 64 megapixels.",
        "Upload a smaller version of the picture.",
    )


def picture_is_too_small(facts: ProductFacts) -> Reason | None:
    """Reject a product whose picture is too small to see anything."""
    if _defect(facts) != TOO_SMALL:
        return None
    first = facts.pictures[0]
    return _reason(
        TOO_SMALL,
        f"The product's picture has {first.width_px} x {first.height_px} pixels.",
        f"Upload a picture whose shorter side has {MIN_SHORT_SIDE_PX} pixels or more.",
    )


def _defect(facts: ProductFacts) -> str:
    """Return the code of what is wrong with the first picture, if none can be shown."""
    defects = [_picture_defect(picture) for picture in facts.pictures]
    if not defects:
        return MISSING
    return "" if "" in defects else defects[0]


def _picture_defect(picture: PictureFacts) -> str:
    if picture.error_code:
        return picture.error_code
    return TOO_SMALL if picture.short_side_px < MIN_SHORT_SIDE_PX else ""


def _reason(code: str, message: str, remedy: str) -> Reason:
    return Reason(code=code, severity=Severity.REJECT, field="pictures", message=message, remedy=remedy)
