"""Forty own articles give the answers on file, which change only with the model.

To write them anew: pytest tests/test_golden.py --renew-golden
"""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

import pytest

from khabar import Analyzer, Article, Document
from khabar.checkpoint import Checkpoint, bundled
from khabar_data import samples

pytestmark = pytest.mark.skipif(not bundled().is_dir(), reason="the bundled model is not in this tree")

GOLDEN: Final = Path(__file__).parent / "golden" / "khabar-small.jsonl"
RENEW: Final = "renew them: pytest tests/test_golden.py --renew-golden"
LEAST: Final = Checkpoint(bundled()).config().min_entity_score if bundled().is_dir() else 0.0
CLOSE: Final = 2e-3
"""Processors multiply 8-bit numbers each in their own way; on one of them scores are the same to 1e-4."""


def documents() -> Iterator[Document]:
    """Yield every third article of the development part, with its claims."""
    for record in islice(samples.read("dev"), 0, 120, 3):
        yield Document(record.text, record.title, None, [stance.claim for stance in record.claim_stances], record.id)


def answers(article: Article) -> dict[str, Any]:
    """Return what is kept of an answer: labels, spans and scores, and no text."""
    return {
        "id": article.id,
        "topic": [article.topic.label, round(article.topic.score, 4)] if article.topic else None,
        "entities": [[one.start, one.end, one.label, round(one.score, 4)] for one in article.entities],
        "stances": [
            [one.kind, one.label, round(one.score, 4), [list(span) for span in one.evidence]] for one in article.stances
        ],
    }


@pytest.fixture(scope="module")
def found(bundled_analyzer: Analyzer) -> list[dict[str, Any]]:
    return [answers(article) for article in bundled_analyzer.predict_many(documents())]


def test_answers_change_only_with_the_model(found: list[dict[str, Any]], pytestconfig: pytest.Config) -> None:
    digest = Checkpoint(bundled()).digest
    if pytestconfig.getoption("--renew-golden"):
        GOLDEN.write_text("".join(f"{json.dumps(values)}\n" for values in ({"model": digest}, *found)), "utf-8")
    first, *kept = (json.loads(line) for line in GOLDEN.read_text("utf-8").splitlines())
    assert first == {"model": digest}, f"the answers on file are another model's; {RENEW}"
    assert len(kept) == 40
    compared = [pair for pair in zip(kept, found, strict=True) if not any(map(is_edge, pair))]
    assert len(compared) >= 30
    for wanted, got in compared:
        assert exactly(got) == exactly(wanted), wanted["id"]
        assert scores(got) == pytest.approx(scores(wanted), abs=CLOSE), wanted["id"]


def is_edge(values: dict[str, Any]) -> bool:
    """Say whether an entity scores so near to the least score that another processor may leave it out."""
    return any(score < LEAST + CLOSE for *_, score in values["entities"])


def exactly(values: Any) -> Any:
    """Return an answer without its scores."""
    if isinstance(values, dict):
        return {key: exactly(value) for key, value in values.items()}
    return [exactly(value) for value in values if not isinstance(value, float)] if isinstance(values, list) else values


def scores(values: Any) -> list[float]:
    """Return the scores of an answer."""
    if isinstance(values, float):
        return [values]
    inner = values.values() if isinstance(values, dict) else values if isinstance(values, list) else ()
    return [score for value in inner for score in scores(value)]
