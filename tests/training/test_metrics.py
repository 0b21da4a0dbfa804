"""Figures of quality, against hand-worked cases and scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score

from khabar_data.records import Span
from khabar_training.metrics import (
    accuracy,
    bootstrap,
    class_f1,
    confusion,
    macro_f1,
    span_counts,
    span_f1,
)

LABELS = ("favor", "against", "neutral")
ANSWERS = st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from(LABELS)), min_size=1, max_size=40)


def spans(*triples: tuple[int, int, str]) -> list[Span]:
    return [Span(start=start, end=end, label=label) for start, end, label in triples]


def test_a_span_counts_only_with_its_borders_and_its_label() -> None:
    gold = spans((0, 4, "PER"), (5, 9, "ORG"), (10, 12, "DAT"))
    found = spans((0, 4, "PER"), (5, 8, "ORG"), (10, 12, "TIM"), (20, 22, "PRO"))
    counts = span_counts(gold, found, ("PER", "ORG", "DAT", "TIM"))
    assert counts.tolist() == [[1, 1, 1], [0, 1, 1], [0, 0, 1], [0, 1, 0]]
    assert span_f1(counts) == pytest.approx(2 * 1 / (3 + 3))
    assert span_f1(counts[0]) == 1.0


def test_no_spans_at_all_is_nothing_found() -> None:
    assert span_f1(span_counts([], [], ("PER",))) == 0.0


@given(ANSWERS)
def test_macro_f1_and_accuracy_agree_with_scikit_learn(answers: list[tuple[str, str]]) -> None:
    gold, found = zip(*answers, strict=True)
    counts = confusion(gold, found, LABELS)
    held = sorted(set(gold))
    expected = f1_score(gold, found, labels=held, average="macro", zero_division=0)
    assert macro_f1(counts) == pytest.approx(expected)
    assert accuracy(counts) == pytest.approx(accuracy_score(gold, found))


def test_a_class_without_gold_has_no_f1() -> None:
    scores = class_f1(confusion(["favor", "favor"], ["favor", "against"], LABELS))
    assert scores[0] == pytest.approx(2 / 3)
    assert np.isnan(scores[1:]).all()


def test_bootstrap_holds_the_value_and_narrows_with_more_documents() -> None:
    few = np.array([[1.0, 1.0], [0.0, 1.0]] * 10)
    many = np.concatenate([few] * 40)

    def share(sums: np.ndarray) -> float:
        return float(sums[0] / sums[1])

    narrow, wide = bootstrap(many, share), bootstrap(few, share)
    assert narrow.value == wide.value == 0.5
    assert wide.low < narrow.low < 0.5 < narrow.high < wide.high
    # The standard error of a share of one half is 0.5 / sqrt(n).
    assert wide.high - wide.low == pytest.approx(2 * 1.96 * 0.5 / np.sqrt(20), rel=0.15)
    assert bootstrap(few, share) == wide
