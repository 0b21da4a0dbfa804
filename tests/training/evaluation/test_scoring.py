"""Figures from outcomes, against scikit-learn and cases worked out by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score

from khabar_training.evaluation.measured import LabelOutcome, SpanOutcome
from khabar_training.evaluation.scoring import (
    ACCURACY,
    FAVOR_AGAINST_F1,
    LABEL_FIGURES,
    MACRO_F1,
    SPAN_FIGURES,
    Figure,
    figures_of,
    slices_of,
    summed,
)

LABELS = ("favor", "against", "neutral")


def outcome(gold: str, found: str, unit: int = 0) -> LabelOutcome:
    return LabelOutcome(id="a", unit=unit, gold=tuple(gold.split("|")), found=found)


def value(figure: Figure[LabelOutcome], *outcomes: LabelOutcome) -> float:
    return figure.statistic(figure.counts(outcomes, LABELS).sum(0))


@settings(max_examples=50)
@given(st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from((*LABELS, "nothing"))), min_size=1, max_size=30))
def test_figures_agree_with_scikit_learn(answers: list[tuple[str, str]]) -> None:
    outcomes = [outcome(gold, found) for gold, found in answers]
    gold, found = zip(*answers, strict=True)
    assert value(ACCURACY, *outcomes) == pytest.approx(accuracy_score(gold, found))
    for figure, averaged in ((MACRO_F1, LABELS), (FAVOR_AGAINST_F1, LABELS[:2])):
        held = [label for label in averaged if label in gold]
        if held:
            expected = f1_score(gold, found, labels=held, average="macro", zero_division=0)
            assert value(figure, *outcomes) == pytest.approx(expected)
        else:
            assert np.isnan(value(figure, *outcomes))


def test_sets_of_labels_count_for_accuracy_alone() -> None:
    outcomes = (outcome("favor|against", "against"), outcome("favor", "against"), outcome("favor|neutral", "against"))
    assert value(ACCURACY, *outcomes) == pytest.approx(1 / 3)
    assert value(MACRO_F1, *outcomes) == 0.0


def test_a_figure_that_does_not_exist_is_left_out() -> None:
    outcomes = [outcome("favor|against", "against", unit) for unit in range(3)]
    assert list(figures_of(LABEL_FIGURES["target_stance"], outcomes, LABELS, 0)) == ["accuracy"]
    outcomes = [outcome("neutral", "neutral", unit) for unit in range(3)]
    assert list(figures_of(LABEL_FIGURES["target_stance"], outcomes, LABELS, 0)) == ["macro-F1", "accuracy"]


def test_draws_without_a_label_leave_an_interval() -> None:
    """Only one of three units has favor or against, so that some draws have neither."""
    outcomes = [outcome("favor", "favor", 0), outcome("neutral", "neutral", 1), outcome("neutral", "favor", 2)]
    estimate = FAVOR_AGAINST_F1.estimate(outcomes, LABELS, 0)
    assert estimate is not None
    assert estimate.value == pytest.approx(2 / 3)
    assert 0 < estimate.low <= estimate.value <= estimate.high == 1.0


def test_what_belongs_together_is_drawn_together() -> None:
    """Ten items of one group say no more than one item: the interval is as wide as it can be."""
    outcomes = [outcome("favor", "favor", 0)] * 10 + [outcome("favor", "against", 1)] * 10
    together = ACCURACY.estimate(outcomes, LABELS, 0)
    apart = ACCURACY.estimate([outcome("favor", o.found, unit) for unit, o in enumerate(outcomes)], LABELS, 0)
    assert together is not None
    assert apart is not None
    assert (together.low, together.value, together.high) == (0.0, 0.5, 1.0)
    assert 0.2 < apart.low < 0.5 < apart.high < 0.8


def test_summed_by_unit() -> None:
    assert summed(np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), [7, 2, 7]).tolist() == [[3, 4], [6, 8]]


def test_span_figures() -> None:
    """Two texts: of 3 gold spans 1 right, of 2 found; then 1 gold and found, right."""
    outcomes = [
        SpanOutcome(id="a", unit=0, n_found=2, right="100", exact=1, partial=1.5, type=2),
        SpanOutcome(id="b", unit=1, n_found=1, right="1", exact=1, partial=1.0, type=1),
    ]
    values = {name: estimate.value for name, estimate in figures_of(SPAN_FIGURES, outcomes, (), 0).items()}
    assert values == pytest.approx({"strict F1": 4 / 7, "exact F1": 4 / 7, "partial F1": 5 / 7, "type F1": 6 / 7})


def test_slices_have_a_handful_of_values_in_their_order() -> None:
    outcomes = [outcome("favor", "favor", 0), outcome("favor", "against", 1), outcome("neutral", "neutral", 2)]
    traits = [
        {"length": "800+", "one": "x", "year": "2020"},
        {"length": "<100", "one": "x"},
        {"length": "100-199", "one": "x", "year": "2019"},
    ]
    slices = slices_of(ACCURACY, outcomes, traits, LABELS, 0)
    assert [(one.field, one.value, one.n, one.figure.value) for one in slices] == [
        ("length", "<100", 1, 0.0),
        ("length", "100-199", 1, 1.0),
        ("length", "800+", 1, 1.0),
        ("year", "2019", 1, 1.0),
        ("year", "2020", 1, 1.0),
    ]
    many = [{"id": str(number)} for number in range(13)]
    assert slices_of(ACCURACY, [outcome("favor", "favor")] * 13, many, LABELS, 0) == ()
