"""The rule on texts that instruct whoever checks them."""

import re

from qc.rules.contract import Finding, Limits, ProductFacts, Severity, rule
from qc.rules.reading import quoted, read
from qc.rules.wordlists import first_match, said

# The signs by which chats with language models tell who speaks, and a verdict in a reviewer's own form.
_SPEAKER = re.compile(
    r"<\|?\s?(?:im_start|im_end|endoftext|system|assistant|eot_id|start_header_id|end_of_turn|start_of_turn)\s?\|?>|\[/?inst\]|<</?sys>>"
    r"|</?(?:system|instructions?|prompt|assistant|untrusted|listing|user_input)>"
    r"|(?:^|[\n.\]\"'>|#-])\s{0,3}(?:#{2,}\s{0,3})?(?:system|assistant|developer|sistema|système|systeme|sistem)\s?(?:message|prompt|note|override)?\s?:\s{0,3}(?:you|ignore|approve|the|this|mark|set|all|new|please|override|respond|du|tu|vous|eres|voce|sei|sen|je|ignor|marque|marca|output|return|always|do|policy)"
    r"|[\"'](?:decision|verdict|status|result|classification|is_safe|flagged)[\"']\s?:\s?(?:[\"'](?:approved?|safe|pass(?:ed)?|ok|allowed?|live)[\"']|true|false)"
    r"|###\s?(?:system|instructions?|new)",
)
_SPEAKER_SIGNS = ("<", "[", "{", "#", '":', "':", "system", "assistant", "developer", "sistem")


@rule(
    code="text.instructs_reviewer",
    severity=Severity.FLAG,
    looks_at=("title", "description"),
    remedy="Take it out; texts are for buyers.",
)
def text_instructs_reviewer(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Flag a text that tries to instruct whoever checks it, person or model."""
    for name, text in facts.texts:
        match = first_match(text, "instructions", "certain", unless="harmless")
        words = said(text, match) if match is not None else _speaker_in(text)
        if words:
            return Finding(name, f"The {name} instructs whoever checks it: {quoted(words)}.")
    return None


def _speaker_in(text: str) -> str:
    reading = read(text)
    if not any(it in reading.folded for it in _SPEAKER_SIGNS):
        return ""
    match = _SPEAKER.search(reading.text.lower())
    return reading.text[match.start() : match.end() + 20] if match is not None else ""


RULES = (text_instructs_reviewer,)
