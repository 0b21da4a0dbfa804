"""Entity matching against nervaluate over whole corpora, and on cases worked out by hand."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nervaluate import Evaluator

from khabar.config import Kind, Label, TaskSpec
from khabar.decoding import decode_entities
from khabar_data.records import Span
from khabar_training.evaluation.class_scores import ALL, scores_of
from khabar_training.evaluation.entity_matching import (
    BORDERS,
    SCHEMAS,
    border_counts,
    match_counts,
    match_scores,
    paired,
)
from khabar_training.evaluation.measured import ClassScores
from khabar_training.metrics import Counts, span_counts, span_f1

TYPES = ("PER", "ORG", "LOC", "DAT")
TASK = TaskSpec(name="entities", kind=Kind.WORDS, labels=tuple(Label(key, key) for key in TYPES[:3]))


@st.composite
def spans_of_a_text(draw: st.DrawFn) -> list[Span]:
    """Spans in order and apart; none is a DAT, so that one type never has support."""
    borders = sorted(draw(st.sets(st.integers(0, 40), max_size=10)))
    return [
        Span(start=start, end=end, label=draw(st.sampled_from(TYPES[:3])))
        for start, end in pairwise(borders)
        if draw(st.booleans())
    ]


@st.composite
def spans_of_odd_tags(draw: st.DrawFn) -> list[Span]:
    """Spans that decoding makes of outputs that are no BIO, such as I- after O."""
    outputs = draw(st.lists(st.integers(0, len(TASK.outputs) - 1), min_size=1, max_size=20))
    logits = np.zeros((len(outputs), len(TASK.outputs)))
    logits[np.arange(len(outputs)), outputs] = 2.0
    return [Span(start=span.first, end=span.last, label=span.label) for span in decode_entities(logits, TASK)]


SPANS = spans_of_a_text() | spans_of_odd_tags()
DOCUMENTS = st.lists(st.tuples(SPANS, SPANS), min_size=1, max_size=4)


def spans(*triples: tuple[int, int, str]) -> list[Span]:
    return [Span(start=start, end=end, label=label) for start, end, label in triples]


def same(scores: ClassScores, theirs: object) -> bool:
    """Say whether scores are nervaluate's, which has 0 for what does not exist."""
    ours = (scores.precision or 0, scores.recall or 0, scores.f1 or 0, scores.found, scores.support)
    names = ("precision", "recall", "f1", "actual", "possible")
    return ours == pytest.approx(tuple(getattr(theirs, name) for name in names), rel=1e-14)


@given(DOCUMENTS)
def test_scores_of_summed_counts_are_nervaluate_s(documents: list[tuple[list[Span], list[Span]]]) -> None:
    counts = np.sum([match_counts(gold, found, TYPES) for gold, found in documents], axis=0)
    scores = match_scores(counts, TYPES)
    dicts = [
        [[{"label": s.label, "start": s.start, "end": s.end - 1} for s in side] for side in sides]
        for sides in zip(*documents, strict=True)
    ]
    expected = Evaluator(*dicts, tags=list(TYPES), loader="dict").evaluate()
    for schema, name in SCHEMAS.items():
        assert same(scores[schema][ALL], expected["overall"][name])
        for label in TYPES:
            if label in expected["entities"]:
                assert same(scores[schema][label], expected["entities"][label][name])
            else:
                assert scores[schema][label] == ClassScores(
                    label=label, precision=None, recall=None, f1=None, support=0, found=0
                )


@given(DOCUMENTS)
def test_strict_matching_is_that_of_exact_borders_and_label(documents: list[tuple[list[Span], list[Span]]]) -> None:
    counts = np.sum([match_counts(gold, found, TYPES) for gold, found in documents], axis=0)
    strict = np.sum([span_counts(gold, found, TYPES) for gold, found in documents], axis=0)
    rows = dict(zip((ALL, *TYPES), (strict.sum(0), *strict), strict=True))
    found = match_scores(counts, TYPES)["strict"]
    assert found == {label: scores_of(label, *row) for label, row in rows.items()}
    assert (found[ALL].f1 or 0.0) == pytest.approx(span_f1(strict))


def test_each_schema_on_a_case_worked_by_hand() -> None:
    gold = spans((0, 4, "PER"), (5, 9, "ORG"), (10, 14, "LOC"), (20, 24, "PER"))
    found = spans((0, 4, "PER"), (5, 9, "LOC"), (10, 12, "LOC"), (30, 34, "ORG"))
    scores = match_scores(match_counts(gold, found, TYPES), TYPES)
    assert {schema: rows[ALL].f1 for schema, rows in scores.items()} == {
        "strict": 1 / 4,  # the first
        "exact": 2 / 4,  # and the second, whatever its type
        "partial": 2.5 / 4,  # and half of the third
        "type": 2 / 4,  # the first and the third
    }
    assert scores["strict"]["PER"].f1 == pytest.approx(2 * 1 / (1 + 2))
    assert scores["exact"]["ORG"].f1 == 0.0  # its own row knows no other type
    assert scores["type"]["LOC"].precision == 1 / 2
    assert scores["strict"]["DAT"].f1 is None


def test_labels_that_are_not_annotated_do_not_count() -> None:
    counts = match_counts([], spans((0, 4, "DAT")), TYPES[:3])
    assert not counts.any()
    assert not border_counts([], spans((0, 4, "DAT")), TYPES[:3]).any()


@pytest.mark.parametrize(
    ("found", "border"),
    [
        ((10, 20, "PER"), "right"),
        ((10, 15, "PER"), "too short"),
        ((12, 20, "PER"), "too short"),
        ((8, 20, "PER"), "too long"),
        ((9, 21, "PER"), "too long"),
        ((15, 25, "PER"), "shifted"),
        ((10, 20, "ORG"), "wrong type"),
        ((10, 19, "ORG"), "wrong type and border"),
    ],
)
def test_borders(found: tuple[int, int, str], border: str) -> None:
    counts = border_counts(spans((10, 20, "PER")), spans(found), TYPES)
    assert counts.sum() == counts[BORDERS.index(border), TYPES.index("PER")] == 1


def test_spans_with_no_partner_are_missed_or_made_up() -> None:
    counts = border_counts(spans((10, 20, "PER")), spans((20, 30, "ORG")), TYPES)
    assert counts[BORDERS.index("missed"), TYPES.index("PER")] == 1
    assert counts[BORDERS.index("made up"), TYPES.index("ORG")] == 1
    assert counts.sum() == 2


def test_the_same_type_is_paired_before_the_larger_overlap() -> None:
    [gold] = spans((0, 20, "PER"))
    organisation, person = spans((0, 12, "ORG"), (14, 20, "PER"))
    assert paired([gold], [organisation, person]) == [(gold, person), (None, organisation)]
    first, second = spans((0, 12, "PER"), (14, 20, "PER"))
    assert paired([gold], [second, first]) == [(gold, first), (None, second)]
    assert paired([first, second], [gold]) == [(first, gold), (second, None)]


@given(SPANS, SPANS)
def test_every_span_counts_once(gold: list[Span], found: list[Span]) -> None:
    pairs = paired(gold, found)
    assert [expected for expected, _ in pairs if expected] == gold
    assert sorted((got for _, got in pairs if got), key=lambda span: span.start) == found
    counts: Counts = border_counts(gold, found, TYPES)
    made_up = BORDERS.index("made up")
    assert counts[:made_up].sum() == len(gold)
    assert counts.sum() == len(pairs)
    assert counts[BORDERS.index("right")].sum() == span_counts(gold, found, TYPES)[:, 0].sum()
