"""Words that addresses, links and blocks of shops use, in the languages of the shops that Souk meets first.

Source: gathered by hand from the default paths, class names and texts of the common shop systems (WooCommerce, Magento,
PrestaShop, Shopware, OpenCart, BigCommerce, osCommerce, Ecwid) and of their translations, and from schema.org and
WAI-ARIA. A word stands here only if shops in general use it; none was added for one shop. All are in lower case.
"""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# A path's step that says: what follows is one product.
PRODUCT_STEPS = _words(
    "product products prod dp gp p pd pi ip item items itm listing good goods sku artikel article-detail detail "
    "details "
    "produkt produkte produkty produkter produit produits fiche-produit producto productos prodotto prodotti scheda "
    "produto produtos tovar tovary towar towary urun urunler catalog-product product-page product-detail productdetail "
    "product_info productpage shop-item store-item merch"
)
# A path's step that says: what follows is a list of products.
LIST_STEPS = _words(
    "category categories cat c ct collection collections department departments browse shop-by "
    "product-category product-categories productcategory product_cat kategorie kategorien warengruppe rayon rayons "
    "categoria categorias categorie collezioni colecciones colecao colecoes kategoria kategorie-produktu kategori "
    "kategoriler koleksiyon kategoriya brand brands marque marques marke marken marca marcas manufacturer "
    "product-tag tag tags group groups section sections plp listing-page taxons t"
)
# A step of a path, or a whole link text, that leads to no products.
CONTENT_STEPS = _words(
    "pages info information blog blogs news press magazine magazin journal stories story article articles post posts "
    "author recipes lookbook "
    "cart basket bag checkout warenkorb kasse panier commande carrito cesta carrello carrinho winkelwagen winkelmand "
    "koszyk korzina sepet login log-in logout signin sign-in signup sign-up register registration account my-account "
    "myaccount customer profile konto mein-konto compte mon-compte cuenta mi-cuenta conta minha-conta hesabim "
    "anmelden registrieren connexion inscription iniciar-sesion accedi entrar inloggen zaloguj giris password "
    "wishlist wish-list favorites favourites favoris merkzettel wunschliste compare comparison vergleich "
    "terms terms-of-service terms-and-conditions conditions agb cgv cgu legal impressum imprint mentions-legales "
    "privacy privacy-policy datenschutz confidentialite privacidad cookies cookie-policy gdpr policy policies "
    "shipping delivery versand livraison envio envios spedizioni verzending dostawa returns return retoure refund "
    "refunds widerruf contact contact-us contacts kontakt contacto contatti contato iletisim about about-us ueber-uns "
    "uber-uns a-propos quienes-somos chi-siamo sobre-nos over-ons o-nas o-kompanii hakkimizda company team careers "
    "career jobs stellenangebote emploi investors faq faqs help hilfe aide ayuda aiuto ajuda pomoc yardim support "
    "service customer-service kundenservice size-guide stores store-locator store-finder filialen magasins tiendas "
    "newsletter subscribe gift-card-balance track tracking order-status orders sitemap feed rss search suche recherche "
    "buscar cerca busca zoeken szukaj poisk ara calendar events event kalender forum community reviews review rating "
    "wp-admin wp-login admin ajax api rest graphql cdn-cgi unsubscribe affiliate affiliates partner partners wholesale "
    "testimonials gallery video videos download downloads accessibility feedback payment zahlung paiement pago"
)
HOME_TEXTS = _words("home startseite accueil inicio início главная anasayfa الرئيسية") | {"home page", "strona główna"}
CONTENT_TEXTS = {
    "blog", "cart", "login", "log in", "sign in", "sign up", "my account", "contact", "contact us", "about us", "about",
    "wish list",
    "warenkorb", "mein konto", "anmelden", "kontakt", "über uns", "panier", "mon compte", "connexion", "à propos",
    "carrito", "mi cuenta", "iniciar sesión", "contacto", "quiénes somos", "carrello", "accedi", "contatti",
    "chi siamo",
    "carrinho", "minha conta", "entrar", "contato", "sobre nós", "winkelwagen", "inloggen", "over ons", "koszyk",
    "zaloguj się", "moje konto", "o nas", "корзина", "войти", "контакты", "о нас", "о компании", "доставка", "оплата",
    "sepet", "sepetim", "giriş yap", "iletişim", "hakkımızda", "السلة", "تسجيل الدخول", "اتصل بنا", "من نحن", "help",
    "faq",
    "hilfe", "aide", "ayuda", "aiuto", "ajuda", "pomoc", "yardım", "помощь", "مساعدة", "skip to content", "search",
}  # fmt: skip
# Words for "all of these": such a link names no category of its own.
ALL_TEXTS = _words("all alle tout toutes todo todos todas tutto tutti tudo alles wszystkie все tümü الكل") | {
    "view all", "shop all", "see all", "show all", "all products", "alle anzeigen", "alle ansehen", "alle produkte",
    "voir tout", "tous les produits", "ver todo", "ver todos", "todos los productos", "vedi tutto", "vedi tutti",
    "tutti i prodotti", "ver tudo", "todos os produtos", "bekijk alles", "alles bekijken", "alle producten",
    "zobacz wszystkie", "wszystkie produkty", "смотреть все", "все товары", "tümünü gör", "tüm ürünler", "عرض الكل",
    "كل المنتجات",
}  # fmt: skip
NEXT_TEXTS = _words("next › » > >> → weiter nächste suivant suivante siguiente successivo próximo próxima volgende") | {
    "next page", "next »", "next ›", "next >", "next →", "nächste seite", "page suivante", "suivant »", "siguiente »",
    "página siguiente", "pagina successiva", "próxima página", "volgende pagina", "następna", "następna strona",
    "dalej", "далее", "следующая", "вперед", "вперёд", "sonraki", "التالي", "older", "older products",
}  # fmt: skip
MORE_TEXTS = frozenset({
    "load more", "show more", "view more", "see more", "more products", "load more products", "mehr laden",
    "mehr anzeigen", "weitere laden", "charger plus", "voir plus", "afficher plus", "cargar más", "ver más",
    "mostrar más", "carica altri", "mostra altri", "carregar mais", "ver mais", "meer laden", "toon meer",
    "załaduj więcej", "pokaż więcej", "показать еще", "показать ещё", "загрузить еще", "загрузить ещё",
    "daha fazla", "daha fazla göster", "عرض المزيد", "تحميل المزيد",
})  # fmt: skip
# What stands after the number of products that a list says it has.
PRODUCT_COUNTS = (
    "products?|items?|results?|produkte?n?|artikel|ergebnisse|produits?|articles?|résultats?|productos?|artículos?|"
    "resultados?|prodotti|articoli|risultati|produtos?|producten|resultaten|produkt(?:y|ów)|товар(?:а|ов)?|ürün|"
    "منتج(?:ات)?"
)
# Words in the class, id or role of a block.
CATEGORY_BLOCKS = _words(
    "subcategory subcategories subcat subcats subcategorylist categories unterkategorien rubriques"
)
OUTER_BLOCKS = _words("nav navigation navbar menu megamenu footer breadcrumb breadcrumbs offcanvas minicart")
RELATED_BLOCKS = _words(
    "related recommended recommendation recommendations recommends upsell upsells crosssell crosssells recent recently "
    "viewed similar bestseller bestsellers trending alsobought alsolike minicart cartdrawer widget"
)
FACET_BLOCKS = _words(
    "filter filters facet facets facetwp refine refinement refinements layered swatch swatches sort sorting sortby "
    "orderby "
    "toolbar perpage limiter"
)
PAGING_BLOCKS = _words(
    "pagination pager paging paginator pages pagenav pagenumbers pagelinks paginate seitennavigation paginacion"
)
RELATED_HEADINGS = (
    "you may also like", "you might also like", "related products", "recommended", "recently viewed", "customers also",
    "similar products", "people also", "best sellers", "bestsellers", "das könnte ihnen", "das könnte dir",
    "ähnliche produkte", "zuletzt angesehen", "kunden kauften", "vous aimerez aussi", "produits similaires",
    "vus récemment", "también te puede", "productos relacionados", "vistos recientemente", "potrebbe piacerti",
    "prodotti correlati", "visti di recente", "você também pode", "produtos relacionados", "misschien vind je",
    "gerelateerde producten", "recent bekeken", "może ci się", "podobne produkty", "ostatnio oglądane",
    "вам может понравиться", "похожие товары", "недавно просмотренные", "с этим товаром", "benzer ürünler",
    "bunları da beğenebilirsiniz", "قد يعجبك", "منتجات ذات صلة",
)  # fmt: skip
PRICE_BLOCKS = _words("price prices preis preise prix precio precios prezzo preco cena ceny tsena fiyat amount money")
# Parameters that carry a page's number, and those that carry how many products come before it.
PAGE_PARAMETERS = _words(
    "page p paged pg pagina seite pagenumber page_number pageno pageindex currentpage sayfa strona"
)
OFFSET_PARAMETERS = _words("offset start from skip begin first startindex start_index")
