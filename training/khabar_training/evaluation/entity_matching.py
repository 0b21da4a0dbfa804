"""How well entities match: the schemas of SemEval-2013 task 9, and what goes wrong at their borders.

The schemas are counted by nervaluate, one document at a time, so that the counts add up over
documents. What to know of its way of counting:

- A schema's ``all`` sees all types together, each type's own row only the spans of that type. A span
  found with its borders right and its type wrong is right for ``exact`` over all types, yet missed
  in the row of one type and made up in that of another. So the rows do not add up to ``all``, and
  in a type's row ``exact`` is the same as ``strict``.
- A found span takes the first gold span that it overlaps, in the order of the text; whole matches come
  first only for that found span. Where spans of one side lie apart, as here, nothing is lost by it.
- Spans overlap where they share 1 % of the gold span: one character does up to 100 characters.
- It gives 0 for a figure that does not exist, and no row for a type with no span; here these are None.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from nervaluate import Evaluator

from khabar.results import Entity
from khabar_data.records import Span
from khabar_training.evaluation.class_scores import ALL, scores_of
from khabar_training.evaluation.measured import ClassScores
from khabar_training.metrics import Counts

SCHEMAS: Final = {"strict": "strict", "exact": "exact", "partial": "partial", "type": "ent_type"}
"""The schemas, and what nervaluate calls them: the right borders and type; the right borders; half a
point for an overlap; an overlap with the right type."""
_COUNTED: Final = ("correct", "incorrect", "partial", "missed", "spurious")

RIGHT, TOO_SHORT, TOO_LONG, SHIFTED = "right", "too short", "too long", "shifted"
WRONG_TYPE, WRONG_BOTH, MISSED, MADE_UP = "wrong type", "wrong type and border", "missed", "made up"
BORDERS: Final = (RIGHT, TOO_SHORT, TOO_LONG, SHIFTED, WRONG_TYPE, WRONG_BOTH, MISSED, MADE_UP)

type AnySpan = Span | Entity


def match_counts(gold: Iterable[AnySpan], found: Iterable[AnySpan], labels: Sequence[str]) -> Counts:
    """Return one document's counts; shape (n_schemas, 1 + n_labels, 5), the first row over all labels.

    The last axis is correct, incorrect, partial, missed, spurious. Spans are in the order of the text;
    those of other labels do not count, so a corpus is scored on the types that it annotates.
    """
    evaluator = Evaluator(true=[_dicts(gold)], pred=[_dicts(found)], tags=list(labels), loader="dict")
    results = evaluator.evaluate()
    rows = [results["overall"], *(results["entities"].get(label) for label in labels)]
    counts = np.zeros((len(SCHEMAS), len(rows), len(_COUNTED)))
    for schema, name in enumerate(SCHEMAS.values()):
        for row, by_schema in enumerate(rows):
            if by_schema is not None:
                counts[schema, row] = [getattr(by_schema[name], outcome) for outcome in _COUNTED]
    return counts


def match_scores(counts: Counts, labels: Sequence[str]) -> dict[str, dict[str, ClassScores]]:
    """Return precision, recall and F1 by schema and label from summed :func:`match_counts`."""
    scores: dict[str, dict[str, ClassScores]] = {}
    for schema, rows in zip(SCHEMAS, counts, strict=True):
        scores[schema] = {}
        for label, (correct, incorrect, partial, missed, spurious) in zip((ALL, *labels), rows, strict=True):
            both = correct + incorrect + partial
            scores[schema][label] = scores_of(label, correct + partial / 2, both + spurious, both + missed)
    return scores


def paired[G: AnySpan, F: AnySpan](gold: Sequence[G], found: Sequence[F]) -> list[tuple[G | None, F | None]]:
    """Pair each gold span with the found one that answers it, None where there is none; the left-over ones follow.

    Only spans that overlap are paired, each once: those of the same type first, then those that
    share most characters. Takes spans that lie apart from each other on either side.
    """
    overlaps = [
        (expected.label != got.label, -shared, row, column)
        for row, expected in enumerate(gold)
        for column, got in enumerate(found)
        if (shared := min(expected.end, got.end) - max(expected.start, got.start)) > 0
    ]
    answers: dict[int, int] = {}
    taken: set[int] = set()
    for _, _, row, column in sorted(overlaps):
        if row not in answers and column not in taken:
            answers[row] = column
            taken.add(column)
    answered = [(span, found[answers[row]] if row in answers else None) for row, span in enumerate(gold)]
    left = [(None, span) for column, span in enumerate(found) if column not in taken]
    return [*answered, *left]


def border_counts(gold: Iterable[AnySpan], found: Iterable[AnySpan], labels: Sequence[str]) -> Counts:
    """Return how often each of :data:`BORDERS` befell spans of each label; shape (8, n_labels).

    A made-up span counts under the label that it was found with, all others under their gold label.
    """
    counts = np.zeros((len(BORDERS), len(labels)))
    sides = [[span for span in spans if span.label in labels] for spans in (gold, found)]
    for expected, got in paired(*sides):
        span = got if expected is None else expected
        if span is not None:
            counts[BORDERS.index(_border(expected, got)), labels.index(span.label)] += 1
    return counts


def _border(expected: AnySpan | None, got: AnySpan | None) -> str:
    if expected is None:
        return MADE_UP
    if got is None:
        return MISSED
    same_borders = (expected.start, expected.end) == (got.start, got.end)
    if expected.label != got.label:
        return WRONG_TYPE if same_borders else WRONG_BOTH
    if same_borders:
        return RIGHT
    if expected.start <= got.start and got.end <= expected.end:
        return TOO_SHORT
    return TOO_LONG if got.start <= expected.start and expected.end <= got.end else SHIFTED


def _dicts(spans: Iterable[AnySpan]) -> list[dict[str, object]]:
    """Return spans as nervaluate takes them, the end included."""
    return [{"label": span.label, "start": span.start, "end": span.end - 1} for span in spans]
