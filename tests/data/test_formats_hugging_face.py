"""Hugging Face data sets from folders, with no network: texts in columns, tagged words, class numbers."""

from pathlib import Path
from typing import Any

import pytest

from khabar_data import Record, RecordError, Span
from khabar_data.formats import Entry, FormatError, Notice, Source

datasets = pytest.importorskip("datasets", reason="needs the extra 'train'")

TOPICS = ["ورزش", "اقتصاد"]
TAGS = ["O", "B-ORG", "I-ORG", "B-LOC", "I-LOC"]


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def entries(path: Path, **options: Any) -> list[Entry]:
    return list(Source(path=str(path), format="hugging-face", options=options).entries())


def texts() -> Any:
    features = datasets.Features({"متن": datasets.Value("string"), "label": datasets.ClassLabel(names=TOPICS)})
    return datasets.Dataset.from_dict({"متن": ["یک", "دو", "سه"], "label": [1, 0, -1]}, features)


def words(tags: Any) -> Any:
    features = datasets.Features({"tokens": datasets.List(datasets.Value("string")), "ner_tags": datasets.List(tags)})
    rows = {"tokens": [["بانک", "ملی", "\u200c", "."], ["باران"]], "ner_tags": [[1, 2, 0, 0], [0]]}
    return datasets.Dataset.from_dict(rows, features)


@pytest.mark.parametrize("divided", [False, True])
def test_a_saved_folder(tmp_path: Path, divided: bool) -> None:
    saved = datasets.DatasetDict({"dev": texts()}) if divided else texts()
    saved.save_to_disk(str(tmp_path / "saved"))
    found = entries(tmp_path / "saved", part="dev", columns={"text": "متن", "topic": "label"})
    assert [entry.content for entry in found] == [
        Record(text="یک", topics=("اقتصاد",)),
        Record(text="دو", topics=("ورزش",)),
        Record(text="سه"),
    ]


def test_a_folder_of_files(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.csv").write_text("text,topic,url\nیک,ورزش,x\n,ورزش,x\n")
    notice, first, second = entries(tmp_path / "data")
    assert notice.content == Notice("columns that are not read: url")
    assert first == Entry("1", Record(text="یک", topics=("ورزش",)))
    assert second.place == "2"
    assert isinstance(second.content, RecordError)


def test_tagged_words(tmp_path: Path) -> None:
    words(datasets.ClassLabel(names=TAGS)).save_to_disk(str(tmp_path / "saved"))
    first, second = entries(tmp_path / "saved", tokens="tokens")
    expected = Record(text="بانک ملی.", entities=(Span(start=0, end=8, label="ORG"),), entity_types=("LOC", "ORG"))
    assert first.content == expected
    assert second.content == Record(text="باران", entity_types=("LOC", "ORG"))


def test_tags_without_names(tmp_path: Path) -> None:
    words(datasets.Value("int64")).save_to_disk(str(tmp_path / "saved"))
    found = entries(tmp_path / "saved", tokens="tokens")
    assert [type(entry.content) for entry in found] == [RecordError, RecordError]
    (first, _) = entries(tmp_path / "saved", tokens="words")
    assert "no list in column 'words'" in str(first.content)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("saved", {"part": "test"}, "no part 'test'; it has train; name one as part"),
        ("none", {}, "it cannot be read"),
        ("saved", {"columns": {"text": "tex"}}, "no column 'tex'; there are متن, label"),
    ],
)
def test_refusals(tmp_path: Path, name: str, options: dict[str, Any], message: str) -> None:
    datasets.DatasetDict({"train": texts()}).save_to_disk(str(tmp_path / "saved"))
    with pytest.raises(FormatError, match=message):
        entries(tmp_path / name, **options)
