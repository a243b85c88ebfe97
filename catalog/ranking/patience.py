"""How long a search waits for the index: less, while the index is so busy that waiting is in vain."""

# A search that is asked while much is being indexed does not wait for Milvus Lite, which then takes seconds.
USUAL_S = 0.2
SHORT_S = 0.02
LATE_IN_A_ROW = 3


class Patience:
    """The wait of one process. Each answer of the index is told, also one that nobody waited for any more."""

    def __init__(self) -> None:
        self._late_in_a_row = 0

    @property
    def wait_s(self) -> float:
        """How long to wait for the next answer, beyond the time that PostgreSQL takes."""
        return SHORT_S if self._late_in_a_row >= LATE_IN_A_ROW else USUAL_S

    def answered(self, *, took_s: float, is_error: bool = False) -> None:
        """Learn from an answer: one in time ends the short waits; late ones and errors in a row begin them."""
        is_late = is_error or took_s > USUAL_S
        self._late_in_a_row = self._late_in_a_row + 1 if is_late else 0
