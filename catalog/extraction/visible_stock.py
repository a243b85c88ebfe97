"""Whether the page's words and buttons say that the product can be bought."""

import re
from collections import Counter
from dataclasses import dataclass

from catalog.extraction.availability import parse_availability
from catalog.extraction.layout import Layout
from catalog.extraction.page_data import Availability
from catalog.extraction.standing import Standing
from catalog.extraction.word_lists import phrase_test

MAX_BUTTON = 40
MAX_PHRASE = 80
_is_to_buy = phrase_test(
    r"add to (?:shopping )?(?:cart|bag|basket|trolley)|add to order|buy (?:it )?now|\bbuy\b|purchase|"
    r"order now|place (?:a )?bid"
    r"|in den (?:waren|einkaufs)korb|jetzt kaufen|\bkaufen\b|bestellen|ajouter au panier|acheter|\bpanier\b|"
    r"(?:añadir|agregar) al? (?:carrito|la (?:cesta|bolsa))|comprar"
    r"|adicionar ao carrinho|aggiungi al carrello|acquista|\bcompra\b|compralo|do koszyka|kup teraz|"
    r"do košíku|do košíka|kúpiť|koupit|vložit|adaugă în coș|cumpără|kosárba|megvesz"
    r"|u košaricu|dodaj u|kupi\b|in winkelwagen|in winkelmand|læg i (?:kurv|indkøbskurv)|lägg i (?:varukorg|"
    r"kundvagn)|köp\b|legg i handlekurv|kjøp|lisää (?:ostoskoriin|koriin)|osta\b"
    r"|sepete ekle|satın al|в корзин|купить|добавить в|до кошика|купити|в количк|купи\b|في السلة|إلى السلة|"
    r"أضف|اشتري|شراء|加入購物車|"
    r"加入购物车|立即購買|立即购买|放入購物車|購買"
    r"|カートに入れる|カートに追加|購入|かごに|장바구니|구매|바로구매|"
    r"thêm vào giỏ|mua ngay|หยิบใส่|ใส่ตะกร้า|ซื้อ|tambah ke|beli\b|"
    r"הוסף לסל|הוספה לסל|קנה|στο καλάθι|αγορά"
)
_offers_word = phrase_test(
    r"notify me|email me when|back in stock|benachrichtig|prévenez|alertez|avísame|notificarme|avise-me|"
    r"avvisami|powiadom|hlídat|сообщить о|уведомить|gelince haber|貨到通知|到货通知|入荷|입고"
)


_PRESSABLE = Standing.BUTTON | Standing.BUY
_NOT_HERE = Standing.ASIDE | Standing.HIDDEN | Standing.CHOICE | Standing.STRUCK | Standing.LINK
MAX_ALIKE = 2  # buttons of one form that the product itself has; more of them belong to a list of others


@dataclass(frozen=True, slots=True)
class ShownAvailability:
    """An availability as the page shows it."""

    value: Availability
    confidence: float
    place: str


@dataclass(frozen=True, slots=True)
class Buttons:
    """The page's buttons, by the index of their text; those among other products are left out."""

    buying: tuple[int, ...]  # enabled
    disabled: tuple[int, ...]  # to buy, but not now
    notifying: tuple[int, ...]  # offering word when there is stock


def read_buttons(layout: Layout) -> Buttons:
    """Return the buttons that say something of stock, in order."""
    buttons = _buttons(layout)
    to_buy = [index for index in buttons if _is_to_buy(layout.texts[index])]
    alike = Counter(_form(layout, index) for index in to_buy)
    to_buy = [index for index in to_buy if alike[_form(layout, index)] <= MAX_ALIKE]
    disabled = {index for index in to_buy if _is_disabled(layout, index)}
    return Buttons(
        buying=tuple(index for index in to_buy if index not in disabled),
        disabled=tuple(sorted(disabled)),
        notifying=tuple(index for index in buttons if _offers_word(layout.texts[index])),
    )


def shown_availability(
    layout: Layout, *, title: int | None, buttons: Buttons, price_at: int | None
) -> ShownAvailability | None:
    """Return what the page shows near its title and price.

    A button that can be pressed outweighs words: pages carry the words of every state and hide most of them by style
    sheets, which are not read here; but they take the button away. Without one the words count, the surest first.
    """
    start = layout.elements[title].start if title is not None else 0
    pressed = [index for index in buttons.buying if index >= start - 5]
    words = _words(
        layout, [at for at in (price_at, start if title is not None else None, *pressed[:1]) if at is not None]
    )
    best = max(words, key=lambda one: one.confidence, default=None)
    if best is not None and (best.value != "OutOfStock" or not pressed):
        contrary = max((one.confidence for one in words if one.value != best.value), default=0.0)
        return ShownAvailability(best.value, best.confidence - 0.25 * (contrary >= best.confidence), best.place)
    if pressed:
        return ShownAvailability("InStock", 0.6, f"button {layout.texts[pressed[0]]!r}"[:100])
    notifying = next((index for index in buttons.notifying if index >= start), None)
    if notifying is not None:
        is_sure = any(index >= start for index in buttons.disabled)
        return ShownAvailability("OutOfStock", 0.6 if is_sure else 0.45, f"button {layout.texts[notifying]!r}"[:100])
    return None


def _words(layout: Layout, anchors: list[int]) -> list[ShownAvailability]:
    """Return what short texts say that stand near one of the anchors, or in elements that are named for stock."""
    found = []
    near_ones = {index for at in anchors for index in range(at - 40, at + 41)}
    for index, (text, standing) in enumerate(zip(layout.texts, layout.standings, strict=True)):
        if len(text) > MAX_PHRASE or standing & _NOT_HERE:
            continue
        around = [layout.elements[one].own for one in layout.ancestors(layout.owners[index], 4)]
        near = index in near_ones
        named = any(own & Standing.STOCK for own in around[:3])
        if not (near or named) or any(own & Standing.CHOICE for own in around):
            continue
        value = parse_availability(text)
        if value is not None:
            confidence = 0.45 + 0.25 * named + 0.2 * near
            found.append(ShownAvailability(value, confidence, f"text {text!r}"[:100]))
    return found


def _buttons(layout: Layout) -> list[int]:
    pressable = {index for index, element in enumerate(layout.elements) if element.own & _PRESSABLE}
    return [
        index
        for index, (text, standing) in enumerate(zip(layout.texts, layout.standings, strict=True))
        if len(text) <= MAX_BUTTON
        and not standing & (Standing.ASIDE | Standing.HIDDEN)
        and not pressable.isdisjoint(layout.ancestors(layout.owners[index], 4))
    ]


def _form(layout: Layout, index: int) -> tuple[str, str]:
    element = layout.elements[layout.owners[index]]
    return layout.texts[index].lower(), f"{element.tag}.{element.names.split(' ')[0]}"


def _is_disabled(layout: Layout, index: int) -> bool:
    for around in layout.ancestors(layout.owners[index], 3):
        element = layout.elements[around]
        if element.own & _PRESSABLE:
            if "disabled" in element.attributes or element.attributes.get("aria-disabled") == "true":
                return True
            if re.search(r"(?:^|[\s_-])(?:is-)?(?:disabled|unavailable|sold-?out)(?:$|[\s_-])", element.names.lower()):
                return True
    return False
