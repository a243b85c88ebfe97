"""Names that were seen, and in which row first: a million of them in some 30 MB."""

from array import array

_FIRST_SIZE = 1 << 12  # a power of two


class SeenNames:
    """A hash table of 64-bit hashes in two arrays. Two of a million names share one once in 30 million files."""

    def __init__(self) -> None:
        self._hashes = array("q", bytes(8 * _FIRST_SIZE))
        self._rows = array("L", bytes(array("L").itemsize * _FIRST_SIZE))  # 0: the place is free
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def first_row(self, name: str, row: int) -> int:
        """Return the row that the name was first seen in: this one, from 1, if it is new."""
        known = self._put(hash(name), row)
        if known == row and 2 * self._count > len(self._rows):
            self._grow()
        return known

    def _put(self, key: int, row: int) -> int:
        mask = len(self._rows) - 1
        place = key & mask
        while self._rows[place]:
            if self._hashes[place] == key:
                return self._rows[place]
            place = (place + 1) & mask
        self._hashes[place] = key
        self._rows[place] = row
        self._count += 1
        return row

    def _grow(self) -> None:
        hashes, rows = self._hashes, self._rows
        size = 2 * len(rows)
        self._hashes = array("q", bytes(8 * size))
        self._rows = array("L", bytes(rows.itemsize * size))
        self._count = 0
        for key, row in zip(hashes, rows, strict=True):
            if row:
                self._put(key, row)
