"""Random parts: every record once, groups and near copies together, labels in their shares."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("datasketch", reason="needs the extra 'data'")

from khabar.errors import ConfigError
from khabar_data import Record, samples
from khabar_data.partition import clustered, partition

SHARES = {"train": 0.8, "dev": 0.1, "test": 0.1}
WORDS = [f"واژه{number}" for number in range(300)]
RECORDS = st.lists(
    st.builds(
        Record,
        text=st.integers(0, 40).map(lambda seed: " ".join(Random(seed).choices(WORDS, k=30))),
        topics=st.sampled_from([(), ("a",), ("b",), ("a", "b")]),
        group=st.sampled_from([None, "g1", "g2", "g3"]),
    ),
    max_size=40,
)


@settings(deadline=None, max_examples=40)
@given(records=RECORDS, seed=st.integers(0, 5))
def test_every_record_once_in_order_and_nothing_leaks(records: list[Record], seed: int) -> None:
    parts = partition(iter(records), SHARES, seed)
    assert list(parts) == list(SHARES)
    assert sum(map(Counter, parts.values()), Counter[Record]()) == Counter(records)
    for part in parts.values():
        remaining = iter(records)
        assert all(record in remaining for record in part)
    for names in ({record.group for record in part if record.group} for part in parts.values()):
        others = [part for part in parts.values() if not names & {record.group for record in part}]
        assert not names or len(others) == len(parts) - 1
    for text in {record.text for record in records}:
        assert sum(any(record.text == text for record in part) for part in parts.values()) == 1


def test_labels_have_their_share_in_every_part() -> None:
    parts = partition(samples.read("train"), SHARES, seed=1)
    total = Counter(topic for part in parts.values() for record in part for topic in record.topics)
    for name, share in SHARES.items():
        n_records = sum(total.values())
        assert abs(len(parts[name]) - share * n_records) <= 0.02 * n_records
        found = Counter(topic for record in parts[name] for topic in record.topics)
        assert all(abs(found[topic] - share * count) <= 2 for topic, count in total.items())


def test_a_seed_gives_the_same_parts_and_another_one_others() -> None:
    records = [Record(text=f"خبر {number}") for number in range(50)]
    assert partition(records, SHARES, 1) == partition(records, SHARES, 1) != partition(records, SHARES, 2)
    assert {name: len(part) for name, part in partition(records, SHARES, 1).items()} == {
        "train": 40,
        "dev": 5,
        "test": 5,
    }


def test_clusters_join_through_groups_and_near_copies() -> None:
    long = " ".join(WORDS[:100])
    records = [
        Record(text="یک", group="g"),
        Record(text="دو"),
        Record(text=long),
        Record(text=long.replace("واژه50 ", ""), group="g"),
    ]
    assert sorted(map(sorted, clustered(records))) == [[0, 2, 3], [1]]


@pytest.mark.parametrize(
    ("shares", "given_shares"),
    [({}, "none"), ({"train": 0.8, "dev": 0.1}, "train 0.8, dev 0.1"), ({"train": 1.2, "dev": -0.2}, "train 1.2")],
)
def test_shares_must_make_one(shares: dict[str, float], given_shares: str) -> None:
    with pytest.raises(ConfigError, match=f"the shares are {given_shares}.*together they take 1"):
        partition([], shares)
