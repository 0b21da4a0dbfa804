"""Offsets in UTF-16 code units, as browsers and Java count, in place of Unicode code points."""

from typing import Any

import numpy as np


def in_utf16(article: dict[str, Any]) -> dict[str, Any]:
    """Return ``Article.to_dict()`` with the offsets of entities and evidence in UTF-16 code units."""
    codes = np.frombuffer(article["text"].encode("utf-32-le", "surrogatepass"), dtype="<u4")
    units = np.concatenate(([0], np.cumsum(1 + (codes > 0xFFFF)))).tolist()
    return article | {
        "entities": [
            entity | {"start": units[entity["start"]], "end": units[entity["end"]]} for entity in article["entities"]
        ],
        "stances": [
            stance | {"evidence": [[units[start], units[end]] for start, end in stance["evidence"]]}
            for stance in article["stances"]
        ],
    }
