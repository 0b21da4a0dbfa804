"""The ways in: what is fed to each, and what must hold whatever it is fed."""

import csv
import io
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, Final

import khabar
from khabar.batch.inputs import find_inputs
from khabar.batch.rows import read_rows
from khabar.batch.schema import kept_columns
from khabar.batch.settings import BatchSettings
from khabar.checkpoint import CONFIG, ENCODER, GRAPH, MANIFEST, TOKENIZER, Checkpoint, drafted
from khabar.errors import KhabarError
from khabar.text import clean, sentences
from khabar_data import samples
from khabar_data.formats import Source
from khabar_data.records import Record, RecordError

type Seeds = tuple[bytes, ...]


@dataclass(frozen=True)
class Fixtures:
    """What targets share: a scratch folder of their own, and the checkpoint to read with."""

    scratch: Path
    model: Path


@dataclass(frozen=True)
class Target:
    """A way in. *feed* reads input; it returns, or raises a KhabarError: all else is a failure."""

    name: str
    seeds: Callable[[Fixtures], Seeds]
    feed: Callable[[bytes, Fixtures], None]
    share: float
    """Of the inputs of a run; an article costs twenty times what a row does."""
    seconds: float = 10.0
    """The most that one input may take; a megabyte of it may take as much again six times."""


@cache
def _records() -> tuple[Record, ...]:
    return tuple(islice(samples.read("dev"), 12))


def _asked(fixtures: Fixtures) -> Seeds:
    return tuple(
        json.dumps(
            {
                "text": record.text,
                "title": record.title,
                "targets": [stance.target for stance in record.target_stances[:1]],
                "claims": [stance.claim for stance in record.claim_stances[:1]],
                "min_score": 0.1,
            },
            ensure_ascii=False,
        ).encode()
        for record in _records()
    )


def _texts(fixtures: Fixtures) -> Seeds:
    return tuple(record.text.encode() for record in _records())


@cache
def _analyzer(model: Path) -> khabar.Analyzer:
    return khabar.load(model, threads=1)


def _predict(data: bytes, fixtures: Fixtures) -> None:
    """Read arguments where the input is a JSON object, else a text."""
    text = data.decode("utf-8", "surrogateescape")
    asked: Any = None
    if data[:1] == b"{":
        try:
            asked = json.loads(text)
        except (ValueError, RecursionError):
            asked = None
    known = {"text", "title", "targets", "claims", "min_score"}
    if isinstance(asked, dict) and "text" in asked and asked.keys() <= known:
        text = asked.pop("text")
        check_article(_analyzer(fixtures.model).predict(text, **asked), text)
    else:
        check_article(_analyzer(fixtures.model).predict(text), text)


def check_article(article: khabar.Article, text: str) -> None:
    """Check what holds for every article: entities and evidence are parts of its text, and it is JSON."""
    place = 0
    for entity in article.entities:
        assert place <= entity.start < entity.end
        assert text[entity.start : entity.end] == entity.text
        place = entity.end
    cleaned = clean(text)
    spans = {cleaned.raw_span(start, end) for start, end in sentences(cleaned.text)}
    assert all(spans.issuperset(stance.evidence) for stance in article.stances)
    json.loads(article.to_json().encode())


def _written(data: bytes, fixtures: Fixtures, suffix: str) -> str:
    """Write an input to a file; one that is packed gets the name of it."""
    packed = ".gz" if data[:2] == b"\x1f\x8b" else ""
    path = fixtures.scratch / f"input{suffix}{packed}"
    path.write_bytes(data)
    return str(path)


def _format(name: str, suffix: str) -> Callable[[bytes, Fixtures], None]:
    def feed(data: bytes, fixtures: Fixtures) -> None:
        refused = 0
        for entry in Source(path=_written(data, fixtures, suffix), format=name).entries():
            assert entry.place
            refused += isinstance(entry.content, RecordError)
        if refused:
            raise RecordError("faulty entries", "none", "mend them")

    return feed


def _json_lines(fixtures: Fixtures) -> Seeds:
    return (b"\n".join(json.dumps(one.to_dict(), ensure_ascii=False).encode() for one in _records()[:3]),)


def _table(delimiter: str) -> Callable[[Fixtures], Seeds]:
    def seeds(fixtures: Fixtures) -> Seeds:
        text = io.StringIO()
        rows = csv.writer(text, delimiter=delimiter)
        rows.writerow(["id", "title", "text", "topic", "claims"])
        for record in _records()[:4]:
            rows.writerow([record.id, record.title, record.text, record.topics[0], ""])
        return text.getvalue().encode(), text.getvalue().encode("utf-16"), text.getvalue().encode("utf-8-sig")

    return seeds


def _parquet(fixtures: Fixtures) -> Seeds:
    import pyarrow
    from pyarrow import parquet

    rows = [
        {
            "text": one.text,
            "title": one.title,
            "entity_types": list(one.entity_types),
            "entities": [vars(span) for span in one.entities],
        }
        for one in _records()
    ]
    found = []
    for compression in ("none", "zstd"):
        sink = io.BytesIO()
        parquet.write_table(pyarrow.Table.from_pylist(rows), sink, compression=compression)
        found.append(sink.getvalue())
    return tuple(found)


def _conll(fixtures: Fixtures) -> Seeds:
    lines = ["-DOCSTART- O", ""]
    for record in _records()[:4]:
        names = {name: span.label for span in record.entities for name in record.text[span.start : span.end].split()}
        lines += [f"{word}\tB-{names[word]}" if word in names else f"{word}\tO" for word in record.text.split()] + [""]
    return ("\n".join(lines).encode(),)


def _doccano(fixtures: Fixtures) -> Seeds:
    lines = [
        {"id": 3, "text": one.text, "label": [[span.start, span.end, span.label] for span in one.entities]}
        for one in _records()[:3]
    ]
    lines.append({"id": 4, "text": lines[0]["text"], "cats": ["sport"], "relations": []})
    return ("\n".join(json.dumps(line, ensure_ascii=False) for line in lines).encode(),)


def _label_studio(fixtures: Fixtures) -> Seeds:
    tasks = []
    for number, record in enumerate(_records()[:3]):
        spans = [
            {
                "id": f"r{index}",
                "from_name": "label",
                "to_name": "text",
                "type": "labels",
                "value": {
                    "start": one.start,
                    "end": one.end,
                    "text": record.text[one.start : one.end],
                    "labels": [one.label],
                },
            }
            for index, one in enumerate(record.entities)
        ]
        topic = {"from_name": "topic", "to_name": "text", "type": "choices", "value": {"choices": list(record.topics)}}
        tasks.append(
            {"id": number, "data": {"text": record.text}, "annotations": [{"id": 1, "result": [*spans, topic]}]}
        )
    return (json.dumps(tasks, ensure_ascii=False).encode(),)


_SAVED: Final = ("data-00000-of-00001.arrow", "dataset_info.json", "state.json")


def _saved(fixtures: Fixtures) -> Path:
    """Return a data set as the library ``datasets`` saves it."""
    folder = fixtures.scratch / "saved"
    if not folder.exists():
        from datasets import Dataset

        Dataset.from_list([{"text": one.text, "title": one.title} for one in _records()]).save_to_disk(str(folder))
    return folder


def _hugging_face_seeds(fixtures: Fixtures) -> Seeds:
    return tuple((_saved(fixtures) / name).read_bytes() for name in _SAVED)


def _hugging_face(data: bytes, fixtures: Fixtures) -> None:
    """Put an input where the file stands that it looks like."""
    folder = fixtures.scratch / "copy"
    shutil.copytree(_saved(fixtures), folder, dirs_exist_ok=True)
    name = _SAVED[0] if data[:1] != b"{" else _SAVED[2 if b"_data_files" in data else 1]
    (folder / name).write_bytes(data)
    for entry in Source(path=str(folder), format="hugging-face").entries():
        assert entry.place


_PARTS: Final = (MANIFEST, CONFIG, TOKENIZER, GRAPH, ENCODER)


def _checkpoint_seeds(fixtures: Fixtures) -> Seeds:
    """Return the files of a checkpoint, each behind a line with its name."""
    return tuple(name.encode() + b"\n" + (fixtures.model / name).read_bytes() for name in _PARTS)


def _checkpoint(data: bytes, fixtures: Fixtures) -> None:
    """Load a checkpoint with one file replaced, which its manifest lists, and predict with it where it loads."""
    line, _, content = data.partition(b"\n")
    name = next((one for one in _PARTS if one.encode() == line), CONFIG)
    folder = fixtures.scratch / "checkpoint"
    with drafted(folder) as draft:
        for one in _PARTS[1:]:
            shutil.copy(fixtures.model / one, draft)
        if name != MANIFEST:
            (draft / name).write_bytes(content)
    if name == MANIFEST:
        (folder / MANIFEST).write_bytes(content)
    Checkpoint(folder).path(ENCODER)
    analyzer = khabar.load(folder, threads=1)
    text = _records()[0].text
    check_article(analyzer.predict(text, claims=["باران بارید"]), text)


@cache
def _service(model: Path) -> Any:
    """Return a client of a service that runs until the process ends."""
    from fastapi.testclient import TestClient

    from khabar.serving.app import create_app
    from khabar.serving.settings import ServingSettings

    client = TestClient(create_app(_analyzer(model), ServingSettings()))
    return client.__enter__()


def _bodies(fixtures: Fixtures) -> Seeds:
    single = _asked(fixtures)
    return (*single, *(b'{"documents": [' + b", ".join(single[start : start + 2]) + b"]}" for start in range(3)))


def _post(data: bytes, fixtures: Fixtures) -> None:
    """Post a body; the service answers with an article or with errors, and never fails."""
    route = "/v1/analyze/batch" if b'"documents"' in data else "/v1/analyze"
    answer = _service(fixtures.model).post(route, content=data, headers={"Content-Type": "application/json"})
    assert answer.status_code < 500, answer.text[:300]
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert lines or b"[]" in data
    for line in lines:
        assert "topic" in line or line["errors"], line
    if answer.status_code != 200:
        raise KhabarError(answer.text[:300])


def _batch(suffix: str) -> Callable[[bytes, Fixtures], None]:
    def feed(data: bytes, fixtures: Fixtures) -> None:
        path = _written(data, fixtures, suffix)
        sources = find_inputs([str(path)], str(fixtures.scratch / "out"))
        kept_columns(sources, BatchSettings(prefix="khabar_"))
        faults = [row.fault for source in sources for row in read_rows(source) if row.fault is not None]
        assert all(faults)
        if faults:
            raise KhabarError(faults[0])

    return feed


TARGETS: Final = {
    target.name: target
    for target in (
        Target("predict", _asked, _predict, 0.05, 20.0),
        Target("predict-text", _texts, _predict, 0.03, 20.0),
        Target("format-jsonl", _json_lines, _format("jsonl", ".jsonl"), 0.12),
        Target("format-csv", _table(","), _format("csv", ".csv"), 0.12),
        Target("format-tsv", _table("\t"), _format("tsv", ".tsv"), 0.04),
        Target("format-parquet", _parquet, _format("parquet", ".parquet"), 0.1),
        Target("format-conll", _conll, _format("conll", ".conll"), 0.08),
        Target("format-doccano", _doccano, _format("doccano", ".jsonl"), 0.09),
        Target("format-label-studio", _label_studio, _format("label-studio", ".json"), 0.09),
        Target("format-hugging-face", _hugging_face_seeds, _hugging_face, 0.01, 20.0),
        Target("checkpoint", _checkpoint_seeds, _checkpoint, 0.05, 20.0),
        Target("service", _bodies, _post, 0.06, 20.0),
        Target("batch-jsonl", _json_lines, _batch(".jsonl"), 0.06),
        Target("batch-csv", _table(";"), _batch(".csv"), 0.06),
        Target("batch-parquet", _parquet, _batch(".parquet"), 0.04),
    )
}
"""By name."""
