"""Decoding against brute force, and on cases worked out by hand."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from khabar.config import Kind, Label, TaskSpec
from khabar.decoding import (
    Floats,
    best_path,
    decode_entities,
    decode_topic,
    is_well_formed,
    label_scores,
    probabilities,
)

ENTITIES = TaskSpec(name="entities", kind=Kind.WORDS, labels=(Label("PER", "شخص"), Label("LOC", "مکان")))
TOPIC = TaskSpec(
    name="topic", kind=Kind.TEXT, labels=(Label("sport", "ورزش", "medtop:15000000"), Label("crime", "جرم"))
)


def valid(path: tuple[int, ...]) -> bool:
    """Say whether a path of outputs is BIO, by its names."""
    names = [ENTITIES.outputs[output] for output in path]
    return all(
        not name.startswith("I-") or before in {f"B-{name[2:]}", name}
        for before, name in zip(["O", *names], names, strict=False)
    )


def logits(*names: str, width: float = 4.0) -> Floats:
    """Return the logits of words for which these outputs are the best, one name or two a word."""
    rows = np.zeros((len(names), len(ENTITIES.outputs)), dtype=np.float32)
    for row, choices in zip(rows, names, strict=True):
        for rank, name in enumerate(choices.split()):
            row[ENTITIES.outputs.index(name)] = width - rank
    return rows


def found(*names: str) -> list[tuple[int, int, str]]:
    return [(span.first, span.last, span.label) for span in decode_entities(logits(*names), ENTITIES)]


@given(st.integers(1, 5).flatmap(lambda n: arrays.arrays(np.float64, (n, 5), elements=st.floats(-20, 0))))
def test_best_path_is_the_best_of_all_well_formed_ones(scores: Floats) -> None:
    def total(path: tuple[int, ...]) -> float:
        return float(sum(scores[word, output] for word, output in enumerate(path)))

    best = max(total(path) for path in product(range(5), repeat=len(scores)) if valid(path))
    path = tuple(best_path(scores).tolist())
    assert valid(path)
    assert total(path) == pytest.approx(best)


@given(st.lists(st.integers(0, 4), max_size=6))
def test_well_formed(path: list[int]) -> None:
    assert is_well_formed(np.array(path, dtype=np.int64)) == valid(tuple(path))


@pytest.mark.parametrize(
    ("names", "spans"),
    [
        (("O", "B-PER", "I-PER", "O"), [(1, 3, "PER")]),
        (("B-PER", "B-PER", "I-PER"), [(0, 1, "PER"), (1, 3, "PER")]),
        (("B-PER", "B-LOC"), [(0, 1, "PER"), (1, 2, "LOC")]),
        (("O", "O"), []),
        (("I-PER B-PER", "I-PER"), [(0, 2, "PER")]),  # I- at the start
        (("O", "I-LOC O", "O"), []),  # I- on its own, O nearly as good
        (("B-PER", "I-LOC I-PER"), [(0, 2, "PER")]),  # I- of another type
        (("B-LOC", "I-LOC", "B-LOC"), [(0, 2, "LOC"), (2, 3, "LOC")]),
    ],
)
def test_entities(names: tuple[str, ...], spans: list[tuple[int, int, str]]) -> None:
    assert found(*names) == spans


def test_no_words_no_entities() -> None:
    assert decode_entities(np.empty((0, 5), dtype=np.float32), ENTITIES) == []


def test_an_entity_s_score_is_the_mean_over_its_words() -> None:
    scores = np.concatenate((logits("B-PER", width=2), logits("I-PER", width=1)))
    first, second = np.exp(2) / (np.exp(2) + 4), np.exp(1) / (np.exp(1) + 4)
    [span] = decode_entities(scores, ENTITIES)
    assert span.score == pytest.approx((first + second) / 2)


@given(arrays.arrays(np.float32, (3, 5), elements=st.floats(-1e4, 1e4, width=32)), st.floats(0.1, 10))
def test_probabilities_sum_to_one_at_any_temperature(values: Floats, temperature: float) -> None:
    task = TaskSpec(name="entities", kind=Kind.WORDS, labels=ENTITIES.labels, temperature=temperature)
    chances = probabilities(values, task)
    assert chances.shape == values.shape
    assert (chances >= 0).all()
    np.testing.assert_allclose(chances.sum(-1), 1)


@given(
    st.integers(1, 8).flatmap(lambda n: arrays.arrays(np.float32, (n, 5), elements=st.floats(-99, 99, width=32))),
    st.floats(0.05, 20),
)
def test_the_spans_found_are_the_same_at_any_temperature(values: Floats, temperature: float) -> None:
    task = TaskSpec(name="entities", kind=Kind.WORDS, labels=ENTITIES.labels, temperature=temperature)
    spans = [[span[:3] for span in decode_entities(values, spec)] for spec in (task, ENTITIES)]
    assert spans[0] == spans[1]


def test_temperature_flattens() -> None:
    warm = TaskSpec(name="topic", kind=Kind.TEXT, labels=TOPIC.labels, temperature=2.0)
    scores = np.array([2.0, 0.0], dtype=np.float32)
    assert label_scores(scores, TOPIC) == pytest.approx({"sport": 1 / (1 + np.exp(-2)), "crime": 1 / (1 + np.exp(2))})
    assert label_scores(scores, warm)["sport"] == pytest.approx(1 / (1 + np.exp(-1)))


def test_a_topic_is_that_of_the_mean_window() -> None:
    topic = decode_topic(np.array([[5.0, 0.0], [0.0, 1.0], [0.0, 1.0]], dtype=np.float32), TOPIC)
    assert (topic.label, topic.name, topic.code) == ("sport", "ورزش", "medtop:15000000")
    assert topic.score == topic.scores["sport"] == pytest.approx(1 / (1 + np.exp(-1)))
