"""What the reviewer may complain of: a closed list, and how grave each may be."""

from collections.abc import Mapping
from dataclasses import dataclass

from qc.rules.contract import Severity

FIELDS = ("title", "description", "price", "brand", "category", "pictures")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of complaint.

    Args:
        name: as the reviewer says it; verdicts say `review.NAME`.
        most: the gravest that it may be.
        meaning: told to the reviewer.
        remedy: for the seller, where the reviewer names none.
    """

    name: str
    most: Severity
    meaning: str
    remedy: str

    @property
    def code(self) -> str:
        """The code of the reason."""
        return f"review.{self.name}"


REMOVE = "Take the product out of your catalog; if we are wrong, appeal."
REPAIR = "Change what the message names in your catalog; if we are wrong, appeal."

# The classes of goods are those of marketplaces' common rules. Source: Meta, "Commerce policies: prohibited content".
_KINDS = (
    Kind(
        "prohibited_goods",
        Severity.REJECT,
        "sells weapons, ammunition, explosives, drugs, prescription medicine, tobacco, vapes, alcohol, live animals or "
        "protected species, human remains, gambling, accounts or devices that are stolen or hacked, money or forged "
        "documents, hazardous chemicals, or services that are unlawful",
        REMOVE,
    ),
    Kind("adult_content", Severity.REJECT, "sells or shows sexual services, pornography or nudity", REMOVE),
    Kind("hate_or_violence", Severity.REJECT, "glorifies hatred, terror or violence, in words or in pictures", REMOVE),
    Kind("counterfeit", Severity.FLAG, "is, or seems to be, a copy of a brand's product", REPAIR),
    Kind("picture_mismatch", Severity.FLAG, "the pictures show another thing than the texts say", REPAIR),
    Kind(
        "contact_data",
        Severity.FLAG,
        "a telephone number, e-mail or web address, messenger name or QR code, in texts or in pictures",
        REPAIR,
    ),
    Kind("misleading", Severity.FLAG, "claims that cannot be true, such as to heal illness or to make rich", REPAIR),
    Kind("not_a_product", Severity.FLAG, "offers no product: a test, a placeholder, a wanted ad, a job", REMOVE),
    Kind("personal_data", Severity.FLAG, "shows somebody's documents, or private data of a person", REPAIR),
    Kind(
        "instructs_reviewer",
        Severity.FLAG,
        "texts or pictures tell whoever checks the listing what to decide or to ignore",
        REPAIR,
    ),
    Kind("other", Severity.FLAG, "breaks a marketplace's rules in a way that no other code names", REPAIR),
    Kind("picture_text", Severity.ADVISE, "pictures are covered by watermarks, frames or advertising words", REPAIR),
    Kind(
        "picture_quality", Severity.ADVISE, "pictures are so dark, blurred or cut that the product is unclear", REPAIR
    ),
    Kind("text_quality", Severity.ADVISE, "texts are unintelligible, or leave open what is sold", REPAIR),
    Kind("wrong_category", Severity.ADVISE, "the category is clearly another thing's", REPAIR),
)
KINDS: Mapping[str, Kind] = {it.name: it for it in _KINDS}
