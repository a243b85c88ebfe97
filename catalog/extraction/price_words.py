"""The words beside a number that tell whether it is a price, and which.

Sources: the labels of the storefront translations of WooCommerce, Shopify and PrestaShop, and schema.org's price types
(ListPrice, SRP, MSRP, SalePrice, MinimumAdvertisedPrice); each entry is a single casefolded word.
"""

from catalog.extraction.word_lists import word_set

# May stand beside a price that carries no currency.
PRICE_WORDS = word_set(
    """
    price prices our now only just from sale special today today's final net gross total incl excl including excluding
    inc ex vat tax gst each per starting at and up new msrp rrp list regular was offer deal as low or cost costs
    preis preise ab nur jetzt inkl zzgl mwst statt uvp angebotspreis sonderpreis einzelpreis gesamt stück bruttopreis
    prix dès à partir de ttc ht seulement promo soldes tarif unitaire public
    precio precios desde ahora solo iva incluido oferta total antes final
    prezzo prezzi da solo ora a partire offerta prodotto
    preço preços por apenas desconto vista à agora
    prijs prijzen vanaf voor nu slechts btw adviesprijs
    pris priser från fra nu nå kun bare endast ord ordinarie førpris nypris moms inkl
    hinta alkaen nyt vain alv norm
    cena ceny od do teraz tylko brutto netto vat cenę jen nyní už dph včetně bez s
    ár ára már csak most
    preț pret doar acum de la cu tva
    цена цены от до всего стоимость руб сейчас только со скидкой
    ціна від лише зараз тільки цена
    цена само сега
    τιμή από μόνο τώρα
    fiyat fiyatı sadece indirimli yerine şimdi kdv dahil
    harga mulai dari hanya giá chỉ từ
    السعر سعر من فقط الان الآن قیمت از فقط
    מחיר רק החל מ
    ราคา เริ่มต้น 価格 税込 税抜 販売価格 定価 特価 円 セール 通常価格 から ~ 가격 판매가 할인가 부터
    价格 售价 促销价 现价 原价
    起 價格 售價 特價 原價 優惠價
    कीमत मूल्य केवल मात्र से
    """
)

# Before a number: a former or recommended price, which is read only where no other is.
FORMER_WORDS = word_set(
    """
    was were before formerly originally previously regular regularly rrp msrp srp list old compare usually orig retail
    instead normally reg
    statt vorher bisher ehemals uvp listenpreis früher alt alter streichpreis ursprünglich ursprünglicher normalpreis
    avant ancien barré conseillé habituel initial
    antes anterior normal habitual
    prima precedente listino anziché invece
    originalmente tabela
    adviesprijs vanvoor oude eerst van
    ordinarie ord førpris før tidligere förr rek veil veiledende vejl
    norm ovh normaalihinta
    przed stara regularna sugerowana katalogowa najniższa
    původní původně běžná moc doporučená pôvodná pôvodne
    eredeti régi
    vechi vechiul
    старая прежняя обычная раньше было рекомендованная
    стара звичайна
    αρχική αρχικη
    eski liste yerine önce
    قبل
    定価 通常価格 原价 原價 市场价 市場價 元値 参考価格 정가 giá_gốc gốc
    """
)

# Before a number: what is saved, shipped, spent or earned; never the price of the product.
OTHER_AMOUNT_WORDS = word_set(
    """
    save saves saving savings saved off over above orders order spend deposit installment installments earn points
    point reward rewards under below minimum
    sparen spare ersparnis versandkosten versand lieferung versandkostenfrei bestellwert pfand anzahlung rate raten
    mindestbestellwert sparst
    économisez économie livraison port
    ahorra ahorras ahorro envío
    risparmi risparmia spedizione
    economize economia frete
    bespaar verzending verzendkosten
    spar sparer frakt fragt
    säästä toimitus
    taniej oszczędzasz oszczędź dostawa wysyłka
    ušetříte doprava ušetríte
    megtakarítás szállítás
    economisești livrare transport
    экономия выгода доставка
    економія
    κέρδος
    kazanç kargo
    توصيل
    節約 送料 ポイント 节省 运费 立减 배송비 적립
    """
)

# Before or behind a number: by how much a price is reduced, or what is added to it.
REDUCTION_WORDS = word_set(
    """
    off saved discount coupon voucher rebate cashback shipping delivery postage points
    gespart rabatt gutschein versand versandkosten
    remise réduction
    descuento cupón dto
    sconto
    desconto
    korting
    rabat
    alennus
    rabatu zniżka zniżki
    sleva slevy zľava
    kedvezmény
    reducere
    скидка скидки бонусов баллов бонуса бонус кешбэк
    знижка знижки
    έκπτωση
    indirim
    خصم
    オフ 引き 优惠券 折扣 할인 ポイント
    """
)

# `2 for 5`, `3 für 10 €`: the price of several together.
MULTIBUY_WORDS = word_set("for für pour por per za voor för til за на adet x × ×")

# The whole text that means a price of zero.
FREE_TEXTS = frozenset(
    {
        "free", "for free", "free of charge", "gratis", "kostenlos", "umsonst", "gratuit", "gratuite", "gratuito",
        "grátis", "gratuita", "za darmo", "bezpłatnie", "darmowe", "zdarma", "zadarmo", "ingyenes",
        "ingyen",
        "бесплатно", "безкоштовно", "безплатно", "δωρεάν", "ücretsiz", "bedava", "مجاني", "مجانا", "رایگان", "חינם",
        "無料", "免费", "免費", "무료", "ฟรี", "miễn phí", "ilmainen", "ilmaiseksi", "brezplačno", "besplatno", "tasuta",
        "nemokamai", "bezmaksas", "मुफ्त", "मुफ़्त",
    }
)  # fmt: skip

# Behind a number: thousands and more, by which it is multiplied.
MULTIPLES = {
    "lakh": 10**5, "lakhs": 10**5, "lac": 10**5, "लाख": 10**5, "crore": 10**7, "crores": 10**7, "करोड़": 10**7,
    "тыс": 10**3, "тыс.": 10**3, "тис": 10**3, "тис.": 10**3, "tys.": 10**3, "tys": 10**3, "млн": 10**6, "mln": 10**6,
    "mio": 10**6, "mio.": 10**6, "million": 10**6, "juta": 10**6, "jt": 10**6, "ribu": 10**3, "rb": 10**3,
    "triệu": 10**6, "nghìn": 10**3, "ngàn": 10**3, "万": 10**4, "萬": 10**4, "만": 10**4, "億": 10**8, "亿": 10**8,
    "천": 10**3, "千": 10**3, "هزار": 10**3, "میلیون": 10**6, "ألف": 10**3,
}  # fmt: skip
