"""Values that the page shows beside a label: article numbers, makers' numbers, trade numbers, brands.

The labels are the words of shops in their languages; an article number is what the shop itself calls the product.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from catalog.extraction.gtins import parse_gtin
from catalog.extraction.layout import Layout
from catalog.extraction.standing import Standing

MAX_LABEL = 40
MAX_VALUE = 80
_NUMBER_WORDS = r"(?:\s*-?\s*(?:no|nr|num|number|nummer|numéro|número|numero|code|id|n°|nº|№|#)\.?)?"
_SKU = re.compile(
    r"(?:^|(?<=\s))(?:"
    r"sku|s\.k\.u\.?|(?:product|item|article|art|part|stock|catalog(?:ue)?|order|style|model|web|lot|"
    r"listing|post|posting|ad|reference|ref|prod)\.?\s*-?\s*"
    r"(?:code|no|nr|num|number|id|sku|ref(?:erence)?|#|№)\b\.?|article|item\s*#|ref(?:erence)?|product reference"
    r"|art(?:ikel)?\.?\s*-?\s*(?:nr|nummer|no|code|bezeichnung)\b\.?|artikel|bestell-?\s*(?:nr|nummer)\.?|"
    r"best\.-?nr\.?|produkt-?\s*(?:nr|nummer|code)\.?|anzeigen?-?(?:nr|nummer|id)\.?|art"
    r"|réf(?:érence)?(?: produit| article)?|code (?:article|produit)|référence|n° (?:d'article|article)"
    r"|ref(?:erencia)?(?: del producto)?|código(?: d[eo] produto| del producto| de artículo| interno)?|"
    r"cód(?:igo)?\.?(?: d[eo] produto)?|referência"
    r"|cod(?:ice)?\.?(?: (?:articolo|prodotto|art))?\.?|articolo(?: n)?|riferimento|numero (?:oggetto|"
    r"articolo)|numéro de l'objet|número de artículo|artikelnummer"
    r"|(?:nr|numer) (?:ref(?:erencyjny)?|kat(?:alogowy)?|art(?:ykułu)?|produktu|oferty|przedmiotu)\.?|"
    r"kod(?: produktu| towaru| katalogowy| produkta| artikla)?|indeks|symbol"
    r"|kód(?: produktu| zboží| tovaru| výrobku)?|kat(?:alogové)?\.? č(?:íslo)?\.?|obj(?:ednací)?\.? č(?:íslo|"
    r"\.)|číslo (?:produktu|položky|zboží|tovaru)|cikkszám|termékkód"
    r"|cod (?:produs|articol)|šifra(?: artikla| izdelka| proizvoda)?|varenr|varenummer|art\.?nr|tuotenumero|"
    r"tuotekoodi|toote kood|prekės kodas|preces kods|vnr"
    r"|ürün (?:kodu|no)|stok kodu|ilan no|артикул|арт|код(?: товара| товару| продукта| на продукт)?|"
    r"номер (?:товара|объявления)|номенклатурный номер|мпн"
    r"|商品番号|商品コード|商品id|品番|"
    r"管理番号|商品編號|商品编号|商品货号|貨號|"
    r"货号|商品型號|商品代碼|產品編號|产品编号|"
    r"품번|상품번호|상품코드|제품번호|제품코드"
    r"|رمز المنتج|رقم (?:المنتج|الصنف|الموديل)|كود المنتج|מק\"?ט|קוד (?:מוצר|פריט)"
    r"|κωδικός(?: προϊόντος)?|mã (?:sản phẩm|sp|hàng)|รหัสสินค้า|kode (?:produk|barang)|asin|publicación|anuncio"
    r")" + _NUMBER_WORDS + r"\s*(?:[:：#.]|$|(?=\s*[A-Z0-9]))",
    re.IGNORECASE,
)  # fmt: skip
_MPN = re.compile(
    r"(?:mpn|m\.p\.n\.|(?:manufacturer|mfr|mfg|vendor|oem|maker)(?:'s)?\.?\s*(?:part|product|item|"
    r"model|code|sku|ref)?\.?\s*(?:no|nr|number|code|#)?\.?|model(?: (?:name/)?(?:no|number|code|name))?\.?|"
    r"modelo"
    r"|hersteller-?(?:artikel)?-?(?:nr|nummer|art\.-nr)\.?|part number|p/n|kod producenta|kód výrobce|"
    r"kód výrobcu|produktové číslo|modell|modèle|modello|"
    r"модель|код производителя|型番|型号|型號|모델명)\s*[:：#]?",
    re.IGNORECASE,
)
_GTIN = re.compile(
    r"(?:kod\s+|code\s+|код\s+|čárový kód\s*|kód\s+)?(?:ean(?:[/-]?(?:8|13|code|kód|kod))?|gtin(?:[/-]?\d{1,2})"
    r"?|upc(?:[/-]?a)?|isbn(?:[/-]?1[03])?|jan(?:コード|-?code)?|barcode|bar code|штрих-?код|баркод|strichcode|"
    r"código de barras|code-barres|codice a barre|streckkod|çubuk kod|条码|條碼|バーコード|바코드)"
    r"(?:[\s/-]*(?:code|kód|kod|number|nr|no|ean|upc|gtin|isbn))?\.?\s*[:：#]?",
    re.IGNORECASE,
)
_BRAND_WORDS = (
    "brand|brand name|make|make/manufacturer|manufacturer|maker|designer|label|marke|hersteller|marque|fabricant|"
    "marca|fabricante|marchio|produttore|marka|producent|značka|výrobce|výrobca|márka|gyártó|brend|proizvođač|"
    "proizvajalec|blagovna znamka|merk|mærke|märke|varumärke|merke|merkki|valmistaja|tootja|gamintojas|ražotājs|"
    "üretici|бренд|марка|производитель|торговая марка|виробник|производител|品牌|ブランド|メーカー|브랜드|제조사|"
    "العلامة التجارية|الماركة|ماركة|מותג|יצרן|μάρκα|κατασκευαστής|thương hiệu|nhãn hiệu|แบรนด์|ยี่ห้อ|merek"
)
_BRANDS = frozenset(_BRAND_WORDS.split("|"))
_COLON = re.compile("[:：]")
_CODE = re.compile(r"[^\W_][\w./#+-]*(?: [\w./#+-]+){0,3}")
_DATE = re.compile(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}")
_SENTENCE = re.compile(r"[.!?…]\s|\s{2}")

_Find = Callable[[str, int, int], re.Match[str] | None]


@dataclass(frozen=True, slots=True)
class Labelled:
    """A value with its label; the distance counts texts from the title."""

    value: str
    label: str
    confidence: float
    text: int


def shown_codes(layout: Layout, *, title: int | None, kind: str = "sku") -> list[Labelled]:
    """Return the article numbers (kind "sku") or makers' numbers ("mpn") that the page shows, the surest first."""
    found = []
    for index, label, value, is_far in _pairs(layout, _SKU.search if kind == "sku" else _MPN.match):
        if is_code(value):
            found.append(_labelled(layout, index, label, value, title, 0.1 if is_far else 0.0))
    if kind == "sku":
        found.extend(_named_codes(layout, title))
    return sorted(found, key=lambda one: -one.confidence)


def shown_gtins(layout: Layout, *, title: int | None) -> list[Labelled]:
    """Return the trade numbers that the page shows beside a label, the surest first."""
    found = []
    for index, label, value, _ in _pairs(layout, _GTIN.match):
        for part in re.findall(r"\d[\d\s-]{6,20}[\dXx]", value)[:4]:
            if gtin := parse_gtin(part):
                found.append(_labelled(layout, index, label, gtin, title, 0.0))
    return sorted(found, key=lambda one: -one.confidence)


def shown_brands(layout: Layout, *, title: int | None) -> list[Labelled]:
    """Return the brands that the page shows beside a label, the surest first."""
    found = []
    for index, (text, standing) in enumerate(zip(layout.texts, layout.standings, strict=True)):
        if len(text) > MAX_LABEL + MAX_VALUE or standing & (Standing.ASIDE | Standing.CHOICE):
            continue
        label, *rest = _COLON.split(text, maxsplit=1)
        if label.strip().lower() not in _BRANDS:
            continue
        value = "".join(rest) or _value_after(layout, index, is_marked=bool(rest))
        value = value.strip(" :：,;|")
        if value and len(value) <= 60 and not _SENTENCE.search(value) and re.search(r"[^\W\d_]", value):
            found.append(_labelled(layout, index, text[:MAX_LABEL], value, title, 0.05))
    return sorted(found, key=lambda one: -one.confidence)


def is_code(text: str) -> bool:
    """Return whether a text can be an article's number: short, with a digit, and neither a date nor an amount."""
    return (
        2 <= len(text) <= 48
        and any(character.isdecimal() for character in text)
        and bool(_CODE.fullmatch(text))
        and not _DATE.fullmatch(text)
        and not re.fullmatch(r"\d+[.,]\d{2}", text)
        and sum(character.islower() for character in text) <= max(6, len(text) // 2)
    )


def _pairs(layout: Layout, find: _Find) -> Iterator[tuple[int, str, str, bool]]:
    """Yield each label that is found with its value, in the same text or in the next one, where there is a digit."""
    have_digits = layout.have_digits
    for index, (text, here, behind) in enumerate(
        zip(layout.texts, have_digits, [*have_digits[1:], False], strict=False)
    ):
        if not (here or behind) or len(text) > MAX_LABEL + MAX_VALUE:
            continue
        match = find(text, 0, MAX_LABEL + 24)
        if match is None or match.start() > 24:
            continue
        rest = text[match.end() :].strip(" :：#.)(")
        if rest:
            for value in _first_code(rest):
                yield index, match[0], value, match.start() > 0
        elif len(text) <= MAX_LABEL:
            value = _value_after(layout, index, is_marked=text.rstrip().endswith((":", "：", "#", ".")))
            if value:
                yield index, match[0], value, match.start() > 8


def _first_code(rest: str) -> Iterator[str]:
    """Yield the first thing in a text that follows a label: all of it if it is short, else its first word."""
    whole = re.split(r"\s*[|,;·•()]\s*|\s{2,}", rest)[0].strip()
    if whole and len(whole) <= MAX_VALUE:
        yield whole if is_code(whole) or re.search(r"\d{6}", whole) else whole.split()[0]


def _value_after(layout: Layout, index: int, *, is_marked: bool) -> str:
    """Return the text that follows a label in the same small group of elements: a row, a list's item, a pair."""
    if index + 1 >= len(layout.texts):
        return ""
    label, value = layout.owners[index], layout.owners[index + 1]
    around = set(layout.ancestors(label, 4 if is_marked else 3))
    common = next((one for one in layout.ancestors(value, 6) if one in around), None)
    if common is None:
        return ""
    group = layout.elements[common]
    own = layout.elements[label]
    limit = 40 if is_marked or own.tag in ("th", "dt") else 8
    if group.end - group.start > limit:
        return ""
    return layout.texts[index + 1].strip(" :：")


def _named_codes(layout: Layout, title: int | None) -> list[Labelled]:
    """Return the short texts of elements that are named a product's code."""
    found = []
    for index, (text, owner) in enumerate(zip(layout.texts, layout.owners, strict=True)):
        element = layout.elements[owner]
        if element.own & Standing.CODE and len(text) <= 30 and is_code(text) and " " not in text:
            found.append(_labelled(layout, index, element.names[:MAX_LABEL], text, title, -0.05))
    return found


def _labelled(layout: Layout, index: int, label: str, value: str, title: int | None, less: float) -> Labelled:
    confidence = 0.75 - less
    standing = layout.standings[index]
    confidence -= 0.4 * bool(standing & Standing.ASIDE) + 0.15 * bool(standing & Standing.HIDDEN)
    confidence -= 0.1 * bool(standing & Standing.LINK)
    if title is not None:
        distance = index - layout.elements[title].start
        confidence += 0.15 if 0 <= distance <= 25 else 0.05 if 0 <= distance <= 150 else -0.1 if distance < -10 else 0.0
    return Labelled(value, label.strip(), max(0.05, min(confidence, 0.95)), index)
