"""The articles that ship: readable, apart from each other, and as their data card says."""

import re
from collections import Counter
from importlib.resources import files
from typing import Literal

import pytest

from khabar_data import samples
from khabar_data.check import KHABAR_LABELS, check
from khabar_data.formats import Source
from khabar_data.label_map import label_counts
from khabar_data.records import Record

FOLDER = files("khabar_data.samples")
PARTS: tuple[Literal["train", "dev"], ...] = ("train", "dev")


def traits(record: Record) -> Counter[str]:
    """Return what the card counts of one article."""
    labels = Counter({f"{task}: {label}": count for (task, label), count in label_counts(record).items()})
    return labels + Counter(["articles", f"variety: {record.variety}", f"source: {record.source}"])


def test_counts_of_the_card() -> None:
    card = FOLDER.joinpath("README.md").read_text("utf-8")
    rows = re.findall(r"^\| (\w[\w: -]*?) \| ([\d,]+) \| ([\d,]+) \|$", card, re.MULTILINE)
    stated = {name: tuple(int(count.replace(",", "")) for count in counts) for name, *counts in rows}
    counted = [sum(map(traits, samples.read(part)), Counter[str]()) for part in PARTS]
    assert stated == {name: tuple(part[name] for part in counted) for name in stated}
    assert set(stated) >= {name for part in counted for name in part}


@pytest.mark.parametrize("part", PARTS)
def test_all_tasks_are_labelled_with_labels_of_ours(part: Literal["train", "dev"]) -> None:
    for record in samples.read(part):
        assert record.topics
        assert record.entity_types == KHABAR_LABELS["entities"]
        assert record.target_stances
        assert all(label in KHABAR_LABELS[task] for task, label in label_counts(record))


def test_check_finds_no_error() -> None:
    found = check([Source(path=str(FOLDER.joinpath(f"{part}.jsonl"))) for part in PARTS])
    assert not found.has_errors
    assert found.n_findings == {"inside a word": 2, "Arabic letters": 2}


def test_the_guidelines_are_there() -> None:
    assert "<PCT>" in FOLDER.joinpath("GUIDELINES.md").read_text("utf-8")
