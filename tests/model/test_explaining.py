"""Explanations: where their stretches lie, what their weights are, and that the words they name matter."""

import random
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import khabar
from khabar import Analyzer, Document, Explanation, InputError, Stance, Topic
from khabar.reading import Reading
from khabar.runtime import Runtime
from khabar.targets import FUNCTION_WORDS
from khabar.text import Integers, clean, sentences
from khabar_data import samples

TITLE = "جنگ در کابل"
NEWS = (
    "وزارت خارجه ایران حمله را محکوم کرد. محمد جواد ظریف در تهران گفت که سازمان ملل متحد خاموش است.\r\n"
    "احمد به کابل می\u200cرود. ایران و روسیه در ۱۰.۵ درصد از پروژه شریک\u200cاند؛ ایران این را پذیرفت. باران بارید."
)


def check(explanation: Explanation, text: str, title: str | None) -> None:
    """Check where the stretches lie: in their part, in order, the title first, none over another."""
    parts = {"title": title or "", "text": text}
    assert [weight.part for weight in explanation.weights] == sorted(
        (weight.part for weight in explanation.weights), reverse=True
    )
    for part, source in parts.items():
        place = 0
        for weight in (weight for weight in explanation.weights if weight.part == part):
            assert place <= weight.start < weight.end <= len(source)
            assert source[weight.start : weight.end].strip()
            assert np.isfinite(weight.weight)
            place = weight.end


@pytest.fixture(scope="module", params=("unigram", "wordpiece"))
def tiny(request: pytest.FixtureRequest, tiny_checkpoint: Callable[[str], Path]) -> Analyzer:
    """A tiny random model of each family."""
    return khabar.load(tiny_checkpoint(request.param), threads=1)


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_stretches_lie_in_any_text(tiny: Analyzer, odd_text: st.SearchStrategy[str], data: st.DataObject) -> None:
    text = data.draw(odd_text) * data.draw(st.sampled_from((1, 1, 12)))
    title = data.draw(st.none() | odd_text)
    explanations = tiny.explain(text, title=title, targets=["ایران"], claims=["باران بارید"])
    article = tiny.predict(text, title=title, targets=["ایران"], claims=["باران بارید"])
    topics = () if article.topic is None else (article.topic,)
    answers: tuple[Topic | Stance, ...] = (*topics, *article.stances)
    assert len(explanations) == len(answers)
    for explanation, answer in zip(explanations, answers, strict=True):
        assert answer.scores[explanation.label] == pytest.approx(explanation.score, abs=0.02)  # 8 bits, other batches
        check(explanation, text, title)


@pytest.mark.parametrize("text", ["ا" * 3000, "۹" * 3000, "." * 2000, "ایران " * 300, f"{NEWS}\n" * 12])
def test_long_and_odd_texts(tiny: Analyzer, text: str) -> None:
    for explanation in tiny.explain(text, title=text[:900], targets=["ایران"]):
        check(explanation, text, text[:900])


@pytest.mark.parametrize(("n_words", "n_detailed"), [(0, 0), (1, 1), (1000, 6)])
def test_words_of_the_heaviest_sentences_and_the_others_whole(
    tiny: Analyzer, monkeypatch: pytest.MonkeyPatch, n_words: int, n_detailed: int
) -> None:
    monkeypatch.setattr("khabar.explaining._WORDS", n_words)
    (topic,) = tiny.explain(NEWS, title=TITLE)
    spans = {(weight.part, weight.start, weight.end) for weight in topic.weights}
    cleaned = clean(NEWS)
    whole = {("text", *cleaned.raw_span(*span)) for span in sentences(cleaned.text)} | {("title", 0, len(TITLE))}
    assert (len(whole), len(whole - spans)) == (6, n_detailed)
    words = {{"title": TITLE, "text": NEWS}[part][start:end] for part, start, end in spans - whole}
    assert words <= set(f"{NEWS} {TITLE}".replace(".", " ").replace("؛", " ").split()) | {"۱۰.۵"}
    assert not words & FUNCTION_WORDS
    assert bool(words) == bool(n_detailed)


@pytest.mark.parametrize("kind", ["topic", "target", "claim"])
def test_a_weight_is_the_fall_of_the_log_odds(tiny: Analyzer, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Leaving out the title or the last sentence is what a caller does who leaves them out."""
    monkeypatch.setattr("khabar.explaining._WORDS", 0)
    asked: dict[str, Any] = {"target": {"targets": ["ایران"]}, "claim": {"claims": ["ایران در جنگ است"]}}.get(kind, {})
    first, last = "ایران در جنگ است. ", "ایران در صلح نیست."
    (found,) = tiny.explain(first + last, title="کابل", topic=kind == "topic", **asked)

    def log_odds(text: str, title: str | None) -> float:
        article = tiny.predict(text, title=title, **{"targets": (), **asked})
        answer = article.stances[0] if article.stances else article.topic
        assert answer is not None
        return float(np.log(answer.scores[found.label] / (1 - answer.scores[found.label])))

    whole = log_odds(first + last, "کابل")
    falls = {(weight.part, weight.start): weight.weight for weight in found.weights}
    assert list(falls) == [("title", 0), ("text", 0), ("text", len(first))]
    assert falls["title", 0] == pytest.approx(whole - log_odds(first + last, None), abs=1e-3)
    assert falls["text", len(first)] == pytest.approx(whole - log_odds(first, "کابل"), abs=1e-3)


def test_only_what_was_read_for_a_stance_has_a_weight(tiny: Analyzer) -> None:
    text = f"باران بارید. کابل آمد. {'مردم خانه بانک. ' * 60}روسیه رفت."
    reading = Reading(Document(text, targets=["کابل"]), tiny._reader)
    places = reading.context(reading.targets[0]).places
    assert len(places) < len(reading.ids)
    (stance,) = tiny.explain(text, targets=["کابل"], topic=False)
    assert stance.weights[0].start == 0
    assert max(weight.end for weight in stance.weights) < text.index("روسیه")


def test_a_query_stays_whole(tiny: Analyzer, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[list[int]] = []
    run = Runtime.run

    def watching(self: Runtime, sequences: Sequence[Integers]) -> Any:
        read.extend(ids.tolist() for ids in sequences)
        return run(self, sequences)

    monkeypatch.setattr(Runtime, "run", watching)
    tiny.explain(NEWS, claims=["ایران حمله را محکوم کرد"], topic=False)
    query = tiny._reader.read("ایران حمله را محکوم کرد").ids
    beginning = tiny._reader.pair(query, query[:0])[:-1].tolist()
    assert len(read) > 10
    assert all(ids[: len(beginning)] == beginning for ids in read)


def test_what_is_asked_for_is_explained(tiny: Analyzer, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(**arguments: Any) -> list[tuple[str, str | None]]:
        return [(explanation.kind, explanation.target) for explanation in tiny.explain(NEWS, **arguments)]

    assert asked() == [("topic", None)]
    assert asked(topic=False) == []
    assert asked(claims=["باران بارید"], targets=["روسیه", "ایران"]) == [
        ("topic", None),
        ("target", "روسیه"),
        ("target", "ایران"),
        ("claim", "باران بارید"),
    ]
    entity = khabar.Entity("تهران", "LOC", NEWS.index("تهران"), NEWS.index("تهران") + 5, 0.9)
    monkeypatch.setattr(Analyzer, "_entities", lambda *_: (entity,))
    assert asked(targets=None, topic=False) == [("target", "تهران")]


@pytest.mark.parametrize("text", ["", " \n", "\u200c\u200c", "؟!"])
def test_nothing_to_read_is_nothing_to_explain(tiny: Analyzer, text: str) -> None:
    assert tiny.explain(text, targets=["ایران"]) == ()
    assert [explanation.kind for explanation in tiny.explain(text, title=TITLE)] == ["topic"]


def test_wrong_arguments(tiny: Analyzer) -> None:
    with pytest.raises(InputError, match="targets is str"):
        tiny.explain(NEWS, targets="ایران")
    with pytest.raises(InputError, match="claim is ' '"):
        tiny.explain(NEWS, claims=[" "])


def test_the_words_that_weigh_most_matter_most(bundled_analyzer: Analyzer) -> None:
    """Without the four heaviest words the topic falls further than without four others of the same sentences."""
    chance = random.Random(13)
    falls = []
    for record in islice(samples.read("dev"), 0, 132, 11):
        text = record.text[:200]
        (topic,) = bundled_analyzer.explain(text)
        words = [(w.weight, w.start, w.end) for w in topic.weights if not set(text[w.start : w.end]) & set(" \n")]
        rows = []
        for chosen in (sorted(words)[-4:], chance.sample(words, 4)):
            cut = text
            for _, start, end in sorted(chosen, key=lambda word: -word[1]):
                cut = cut[:start] + cut[end:]
            after = bundled_analyzer.predict(cut, targets=()).topic
            assert after is not None
            rows.append(topic.score - after.scores[topic.label])
        falls.append(rows)
    heaviest, drawn = np.mean(falls, axis=0)
    assert heaviest > drawn + 0.1
