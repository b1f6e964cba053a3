"""Random changes of bytes, as AFL makes them: bits, bytes, blocks, tokens, splices of two."""

import random
from collections.abc import Sequence

LARGEST = 1 << 16  # bytes of an input
EDGES = (0x00, 0x01, 0x7F, 0x80, 0xFF)
LENGTHS = (b"\xff\xff\xff\xff", b"\x00\x00\x00\x80", b"\xff\xff\xff\x7f", b"\x00\x00\x00\x00")


def mutated(rng: random.Random, corpus: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    """One input of the corpus with some random changes."""
    data = bytearray(rng.choice(corpus))
    for _ in range(1 << rng.randrange(5)):
        _change(rng, data, corpus, tokens)
    return bytes(data[:LARGEST])


def _change(
    rng: random.Random, data: bytearray, corpus: Sequence[bytes], tokens: Sequence[bytes]
) -> None:
    at = rng.randrange(len(data)) if data else 0
    end = min(len(data), at + rng.choice((1, 2, 4, 16, 256)))
    kind = rng.randrange(9 if tokens else 8)
    if kind == 0 and data:
        data[at] ^= 1 << rng.randrange(8)
    elif kind == 1 and data:
        data[at] = rng.choice((*EDGES, rng.randrange(256)))
    elif kind == 2:
        del data[at:end]
    elif kind == 3:
        data[at:at] = data[at:end] * rng.choice((1, 2, 16))
    elif kind == 4:
        data[at:end] = rng.randbytes(end - at)
    elif kind == 5:
        data[at : at + 4] = rng.choice(LENGTHS)
    elif kind == 6:
        del data[at:]
    elif kind == 7:
        other = rng.choice(corpus)
        data[at:] = other[rng.randrange(len(other) + 1) :]
    elif tokens:
        data[at : rng.choice((at, end))] = rng.choice(tokens)
