"""All rules. A change of any rule is a new version: verdicts made by another are not reused."""

from qc.rules.contract import ProductFacts, Reason, Rule
from qc.rules.duplicates import product_is_duplicate
from qc.rules.phone_numbers import text_has_phone_number
from qc.rules.pictures import picture_is_missing, picture_is_too_large, picture_is_too_small, picture_is_undecodable
from qc.rules.prices import price_is_missing
from qc.rules.prohibited_goods import goods_are_prohibited, goods_may_be_prohibited

VERSION = "2"

RULES: tuple[Rule, ...] = (
    goods_are_prohibited,
    product_is_duplicate,
    price_is_missing,
    picture_is_missing,
    picture_is_undecodable,
    picture_is_too_large,
    picture_is_too_small,
    goods_may_be_prohibited,
    text_has_phone_number,
)


def reasons_against(facts: ProductFacts) -> list[Reason]:
    """List what the rules say, in their order."""
    return [reason for rule in RULES if (reason := rule(facts)) is not None]
