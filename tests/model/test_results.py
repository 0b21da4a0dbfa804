"""Results as plain values and as JSON."""

import json
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khabar import Article, Document, Entity, Explanation, Stance, Topic, Weight


def article(text: str, name: str | None = None) -> Article:
    topic = Topic("sport", "ورزش", "medtop:15000000", 0.75, {"sport": 0.75, "crime": 0.25})
    stance = Stance("تیم", "target", "favor", 0.5, {"favor": 0.5, "against": 0.25, "neutral": 0.25}, ((0, 3), (4, 6)))
    return Article(text, topic, (Entity(text, "ORG", 0, len(text), 0.5),), (stance,), name)


def test_plain_values() -> None:
    assert article("تیم برد", "a1").to_dict() == {
        "text": "تیم برد",
        "topic": {
            "label": "sport",
            "name": "ورزش",
            "code": "medtop:15000000",
            "score": 0.75,
            "scores": {"sport": 0.75, "crime": 0.25},
            "sure": True,
        },
        "entities": [{"text": "تیم برد", "label": "ORG", "start": 0, "end": 7, "score": 0.5}],
        "stances": [
            {
                "target": "تیم",
                "kind": "target",
                "label": "favor",
                "score": 0.5,
                "scores": {"favor": 0.5, "against": 0.25, "neutral": 0.25},
                "evidence": [[0, 3], [4, 6]],
                "sure": True,
            }
        ],
        "id": "a1",
    }


def test_an_explanation_as_plain_values() -> None:
    weights = (Weight(0, 3, 0.5, "title"), Weight(4, 7, -0.25))
    assert Explanation("topic", None, "sport", 0.75, weights).to_dict() == {
        "kind": "topic",
        "target": None,
        "label": "sport",
        "score": 0.75,
        "weights": [
            {"start": 0, "end": 3, "weight": 0.5, "part": "title"},
            {"start": 4, "end": 7, "weight": -0.25, "part": "text"},
        ],
    }


def test_an_article_without_words() -> None:
    assert Article(" ", None, (), ()).to_dict() == {
        "text": " ",
        "topic": None,
        "entities": [],
        "stances": [],
        "id": None,
    }


# JSON itself reads the halves of a pair as one character, so only lone ones come back as they were.
@given(st.text() | st.builds(str.__add__, st.text(), st.sampled_from(("\ud800", "\udfff", "\r\n\u2028\0"))))
def test_json_holds_any_text(text: str) -> None:
    line = article(text).to_json()
    assert json.loads(line.encode()) == article(text).to_dict()
    assert len(line.splitlines()) == 1 or "\u2028" in text or "\x85" in text or "\u2029" in text
    assert "\n" not in line


def test_json_keeps_persian_readable() -> None:
    assert "ورزش" in article("تیم برد").to_json()
    assert "\\ud800" in article("تیم \ud800").to_json()


def test_results_are_frozen() -> None:
    for value, name in ((article("تیم"), "text"), (Document("متن"), "title"), (article("تیم").entities[0], "start")):
        with pytest.raises(FrozenInstanceError):
            setattr(value, name, None)


def test_a_document_asks_for_nothing_of_itself() -> None:
    assert Document("متن") == Document(text="متن", title=None, targets=None, claims=(), id=None)
