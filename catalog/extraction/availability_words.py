"""How shops say that a product is there, is not there, or can be ordered ahead.

Machine words: schema.org ItemAvailability, Google Merchant Center and Meta catalog feeds ("availability"), WooCommerce
(`stock_status`), Shopify, Magento, PrestaShop, OpenCart and BigCommerce.
Phrases: the stock labels in the translations of WooCommerce, PrestaShop, Magento and OpenCart, and the wording of large
shops in each language. A `*` ends a stem: any ending may follow.
"""

from catalog.extraction.word_lists import word_set

MACHINE_IN_STOCK = word_set(
    "instock available availablefororder availableinstock limitedavailability limitedstock lowstock "
    "onlineonly instoreonly madetoorder instocklimited onstock onhand purchasable orderable availablenow "
    "instoreandonline"
)
MACHINE_OUT_OF_STOCK = word_set(
    "outofstock oos soldout discontinued unavailable notavailable nostock stockout notinstock reserved "
    "notforsale endoflife temporarilyoutofstock temporarilyunavailable currentlyunavailable"
)
MACHINE_PREORDER = word_set(
    "preorder preordered presale backorder onbackorder backordered availableonbackorder comingsoon"
)

# language: (in stock, out of stock, to be ordered ahead), phrases separated by a bar
PHRASES: dict[str, tuple[str, str, str]] = {
    "en": (
        "in stock|available|ready to ship|ready for dispatch|ships in|ships within|ships today|usually ships|"
        "dispatched within|low stock|limited stock|last one|few left|left in stock|almost gone|selling fast|"
        "made to order",
        "out of stock|sold out|unavailable|no stock|no longer available|no longer sold|discontinued|"
        "currently unavailable|notify me|email me|back in stock|back soon|coming back|in stock soon|"
        "temporarily out|stock: none|nil stock|all gone|not for sale|waitlist|waiting list|stock exhausted|"
        "item has ended|stock expected|awaiting stock|no longer stocked|available soon|not yet available",
        "preorder|pre order|backorder*|back order*|coming soon|special order|expected on",
    ),
    "de": (
        "auf lager|lieferbar|verfugbar|vorratig|lagernd|versandfertig|versandbereit|sofort versand*|"
        "nur noch wenige|geringer bestand|letzte exemplare|am lager|versand innerhalb|wenige stuck",
        "ausverkauft|vergriffen|nicht mehr|derzeit nicht|momentan nicht|zurzeit nicht|nicht auf lager|"
        "kein bestand|benachrichtig*|wieder verfugbar|bald verfugbar|wieder lieferbar|bald wieder|"
        "auslaufartikel|nicht bestellbar|leider nicht|fehlt am lager|unverfugbar",
        "vorbestell*|vorbestellbar|vormerken|nachbestellt|im zulauf|auf bestellung",
    ),
    "fr": (
        "en stock|disponible|disponibles|expedie sous|expedition sous|livrable|derniers articles|stock limite|"
        "pret a etre expedie|derniere piece|dernieres pieces|stock faible",
        "epuise|epuisee|epuises|epuisees|en rupture|rupture de stock|indisponible|hors stock|victime de son succes|"
        "plus disponible|bientot disponible|m'alerter|me prevenir|prevenez moi|alerte stock|n'est plus|"
        "de retour en stock|bientot de retour|en rupture de stock",
        "precommande*|pre commande*|en precommande|sur commande|en cours de reapprovisionnement|a paraitre",
    ),
    "es": (
        "en stock|disponible|disponibles|hay existencias|con existencias|ultimas unidades|quedan|"
        "en existencia|envio inmediato|listo para enviar|ultimos articulos|entrega inmediata|con stock|"
        "hay stock",
        "agotado|agotada|agotados|sin stock|sin existencias|fuera de stock|fuera de existencias|indisponible|"
        "avisame|avisarme|notificarme|proximamente disponible|pronto disponible|descatalogado|no quedan|"
        "producto no disponible",
        "preventa|pre venta|preorden|bajo pedido|proximo lanzamiento|por encargo|reserva ahora|reservar ahora",
    ),
    "it": (
        "disponibile|disponibili|disponibilita immediata|in magazzino|pronta consegna|ultimi pezzi|"
        "ultimi articoli|spedito in|pronto per la spedizione|in stock",
        "esaurito|esaurita|esauriti|non disponibile|non piu|fuori catalogo|avvisami|fuori produzione|"
        "indisponibile|presto disponibile|di nuovo disponibile|fuori stock|sold out",
        "preordin*|pre ordin*|prenotabile|prenota ora|su ordinazione|in arrivo|prevendita",
    ),
    "pt": (
        "em estoque|em stock|disponivel|disponiveis|pronta entrega|ultimas unidades|restam|em armazem|envio imediato",
        "esgotado|esgotada|indisponivel|sem estoque|sem stock|fora de estoque|avise me|avisar me|"
        "produto indisponivel|descontinuado|em breve disponivel|fora de stock|me avise",
        "pre venda|prevenda|pre encomenda|sob encomenda|lancamento em|reserve ja|por encomenda",
    ),
    "nl": (
        "op voorraad|leverbaar|voorradig|beschikbaar|uit voorraad|direct leverbaar|laatste stuks|nog maar|"
        "op werkdagen besteld",
        "uitverkocht|niet meer|niet op voorraad|niet leverbaar|geen voorraad|niet voorradig|"
        "houd me op de hoogte|tijdelijk uitverkocht|weer op voorraad|uit assortiment|binnenkort leverbaar|"
        "binnenkort beschikbaar|onbeschikbaar|mail mij",
        "pre order|voorbestel*|in backorder|nabestelling|op bestelling|reserveer nu",
    ),
    "sv": (
        "i lager|finns i lager|tillganglig*|pa lager|fa kvar|skickas inom|leveransklar*|lagervara|finns i butik",
        "slut i lager|slutsald*|ej i lager|utsald*|bevaka|finns ej|saknas|utgatt|tillfalligt slut|"
        "ater i lager|otillganglig*",
        "forhandsbok*|forbestall*|bestallningsvara|bestallningsvaror|restnoterad*|kommer snart",
    ),
    "da": (
        "pa lager|tilgaengelig*|fa tilbage|klar til afsendelse|sendes inden for|lagervare",
        "udsolgt|ikke pa lager|ej pa lager|udgaet|giv besked|midlertidigt udsolgt|ikke tilgaengelig*|"
        "tilbage pa lager|utilgaengelig*",
        "forudbestil*|bestillingsvare|restordre|kommer snart",
    ),
    "no": (
        "pa lager|tilgjengelig*|klar for sending|sendes innen|lagervare|fa igjen",
        "utsolgt|ikke pa lager|tomt pa lager|utgatt|varsle meg|gi meg beskjed|midlertidig utsolgt|"
        "ikke tilgjengelig*|tom for lager|utilgjengelig*",
        "forhandsbestill*|forhandsordre|bestillingsvare|restordre|kommer snart",
    ),
    "fi": (
        "varastossa|saatavilla|heti toimitettavissa|toimitetaan heti|saatavana|vain muutama|varastotuote",
        "loppunut|loppuunmyyty|ei varastossa|ei saatavilla|tilapaisesti loppu|ilmoita kun|varasto loppu|poistunut",
        "ennakkotila*|ennakkomyynti|tilaustuote|tulossa",
    ),
    "pl": (
        "w magazynie|dostepn*|na stanie|wysylka w|ostatnie sztuki|gotowe do wysylki|duza ilosc|mala ilosc|"
        "na magazynie|wysylamy w|od reki",
        "niedostepn*|brak w magazynie|brak towaru|wyprzedan*|brak na stanie|brak produktu|chwilowy brak|"
        "powiadom*|wycofan*|nie ma w magazynie",
        "przedsprzedaz*|przedpremier*|zapowiedz|na zamowienie|zamow przed premiera",
    ),
    "cs": (
        "skladem|dostupn*|na sklade|ihned k odeslani|posledni kus*|k dispozici|odesilame ihned",
        "neni skladem|vyprodan*|nedostupn*|docasne nedostupn*|hlidat|ukoncen*|uz neni|neni k dispozici|"
        "momentalne vyprodano",
        "predobjednavk*|predprodej|na objednavku|pripravujeme|ocekavame",
    ),
    "sk": (
        "skladom|dostupn*|na sklade|posledne kus*|k dispozicii|ihned k odoslaniu",
        "nie je skladom|vypredan*|nedostupn*|ukoncen*|strazit|nie je k dispozicii",
        "predobjednavk*|predpredaj|na objednavku|na objednanie|pripravujeme",
    ),
    "hu": (
        "raktaron|keszleten|elerheto|azonnal szallithato|kaphato|utolso darab*|rendelheto|van keszleten",
        "nincs raktaron|nincs keszleten|elfogyott|nem elerheto|nem kaphato|ertesites|nem rendelheto|atmenetileg nem",
        "elorendel*|elojegyez*|rendelesre|hamarosan erkezik",
    ),
    "ro": (
        "in stoc|pe stoc|disponibil|disponibila|stoc limitat|ultimele bucati|livrare imediata|stoc suficient|"
        "ultimul produs",
        "stoc epuizat|epuizat|indisponibil*|nu este in stoc|stoc zero|lipsa stoc|fara stoc|anunta ma|"
        "momentan indisponibil|nu mai este|stoc indisponibil",
        "precomand*|la comanda|in curand",
    ),
    "bg": (
        "в наличност|наличен|налична|налично|на склад|има в наличност",
        "няма в наличност|изчерпан*|не е наличен|не е налична|няма наличност|уведоми ме|неналич*",
        "предварителна поръчка|по поръчка|очаквайте",
    ),
    "hr": (
        "na stanju|dostupn*|na zalihi|na skladistu|raspoloziv*|na lageru|odmah dostupno|na zalogi|na voljo|dobavljiv*",
        "nije dostupn*|nema na stanju|rasprodan*|nedostupn*|nema na zalihi|nije na stanju|ni na zalogi|"
        "razprodan*|ni na voljo|trenutno nedostupn*|nije raspoloziv*|obavijesti me|obavesti me",
        "prednarud*|predbiljez*|po narudzbi|po narucilu|prednarocil*|uskoro",
    ),
    "sr": (
        "на стању|доступно|на лагеру",
        "нема на стању|распродато|недоступно|није на стању",
        "по поруџбини|преднаруџбина",
    ),
    "ru": (
        "в наличии|есть в наличии|на складе|доступен|доступно|доступна|осталось|готов к отправке|"
        "есть на складе|заканчивается|имеется",
        "нет в наличии|отсутств*|распродан*|закончил*|нет на складе|нет в продаже|снят с производства|"
        "снято с производства|недоступ*|сообщить о поступлении|уведомить о|ожидается|скоро в продаже|"
        "временно отсутствует|раскуплен*|снят с продажи|нет товара|не в наличии|товар закончился|"
        "сообщить о наличии",
        "предзаказ*|под заказ|по предзаказу|на заказ|предварительный заказ",
    ),
    "uk": (
        "в наявності|є в наявності|на складі|доступний|доступно|закінчується|готовий до відправлення|"
        "готово до відправки|є на складі",
        "немає в наявності|нема в наявності|закінчився|закінчилась|відсутн*|розпродан*|недоступ*|очікується|"
        "повідомити про|знятий з виробництва|немає на складі|товар закінчився",
        "передзамовлення|під замовлення|попереднє замовлення",
    ),
    "el": (
        "διαθεσιμο|διαθεσιμη|διαθεσιμος|σε αποθεμα|ετοιμοπαραδοτο|αμεσα διαθεσιμο|σε διαθεσιμοτητα|"
        "τελευταια κομματια|παραδοση σε",
        "μη διαθεσιμ*|εξαντλημεν*|εξαντληθηκε|δεν υπαρχει|δεν ειναι διαθεσιμ*|εκτος αποθεματος|ειδοποιησ*|"
        "χωρις αποθεμα|καταργημενο",
        "προπαραγγελια|προ παραγγελια|κατοπιν παραγγελιας|αναμενεται",
    ),
    "tr": (
        "stokta|stokta var|mevcut|son urunler|tukenmek uzere|hemen kargo|stokta mevcut|ayni gun kargo",
        "stokta yok|tukendi|mevcut degil|stok yok|stoklarimizda yok|gelince haber ver|temin edilemiyor|"
        "satista degil|stok disi|stokta kalmadi|stokta bulunm*",
        "on siparis|onsiparis|siparis uzerine|cok yakinda",
    ),
    "lt": (
        "yra sandelyje|turime|sandelyje|prekyboje|yra prekyboje",
        "nera sandelyje|isparduota|neturime|nera prekyboje|laikinai neturime|neprieinam*",
        "isankstin*|pagal uzsakyma",
    ),
    "lv": (
        "ir noliktava|pieejams|pieejama|noliktava|ir pieejams",
        "nav noliktava|nav pieejam*|izpardot*|beidzies",
        "prieksparsutijum*|prieksparsutit|pec pasutijuma|ieprieksejs pasutijums",
    ),
    "et": (
        "laos|laos olemas|saadaval|kohe saadaval",
        "laost otsas|ei ole laos|pole laos|labi muudud|ei ole saadaval|pole saadaval|valja muudud",
        "eeltellimus|ettetellimus|tellimisel",
    ),
    "ar": (
        "متوفر|متوفرة|متاح|في المخزون|متوفر حاليا|متبقي",
        "غير متوفر|غير متوفرة|غير متاح|نفذت الكمية|نفدت الكمية|نفذ من المخزون|نفد من المخزون|نفد المخزون|"
        "نفذ المخزون|انتهت الكمية|غير موجود|أبلغني عند التوفر|أعلمني عند",
        "طلب مسبق|الطلب المسبق|متوفر قريبا|قريبا",
    ),
    "fa": (
        "موجود|موجود است|موجود در انبار|موجود در فروشگاه",
        "ناموجود|موجود نیست|اتمام موجودی|تمام شد|به زودی موجود|خبرم کن|موجود شد خبر",
        "پیش فروش|پیش خرید|پیش سفارش|به زودی",
    ),
    "he": (
        "במלאי|זמין|קיים במלאי|זמין במלאי|יש במלאי|נותרו",
        "אזל|אזל מהמלאי|לא במלאי|אין במלאי|חסר במלאי|לא זמין|אזל המלאי|עדכנו אותי|המלאי אזל",
        "הזמנה מוקדמת|בהזמנה מראש|מכירה מוקדמת|בקרוב",
    ),
    "hi": (
        "स्टॉक में|उपलब्ध|स्टॉक में है|स्टॉक उपलब्ध",
        "स्टॉक में नहीं|उपलब्ध नहीं|अनुपलब्ध|स्टॉक समाप्त|स्टॉक खत्म|बिक गया|आउट ऑफ स्टॉक",
        "प्री ऑर्डर|पूर्व आदेश|जल्द आ रहा",
    ),
    "bn": (
        "স্টকে আছে|স্টকে",
        "স্টক নেই|স্টকে নেই|স্টক শেষ|স্টক আউট",
        "প্রি অর্ডার",
    ),
    "th": (
        "มีสินค้า|พร้อมส่ง|มีในสต็อก|มีของ|สินค้าพร้อมส่ง|เหลือ",
        "สินค้าหมด|หมดสต็อก|ไม่มีสินค้า|ของหมด|หมดแล้ว|ไม่พร้อมจำหน่าย|เลิกผลิต",
        "สั่งจองล่วงหน้า|พรีออเดอร์|สั่งจอง",
    ),
    "vi": (
        "con hang|co san|san hang|san sang giao",
        "het hang|tam het hang|ngung kinh doanh|khong con hang|da ban het|chay hang|ngung ban|ngung san xuat",
        "dat truoc|dat hang truoc|sap co hang|sap ve hang|hang sap ve",
    ),
    "id": (
        "tersedia|stok tersedia|ready stock|stok ada|siap dikirim|stok terbatas|ada stok|dalam stok",
        "stok habis|tidak tersedia|stok kosong|habis terjual|kehabisan stok|tiada stok|telah habis",
        "pra pesan|prapesan",
    ),
    "ja": (
        "在庫あり|在庫有|在庫有り|在庫◯|在庫○|在庫残少|残りわずか|残り僅か|在庫わずか|在庫僅少|即納|即日発送|"
        "購入可能|販売中|在庫がございます|当日発送|通常配送",
        "在庫切れ|在庫なし|在庫無し|在庫×|在庫✕|売り切れ|売切れ|売切|品切れ|品切|完売|販売終了|"
        "在庫がありません|在庫はありません|在庫がございません|再入荷|入荷待ち|取扱終了|生産終了|欠品|"
        "販売しておりません|購入できません|取り扱いできません|在庫 なし|在庫ゼロ",
        "予約受付中|予約商品|予約販売|ご予約|予約注文|取り寄せ|取寄|発売予定|近日発売|受注生産",
    ),
    "ko": (
        "재고 있음|재고있음|구매 가능|구매가능|즉시 배송|당일발송|당일 발송|판매중|판매 중|남은 수량|품절임박|"
        "품절 임박|재고 보유|바로 구매",
        "품절|일시품절|재고 없음|재고없음|판매종료|판매 종료|단종|재입고|구매 불가|구매불가|매진|판매중지|"
        "판매 중지|재고 부족",
        "예약판매|예약 판매|예약구매|사전예약|사전 예약|출시 예정|예약주문",
    ),
    "zh": (
        "有货|现货|有現貨|有貨|現貨|有库存|有庫存|库存充足|庫存充足|库存紧张|可购买|仅剩|僅剩|尚有庫存|"
        "貨源充足|立即发货|在庫中|尚有存貨",
        "缺货|缺貨|无货|無貨|无现货|無現貨|售罄|售完|已售完|卖完|賣完|断货|斷貨|补货|補貨|下架|无库存|無庫存|"
        "暂无|暫無|没货|沒貨|到货通知|到貨通知|貨到通知|貨到通知我|停产|停產|停售|库存不足|庫存不足|没有货|"
        "沒有貨|没有库存|沒有庫存|不可售|已抢光|抢光|不售|完售",
        "预售|預售|预订|預訂|预购|預購|即将上市|即將上市|期货",
    ),
}

# Before a phrase of the first column (two words may stand between), it turns into its contrary.
NEGATIONS = word_set(
    "not no non never without isn't aren't nicht kein keine keinen nie pas ne n'est sin sem nao niet "
    "geen ej inte ikke ei eivat pole nie nije neni ni nem nincs nu fara nav nera ne nema не нет няма нема "
    "немає без μη μην δεν yok degil غير לא אין khong tidak bukan tiada"
)
# Behind it, as the answer to a label: `In stock: no`.
DENIALS = word_set(
    "no none nein non nej nei nie ne nem nao нет ні не όχι yok hayir false 0 ei ingen keine keiner لا nee"
)

# A clause about these is of a branch of the shop; the clause on the delivery says more.
BRANCHES = word_set(
    "store stores store's shop shops pickup collect collection showroom filiale filialen abholung markt "
    "abholbar magasin magasins retrait tienda tiendas recogida negozio negozi ritiro loja lojas winkel "
    "winkels butik butiker butikk butikker afhaalpunt sklep sklepie sklepach salon odbior prodejne prodejna "
    "самовывоз магазине магазинах самовивіз magaza"
)

# Said of nothing but a product when they are all that is said.
ALONE_IN_STOCK = word_set("мало много достаточно vorhanden")
ALONE_OUT_OF_STOCK = word_set("brak slut loppu otsas нет vendu rupture terminato kifutott habis kosong нема немає")

# Nearly gone is there still, and so is what is not sold out.
STILL_THERE = (
    r"\b(?:not|never|isn't|nicht|non|pas|ikke|inte|niet|almost|nearly|soon|selling|fast|bald|bientot|presque|quasi|casi|"
    r"quase|bijna|nastan|naesten|nesten)(?: yet| noch)? (?:sold out|out of stock|ausverkauft|vergriffen|esaurito|"
    r"epuise|udsolgt|utsolgt|slutsald|uitverkocht|agotado|esgotado|out)\b|품절 ?임박"
)

# What follows is not so yet.
CONDITIONS = (
    r"\b(?:when|once|as soon as|if|until|sobald|wenn|falls|bis|zodra|lorsque|des que|quand|si|cuando|quando|appena|nar|"
    r"gdy|jakmile|az bude|ked bude|когда|если|как только|коли|якщо)\b.*"
)

# Something else can be had: a service, a choice.
OTHER_THINGS = (
    r"\b(?:delivery|shipping|pickup|click and collect|financ(?:e|ing)|installation|warranty|assembly|gift wrap|"
    r"lieferung|finanzierung|livraison|entrega|envio|spedizione|доставка|рассрочка|raty|dostawa) "
    r"(?:is |are |now |also |ist |est |esta |e )?(?:available|verfugbar|disponible|disponivel|disponibile|доступна|"
    r"dostepn\w+)"
)

# A day from which it can be had.
DATED = (
    r"(?:available|lieferbar|verfugbar|disponible|disponibile|disponivel|leverbaar|beschikbaar|disponibil) "
    r"(?:from|on|ab(?: dem)?|a partir (?:du|del?|de)|des le|desde(?: el)?|dal?|vanaf|op|de la) \d"
)

# A number of pieces that are left.
COUNTED = (
    r"only (?:a )?N|N (?:items? |pieces? |units? |pcs\.? )?left|nur noch N|noch N stuck|plus que N|il ne reste que|"
    r"quedan N|solo quedan|ultim[oaei]s? N|restam N|осталось N|залишилось N|nog N|zbyva N|zostal\w* N|pozostal\w* N|"
    r"残り ?N|剩余? ?N|仅剩|남은 수량|lieferzeit:? (?:ca\.? ?)?N|N stuck (?:auf lager|verfugbar|vorratig)|son N urun|"
    r"con N san pham|kun N|endast N|bare N"
).replace("N", r"[1-9]\d*")
