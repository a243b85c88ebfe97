"""Words by which a category is classed: what is sold, for whom it is, or that it is featured.

Source: the specification's four classes with its own examples (clothing, shoes, ...; men, women, ...; new, sale, ...),
widened by the first levels of Google's product taxonomy and by what shops call them in twelve languages; translated by
hand. Words are stems in lower case without accents: a word of a name counts when it begins with a stem of four letters
or more, or is a shorter one.
"""

PRODUCT_STEMS = """
cloth apparel fashion shoe sneaker boot sandal footwear accessor bag bags handbag backpack wallet belt jewel ring
rings
necklace earring bracelet watch watches dress skirt shirt blouse tshirt jeans trouser pants shorts jacket coat sweater
hoodie knitwear tops sock underwear lingerie swimwear hat hats scarf scarv shawl glove sunglass eyewear furniture
chair table lamp light lantern
sofa living dining bedroom bathroom bath office bed beds mattress rug rugs curtain kitchen cookware tableware cutlery
mug mugs cups bowl vase decor home garden plant tool
tools hardware electronic computer laptop tablet phone smartphone camera audio headphone speaker tv televis printer
cable
charger batter appliance toy toys game games puzzle book books music vinyl film stationer pencil paper art craft
fabric
yarn sewing beauty cosmetic makeup skincare perfume fragrance hair soap health vitamin supplement food tea teas coffee
wine beer spirit chocolate snack spice oil oils pet pets dog dogs cat cats sport fitness bike bicycle outdoor camping
fishing luggage suitcase car cars auto tyre tire motorcycle baby stroller candle gift card cards poster print frame
schuh stiefel kleid bekleid kleidung mode hose hosen jacke mantel hemd bluse pullover tasche rucksack schmuck kette
ohrring uhr uhren mobel stuhl tisch leuchte lampe bett teppich kuche geschirr tasse becher garten pflanze werkzeug
elektronik rechner handy kamera kopfhorer spielzeug spiel buch bucher musik papier stoff kosmetik parfum seife
gesundheit lebensmittel tee kaffee wein bier schokolade gewurz tier hund katze fahrrad koffer reifen kerze
vetement chaussure botte robe jupe chemise pantalon veste manteau sac sacs bijou bague collier montre meuble chaise
lampe luminaire lit tapis cuisine vaisselle jardin plante outil ordinateur telephone jouet livre musique beaute savon
sante epicerie cafe vin vins biere chocolat animal velo valise bougie
ropa zapat bota vestido falda camisa pantalon chaqueta abrigo bolso bolsa joya joyer anillo collar reloj mueble silla
mesa
lampara cama alfombra cocina vajilla jardin planta herramient electronica ordenador telefono juguete libro belleza
jabon salud aliment cafe vino cerveza mascota bicicleta maleta vela complement
abbigliament scarpe stival vestit gonna camici pantalon giacc cappott borse borsa gioiell anell collan orolog mobili
sedi tavol lampad letto tappet cucina giardin piant utensil elettronica computer telefon giocattol libri bellezz sapon
salute aliment vino birra cioccolat animal bicicl valigi candel accessori
roupa sapato calcado vestido saia camisa calca jaqueta casaco bolsa joia anel colar relogio movel moveis cadeira mesa
luminaria cama tapete cozinha jardim ferrament eletronic celular brinquedo livro beleza sabonete saude vinho cerveja
kleding schoen laars laarzen jurk rok rokken broek jas jassen tas tassen sieraad sieraden ketting horloge meubel stoel
tafel bed tapijt keuken servies tuin plant gereedschap elektronica speelgoed boek boeken schoonheid zeep gezondheid
koffie wijn bier fiets koffer kaars
odziez ubran buty sukien spodnic koszul spodnie kurtk plaszcz toreb plecak bizuter pierscion zegar mebl krzes stol
lamp
lozk dywan kuchni ogrod rosliny narzedzi elektronik komput telefon zabawk ksiazk uroda mydl zdrow kawa herbat wino
piwo
rower waliz swiec
одежд обув сапог ботин плать юбк рубаш брюк куртк пальт сумк рюкзак украшен кольц серьг часы мебел стул стол ламп
светил
кроват ковер ковры кухн посуд сад садов растен инструмент электрон компьютер телефон игруш игры книг музык косметик
парфюм мыло здоров продукт чай кофе вино пиво живот велосипед чемодан свеч аксессуар
giyim ayakkabi bot botlar elbise etek gomlek pantolon ceket mont canta taki yuzuk kolye saat mobilya sandalye masa
lamba
yatak hali mutfak bahce bitki alet elektronik bilgisayar telefon oyuncak kitap kozmetik parfum sabun saglik gida cay
kahve sarap bisiklet bavul mum aksesuar
ملابس أحذية احذية حذاء فستان فساتين تنورة قميص قمصان بنطلون جاكيت معطف حقيبة حقائب مجوهرات خاتم خواتم ساعات أثاث اثاث
كرسي كراسي طاولة مصباح إضاءة اضاءة سرير سجاد مطبخ حديقة نباتات أدوات ادوات إلكترونيات الكترونيات هاتف هواتف ألعاب
العاب
كتب جمال عطور صابون صحة أغذية شاي قهوة دراجة شموع إكسسوارات اكسسوارات
"""
DEMOGRAPHIC_STEMS = """
men mens man women womens woman ladies lady unisex kid kids child children boy boys girl girls baby babies toddler
infant
teen teens adult adults junior juniors him her petite maternity
herren damen frauen manner kinder jungen madchen jugend erwachsene
homme hommes femme femmes enfant enfants garcon garcons fille filles bebe
hombre hombres mujer mujeres nino ninos nina ninas infantil caballero senora
uomo uomini donna donne bambino bambini bambina bambine ragazzo ragazza neonato
homem homens masculino mulher mulheres feminino crianca criancas menino menina
heren dames mannen vrouwen kinderen jongens meisjes
mezczyzn meskie damskie kobiet dzieci dzieciece chlopiec dziewczyn niemowle
мужск мужчин женск женщин детск дети детям мальчик девоч подрост малыш
erkek kadin cocuk kiz bebek genc
رجال رجالي نساء نسائي أطفال اطفال أولاد اولاد بنات مواليد
"""
FEATURED_STEMS = """
new newest best seller sellers arrival arrivals sale sales featured feature trending trend trends clearance deal deals
offer offers discount
outlet bestseller bestsellers bestselling popular promo promotion promotions special specials exclusive limited
collection collections season summer winter spring autumn christmas holiday gift-guide favourites picks highlights top
essentials
neu neue neuheiten angebot angebote rabatt beliebt sonderangebot ausverkauf aktion aktionen empfehlung reduziert
nouveau nouveautes nouveaute nouvelle solde soldes promotions tendance tendances meilleures
novedad novedades nuevo nueva rebajas oferta ofertas destacado destacados liquidacion tendencias
novita nuovi nuovo saldi offerte offerta evidenza tendenze
novidade novidades novo nova promocao promocoes destaques lancamentos liquidacao
nieuw nieuwe uitverkoop aanbieding aanbiedingen populair
nowosc nowosci nowe wyprzedaz promocja promocje polecane okazje bestsellery
новинк новое нов распродаж скидк акци популярн хит хиты рекоменду
yeni yeniler indirim kampanya firsat populer one-cikan
جديد الجديد تخفيضات عروض تنزيلات مميز الأكثر الاكثر
"""
BRAND_WORDS = """
brand brands designer designers label labels marke marken hersteller marque marques marca marcas marchio marche merk
merken marki producenci бренд бренды марки markalar marka ماركات علامات
"""
