"""Label Studio's export: Choices, Labels, stances toward regions or data, and errors with line and task."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from khabar_data import ClaimStance, Record, RecordError, Span, TargetStance
from khabar_data.formats import Entry, FormatError, Notice, Source
from khabar_data.formats.json_array import ArrayReader

TEXT = "👨‍👩‍👧 بانک ملی در کابل"
BANK = TEXT.index("بانک")


def region(start: int, end: int, **value: Any) -> dict[str, Any]:
    return {"start": start, "end": end, **value}


def labels(start: int, end: int, label: str, **more: Any) -> dict[str, Any]:
    return {"from_name": "ner", "type": "labels", "value": region(start, end, labels=[label], **more)}


def choices(name: str, *chosen: str, **value: Any) -> dict[str, Any]:
    return {"from_name": name, "type": "choices", "value": {**value, "choices": list(chosen)}}


def task(*results: dict[str, Any], **data: Any) -> dict[str, Any]:
    return {"id": 7, "data": {"text": TEXT, **data}, "annotations": [{"result": list(results)}], "predictions": []}


def entries(path: Path, tasks: Any, indent: int | None = None, **options: Any) -> list[Entry]:
    path.write_text(json.dumps(tasks, ensure_ascii=False, indent=indent), "utf-8")
    return list(Source(path=str(path), format="label-studio", options=options).entries())


def only(found: list[Entry]) -> Record:
    (entry,) = found
    assert isinstance(entry.content, Record), entry
    return entry.content


def test_topic_entities_and_claim(tmp_path: Path) -> None:
    results = (
        labels(BANK + 12, BANK + 16, "LOC"),
        labels(BANK, BANK + 8, "ORG", text="بانک ملی"),
        choices("topic", "economy", "politics"),
        choices("claim_stance", "agree"),
    )
    found = only(entries(tmp_path / "a.json", [task(*results, claim="ادعا", title="سر", group="g")]))
    assert found == Record(
        id="7",
        text=TEXT,
        title="سر",
        group="g",
        topics=("economy", "politics"),
        entities=(
            Span(start=BANK, end=BANK + 8, label="ORG"),
            Span(start=BANK + 12, end=BANK + 16, label="LOC"),
        ),
        entity_types=("LOC", "ORG"),
        claim_stances=(ClaimStance(claim="ادعا", labels=("agree",)),),
    )


def test_stances_toward_data_and_toward_regions(tmp_path: Path) -> None:
    toward_region = choices("stance", "favor", start=BANK, end=BANK + 8, text="بانک ملی")
    tasks = [task(choices("mood", "against"), toward_region, کشور="ایران")]
    named = {"mood": "target_stance", "stance": "target_stance"}
    found = only(entries(tmp_path / "a.json", tasks, target="کشور", choices=named))
    assert found.target_stances == (
        TargetStance(target="ایران", labels=("against",)),
        TargetStance(target="بانک ملی", labels=("favor",)),
    )


def test_offsets_in_utf_16_units_are_told_by_the_quoted_text(tmp_path: Path) -> None:
    shift = len(TEXT[:BANK].encode("utf-16-le")) // 2 - BANK
    assert shift == 3
    found = only(entries(tmp_path / "a.json", [task(labels(BANK + shift, BANK + shift + 8, "ORG", text="بانک ملی"))]))
    assert found.entities == (Span(start=BANK, end=BANK + 8, label="ORG"),)


def test_what_is_passed_over_is_told(tmp_path: Path) -> None:
    relation = {"type": "relation", "from_id": "a", "to_id": "b", "direction": "right"}
    twice = task(choices("topic", "sport"), relation)
    twice["annotations"].append({"result": [choices("topic", "economy")]})
    undone = {"data": {"text": "یک"}, "annotations": [{"was_cancelled": True, "result": []}]}
    found = entries(tmp_path / "a.json", [twice, undone])
    assert [(entry.place, entry.content) for entry in found] == [
        ("1: task 1", Notice("a task with several annotations was read by its first one")),
        ("1: task 1", Notice("what is of type relation was passed over")),
        ("1: task 1", Record(id="7", text=TEXT, topics=("sport",))),
        ("1: task 2", Notice("a task without an annotation was passed over")),
    ]


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"text": TEXT, "sentiment": "x"}, "got a task of another shape"),
        ("task", "got a task of another shape"),
        (task(choices("mood", "x")), "got the Choices 'mood'; a record takes the Choices topic, stance"),
        (task(choices("stance", "favor")), "got a stance toward nothing"),
        (task(choices("topic", "x"), text=5), "got no text 'text'"),
        (task(choices("topic", "x"), text=" "), "got a blank text"),
        (task({"type": "choices", "from_name": "topic", "value": {}}), "got choices without a list"),
        (task({"type": "labels", "value": {"start": "/p[1]", "end": "/p[1]", "labels": ["X"]}}), "label plain text"),
        (task(labels(BANK, BANK + 8, "ORG", text="بانک دی")), "that quotes 'بانک دی'"),
        (task(labels(0, 99, "ORG")), "within 0 to"),
        (task(labels(0, 9, "ORG"), labels(8, 12, "LOC")), "got ORG 0-9 over LOC 8-12"),
    ],
)
def test_refusals_name_line_and_task(tmp_path: Path, broken: Any, message: str) -> None:
    path = tmp_path / "a.json"
    first, second = entries(path, [task(choices("topic", "sport")), broken])
    assert isinstance(first.content, Record)
    assert isinstance(second.content, RecordError)
    assert message in str(second.content)
    with pytest.raises(RecordError, match=r"a\.json:1: task 2: got "):
        list(Source(path=str(path), format="label-studio").records())


def test_a_task_is_found_by_the_line_it_starts_on(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    found = entries(path, [task(choices("topic", "sport")), task(choices("topic", "economy"))], indent=1)
    starts = [number for number, line in enumerate(path.read_text("utf-8").split("\n"), start=1) if line == " {"]
    assert [entry.place for entry in found] == [f"{line}: task {n}" for n, line in enumerate(starts, start=1)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "a.json:1: the end of the file where [ belongs"),
        ("\n{}", "a.json:2: '{' where [ belongs"),
        ("[\n{}\n{}]", "a.json:3: '{' where , or ] belongs"),
        ("[\n{},\n{'a'}]", "a.json:3: broken JSON"),
        ("[{}", "a.json:1: the end of the file where , or ] belongs"),
        ("[" * 100_000, "a.json:1: broken JSON"),
    ],
)
def test_a_broken_array_names_its_line(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "a.json").write_text(content, "utf-8")
    with pytest.raises(FormatError) as caught:
        list(Source(path=str(tmp_path / "a.json"), format="label-studio").entries())
    assert str(caught.value).startswith(f"{tmp_path}/{message}")


def test_an_empty_array(tmp_path: Path) -> None:
    assert entries(tmp_path / "a.json", []) == []


VALUES = st.recursive(
    st.none() | st.integers() | st.text(max_size=8), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@settings(deadline=None, max_examples=60)
@given(st.lists(VALUES, max_size=6), st.sampled_from([None, 0, 1]), st.integers(1, 9))
def test_any_array_is_read_in_chunks_of_any_size(values: list[Any], indent: int | None, size: int) -> None:
    written = json.dumps(values, ensure_ascii=False, indent=indent)

    class Trickle(io.StringIO):
        def read(self, _: int | None = -1) -> str:
            return super().read(size)

    found = list(ArrayReader("a", Trickle(written)))
    assert [value for _, value in found] == values
    assert [line for line, _ in found] == sorted(line for line, _ in found)
