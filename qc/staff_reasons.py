"""The reasons by which staff rejects: a short list, the reasons that the rules gave, or words of one's own."""

from collections.abc import Mapping, Sequence

from qc.rules.contract import Reason, Severity

MAX_WORDS = 500
AS_FOUND = "as_found"
OWN_WORDS = "staff.other"
OWN_REMEDY = "Mend what our staff wrote, then ask for another check."


def _reason(code: str, field: str, message: str, remedy: str) -> Reason:
    return Reason(code=f"staff.{code}", severity=Severity.REJECT, field=field, message=message, remedy=remedy)


# In the order of the digits that choose them, from 1. Codes are stored, and stay.
STAFF_REASONS: tuple[Reason, ...] = (
    _reason(
        "prohibited_goods",
        "",
        "Goods of this kind may not be sold here.",
        "Take the product out of your catalog.",
    ),
    _reason(
        "counterfeit",
        "",
        "The product looks like a copy of another maker's brand.",
        "Sell only genuine goods; if it is one, appeal and say where you bought it.",
    ),
    _reason(
        "misleading",
        "title",
        "What is said of the product does not fit what is shown.",
        "Let title, description and price say what a buyer gets.",
    ),
    _reason(
        "wrong_picture",
        "pictures",
        "The pictures do not show the product that is described.",
        "Show the very product that is sold.",
    ),
    _reason(
        "poor_picture",
        "pictures",
        "The product cannot be made out on its pictures.",
        "Take a sharp, well-lit picture of the whole product.",
    ),
    _reason(
        "contact",
        "description",
        "The listing asks buyers to write, call or pay outside the marketplace.",
        "Take out addresses, numbers, links and ways to pay.",
    ),
    _reason(
        "offensive",
        "",
        "The text or a picture is offensive or for adults only.",
        "Take it out, or take the product out of your catalog.",
    ),
    _reason(
        "no_product",
        "title",
        "This is no product that can be bought: a test, an advertisement or an announcement.",
        "Keep only products in your catalog.",
    ),
    _reason(
        "price",
        "price",
        "The price is not what the product is sold for.",
        "Give the price that a buyer pays.",
    ),
)
BY_CODE: Mapping[str, Reason] = {it.code: it for it in STAFF_REASONS}


class UnknownReason(ValueError):
    """Choose one of the reasons, or write your own."""

    def __init__(self) -> None:
        super().__init__((self.__doc__ or "").strip())


def chosen_reasons(choice: str, *, words: str, found: Sequence[Mapping[str, str]]) -> list[Reason]:
    """Return what a rejection tells the seller; nothing where nothing was chosen or written.

    Args:
        choice: the code of a reason of staff, AS_FOUND for what the rules had against it, or OWN_WORDS.
        words: staff's own, for OWN_WORDS, and where nothing is chosen.
        found: the product's reasons as entries.

    Raises:
        UnknownReason: there is no such reason, or none was found.
    """
    words = words.strip()[:MAX_WORDS]
    if choice == AS_FOUND:
        reasons = holding_reasons(found)
        if not reasons:
            raise UnknownReason
        return reasons
    if choice in ("", OWN_WORDS):
        return [_own(words)] if words else []
    if choice not in BY_CODE:
        raise UnknownReason
    return [BY_CODE[choice]]


def holding_reasons(found: Sequence[Mapping[str, str]]) -> list[Reason]:
    """Return those of a product's reasons that keep it from buyers, each now a reason to reject it."""
    return [
        Reason(
            code=it["code"],
            severity=Severity.REJECT,
            field=it.get("field", ""),
            message=it.get("message", ""),
            remedy=it.get("remedy", ""),
        )
        for it in found
        if it.get("severity") != Severity.ADVISE
    ]


def _own(words: str) -> Reason:
    return Reason(code=OWN_WORDS, severity=Severity.REJECT, field="", message=words, remedy=OWN_REMEDY)
