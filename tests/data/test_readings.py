"""What was read in articles of the corpora for Khabar: topics, entities and claims."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from khabar_data import CORPORA, Record, labels, read_corpus
from khabar_data.corpora import readings


def put(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write a JSON Lines file, and its folders."""
    path.parent.mkdir(parents=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


def first_farsnews(folder: Path, read: Iterable[str], part: str) -> Record:
    """Return the first opening of a part, from a file that ends with its article."""
    n_before = min(int(article.rpartition("-")[2]) for article in read if article.startswith("farsnews-all-"))
    put(folder / "topic/farsnews.jsonl", [{"title": "خبر", "text": "م" * 2000, "label": "sports"}] * (n_before + 1))
    (record,) = read_corpus("farsnews", folder, part)
    assert record.id == f"farsnews-all-{n_before}"
    return record


def test_readings_stand_for_sections(tmp_path: Path) -> None:
    """Part ``read`` has what was read in an article, whatever its section; ``unread`` has the others by section."""
    unread = next(i for i in range(100) if f"farsnews-all-{i}" not in readings.topics_read())
    read = next(i for i in range(100) if readings.topics_read().get(f"farsnews-all-{i}"))
    rows = [{"title": "خبر", "text": f"متن {i}", "label": "sports/football"} for i in range(100)]
    put(tmp_path / "topic/farsnews.jsonl", rows)
    parts = {
        part: {r.id: r.topics for r in read_corpus("farsnews", tmp_path, part)} for part in ("all", "read", "unread")
    }
    assert parts["read"][f"farsnews-all-{read}"] == readings.topics_read()[f"farsnews-all-{read}"]
    assert parts["unread"][f"farsnews-all-{unread}"] == ("sport",)
    assert set(parts["all"].values()) == {("sport",)}
    assert not parts["read"].keys() & parts["unread"].keys()


def test_readings_are_of_known_articles_and_topics() -> None:
    for article, found in readings.topics_read().items():
        assert "read" in CORPORA[article.partition("-")[0]].parts
        assert set(found) <= {label.key for label in labels.TOPICS}


def test_tagged_openings_have_entities_and_no_topic(tmp_path: Path) -> None:
    """Part ``tagged`` has the openings that were read, cut where the reading ended."""
    record = first_farsnews(tmp_path, readings.entities_read(), "tagged")
    length, spans = readings.entities_read()[str(record.id)]
    assert (record.topics, len(record.text)) == ((), length)
    assert [(span.start, span.end, span.label) for span in record.entities] == [tuple(span) for span in spans]
    assert set(record.entity_types) == {label.key for label in labels.ENTITY_TYPES}


def test_tagged_openings_of_farexstance_have_no_claim(tmp_path: Path) -> None:
    """They keep the group of their claim, so that they are held out with it."""
    article = next(article for article in readings.entities_read() if article.startswith("farexstance_article-all-"))
    n_before = int(article.rpartition("-")[2])
    length, spans = readings.entities_read()[article]
    row = {"claim": "ادعا", "text": "م" * (length + 50), "label": "agree", "claim_id": 1, "news_id": 1}
    put(tmp_path / "stance/claim/farexstance_article.jsonl", [row] * (n_before + 1))
    *_, record = read_corpus("farexstance_article", tmp_path, "tagged")
    assert (record.id, record.claim_stances, len(record.text)) == (article, (), length)
    assert len(record.entities) == len(spans)
    assert record.group == next(read_corpus("farexstance_article", tmp_path, "all")).group


def test_claimed_openings_have_claims_alone(tmp_path: Path) -> None:
    """Part ``claimed`` has the openings for which claims were written, cut where the reading ended."""
    record = first_farsnews(tmp_path, readings.claims_read(), "claimed")
    length, claims = readings.claims_read()[str(record.id)]
    assert (record.topics, record.entity_types, len(record.text)) == ((), (), length)
    assert [(stance.claim, stance.labels) for stance in record.claim_stances] == [
        (claim, (label,)) for claim, label in claims
    ]


def test_readings_are_of_known_articles_and_labels() -> None:
    for article, (length, spans) in readings.entities_read().items():
        assert "tagged" in CORPORA[article.partition("-")[0]].parts
        ends = [0, *(end for _, end, _ in spans)]
        assert all(before <= start < end <= length for before, (start, end, _) in zip(ends, spans, strict=False))
        assert {label for _, _, label in spans} <= {label.key for label in labels.ENTITY_TYPES}
    for article, (_, claims) in readings.claims_read().items():
        assert "claimed" in CORPORA[article.partition("-")[0]].parts
        assert {label for _, label in claims} <= {label.key for label in labels.CLAIM_STANCES}
