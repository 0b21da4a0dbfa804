"""What was read in articles of the corpora for Khabar: topics, entities and claims, by the articles' ids.

Each was read once, by a language model, by the project's guidelines. The readings hold no text of the corpora.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

from khabar_data.labels import ENTITY_TYPES
from khabar_data.records import ClaimStance, Record, Span


@cache
def topics_read() -> Mapping[str, tuple[str, ...]]:
    """Return the topics of articles: sections name the desk that an article came from, and their topics are often
    others."""
    rows = json.loads(Path(__file__).with_name("topic_readings.json").read_text("utf-8"))
    return {article: tuple(topics) for article, topics in rows.items()}


@cache
def entities_read() -> Mapping[str, tuple[int, list[tuple[int, int, str]]]]:
    """Return where the opening that was read ends, and its entities: start, end, type; all ten types are annotated."""
    rows: Mapping[str, tuple[int, list[tuple[int, int, str]]]]
    rows = json.loads(Path(__file__).with_name("entity_readings.json").read_text("utf-8"))
    return rows


@cache
def claims_read() -> Mapping[str, tuple[int, list[tuple[str, str]]]]:
    """Return where the opening that was read ends, and the claims that were written about it, with their stances."""
    rows: Mapping[str, tuple[int, list[tuple[str, str]]]]
    rows = json.loads(Path(__file__).with_name("claim_readings.json").read_text("utf-8"))
    return rows


def _tagged(article: Record) -> Iterator[Record]:
    if reading := entities_read().get(article.id or ""):
        length, spans = reading
        yield replace(
            article,
            text=article.text[:length],
            entities=tuple(Span(start=start, end=end, label=label) for start, end, label in spans),
            entity_types=tuple(label.key for label in ENTITY_TYPES),
        )


def _claimed(article: Record) -> Iterator[Record]:
    if reading := claims_read().get(article.id or ""):
        length, claims = reading
        stances = tuple(ClaimStance(claim=claim, labels=(label,)) for claim, label in claims)
        yield replace(article, text=article.text[:length], claim_stances=stances)


OPENINGS: Final[Mapping[str, Callable[[Record], Iterator[Record]]]] = {"tagged": _tagged, "claimed": _claimed}
"""By the part of a corpus: the opening of an article as it was read, nothing where it was not."""
