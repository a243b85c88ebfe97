"""Money: an exact amount, its ISO 4217 currency, and the text it was read from."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Money:
    """A price. An empty currency means that the source named none; it is never guessed."""

    amount: Decimal
    currency: str
    raw: str

    def __str__(self) -> str:
        return f"{self.amount.normalize():f} {self.currency}".strip()
