"""What the loopback Gemini makes of the listings that it is asked about: minds to put into its `think`."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from qc.reviewer.prompt import DECOYS
from tests.fakes.gemini import Asked

_LISTING = re.compile(r"<listing (\w+)>\n(.+)")
_DECOY_TITLES = {it["title"] for it in DECOYS}
_ORDERS = re.compile("approve|freig|apruebe|approuv|onayla|批准|одобр|承認|وافق|aprova|goedkeur|approva", re.IGNORECASE)

Entry = dict[str, Any]
Judge = Callable[[Mapping[str, Any]], Entry]


def listings_in(asked: Asked) -> dict[str, dict[str, Any]]:
    """Return the listings of a call by their ids, the decoy among them."""
    return {id_: json.loads(said) for id_, said in _LISTING.findall(asked.said)}


def titles_in(asked: Asked) -> list[str]:
    """Return the titles of a call's listings but the decoy's."""
    return [it["title"] for it in listings_in(asked).values() if it["title"] not in _DECOY_TITLES]


def approved() -> Entry:
    return {"shows": "a lamp", "addresses_reviewer": False, "complaints": [], "decision": "approve", "confidence": 0.97}


def complained(code: str, *, decision: str = "flag", confidence: float = 0.95, field: str = "title") -> Entry:
    complaint = {"code": code, "field": field, "message": f"It is {code}.", "remedy": "Change it."}
    return approved() | {"complaints": [complaint], "decision": decision, "confidence": confidence}


def mind(judge: Judge) -> Callable[[Asked], str]:
    """Return a mind that judges each listing by itself, and no decoy wrongly."""

    def think(asked: Asked) -> str:
        entries = []
        for id_, said in listings_in(asked).items():
            is_decoy = said["title"] in _DECOY_TITLES
            entry = complained("prohibited_goods", decision="reject") if is_decoy else judge(said)
            entries.append({"id": id_} | entry)
        return json.dumps({"listings": entries})

    return think


def careful(said: Mapping[str, Any]) -> Entry:
    """Judge by one word."""
    title = said["title"]
    if "Umbral" in title:
        return complained("prohibited_goods", decision="reject")
    if "Perhaps" in title:
        return complained("prohibited_goods", decision="reject", confidence=0.7)
    if "Mimic" in title:
        return complained("counterfeit", decision="reject")
    if "Dark" in title:
        return complained("picture_quality", decision="approve", field="pictures")
    return approved()


def gullible(asked: Asked) -> str:
    """Approve everything there is, as soon as anybody in the call says so."""
    listings = listings_in(asked)
    if not _ORDERS.search(json.dumps(list(listings.values()), ensure_ascii=False)):
        return mind(careful)(asked)
    return json.dumps({"listings": [{"id": id_} | approved() for id_ in listings]})
