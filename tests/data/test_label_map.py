"""Maps from anyone's labels to sets, and label sets read from data."""

import pytest

from khabar.errors import ConfigError
from khabar_data import ClaimStance, Record, RecordError, Span, TargetStance
from khabar_data.label_map import LabelMap, found_labels, label_counts

RECORD = Record(
    text="بانک ملی در کابل",
    title="کابل",
    topics=("اقتصاد", "بازار"),
    entities=(Span(start=0, end=8, label="سازمان"), Span(start=12, end=16, label="جا")),
    title_entities=(Span(start=0, end=4, label="جا"),),
    entity_types=("سازمان", "جا", "شخص"),
    target_stances=(TargetStance(target="بانک", labels=("خوب",)), TargetStance(target="کابل", labels=("هیچ",))),
    claim_stances=(ClaimStance(claim="ادعا", labels=("درست", "نادرست")),),
)


def test_topics_become_the_union_of_their_sets() -> None:
    mapping = LabelMap("topic", {"اقتصاد": ("economy", "society"), "بازار": ("economy",)})
    assert mapping.applied(RECORD).topics == ("economy", "society")


def test_an_entity_type_that_means_nothing_was_looked_for_and_goes() -> None:
    mapped = LabelMap("entities", {"سازمان": (), "جا": ("LOC",), "شخص": ("PER",)}).applied(RECORD)
    assert mapped.entities == (Span(start=12, end=16, label="LOC"),)
    assert mapped.title_entities == (Span(start=0, end=4, label="LOC"),)
    assert mapped.entity_types == ("LOC", "PER")


def test_stances_that_mean_nothing_go() -> None:
    mapped = LabelMap("target_stance", {"خوب": ("favor", "neutral"), "هیچ": ()}).applied(RECORD)
    assert mapped.target_stances == (TargetStance(target="بانک", labels=("favor", "neutral")),)
    mapped = LabelMap("claim_stance", {"درست": ("agree",), "نادرست": ("disagree",)}).applied(RECORD)
    assert mapped.claim_stances == (ClaimStance(claim="ادعا", labels=("agree", "disagree")),)


def test_a_meaning_means_itself_and_any_other_label_is_an_error() -> None:
    mapping = LabelMap("topic", {"سینما": ("arts_culture",)})
    assert mapping.applied(Record(text="یک", topics=("arts_culture",))).topics == ("arts_culture",)
    with pytest.raises(RecordError, match=r"'سینم'.*add 'سینم' to the map.*did you mean 'سینما'"):
        mapping.applied(Record(text="یک", topics=("سینم",)))


def test_maps_are_checked_when_made() -> None:
    with pytest.raises(ConfigError, match="did you mean 'topic'"):
        LabelMap("topics", {})
    with pytest.raises(ConfigError, match="it takes a list of labels"):
        LabelMap("topic", {"سینما": "arts_culture"})  # type: ignore[dict-item]
    with pytest.raises(ConfigError, match="a span takes one label"):
        LabelMap("entities", {"جا": ("LOC", "FAC")})


def test_label_sets_of_data() -> None:
    assert found_labels([RECORD, Record(text="یک", topics=("آب",))]) == {
        "topic": ("آب", "اقتصاد", "بازار"),
        "entities": ("جا", "سازمان", "شخص"),
        "target_stance": ("خوب", "هیچ"),
        "claim_stance": ("درست", "نادرست"),
    }
    assert found_labels([Record(text="یک")]) == {}


def test_label_counts() -> None:
    counts = label_counts(RECORD)
    assert counts["entities", "جا"] == 2
    assert counts["claim_stance", "نادرست"] == 1
    assert ("entities", "شخص") not in counts
