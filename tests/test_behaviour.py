"""Swapped names and orders inside a text leave the bundled model's answers as they are, and its promises hold."""

from collections.abc import Callable

import pytest
from benchmarks.behaviour import NEGATIONS, TEMPLATES, Result, broken_promise, negations, orders, promises, rates, swaps

from khabar import Analyzer, Article, Entity, Stance


@pytest.mark.parametrize(("suite", "most"), [(swaps, 0.1), (orders, 0.2)])
def test_what_must_not_change_an_answer(
    bundled_analyzer: Analyzer, suite: Callable[..., list[Result]], most: float
) -> None:
    results = list(suite(bundled_analyzer, TEMPLATES[:2]))
    assert len(results) > 10
    assert sum(result.fault is not None for result in results) <= most * len(results)


def test_what_must_change_an_answer(bundled_analyzer: Analyzer) -> None:
    found = rates(negations(bundled_analyzer, NEGATIONS[:4]))
    assert found["negations"]["tried"] == 4
    assert found["negations"]["failed"] <= 1


def test_promises_hold(bundled_analyzer: Analyzer) -> None:
    assert [result.fault for result in promises(bundled_analyzer, TEMPLATES[:3])] == [None] * 9


def stance(target: str, score: float = 0.9, *, sure: bool = True, end: int = 4) -> Stance:
    return Stance(target, "target", "favor", score, {}, ((0, end),), sure)


@pytest.mark.parametrize(
    ("article", "fault"),
    [
        (Article("کابل", None, (), (stance("هرات"),)), "a target that the text does not have"),
        (Article("کابل", None, (), (stance("کابل", end=5),)), "evidence outside the text"),
        (Article("کابل", None, (Entity("کابل", "LOC", 0, 4, 0.4),), ()), "an entity below min_score"),
        (Article("کابل", None, (), (stance("کابل", 0.4),)), "a sure answer below min_score"),
        (Article("کابل", None, (), (stance("کابل", 0.4, sure=False),)), None),
    ],
)
def test_a_broken_promise_is_found(article: Article, fault: str | None) -> None:
    assert broken_promise(article, 0.5) == fault


def test_rates() -> None:
    results = [Result("a", None), Result("a", "x"), Result("b", None), Result("a", None), Result("a", None)]
    assert rates(results) == {
        "a": {"tried": 4, "failed": 1, "rate": 0.25},
        "b": {"tried": 1, "failed": 0, "rate": 0.0},
    }
