"""Gzip is known by its bytes and undone as it comes; a bomb costs no more than the cap."""

import gzip
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.streams.inflation import Inflater, InflationProblem

TEXT = b"one address a line\n" * 5_000


def inflate(data: bytes, *, chunk: int = 1_000, max_bytes: int = 10**7) -> tuple[bytes, InflationProblem | None]:
    inflater = Inflater(max_bytes=max_bytes)
    pieces = [piece for at in range(0, len(data), chunk) for piece in inflater.feed(data[at : at + chunk])]
    pieces += inflater.close()
    return b"".join(pieces), inflater.problem


@pytest.mark.parametrize("chunk", [1, 7, 10**6])
@pytest.mark.parametrize(
    ("data", "inside"),
    [
        (b"", b""),
        (b"x", b"x"),
        (b"\x1f", b"\x1f"),
        (TEXT[:3000], TEXT[:3000]),
        (gzip.compress(TEXT[:3000]), TEXT[:3000]),
        (gzip.compress(gzip.compress(TEXT[:3000])), TEXT[:3000]),
        (gzip.compress(b"a") + gzip.compress(b"b"), b"ab"),
        (gzip.compress(b"a") + bytes(100), b"a"),
        (gzip.compress(b"a") + b"rubbish", b"a"),
        (gzip.compress(b""), b""),
    ],
    # Named, since gzip writes the time into its header, and workers must collect tests of the same names.
    ids=["none", "a byte", "half a mark", "plain", "packed", "twice", "two", "zeros", "rubbish", "nothing packed"],
)
def test_bytes_come_out_whole_however_they_are_cut(data: bytes, inside: bytes, chunk: int) -> None:
    assert inflate(data, chunk=chunk) == (inside, None)


def test_what_came_before_a_break_is_kept() -> None:
    whole = gzip.compress(TEXT)
    out, problem = inflate(whole[:-20])
    assert problem == InflationProblem.CUT_SHORT
    assert TEXT.startswith(out)
    damaged = whole[:150] + bytes(20) + whole[170:]
    out, problem = inflate(damaged)
    assert problem == InflationProblem.BROKEN


def test_a_bomb_costs_no_more_than_its_cap() -> None:
    bomb = gzip.compress(gzip.compress(bytes(200_000_000), 1), 9)
    tracemalloc.start()
    inflater = Inflater(max_bytes=5_000_000)
    size = sum(len(piece) for piece in inflater.feed(bomb))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (size, inflater.problem) == (5_000_000, InflationProblem.TOO_LARGE)
    assert peak < 3_000_000
    assert list(inflater.feed(b"more")) == []


@settings(max_examples=100)
@given(data=st.binary(max_size=300), cut=st.integers(0, 300), noise=st.binary(max_size=5))
def test_no_bytes_raise(data: bytes, cut: int, noise: bytes) -> None:
    packed = gzip.compress(data)
    inflate(packed[:cut] + noise + packed[cut:], chunk=13)
    inflate(b"\x1f\x8b" + data)
