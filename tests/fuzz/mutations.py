"""Small changes of good input, decided by a number."""

import random

_DICTIONARY = (
    b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"9" * 60, b"-0", b"1e400", b"NaN", b"[" * 60, b"${",
    b"}", b'"', b"'", b"\\", b"(" * 60, b"\r\n", b"\r\n\r\n", b"%s%n", b"{1,999999}",
    b"\xe2\x80\xae", b",",
)  # fmt: skip


def mutate(content: bytes, seed: int) -> bytes:
    """Up to eight cuts, copies, flips and insertions."""
    chance = random.Random(seed)
    data = bytearray(content)
    for _ in range(chance.randint(1, 8)):
        place = chance.randrange(len(data) + 1)
        kind = chance.randrange(5)
        if kind == 0 and data:
            data[place % len(data)] ^= 1 << chance.randrange(8)
        elif kind == 1:
            del data[place : place + chance.randint(1, 20)]
        elif kind == 2:
            data[place:place] = chance.choice(_DICTIONARY)
        elif kind == 3:
            data[place:place] = data[place : place + chance.randint(1, 50)] * chance.randint(1, 20)
        else:
            data[place:place] = chance.randbytes(chance.randint(1, 8))
    return bytes(data)
