"""Rules on what makes a picture that can be shown a good one.

What is measured of a picture stands in catalog.picture_measures; a picture of which nothing was measured passes. Buyers
see the first one in lists, so most rules look at that one.
"""

from qc.rules.contract import Finding, Limits, PictureFacts, ProductFacts, Severity, Threshold, rule
from qc.rules.pictures import shown_pictures


@rule(
    code="picture.small",
    severity=Severity.ADVISE,
    looks_at=("pictures",),
    remedy="Upload a picture whose shorter side has {least_side_px:.0f} pixels or more, for buyers to look closely.",
    thresholds=(
        Threshold(
            "least_side_px",
            default=500,
            least=1,
            most=4000,
            unit="pixels",
            calibration="Google Merchant Center, “Image link”: from January 2027; Meta's catalogs ask for it now.",
        ),
    ),
)
def picture_is_small(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Advise on a product none of whose pictures is large enough to look at closely."""
    shown = shown_pictures(facts)
    if not shown or any(it.short_side_px >= limits["least_side_px"] for it in shown):
        return None
    return Finding(
        "pictures", f"The largest picture has only {_size(max(shown, key=lambda it: it.short_side_px))} pixels."
    )


@rule(
    code="picture.blurred",
    severity=Severity.ADVISE,
    looks_at=("pictures",),
    remedy="Take the picture again, in focus and with a steady hand, or upload the original of an enlarged copy.",
    thresholds=(
        Threshold(
            "least_sharpness",
            default=0.45,
            least=0.05,
            most=0.9,
            calibration="November 2026: photographs (scikit-image's and scikit-learn's) and drawings, blurred by 0.8 "
            "and 1.2 % of their width, moved by 3 %, or enlarged from 60 pixels: all 113 are under 0.39. As they come, "
            "they reach 0.58 and more, but for three: one that did move (0.21), and two soft ones that this takes for "
            "blurred (0.35, 0.44).",
        ),
    ),
)
def picture_is_blurred(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Advise on a first picture that has edges, but not one that is sharp."""
    first = _first(facts)
    if first is None or first.sharpness is None or first.sharpness >= limits["least_sharpness"]:
        return None
    return Finding("pictures", "The first picture is blurred: nothing in it has sharp edges.")


@rule(
    code="picture.blank",
    severity=Severity.FLAG,
    looks_at=("pictures",),
    remedy="Upload a picture that shows the product.",
    thresholds=(
        Threshold(
            "least_contrast",
            default=3.4,
            least=0.0,
            most=50,
            calibration="November 2026, drawn pictures: white things on white, black on black and pale fabrics reach "
            "3.5; one colour with the grain of a camera stays under 3.4, with coarser grain it may pass.",
        ),
    ),
)
def picture_is_blank(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Flag a first picture in which nothing can be seen."""
    first = _first(facts)
    if first is None or first.contrast is None or first.contrast >= limits["least_contrast"]:
        return None
    return Finding("pictures", "The first picture is of one colour; nothing can be seen in it.")


@rule(
    code="picture.extreme_shape",
    severity=Severity.ADVISE,
    looks_at=("pictures",),
    remedy="Upload a picture that is nearer to a square; lists show it cut or very small.",
    thresholds=(
        Threshold(
            "most_times",
            default=3,
            least=1.2,
            most=20,
            calibration="Lists show pictures in squares; of one of 3 to 1 they show a third.",
        ),
    ),
)
def picture_is_extreme_in_shape(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Advise on a first picture that is very long or very high."""
    first = _first(facts)
    if first is None or not first.short_side_px or first.long_side_px <= limits["most_times"] * first.short_side_px:
        return None
    return Finding("pictures", f"The first picture is very long: {_size(first)} pixels.")


@rule(
    code="picture.animated",
    severity=Severity.ADVISE,
    looks_at=("pictures",),
    remedy="Upload a still picture; of an animation buyers see the first frame only.",
)
def picture_is_animated(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Advise on a picture that is an animation."""
    for place, picture in enumerate(facts.pictures, start=1):
        if picture.is_showable and picture.is_animated:
            return Finding("pictures", f"Picture {place} is an animation.")
    return None


@rule(
    code="picture.framed",
    severity=Severity.ADVISE,
    looks_at=("pictures",),
    remedy="Upload the picture without a frame or bars, so that the product fills it.",
    thresholds=(
        Threshold(
            "most_share",
            default=0.02,
            least=0.0,
            most=0.9,
            calibration="A frame of 1 % on each side takes 4 %. November 2026: no photograph of scikit-image and "
            "scikit-learn, and no drawn picture of goods on a plain ground, has any.",
        ),
    ),
)
def picture_is_framed(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Advise on a first picture with a frame around it, or bars on two sides."""
    first = _first(facts)
    if first is None or first.frame_share is None or first.frame_share <= limits["most_share"]:
        return None
    return Finding("pictures", f"A frame or bars take {max(first.frame_share, 0.01):.0%} of the first picture.")


@rule(
    code="picture.duplicate",
    severity=Severity.ADVISE,
    looks_at=("same_picture_as",),
    remedy="Show each product in a picture of its own.",
)
def picture_is_used_twice(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Advise on a first picture that is the very file of another product with another title."""
    if facts.same_picture_as is None or facts.same_picture_as == facts.duplicate_of:
        return None
    return Finding("pictures", f"Your product {facts.same_picture_as} has the same picture.")


@rule(
    code="picture.near_duplicate",
    severity=Severity.ADVISE,
    looks_at=("similar_picture_as",),
    remedy="Show each product in a picture of its own.",
)
def picture_is_nearly_used_twice(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Advise on a first picture that looks the same as the one of another product with another title."""
    if facts.similar_picture_as is None or facts.similar_picture_as == facts.duplicate_of:
        return None
    if facts.same_picture_as is not None:
        return None
    return Finding("pictures", f"Your product {facts.similar_picture_as} has nearly the same picture.")


def _first(facts: ProductFacts) -> PictureFacts | None:
    """Return the picture that buyers see in lists."""
    return next(iter(shown_pictures(facts)), None)


def _size(picture: PictureFacts) -> str:
    return f"{picture.width_px} x {picture.height_px}"


RULES = (
    picture_is_small,
    picture_is_blurred,
    picture_is_blank,
    picture_is_extreme_in_shape,
    picture_is_animated,
    picture_is_framed,
    picture_is_used_twice,
    picture_is_nearly_used_twice,
)
