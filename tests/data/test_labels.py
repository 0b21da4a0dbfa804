"""The label tables and what other corpora's labels mean in them."""

import re

import pytest

from khabar.config import Label
from khabar_data import labels

TABLES = (labels.TOPICS, labels.ENTITY_TYPES, labels.TARGET_STANCES, labels.CLAIM_STANCES)
TOPICS = {label.key for label in labels.TOPICS}
TYPES = {label.key for label in labels.ENTITY_TYPES}
TOPIC_MAPS = (
    labels.ISNA5_TOPICS,
    labels.AUT_IR1401_TOPICS,
    labels.KHABARYAAB_TOPICS,
    labels.FARSNEWS_TOPICS,
    labels.HAMSHAHRI_TOPICS,
    labels.SIB200_TOPICS,
)


@pytest.mark.parametrize("table", TABLES)
def test_keys_and_persian_names_are_distinct(table: tuple[Label, ...]) -> None:
    assert len({label.key for label in table}) == len({label.name for label in table}) == len(table)
    assert all(re.fullmatch(r"[\u0600-\u06ff\u200c ]+", label.name) for label in table)


def test_sizes_and_codes() -> None:
    assert [len(table) for table in TABLES] == [14, 10, 3, 4]
    assert all(re.fullmatch(r"medtop:\d{8}", label.code or "") for label in labels.TOPICS)
    assert len({label.code for label in labels.TOPICS}) == 14


@pytest.mark.parametrize("topics", TOPIC_MAPS)
def test_topic_maps_lead_into_the_table(topics: labels.LabelSets) -> None:
    for possible in topics.values():
        assert possible
        assert set(possible) <= TOPICS
        assert len(set(possible)) == len(possible)


def test_other_maps_lead_into_the_tables() -> None:
    for types in (labels.ARMAN_TYPES, labels.PARSTWINER_TYPES):
        assert set(types.values()) <= TYPES
    assert set(labels.DATES_AND_NUMBERS) <= TYPES
    claims = {label.key for label in labels.CLAIM_STANCES}
    assert set().union(*labels.FARSTAIL_STANCES.values()) == claims


@pytest.mark.parametrize(
    ("label", "topics"),
    [
        ("social/police-events", ("crime",)),
        ("social/welfare", labels.SOCIAL),
        ("sports/", ("sport",)),
        ("province/", ()),
        ("farsplus-magazine/", ()),
        ("viewpoint/religion", ()),
        ("/", ()),
        ("", ()),
    ],
)
def test_farsnews(label: str, topics: tuple[str, ...]) -> None:
    assert labels.farsnews_topics(label) == topics


@pytest.mark.parametrize(
    ("label", "topics"),
    [
        ("ایران > سیاست\u200cخارجی", ("international", "conflict")),
        ("ایران > سیاست خارجی", ("international", "conflict")),
        ("ایران > رهبری", ("politics",)),
        ("دانش > پزشکی", ("health",)),
        ("دانش > فناوری\u200c", ("science_tech",)),
        ("زندگی > سلامت", ("health",)),
        ("زندگی > خانواده", ()),
        ("محله > خط", ()),
    ],
)
def test_hamshahri(label: str, topics: tuple[str, ...]) -> None:
    assert labels.hamshahri_topics(label) == topics


def test_joined_labels_mean_any_of_their_topics() -> None:
    assert labels.joined_topics("economy+political") == ("economy", "politics", "international", "conflict")
    assert labels.joined_topics("weather") == ()
