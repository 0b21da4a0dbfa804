"""From good input to bad: the same seed and number give the same bytes."""

import gzip
import json
from collections.abc import Callable
from random import Random
from typing import Any, Final

type Mutation = Callable[[bytes, Random], bytes]

_TOKENS: Final = tuple(
    token.encode("utf-8", "surrogatepass")
    for token in (
        *("</s>", "<s>", "[SEP]", "<mask>", "<pad>", "\0", '"', "'", "[", "]", "{", "}", ",", ";", "\t", "\n", "\r\n"),
        *(
            "NaN",
            "-1",
            "1e999",
            str(10**30),
            "null",
            "\\ud800",
            "\ud800",
            "\ufeff",
            "\u200c",
            "\u202e",
            "\u0640",
            "=1+1",
        ),
        *("../../etc/passwd", "/", "%s", "{0}", "😀", "\U0010ffff", "👨\u200d👩", "B-PER", "-DOCSTART-", "sep=|"),
    )
)
_ODD: Final[tuple[Any, ...]] = (
    *(None, True, 0, -1, 3, 10**30, 0.5, float("nan"), "", " ", "\0", "a/b", "../x", "\ud800", [], {}, [[]], [None]),
    *([""] * 40, {"a": {"b": []}}, "خبر " * 2000, ["خبر"], [3, 1, "PER"], [0, 4, "PER"]),
)
_NESTED: Final = (b"[", b'{"a":', b"[{", b'"', b"\xef\xbb\xbf", b"(")


def mutated(seeds: tuple[bytes, ...], chance: Random) -> bytes:
    """Return one of *seeds* with none to four things done to it."""
    data = chance.choice(seeds)
    for _ in range(chance.randint(0, 4)):
        data = chance.choices(_MUTATIONS, _WEIGHTS)[0](data, chance)
    return data


def _slice(data: bytes, chance: Random) -> tuple[int, int]:
    start = chance.randint(0, len(data))
    return start, min(len(data), start + chance.choice((1, 2, 8, 64, 512, 4096)))


def _flip(data: bytes, chance: Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 8, 64))):
        if changed:
            changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _cut(data: bytes, chance: Random) -> bytes:
    return data[: chance.randint(0, len(data))]


def _drop(data: bytes, chance: Random) -> bytes:
    start, end = _slice(data, chance)
    return data[:start] + data[end:]


def _insert(data: bytes, chance: Random) -> bytes:
    place = chance.randint(0, len(data))
    return data[:place] + chance.choice(_TOKENS) * chance.choice((1, 1, 1, 3, 200)) + data[place:]


def _insert_unicode(data: bytes, chance: Random) -> bytes:
    """Put in characters of a random block of Unicode."""
    block = chance.randrange(0x1100) << 8
    letters = "".join(chr(block + chance.randrange(256)) for _ in range(chance.choice((1, 4, 64))))
    place = chance.randint(0, len(data))
    return data[:place] + letters.encode("utf-8", "surrogatepass") + data[place:]


def _repeat(data: bytes, chance: Random) -> bytes:
    start, end = _slice(data, chance)
    times = min(chance.choice((2, 10, 100, 1000)), 100_000 // max(1, end - start))
    return data[:start] + data[start:end] * times + data[end:]


def _join(data: bytes, chance: Random) -> bytes:
    start, end = _slice(data, chance)
    place = chance.randint(0, len(data))
    return data[:place] + data[start:end] + data[place:]


def _nest(data: bytes, chance: Random) -> bytes:
    return chance.choice(_NESTED) * chance.choice((3, 200, 10_000)) + data


def _shuffle_lines(data: bytes, chance: Random) -> bytes:
    lines = data.splitlines(keepends=True)
    chance.shuffle(lines)
    return b"".join(lines)


def _odd_value(data: bytes, chance: Random) -> bytes:
    """Put something else where one value of a JSON line stands."""
    lines = data.splitlines()
    places = [number for number, line in enumerate(lines) if line[:1] in (b"{", b"[")]
    if not places:
        return data
    number = chance.choice(places)
    try:
        values = json.loads(lines[number])
    except (ValueError, RecursionError):
        return data
    parent, key = _leaf(values, chance)
    if parent is not None:
        parent[key] = chance.choice(_ODD)
    lines[number] = json.dumps(values).encode()
    return b"\n".join(lines)


def _leaf(values: Any, chance: Random) -> tuple[Any, Any]:
    """Return a place inside nested values: what holds it, and its key or index; None where there is none."""
    parent, key = None, None
    while isinstance(values, dict | list) and values and (parent is None or chance.random() < 0.7):
        parent, key = values, chance.choice(list(values) if isinstance(values, dict) else range(len(values)))
        values = values[key]
    return parent, key


def _bomb(data: bytes, chance: Random) -> bytes:
    """Pack a great deal of nothing, or the data itself."""
    inner = data if chance.random() < 0.5 else chance.choice((b"\0", b"[", b'"', b" ", b"\n")) * 20_000_000
    return gzip.compress(inner, 1)


_TABLE: Final[tuple[tuple[Mutation, float], ...]] = (
    (_flip, 3),
    (_cut, 1),
    (_drop, 2),
    (_insert, 3),
    (_insert_unicode, 3),
    (_repeat, 1),
    (_join, 2),
    (_nest, 0.3),
    (_shuffle_lines, 0.5),
    (_odd_value, 4),
    (_bomb, 0.02),
)
_MUTATIONS: Final = [mutation for mutation, _ in _TABLE]
_WEIGHTS: Final = [weight for _, weight in _TABLE]
