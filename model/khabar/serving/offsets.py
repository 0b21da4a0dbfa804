"""Offsets in UTF-16 code units, as browsers and Java count, in place of Unicode code points."""

from typing import Any

import numpy as np


def in_utf16(article: dict[str, Any]) -> dict[str, Any]:
    """Return ``Article.to_dict()`` with the offsets of entities and evidence in UTF-16 code units."""
    units = _units(article["text"])
    return article | {
        "entities": [
            entity | {"start": units[entity["start"]], "end": units[entity["end"]]} for entity in article["entities"]
        ],
        "stances": [
            stance | {"evidence": [[units[start], units[end]] for start, end in stance["evidence"]]}
            for stance in article["stances"]
        ],
    }


def explained_in_utf16(explanation: dict[str, Any], text: str, title: str | None) -> dict[str, Any]:
    """Return ``Explanation.to_dict()`` with the offsets of its weights in UTF-16 code units."""
    units = {"text": _units(text), "title": _units(title or "")}
    return explanation | {
        "weights": [
            weight | {name: units[weight["part"]][weight[name]] for name in ("start", "end")}
            for weight in explanation["weights"]
        ]
    }


def _units(text: str) -> list[int]:
    """Return how many code units stand before each character, and before the end."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    units: list[int] = np.concatenate(([0], np.cumsum(1 + (codes > 0xFFFF)))).tolist()
    return units
