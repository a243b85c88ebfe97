"""Availability: markup's words, and what shops say to buyers in many languages."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.extraction.availability import parse_availability
from catalog.extraction.availability_words import PHRASES

MARKUP = {
    "InStock": [
        "InStock", "https://schema.org/InStock", "http://schema.org/InStock", "schema.org/InStock", "schema:InStock",
        "https://schema.org/instock", "http://www.schema.org/InStock", "https://schema.org/InStock/", " InStock ",
        "https://schema.org/LimitedAvailability", "https://schema.org/OnlineOnly", "https://schema.org/InStoreOnly",
        "https://schema.org/MadeToOrder", "in stock", "in_stock", "in-stock", "instock", "IN STOCK", "available",
        "available for order", "limited availability", "onlineonly", "low_stock",
        '<link itemprop="availability" href="https://schema.org/InStock">',
    ],
    "OutOfStock": [
        "OutOfStock", "https://schema.org/OutOfStock", "http://schema.org/SoldOut", "https://schema.org/Discontinued",
        "https://schema.org/Reserved", "out of stock", "out_of_stock", "out-of-stock", "outofstock", "oos", "sold out",
        "sold_out", "SoldOut", "discontinued", "unavailable", "not available",
    ],
    "PreOrder": [
        "PreOrder", "https://schema.org/PreOrder", "https://schema.org/PreSale", "https://schema.org/BackOrder",
        "preorder", "pre-order", "pre order", "backorder", "back_order", "onbackorder", "available on backorder",
    ],
}  # fmt: skip

VISIBLE = {
    "InStock": [
        "In stock", "In Stock - ships today", "10 in stock", "Only 3 left", "Only 3 left in stock", "5 left",
        "Availability: In stock", "Ready to ship", "Usually ships within 24 hours", "Low stock", "Available now",
        "Almost sold out", "not sold out", "In stock. Not available in store", "In stock online, unavailable in stores",
        "Auf Lager", "Sofort lieferbar", "Sofort verfügbar, Lieferzeit 1-3 Tage", "vorrätig", "Nur noch 2 Stück",
        "Lieferzeit: 2-3 Tage", "lagernd", "versandfertig in 24h", "ab Lager lieferbar", "nicht ausverkauft",
        "En stock", "Disponible", "Plus que 3 en stock", "Expédié sous 24h", "Disponible immédiatement", "Stock faible",
        "en existencia", "Disponible en 24 horas", "Quedan 3 unidades", "Últimas unidades", "Entrega inmediata",
        "Disponibile", "Disponibilità immediata", "Pronta consegna", "Ultimi pezzi",
        "Em estoque", "Disponível", "Pronta entrega", "Em stock", "Restam 2",
        "Op voorraad", "Direct leverbaar", "Nog 3 op voorraad", "beschikbaar",
        "I lager", "Finns i lager", "Skickas inom 1-2 dagar", "På lager", "På lager (5 stk)", "Tilgængelig",
        "Tilgjengelig", "Varastossa", "Heti toimitettavissa", "Saatavilla",
        "Dostępny", "W magazynie", "Produkt dostępny", "Wysyłka w 24h", "Skladem", "Skladem > 5 ks", "Dostupné",
        "Skladom", "Raktáron", "Készleten", "În stoc", "Disponibil", "В наличност", "Na stanju", "Na zalogi",
        "Διαθέσιμο", "Άμεσα διαθέσιμο", "ΔΙΑΘΕΣΙΜΟ", "Stokta", "STOKTA VAR", "Mevcut",
        "В наличии", "Есть в наличии", "в наличии: 5 шт.", "Осталось 3 шт.", "мало", "В наявності", "Є в наявності",
        "Yra sandėlyje", "Ir noliktavā", "Laos olemas", "متوفر", "متوفر في المخزون", "موجود", "במלאי", "זמין במלאי",
        "स्टॉक में है", "उपलब्ध", "มีสินค้า", "พร้อมส่ง", "Còn hàng", "Tersedia", "Stok tersedia",
        "在庫あり", "残りわずか", "即納", "재고 있음", "품절임박", "有货", "现货", "有現貨", "仅剩3件",
    ],
    "OutOfStock": [
        "Out of stock", "Currently unavailable", "Temporarily out of stock", "Sold out", "No longer available",
        "Not available", "Not currently available", "This item is not in stock", "0 in stock", "In stock: 0",
        "0 items available", "In stock: no", "Notify me when available", "Back in stock soon", "Coming back soon",
        "Dostępne szt. 0 szt.", "Available (0)",
        "Discontinued", "Out of stock. Notify me when back in stock", "isn't available",
        "Nicht auf Lager", "Ausverkauft", "Nicht verfügbar", "Derzeit nicht lieferbar", "nicht mehr lieferbar",
        "Leider ausverkauft", "Vergriffen", "Verfügbar: nein", "0 Stück auf Lager", "Kein Bestand",
        "Benachrichtigen, sobald verfügbar",
        "Épuisé", "EPUISE", "Rupture de stock", "En rupture", "Indisponible", "Non disponible", "Plus disponible",
        "N'est plus disponible", "Bientôt disponible", "Victime de son succès", "pas en stock",
        "Agotado", "Sin stock", "No disponible", "No está disponible", "Sin existencias", "Fuera de stock",
        "Esaurito", "Non disponibile", "Non più disponibile", "non è disponibile", "Avvisami quando disponibile",
        "Esgotado", "Indisponível", "Não disponível", "Não está disponível", "Sem estoque", "Avise-me quando chegar",
        "Niet op voorraad", "Uitverkocht", "Niet leverbaar", "Tijdelijk uitverkocht", "niet beschikbaar",
        "Slut i lager", "Ej i lager", "Slutsåld", "Finns ej i lager", "Udsolgt", "Ikke på lager", "Utsolgt",
        "Ikke tilgjengelig", "Ei varastossa", "Loppuunmyyty", "Ei saatavilla", "Loppu",
        "Niedostępny", "Produkt niedostępny", "Brak w magazynie", "Wyprzedane", "brak", "nie jest dostępny",
        "Vyprodáno", "Není skladem", "Nedostupné", "Vypredané", "Nie je skladom", "Nincs raktáron", "Elfogyott",
        "Nem elérhető", "Stoc epuizat", "Indisponibil", "Nu este în stoc", "Няма в наличност", "Изчерпан",
        "Nije dostupno", "Rasprodano", "Nema na stanju", "Ni na zalogi", "Εξαντλημένο", "Μη διαθέσιμο",
        "Δεν είναι διαθέσιμο", "Stokta yok", "Tükendi", "TÜKENDİ", "Mevcut değil",
        "Нет в наличии", "Товара нет в наличии", "Распродано", "не доступен", "Отсутствует", "В наличии: нет",
        "Снят с производства", "Ожидается поступление", "Сообщить о поступлении", "Немає в наявності", "Закінчився",
        "Nėra sandėlyje", "Išparduota", "Nav pieejams", "Laost otsas", "غير متوفر", "نفذت الكمية", "غير متاح",
        "ناموجود", "موجود نیست", "אזל מהמלאי", "לא במלאי", "स्टॉक में नहीं", "उपलब्ध नहीं", "สินค้าหมด", "ไม่มีสินค้า",
        "Hết hàng", "Tạm hết hàng", "Stok habis", "Tidak tersedia", "Habis",
        "在庫切れ", "在庫なし", "売り切れ", "品切れ", "完売しました", "再入荷お知らせ", "품절", "일시품절", "재고 없음",
        "缺货", "无货", "已售完", "售罄", "缺貨", "無庫存", "暂无库存", "到货通知",
    ],
    "PreOrder": [
        "Pre-order now", "Preorder: ships in May", "Available for pre-order", "Coming soon", "On backorder",
        "Available from 12 May", "Out of stock. Pre-order now", "Vorbestellbar", "Jetzt vorbestellen",
        "Lieferbar ab 12.05.", "Précommande", "En précommande", "Disponible à partir du 3 mai", "Sur commande",
        "Preventa", "Bajo pedido", "Preordina ora", "In arrivo", "Pré-venda", "Sob encomenda", "Förhandsboka",
        "Beställningsvara", "Forudbestil", "Ennakkotilaa", "Przedsprzedaż", "Na zamówienie",
        "Na objednanie do 4 dní", "Předobjednávka",
        "Előrendelhető", "Precomandă", "Предзаказ", "Под заказ", "Передзамовлення", "По поръчка", "Κατόπιν παραγγελίας",
        "Ön sipariş", "طلب مسبق", "הזמנה מוקדמת", "สั่งจองล่วงหน้า", "Đặt trước", "予約受付中", "お取り寄せ", "예약판매",
        "预售", "預購",
    ],
}  # fmt: skip

NOTHING = [
    "", " ", "true", "1", "yes", "12.99 €", "Add to cart", "In den Warenkorb", "Available in 3 colours", "Shipping",
    "Check availability in store", "https://schema.org/Product", "https://schema.org/NewCondition", "stockings",
    "Not available in store",
    "Standard delivery available", "unknown", "null", "N/A", "lagerung", "disponibilité", "Available sizes: S, M, L",
    "S: in stock | M: sold out", "Delivery", "stockholm", "Product description", "Brand new",
]  # fmt: skip

CASES = [(text, meaning) for table in (MARKUP, VISIBLE) for meaning, texts in table.items() for text in texts] + [
    (text, None) for text in NOTHING
]


@pytest.mark.parametrize(("text", "meaning"), CASES)
def test_an_availability_is_what_the_text_says(text: str, meaning: str | None) -> None:
    assert parse_availability(text) == meaning


def test_the_table_holds_two_hundred_texts_and_the_words_twenty_languages() -> None:
    assert len(CASES) >= 200
    assert len(PHRASES) >= 20


@pytest.mark.parametrize("language", PHRASES)
def test_each_phrase_means_its_own_column(language: str) -> None:
    """A phrase of one language is no phrase of another meaning in another."""
    meanings = ("InStock", "OutOfStock", "PreOrder")
    wrong = [
        (phrase, parse_availability(phrase))
        for column, meaning in zip(PHRASES[language], meanings, strict=True)
        for phrase in column.replace("*", "").split("|")
        if parse_availability(phrase) != meaning
    ]

    assert wrong == []


@settings(max_examples=200, deadline=None)
@given(
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60)
    | st.lists(st.sampled_from([text for text, _ in CASES]), max_size=5).map(" ".join)
)
def test_any_text_means_something_or_nothing(text: str) -> None:
    assert parse_availability(text) in ("InStock", "OutOfStock", "PreOrder", None)


@pytest.mark.parametrize("piece", ["a", "not ", "not a b ", "0 ", "in stock ", "ﷺ", ". ", "在庫", "-", "schema.org/"])
def test_a_million_characters_take_no_time(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    started = time.process_time()

    parse_availability(text)

    assert time.process_time() - started < 1
