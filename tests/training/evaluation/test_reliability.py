"""Calibration figures, against scikit-learn and cases worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from khabar_data.batching import Booleans
from khabar_training.evaluation.measured import Bin, Threshold
from khabar_training.evaluation.reliability import (
    MIN_SCORES,
    N_BINS,
    Floats,
    calibration_error,
    calibration_of,
)

ANSWERS = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60)


def arrays(answers: list[tuple[float, bool]]) -> tuple[Floats, Booleans]:
    scores, right = zip(*answers, strict=True)
    return np.array(scores), np.array(right)


@given(ANSWERS)
def test_bins_agree_with_scikit_learn(answers: list[tuple[float, bool]]) -> None:
    scores, right = arrays(answers)
    found = calibration_of(scores, right, temperature=1.5)
    accuracies, confidences = calibration_curve(right, scores, n_bins=N_BINS)
    assert [one.accuracy for one in found.bins] == pytest.approx(accuracies.tolist())
    assert [one.confidence for one in found.bins] == pytest.approx(confidences.tolist())
    sizes = np.array([one.n for one in found.bins])
    assert sizes.sum() == len(scores)
    assert found.error == pytest.approx(float((sizes / len(scores)) @ np.abs(accuracies - confidences)))
    assert found.temperature == 1.5


@given(ANSWERS)
def test_thresholds_and_area_are_what_is_left_at_each_score(answers: list[tuple[float, bool]]) -> None:
    scores, right = arrays(answers)
    found = calibration_of(scores, right, temperature=1.0)
    for one in found.thresholds:
        given_right = [is_right for score, is_right in answers if score >= one.min_score]
        assert one.coverage == pytest.approx(len(given_right) / len(answers))
        assert one.risk == pytest.approx(1 - np.mean(given_right))
    assert len(found.thresholds) == sum(min_score <= scores.max() for min_score in MIN_SCORES)
    risks = [np.mean([not other for score, other in answers if score >= least]) for least in scores]
    assert found.risk_area == pytest.approx(np.mean(risks))


def test_calibration_by_hand() -> None:
    scores, right = np.array([0.9, 0.91, 0.5, 0.49]), np.array([True, False, True, True])
    found = calibration_of(scores, right, temperature=1.0)
    assert found.error == pytest.approx((2 * abs(0.5 - 0.905) + 2 * abs(1 - 0.495)) / 4)
    low, high = found.bins
    assert low == Bin(low=7 / 15, high=8 / 15, n=2, confidence=0.495, accuracy=1.0)
    assert (high.n, high.accuracy) == (2, 0.5)
    assert found.thresholds[0] == Threshold(min_score=0.0, coverage=1.0, risk=0.25)
    assert found.thresholds[10].coverage == 0.75
    assert found.thresholds[10].risk == pytest.approx(1 / 3)
    assert found.thresholds[-1] == Threshold(min_score=0.9, coverage=0.5, risk=0.5)
    assert found.risk_area == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4)


def test_certain_and_right_answers_have_no_error() -> None:
    assert calibration_error(np.ones(3), np.ones(3, dtype=np.bool_)) == 0.0


def test_no_answers_no_figures() -> None:
    found = calibration_of(np.empty(0), np.empty(0, dtype=np.bool_), temperature=2.0)
    assert (found.error, found.bins, found.thresholds, found.risk_area) == (0.0, (), (), None)
