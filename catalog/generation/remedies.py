"""What sellers are told of proposals that could not be made; the errors themselves speak to our staff."""

REFUSED = "The model does not write about this product. Write its texts yourself."
TOO_LONG = "There is more to write than the model may write at once. Ask for fewer kinds or languages."
NOTHING = "There is neither a text nor a picture to write from. Add one, and sync."
CANCELLED = "The work was cancelled. Ask again."
LATER = "The model could not be asked, which is nothing on your side. Ask again later."

_REMEDIES = {
    "gemini.prompt_blocked": REFUSED,
    "gemini.answer_blocked": REFUSED,
    "gemini.bad_request": REFUSED,
    "gemini.answer_cut": TOO_LONG,
    "generation.nothing_to_write_about": NOTHING,
    "generation.cancelled": CANCELLED,
}


def remedy_for(code: str) -> str:
    """Return what a seller can do about a proposal that failed with this code; empty where none failed."""
    return _REMEDIES.get(code, LATER) if code else ""
