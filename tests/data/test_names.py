"""Names in place of others: spans stay on the names, and what hangs on a name keeps it."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.records import named, records

from khabar_data import Record, Span
from khabar_data.names import Names
from khabar_data.records import TargetStance

TEXT = "علی در بم بود."
VISIT = Record(
    text=TEXT,
    entities=(Span(start=0, end=3, label="PER"), Span(start=7, end=9, label="LOC")),
    entity_types=("PER", "LOC"),
)


@given(records(), st.lists(records(), max_size=3), st.integers(0, 5))
def test_every_name_is_one_of_its_type(record: Record, others: list[Record], seed: int) -> None:
    known = {(span.label, other.text[span.start : span.end]) for other in others for span in other.entities}
    unknown = {span.label for span in record.entities} - {label for label, _ in known}
    after = Names.of(others).swapped(record, 1.0, Random(seed))
    assert [span.label for span in after.entities] == [span.label for span in record.entities]
    for old, now, label in zip(named(record), named(after), [span.label for span in record.entities], strict=True):
        assert now == old if label in unknown else (label, now) in known


@given(records(), st.integers(0, 5))
def test_what_is_no_name_stays(record: Record, seed: int) -> None:
    after = Names.of([record, VISIT]).swapped(record, 0.5, Random(seed))

    def between(them: Record) -> list[str]:
        borders = [0, *(place for span in them.entities for place in (span.start, span.end)), len(them.text)]
        return [them.text[start:end] for start, end in zip(borders[::2], borders[1::2], strict=True)]

    assert between(after) == between(record)


def test_no_share_changes_nothing() -> None:
    assert Names.of([VISIT]).swapped(VISIT, 0.0, Random(1)) == VISIT


@pytest.mark.parametrize(
    "labelled",
    [
        Record(text=TEXT, entities=VISIT.entities, entity_types=VISIT.entity_types, topics=("society",)),
        Record(
            text=TEXT,
            entities=VISIT.entities,
            entity_types=VISIT.entity_types,
            target_stances=(TargetStance(target="علی", labels=("neutral",)),),
        ),
    ],
)
def test_a_topic_or_a_stance_keeps_its_names(labelled: Record) -> None:
    other = Record(text="مینا", entities=(Span(start=0, end=4, label="PER"),), entity_types=("PER",))
    assert Names.of([other]).swapped(labelled, 1.0, Random(1)) is labelled
