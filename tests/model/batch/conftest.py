"""Articles as dicts, and a tiny model to read them with."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ARTICLES: list[dict[str, Any]] = [
    {
        "id": f"n{number:02}",
        "title": "کابل" if number % 3 else None,
        "text": f"وزیر خارجه ایران در کابل از صلح گفت. {number} روز مردم هرات بانک مرکزی. " * (1 + number % 4),
        "pages": number,
    }
    for number in range(23)
]


@pytest.fixture
def articles() -> list[dict[str, Any]]:
    """Two dozen articles with a column that the analysis does not read."""
    return [dict(article) for article in ARTICLES]


@pytest.fixture(scope="session")
def model(tiny_checkpoint: Callable[[str], Path]) -> Path:
    """A tiny random model."""
    return tiny_checkpoint("unigram")
