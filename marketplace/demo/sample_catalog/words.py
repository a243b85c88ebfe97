"""The words of which the sample's products are made: invented brands, plain nouns."""

from dataclasses import dataclass

Colour = tuple[int, int, int]

SHOP_NAME = "Harbour Lane Goods"
SHOP_DIGITS = "447700900100"  # a number that is kept for fiction
CURRENCY = "EUR"

COLOURS: dict[str, Colour] = {
    "red": (190, 52, 48),
    "coral": (232, 117, 98),
    "orange": (222, 130, 48),
    "mustard": (206, 162, 54),
    "yellow": (236, 204, 84),
    "olive": (122, 124, 66),
    "green": (62, 128, 84),
    "teal": (44, 126, 130),
    "sky blue": (118, 172, 214),
    "blue": (52, 92, 168),
    "navy": (38, 52, 92),
    "purple": (112, 74, 142),
    "pink": (226, 148, 172),
    "brown": (120, 80, 54),
    "sand": (206, 184, 148),
    "cream": (236, 226, 202),
    "grey": (136, 138, 144),
    "black": (46, 46, 50),
    "white": (240, 238, 234),
}
METALS: dict[str, Colour] = {
    "gold": (206, 168, 72),
    "silver": (186, 190, 198),
    "rose gold": (210, 146, 124),
    "brass": (182, 148, 76),
    "copper": (184, 112, 78),
}
BRANDS = (
    "Nordlund", "Avelle", "Kibo", "Tansy & Co", "Orrin", "Marlow", "Solveig", "Petit Quai", "Hazelmere", "Luma",
    "Castellane", "Fjordby", "Juniper Works", "Ostra", "Belgrove", "Senda", "Wren & Alder", "Mirova", "Tilde",
    "Baobab Lane",
)  # fmt: skip
MODELS = (
    "Alba", "Birch", "Cove", "Delta", "Ember", "Fern", "Gale", "Heron", "Isla", "Juno", "Kestrel", "Linden", "Maris",
    "Nova", "Opal", "Pip", "Quill", "Rowan", "Sable", "Thistle", "Uma", "Vale", "Willow", "Yarrow", "Zephyr",
)  # fmt: skip
ADJECTIVES = (
    "small", "large", "slim", "round", "classic", "modern", "handmade", "lightweight", "vintage-style", "minimal",
    "sturdy", "soft", "compact", "elegant", "everyday",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kind:
    """One collection of the shop and what it sells: nouns by the shape that draws them."""

    name: str
    nouns: dict[str, tuple[str, ...]]
    materials: tuple[str, ...]
    sizes: tuple[str, ...]
    price_from: int
    price_to: int
    is_metal: bool = False
    uses: tuple[str, ...] = ()

    @property
    def slug(self) -> str:
        """The collection's name in addresses."""
        return self.name.lower().replace(" ", "-")


KINDS = (
    Kind(
        name="Lamps",
        nouns={
            "lamp": ("table lamp", "bedside lamp", "reading lamp"),
            "floor_lamp": ("floor lamp", "arc lamp"),
            "pendant": ("pendant lamp", "ceiling lamp"),
            "lantern": ("lantern", "garden lantern"),
        },
        materials=("linen", "steel", "glass", "ceramic", "bamboo", "paper"),
        sizes=("25 cm high", "35 cm high", "48 cm high", "60 cm high"),
        price_from=19,
        price_to=180,
        uses=("It gives a warm, even light in the evening.", "Made for a desk, a shelf or a bedside table."),
    ),
    Kind(
        name="Bags",
        nouns={
            "tote": ("tote bag", "shopping bag", "beach bag"),
            "backpack": ("backpack", "day pack"),
            "handbag": ("shoulder bag", "handbag", "crossbody bag"),
        },
        materials=("leather", "canvas", "cotton", "felt", "recycled nylon"),
        sizes=("8 litres", "12 litres", "18 litres", "24 litres"),
        price_from=15,
        price_to=220,
        uses=("There is room for a laptop and a bottle.", "The strap is long enough to wear it across the body."),
    ),
    Kind(
        name="Shoes",
        nouns={
            "sneaker": ("sneakers", "running shoes", "trainers"),
            "boot": ("ankle boots", "rain boots", "winter boots"),
            "loafer": ("loafers", "slippers", "ballet flats"),
        },
        materials=("leather", "suede", "canvas", "wool felt", "mesh"),
        sizes=("size 36", "size 38", "size 40", "size 42", "size 44"),
        price_from=25,
        price_to=190,
        uses=("The sole is soft and grips well on wet stone.", "They run true to size and need no breaking in."),
    ),
    Kind(
        name="Kitchen",
        nouns={
            "mug": ("mug", "coffee cup", "espresso cup"),
            "teapot": ("teapot", "kettle"),
            "pan": ("frying pan", "saucepan"),
            "bowl": ("salad bowl", "cereal bowl", "serving bowl"),
            "jug": ("water jug", "vase", "carafe"),
        },
        materials=("stoneware", "porcelain", "enamel", "cast iron", "glass", "oak"),
        sizes=("0.3 litres", "0.5 litres", "1 litre", "1.5 litres", "2 litres"),
        price_from=7,
        price_to=95,
        uses=("Safe in the dishwasher and in the oven.", "It keeps tea warm through a long breakfast."),
    ),
    Kind(
        name="Chairs",
        nouns={
            "chair": ("dining chair", "desk chair", "kitchen chair"),
            "armchair": ("armchair", "reading chair", "lounge chair"),
            "stool": ("bar stool", "footstool", "step stool"),
        },
        materials=("oak", "beech", "rattan", "velvet", "steel", "walnut"),
        sizes=("seat 42 cm high", "seat 45 cm high", "seat 65 cm high"),
        price_from=45,
        price_to=480,
        uses=("The back follows the spine, so one sits for hours.", "Felt pads under the feet protect the floor."),
    ),
    Kind(
        name="Jewellery",
        nouns={
            "ring": ("ring", "stacking ring", "signet ring"),
            "necklace": ("necklace", "pendant necklace", "chain"),
            "earrings": ("earrings", "hoop earrings"),
            "bracelet": ("bracelet", "bangle"),
        },
        materials=("pearl", "garnet", "amber", "turquoise", "moonstone", "enamel"),
        sizes=("small", "medium", "large"),
        price_from=18,
        price_to=340,
        is_metal=True,
        uses=("It comes in a small box, ready to give.", "Light enough to be forgotten while worn."),
    ),
    Kind(
        name="Toys",
        nouns={
            "car": ("toy car", "wooden truck", "toy bus"),
            "bear": ("teddy bear", "soft toy", "plush bear"),
            "blocks": ("building blocks", "stacking cubes", "alphabet blocks"),
            "ball": ("play ball", "beach ball"),
        },
        materials=("beech", "cotton plush", "wool", "natural rubber", "maple"),
        sizes=("from 1 year", "from 2 years", "from 3 years", "from 5 years"),
        price_from=6,
        price_to=75,
        uses=("Painted with colours that are safe for small mouths.", "It survives being thrown, hugged and washed."),
    ),
    Kind(
        name="Textiles",
        nouns={
            "cushion": ("cushion", "pillow cover", "floor cushion"),
            "rug": ("rug", "runner", "bath mat"),
            "towel": ("towel", "tea towel", "blanket"),
        },
        materials=("linen", "cotton", "wool", "jute", "hemp canvas"),
        sizes=("40 x 40 cm", "50 x 70 cm", "60 x 90 cm", "120 x 180 cm"),
        price_from=8,
        price_to=210,
        uses=("Washed once before it is sold, so it will not shrink.", "Woven slowly, in small lots."),
    ),
)
CROSS_COLLECTIONS = ("New in", "Gifts")
OPENINGS = (
    "{a_adjective} {noun} in {colour} {material}.",
    "Our {adjective} {noun}, made of {material} in {colour}.",
    "From {brand}: {a_adjective} {noun} of {material}, here in {colour}.",
    "The {model} is {a_adjective} {noun} of {colour} {material}.",
)
CLOSINGS = (
    "Size: {size}. Packed without plastic.",
    "Size: {size}. Two years of warranty.",
    "Size: {size}. Sent within two working days.",
    "Comes as {size}; other sizes on request.",
)
PROHIBITED = (
    ("Loaded handgun with ammunition", "A semi-automatic pistol, sold with fifty rounds of ammunition."),
    ("Hunting rifle and cartridges", "A bolt-action firearm with a box of cartridges, no papers asked."),
    ("Cocaine, one gram", "Pure cocaine, delivered discreetly."),
)
PHONE_SENTENCE = "Call or message us on +44 20 7946 0{:03d} to order faster."
