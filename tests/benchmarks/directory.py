"""How fast the business directory answers: writing, asking for vectors, embedding, searching.

Run beside a stack of its own, whose database it fills (what is there already counts):
    manage.py stack --only redis,postgres --run "python -m tests.benchmarks.directory"
Prints one JSON object. `warm` searches ask again what was asked before; uncached ones embed their query.
"""

import json
import os
import statistics
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
os.environ["API_RATE_PER_ADDRESS"] = "1000000"

import django

django.setup()

import numpy as np
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from catalog.directory import nearest
from catalog.directory.embedder import directory_embedder
from catalog.directory.embedding import business_text
from catalog.directory.searching import search_directory
from catalog.inputs import input_hash
from jobs.execution import run_once
from jobs.models import Worker
from jobs.session import Session, set_current_session
from marketplace.directory import create_entry, searchable_words
from marketplace.models import DirectoryEntry

SYLLABLES = ["ba", "ko", "ri", "ten", "lum", "sa", "vor", "nel", "dur", "mi", "pas", "qui", "tor", "ak", "ze"]
VOCABULARY = [f"{first}{second}{third}" for first in SYLLABLES for second in SYLLABLES for third in SYLLABLES]
ZIPF = np.arange(1, len(VOCABULARY) + 1, dtype=float) ** -1.0
ZIPF /= ZIPF.sum()
KINDS = ["Bakery", "Florist", "Carpenter", "Tailor", "Bookshop", "Pharmacy", "Garage", "Optician", "Cinema", "Hotel"]
QUEUE = "generate-business-embedding"
JSON = "application/json"


def main() -> None:
    """Fill the directory, then measure each thing on it."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--businesses", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=200)
    options = parser.parse_args()
    call_command("migrate", verbosity=0)
    rng = np.random.default_rng(5)
    started = time.perf_counter()
    _fill(options.businesses - DirectoryEntry.objects.count(), rng)
    figures: dict[str, Any] = {
        "load": os.getloadavg()[0],
        "businesses": options.businesses,
        "filled_s": time.perf_counter() - started,
    }
    started = time.perf_counter()
    nearest.load()
    figures["vectors_loaded_s"] = time.perf_counter() - started
    queries = [_words(rng, 1, 4) for _ in range(options.rounds)]
    unique = dict.fromkeys(f"{query} {number}" for number, query in enumerate(queries))
    figures["search_uncached_ms"] = _percentiles(search_directory, list(unique))
    figures["search_warm_ms"] = _percentiles(search_directory, list(unique))
    figures["search_in_category_ms"] = _percentiles(lambda query: search_directory(query, category="Bakery"), queries)
    figures |= _over_http(options.rounds, rng)
    figures["embedded_per_s"] = _embedded_per_s(rng)
    print(json.dumps(figures, default=lambda value: round(float(value), 1)))


def _over_http(rounds: int, rng: np.random.Generator) -> dict[str, Any]:
    client = Client(HTTP_HOST="localhost")
    client.force_login(User.objects.create_superuser(f"bench-{time.time_ns()}"))
    ids = list(DirectoryEntry.objects.values_list("pk", flat=True)[: 100 * rounds])
    numbers = count()

    def create(facts: dict[str, str]) -> None:
        assert client.post("/api/directory/", facts, JSON).status_code == 201

    def bulk(wanted: list[int]) -> None:
        answer = client.post("/api/admin/embeddings/bulk/", {"businessIds": wanted}, JSON)
        assert (answer.status_code, len(answer.json()["jobs"])) == (202, 100)

    facts = [_facts(rng, next(numbers)) for _ in range(rounds)]
    hundreds = [ids[start : start + 100] for start in range(0, min(len(ids), 50 * 100), 100)]
    return {"create_ms": _percentiles(create, facts), "bulk_of_100_ms": _percentiles(bulk, hundreds)}


def _embedded_per_s(rng: np.random.Generator) -> float:
    for number in range(1_000):
        create_entry(by="bench", **_facts(rng, number))
    session = Session(name="bench", queues=[])
    session.worker_id = Worker.objects.create(name=f"bench-{time.time_ns()}", hostname="here", pid=1, queues=[]).pk
    set_current_session(session)
    started = time.perf_counter()
    done = sum(iter(lambda: run_once(QUEUE, session=session, limit=64), 0))
    return done / (time.perf_counter() - started)


def _fill(businesses: int, rng: np.random.Generator) -> None:
    embedder = directory_embedder()
    for rows in _parts([_facts(rng, number) for number in range(businesses)], 500):
        entries = [DirectoryEntry(**facts) for facts in rows]
        texts = [business_text(entry) for entry in entries]
        for entry, text, vector in zip(entries, texts, embedder.embed(texts), strict=True):
            entry.words = searchable_words(entry)
            entry.embedding = vector.astype("<f4").tobytes()
            entry.embedding_fingerprint = embedder.fingerprint
            entry.embedding_input_hash, entry.embedding_text = input_hash(text), text
            entry.embedding_status, entry.embedded_at = DirectoryEntry.Embedding.DONE, timezone.now()
            entry.embedding_version = entry.embedding_job_id = 1
        DirectoryEntry.objects.bulk_create(entries)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    cache.clear()


def _facts(rng: np.random.Generator, number: int) -> dict[str, str]:
    kind = KINDS[number % len(KINDS)]
    return {
        "name": f"{_words(rng, 1, 3).title()} {kind}",
        "category": kind,
        "description": _words(rng, 10, 40).capitalize() + ".",
        "address": f"{rng.integers(1, 400)} {_words(rng, 1, 2).title()} Street",
    }


def _words(rng: np.random.Generator, least: int, most: int) -> str:
    """Return some words, frequent ones more often, as in any language."""
    return " ".join(rng.choice(VOCABULARY, rng.integers(least, most), p=ZIPF))


def _percentiles(act: Callable[[Any], object], given: Sequence[Any]) -> dict[str, float]:
    """Time each act; `cpu` is what it takes of this process, on a machine that does much else the better figure."""
    times = []
    cpu_s = time.process_time()
    for it in given:
        started = time.perf_counter()
        act(it)
        times.append((time.perf_counter() - started) * 1000)
    cpu_s = time.process_time() - cpu_s
    cuts = statistics.quantiles(times, n=100)
    shown = {"least": min(times), "p50": cuts[49], "p95": cuts[94], "p99": cuts[98], "cpu": cpu_s * 1000 / len(times)}
    return {name: round(value, 1) for name, value in shown.items()}


def _parts(rows: list[dict[str, str]], size: int) -> Iterator[list[dict[str, str]]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))


if __name__ == "__main__":
    main()
