"""Precision, recall and F1 of each label, against scikit-learn."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_fscore_support

from khabar_training.evaluation.class_scores import matrix, scores_of
from khabar_training.evaluation.measured import ClassScores
from khabar_training.metrics import Counts, confusion, macro_f1

LABELS = ("favor", "against", "neutral", "unclear")
ANSWERS = st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from(LABELS)), min_size=1, max_size=40)


def class_scores(counts: Counts, labels: Sequence[str]) -> list[ClassScores]:
    """Return the scores of each label from a confusion matrix, gold in rows."""
    columns = zip(labels, counts.diagonal(), counts.sum(0), counts.sum(1), strict=True)
    return [scores_of(*column) for column in columns]


@given(ANSWERS)
def test_class_scores_agree_with_scikit_learn(answers: list[tuple[str, str]]) -> None:
    gold, found = zip(*answers, strict=True)
    counts = confusion(gold, found, LABELS)
    expected = precision_recall_fscore_support(gold, found, labels=LABELS, zero_division=0)
    scores = class_scores(counts, LABELS)
    for one, precision, recall, f1, support in zip(scores, *expected, strict=True):
        assert one.support == support
        assert one.found == found.count(one.label)
        assert one.precision == (pytest.approx(precision) if one.found else None)
        assert one.recall == (pytest.approx(recall) if support else None)
        assert one.f1 == (pytest.approx(f1) if support else None)
    held = [one.f1 for one in scores if one.f1 is not None]
    assert macro_f1(counts) == pytest.approx(sum(held) / len(held))


def test_labels_without_support_or_never_found_have_no_figure() -> None:
    favor, against, neutral, unclear = class_scores(confusion(["favor"] * 2, ["favor", "against"], LABELS), LABELS)
    assert (favor.precision, favor.recall, favor.f1) == (1.0, 0.5, 2 / 3)
    assert (against.precision, against.recall, against.f1, against.found) == (0.0, None, None, 1)
    assert (neutral.precision, neutral.recall, neutral.f1) == (None, None, None)
    assert (unclear.support, unclear.found) == (0, 0)
    [missed] = class_scores(np.zeros((1, 1)), ["PER"])
    assert missed.f1 is None
    [_, never] = class_scores(confusion(["a", "b"], ["a", "a"], ("a", "b")), ("a", "b"))
    assert (never.precision, never.recall, never.f1) == (None, 0.0, 0.0)


def test_a_matrix_holds_whole_numbers() -> None:
    found = matrix(np.array([[1.0, 2.0, 0.0]]), ["favor"], ["favor", "against", "neutral"])
    assert found.counts == ((1, 2, 0),)
    assert (found.rows, found.columns) == (("favor",), ("favor", "against", "neutral"))
