"""Headers: which of a product's fields a feed's own name means, in the languages and systems that write feeds.

Names are compared without case, accents, spaces and signs: `Image Link`, `image_link` and `imageLink` are one.

Sources: Google Merchant Center, "Product data specification" and its translations; Meta, "Catalog fields"; Shopify,
"Product CSV columns" (both generations); WooCommerce, "Product CSV Import Schema"; Yandex Market Language.
"""

import re
import unicodedata
from functools import lru_cache

# What a file must have for its products to be told apart and named.
IDENTITY = ("id", "sku", "address")  # the first of these that the first row has is the id

_NAMES: dict[str, str] = {
    "id": (
        "id|item id|product id|offer id|unique id|identifier|retailer id|external id|article id|produkt id|"
        "artikel id|identifiant|id produit|identificador|id producto|id produto|id prodotto|идентификатор|"
        "id товара|المعرف|商品id|产品id"
    ),
    "sku": (
        "sku|variant sku|product sku|item number|item no|article number|product code|product number|"
        "catalog number|artikelnummer|artikel nr|art nr|bestellnummer|reference|ref|référence produit|"
        "referencia|código|codigo producto|codice articolo|codice|varenummer|varenr|tuotenumero|"
        "numer katalogowy|kod produktu|артикул|код товара|vendor code|stok kodu|ürün kodu|kód|cikkszám|"
        "رمز المنتج|货号|品番|상품코드"
    ),
    "group": "item group id|group id|parent id|variant group id|variant group|handle|url handle|parent product id",
    "title": (
        "title|name|product name|product title|item name|item title|titel|bezeichnung|produktname|"
        "artikelname|artikelbezeichnung|produktbezeichnung|produkttitel|titre|nom|nom du produit|désignation|"
        "título|nombre|nombre del producto|nome|nome do produto|titolo|nome prodotto|naam|productnaam|nazwa|"
        "nazwa produktu|tytuł|название|наименование|название товара|назва|başlık|ürün adı|navn|produktnavn|"
        "produktnamn|namn|benämning|nimi|tuotenimi|název|názov|denumire|megnevezés|العنوان|اسم المنتج|商品名|"
        "商品名称|产品名称|标题|제품명|상품명|タイトル"
    ),
    "description": (
        "description|product description|long description|body html|body|details|beschreibung|"
        "produktbeschreibung|artikelbeschreibung|description du produit|descripción|descrição|descrizione|"
        "beschrijving|opis|описание|опис|açıklama|beskrivelse|beskrivning|kuvaus|popis|descriere|leírás|"
        "الوصف|描述|商品描述|説明|商品説明|설명"
    ),
    "short_description": (
        "short description|excerpt|summary|kurzbeschreibung|description courte|descripción corta|"
        "descrizione breve|krótki opis|краткое описание|teaser"
    ),
    "address": (
        "link|url|product url|product link|item link|address|permalink|deep link|product page|canonical link|"
        "produkt url|produktlink|lien|lien produit|url produit|url du produit|enlace|vínculo|link do produto|"
        "link prodotto|odkaz|ссылка|посилання|bağlantı|ürün linki|رابط|الرابط|链接|商品链接|リンク|링크"
    ),
    "picture": (
        "image link|image|image url|picture|picture url|photo|photo url|img|img url|image src|images|"
        "pictures|photos|main image|product image|product image url|featured image|bild|bild url|bildlink|"
        "bilder|bildadresse|lien image|lien d image|url image|imagen|enlace imagen|vínculo de imagen|"
        "url imagen|imágenes|imagem|link da imagem|immagine|link immagine|immagini|afbeelding|"
        "afbeeldingslink|zdjęcie|zdjęcia|link do zdjęcia|картинка|изображение|изображения|"
        "ссылка на изображение|фото|зображення|resim|görsel|resim linki|billede|billedlink|bildlänk|kuva|"
        "obrázek|obrázok|imagine|kép|رابط الصورة|الصورة|图片|图片链接|画像|画像リンク|이미지"
    ),
    "more_pictures": (
        "additional image link|additional image links|additional image url|additional image urls|"
        "additional images|more images|other images|gallery|weitere bilder|zusätzlicher bildlink|"
        "images supplémentaires|imágenes adicionales|additional picture urls|"
        "дополнительные изображения|variant image|variant image url"
    ),
    "price": (
        "price|variant price|item price|product price|selling price|price amount|unit price|preis|"
        "verkaufspreis|vk|bruttopreis|prix|prix ttc|prix de vente|precio|precio de venta|preço|"
        "preço de venda|prezzo|prezzo di vendita|prijs|verkoopprijs|cena|cena brutto|цена|ціна|fiyat|fiyatı|"
        "satış fiyatı|pris|salgspris|hinta|preț|ár|السعر|سعر|价格|售价|価格|가격"
    ),
    "price_minor": "price minor|price cents|price in cents|price minor units|unit amount|amount cents",
    "sale_price": (
        "sale price|special price|discount price|discounted price|promo price|promotional price|"
        "angebotspreis|aktionspreis|sonderpreis|prix promo|prix soldé|prix promotionnel|precio oferta|"
        "precio de oferta|precio rebajado|preço promocional|prezzo scontato|prezzo promozionale|"
        "aanbiedingsprijs|cena promocyjna|цена со скидкой|indirimli fiyat|tilbudspris|kampanjpris|alehinta|"
        "akční cena|سعر البيع|促销价|セール価格|할인가"
    ),
    "list_price": (
        "list price|regular price|compare at price|variant compare at price|msrp|rrp|uvp|original price|"
        "old price|was price|price before discount|retail price|strike price|listenpreis|statt preis|"
        "alter preis|prix barré|ancien prix|precio anterior|precio original|precio normal|preço original|"
        "preço de|prezzo originale|prezzo di listino|adviesprijs|cena katalogowa|stara cena|старая цена|"
        "liste fiyatı|eski fiyat|veiledende pris|原价"
    ),
    "currency": (
        "currency|currency code|price currency|währung|devise|moneda|moeda|valuta|waluta|валюта|para birimi|"
        "currency id|měna|valuutta|العملة|货币|通貨|통화"
    ),
    "availability": (
        "availability|available|in stock|is in stock|stock status|is available|verfügbarkeit|"
        "verfügbar|lieferbar|disponibilité|disponible|disponibilidad|disponibilidade|disponibilità|"
        "beschikbaarheid|op voorraad|dostępność|наличие|в наличии|наявність|stok durumu|"
        "tilgængelighed|tillgänglighet|saatavuus|dostupnost|disponibilitate|التوفر|مدى التوفر|库存状态|"
        "在庫状況|재고상태"
    ),
    "stock": (
        "stock|quantity|qty|inventory|variant inventory qty|inventory quantity|stock quantity|stock level|"
        "available quantity|quantity to sell on facebook|bestand|lagerbestand|menge|quantité|cantidad|"
        "existencias|quantidade|estoque|quantità|giacenza|voorraad|ilość|stan magazynowy|количество|остаток|"
        "кількість|stok|stok adedi|adet|antal|varasto|skladem|数量|库存|在庫|재고"
    ),
    "stock_policy": "variant inventory policy|continue selling when out of stock",
    "brand": (
        "brand|brands|brand name|manufacturer|vendor|maker|marke|hersteller|marque|fabricant|marca|"
        "fabricante|produttore|merk|fabrikant|marka|producent|бренд|производитель|марка|виробник|üretici|"
        "mærke|merkki|značka|výrobce|العلامة التجارية|品牌|ブランド|브랜드"
    ),
    "gtin": (
        "gtin|gtins|ean|eans|upc|barcode|variant barcode|isbn|ean 13|ean code|gtin 8|gtin 12|gtin 13|gtin 14|"
        "jan|gtin upc ean or isbn|global trade item number|strichcode|code barre|code barres|"
        "código de barras|codice a barre|kod ean|штрихкод|barkod|stregkode|streckkod|رقم gtin|条形码|바코드"
    ),
    "product_type": (
        "product type|category|categories|category path|category name|product category|"
        "merchant category|breadcrumb|breadcrumbs|kategorie|kategorien|warengruppe|produkttyp|"
        "catégorie|type de produit|categoría|categorías|kategoria|kategorie produktu|категория|"
        "категорія|kategori|kategoriler|varegruppe|tuoteryhmä|الفئة|分类|类目|カテゴリ|카테고리"
    ),
    "google_category": "google product category|google shopping google product category|fb product category",
    "sale_window": "sale price effective date|sale effective date",
    "sale_starts": "date sale price starts|sale start date|sale starts|special price from date|special from date",
    "sale_ends": "date sale price ends|sale end date|sale ends|special price to date|special to date",
    "published": "published|published on online store|is published",
    "status": "status",
    "visibility": "visibility in catalog|visibility",
    "color": (
        "color|colour|farbe|couleur|colore|kleur|kolor|цвет|колір|renk|farve|färg|väri|barva|اللون|لون|颜色|カラー|색상"
    ),
    "size": (
        "size|größe|taille|talla|tamanho|taglia|maat|rozmiar|размер|розмір|beden|størrelse|storlek|koko|"
        "velikost|الحجم|尺码|サイズ|사이즈"
    ),
    "material": "material|matière|materiale|materiaal|materiał|материал|malzeme|材质|素材",
    "pattern": "pattern|muster|motif|patrón|motivo",
}
# What is the seller's own business: no buyer is shown what a product cost.
_PRIVATE = (
    "cost|cost per item|cost price|purchase price|buying price|wholesale price|cost of goods sold|margin|supplier|"
    "einkaufspreis|ek|prix d achat|precio de costo|costo|inkoopprijs|cena zakupu|закупочная цена|alış fiyatı"
)
PRIVATE = "private"

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SIGNS = re.compile(r"[\W_]+")
_NUMBERED = re.compile(r"(.*?\D)\d{1,2}")
_PREFIX = re.compile(r"^[gc]:")
MAX_NAME = 100


def squash(name: str) -> str:
    """Return a name as names are compared: without case, accents, spaces and signs."""
    spaced = _PREFIX.sub("", _CAMEL.sub(" ", name[:MAX_NAME]).strip().casefold())
    folded = unicodedata.normalize("NFKD", spaced)
    return _SIGNS.sub("", "".join(sign for sign in folded if not unicodedata.combining(sign)))


_FIELDS = {squash(name): field for field, names in _NAMES.items() for name in names.split("|")}
_FIELDS |= {squash(name): PRIVATE for name in _PRIVATE.split("|")}


@lru_cache(maxsize=10_000)
def field_of(name: str) -> str:
    """Return the field that a name means; an empty string if it is not known.

    A numbered name (`Image 2`) is the field's own; a second picture is one of the more pictures.
    """
    squashed = squash(name)
    if squashed in _FIELDS:
        return _FIELDS[squashed]
    numbered = _NUMBERED.fullmatch(squashed)
    field = _FIELDS.get(numbered[1], "") if numbered else ""
    return "more_pictures" if field in ("picture", "more_pictures") else ""
