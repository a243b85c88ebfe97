"""When what was written is made fast to search.

A row is searched without an index until it is flushed. Flushing after every batch would cost more than it saves, and a
Milvus server allows one flush of a collection in 10 s: so whoever writes asks for one, and all who ask within 10 s get
the same, however long a sync runs.
"""

import time

import numpy as np

from catalog.embedders.contract import DIMENSIONS
from catalog.indexes.collections import Kind, ensure_collection, flush
from catalog.indexes.reading import warm_up
from catalog.indexes.writing import write_lock
from jobs.batch import NewJob
from jobs.ledger import enqueue_many

EVERY_S = 10
TASK = "flush-search-index"


def ask_for_flush() -> None:
    """Have the index flushed within 10 s from now, in the transaction of what was written."""
    window = int(time.time() // EVERY_S)
    delay_s = (window + 1) * EVERY_S - time.time()
    enqueue_many([NewJob(TASK, {}, key=f"window {window}", delay_s=delay_s, group="")])


def make_fast(fingerprint: str, picture_fingerprint: str) -> None:
    """Flush the collections of an index, and search them once: the first search reads the new indexes from disk.

    Raises:
        IndexUnavailable: the index is away.
    """
    anything = np.eye(1, DIMENSIONS, dtype=np.float32)[0]
    kinds = {Kind.PRODUCTS: fingerprint, Kind.PICTURES: picture_fingerprint}
    for kind, of_kind in kinds.items():
        with write_lock():
            ensure_collection(of_kind, kind)
            flush(of_kind, kind)
        warm_up(of_kind, anything, "lamp", kind)
