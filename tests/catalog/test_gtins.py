"""GTINs in texts: told by their check digit, refused where they name nothing outside one shop."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.extraction.gtins import parse_gtin
from marketplace.gtins import check_digit

GTINS = [
    # the lengths; examples of GS1's, ISBN International's and Wikipedia's pages on each
    ("4006381333931", "4006381333931"),
    ("5901234123457", "5901234123457"),
    ("7610186303159", "7610186303159"),
    ("8806090572395", "8806090572395"),
    ("96385074", "96385074"),
    ("73513537", "73513537"),
    ("12345670", "12345670"),
    ("036000291452", "036000291452"),
    ("012345678905", "012345678905"),
    ("614141007349", "614141007349"),
    ("0614141007349", "0614141007349"),
    ("10614141007346", "10614141007346"),
    ("09506000134352", "09506000134352"),
    ("00012345600012", "00012345600012"),
    ("9771234567003", "9771234567003"),
    ("9783161484100", "9783161484100"),
    ("9790060115615", "9790060115615"),
    ("4901234567894", "4901234567894"),
    ("6901234567892", "6901234567892"),
    # a wrong check digit, or two digits exchanged
    ("4006381333932", None),
    ("4006383133931", None),
    ("036000291453", None),
    ("96385075", None),
    ("10614141007340", None),
    ("9783161484101", None),
    # other lengths
    ("", None),
    ("1234567", None),
    ("123456789", None),
    ("12345678901", None),
    ("400638133393112", None),
    ("40063813339310000000", None),
    # separators, labels, signs around
    (" 4006381333931 ", "4006381333931"),
    ("4 006381 333931", "4006381333931"),
    ("4-006381-333931", "4006381333931"),
    ("4006381333931\n", "4006381333931"),
    ("4\u00a0006381\u00a0333931", "4006381333931"),
    ("978-3-16-148410-0", "9783161484100"),
    ("978–3–16–148410–0", None),
    ("EAN: 4006381333931", "4006381333931"),
    ("EAN 4006381333931", "4006381333931"),
    ("EAN13: 4006381333931", "4006381333931"),
    ("EAN-13 4006381333931", "4006381333931"),
    ("GTIN-13 4006381333931", "4006381333931"),
    ("GTIN14:10614141007346", "10614141007346"),
    ("UPC 036000291452", "036000291452"),
    ("UPC-A: 0 36000 29145 2", "036000291452"),
    ("Barcode: 4006381333931", "4006381333931"),
    ("Штрихкод: 4006381333931", "4006381333931"),
    ("Código de barras: 4006381333931", "4006381333931"),
    ("ean:4006381333931", "4006381333931"),
    ("(4006381333931)", "4006381333931"),
    ("EAN 4006381333931 5 Stück", "4006381333931"),
    ("4006381333931, 4006381333931", "4006381333931"),
    ("4006381333931, 5901234123457", None),
    ("4006381333931 / 4006381333932", "4006381333931"),
    ("٤٠٠٦٣٨١٣٣٣٩٣١", "4006381333931"),
    ("４００６３８１３３３９３１", "4006381333931"),
    # parts of something longer are none
    ("A4006381333931", None),
    ("4006381333931B", None),
    ("4006381333931.50", None),
    ("1.4006381333931", None),
    ("4006381333931_2", None),
    # GS1 Digital Link and element strings
    ("https://id.gs1.org/01/09506000134352", "09506000134352"),
    ("https://shop.example/01/4006381333931/10/ABC?x=1", "4006381333931"),
    ("https://shop.example/p/4006381333931.html", "4006381333931"),
    ("(01)09506000134352", "09506000134352"),
    # ISBN-10 becomes the ISBN-13 that it stands for, where it says that it is one
    ("ISBN 0-306-40615-2", "9780306406157"),
    ("ISBN: 0306406152", "9780306406157"),
    ("ISBN-10: 3-16-148410-X", "9783161484100"),
    ("isbn 316148410x", "9783161484100"),
    ("ISBN 3-16-148410-1", None),
    ("0306406152", None),
    ("ISBN-13: 978-0-306-40615-7", "9780306406157"),
    # restricted circulation, coupons, placeholders
    ("2012345678903", None),
    ("2901234567896", None),
    ("0212345678909", None),
    ("0412345678907", None),
    ("0512345678904", None),
    ("212345678909", None),
    ("9912345678902", None),
    ("9812345678905", None),
    ("20123451", None),
    ("01234565", None),
    ("00000000", None),
    ("0000000000000", None),
    ("00000000000017", None),
    ("00000096385074", "00000096385074"),
    # other things
    ("1234567890123", None),
    ("n/a", None),
    ("Does not apply", None),
    ("null", None),
    ("-", None),
]


@pytest.mark.parametrize(("text", "gtin"), GTINS)
def test_a_gtin_is_what_its_check_digit_says(text: str, gtin: str | None) -> None:
    assert parse_gtin(text) == gtin


def test_the_table_holds_sixty_gtins_at_least() -> None:
    assert len(GTINS) >= 60


@settings(max_examples=100, deadline=None)
@given(body=st.from_regex(r"[13-8][0-9]{11}", fullmatch=True).filter(lambda body: len(set(body)) > 1))
def test_one_wrong_digit_is_always_noticed(body: str) -> None:
    gtin = body + check_digit(body)
    wrong = [gtin[:place] + str((int(gtin[place]) + 1) % 10) + gtin[place + 1 :] for place in range(len(gtin))]

    assert parse_gtin(gtin) == gtin
    assert [parse_gtin(text) for text in wrong] == [None] * len(gtin)


@settings(max_examples=200, deadline=None)
@given(
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60)
    | st.text(alphabet="0123456789 -X()/.:EANIS")
)
def test_any_text_is_a_gtin_or_none(text: str) -> None:
    gtin = parse_gtin(text)

    assert gtin is None or (gtin.isascii() and gtin.isdigit() and len(gtin) in (8, 12, 13, 14))


@pytest.mark.parametrize("piece", ["1", "1 ", "4006381333931 ", "http://a/", "ean ", "-"])
def test_a_million_characters_take_no_time(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    started = time.process_time()

    parse_gtin(text)

    assert time.process_time() - started < 1
