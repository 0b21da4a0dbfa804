"""A batch from end to end: every form in and out, killed anywhere, with one worker and with two."""

import csv
import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import khabar
from khabar.batch import BatchSettings, Columns, Row, Step, run_batch
from khabar.batch import workers as workers_module
from khabar.batch.inputs import find_inputs
from khabar.batch.rows import read_rows
from khabar.batch.settings import ADDED
from khabar.errors import ConfigError, InputError, SourceError, WorkerError

SMALL = BatchSettings(part_rows=4)


def run(source: Path, out: Path, model: Path, chosen: BatchSettings = SMALL, workers: int = 1) -> Step:
    return list(run_batch([str(source)], out, chosen, model=model, workers=workers))[-1]


def table(out: Path) -> list[dict[str, Any]]:
    """Return the rows of the output, in order."""
    rows: list[dict[str, Any]] = []
    for path in sorted((out / "articles").iterdir()):
        if path.suffix == ".parquet":
            rows += pyarrow.parquet.read_table(path).to_pylist()
        else:
            rows += map(json.loads, path.read_text("utf-8").splitlines())
    return rows


def faults(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "errors.jsonl").read_text("utf-8").splitlines()]


def write(path: Path, articles: Sequence[dict[str, Any]]) -> None:
    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(list(articles)), path)
    elif path.suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, articles[0])
            writer.writeheader()
            writer.writerows(articles)
    else:
        path.write_text("".join(json.dumps(one) + "\n" for one in articles), "utf-8")


@pytest.fixture
def mixed(tmp_path: Path, articles: list[dict[str, Any]]) -> Path:
    """A file with good rows and faulty ones between them."""
    path = tmp_path / "in.jsonl"
    lines = [json.dumps(one) for one in articles]
    lines[3:3] = ["{", '{"id": "none"}']
    lines[14:14] = ['{"id": "seven", "text": 7}', r'{"id": "half", "text": "\ud800"}', '{"text": "x", "claims": [1]}']
    path.write_text("\n".join(lines), "utf-8")
    return path


@pytest.mark.parametrize("to", ["parquet", "jsonl"])
@pytest.mark.parametrize("name", ["in.jsonl", "in.csv", "in.parquet"])
def test_every_form(name: str, to: str, tmp_path: Path, model: Path, articles: list[dict[str, Any]]) -> None:
    write(tmp_path / name, articles)
    last = run(tmp_path / name, tmp_path / "out", model, BatchSettings(part_rows=10, to=to))
    rows = table(tmp_path / "out")
    assert (last.n_articles, last.n_faults, last.n_rows) == (23, 0, 23)
    assert last.bytes_done == pytest.approx(last.n_bytes)
    for row, article, read in zip(rows, articles, read_alone(model, articles), strict=True):
        kept = {key: row[key] for key in article}
        assert kept == (
            {key: str("" if value is None else value) for key, value in article.items()} if "csv" in name else article
        )
        assert set(row) - set(article) - {"other"} == set(ADDED)
        assert row["topic"] == read["topic"]["label"]
        assert row["topic_score"] == pytest.approx(read["topic"]["score"], abs=1e-6)
        scores = [{**entity, "score": pytest.approx(entity["score"], abs=1e-6)} for entity in read["entities"]]
        assert row["entities"] == scores
        assert [stance["label"] for stance in row["stances"]] == [stance["label"] for stance in read["stances"]]
        evidence = [[(span["start"], span["end"]) for span in stance["evidence"]] for stance in row["stances"]]
        assert evidence == [list(map(tuple, stance["evidence"])) for stance in read["stances"]]
    assert any(row["entities"] for row in rows)
    assert any(row["stances"] for row in rows)


def read_alone(model: Path, articles: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    analyzer = khabar.load(model, threads=1)
    return [analyzer.predict(one["text"], title=one["title"]).to_dict() for one in articles]


def test_what_decides_the_reading(tmp_path: Path, model: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"شماره": "a", "متن": "وزیر در کابل گفت.", "targets": ["کابل", "ایران"], "ادعا": "صلح شد", "topic": "x"},
        {"شماره": "b", "متن": "وزیر در کابل گفت.", "targets": None, "ادعا": None, "topic": "x"},
    ]
    write(tmp_path / "in.jsonl", rows)
    columns = Columns.named({"text": "متن", "id": "شماره", "claims": "ادعا"})
    chosen = BatchSettings(columns=columns, judge_targets=False, prefix="k_", to="jsonl", min_score=1.0)
    run(tmp_path / "in.jsonl", tmp_path / "out", model, chosen)
    first, second = table(tmp_path / "out")
    assert first["topic"] == "x"
    assert [(one["kind"], one["target"]) for one in first["k_stances"]] == [
        ("target", "کابل"),
        ("target", "ایران"),
        ("claim", "صلح شد"),
    ]
    assert second["k_stances"] == second["k_entities"] == []
    assert not second["k_topic_sure"]


def test_faulty_rows_are_listed_and_the_rest_goes_on(mixed: Path, tmp_path: Path, model: Path) -> None:
    last = run(mixed, tmp_path / "out", model)
    assert [row["id"] for row in table(tmp_path / "out")] == [f"n{number:02}" for number in range(23)]
    found = faults(tmp_path / "out")
    assert (last.n_articles, last.n_faults) == (23, 5)
    assert [(fault["row"], fault["id"]) for fault in found] == [
        (4, None),
        (5, "none"),
        (15, "seven"),
        (16, "half"),
        (17, None),
    ]
    assert {fault["file"] for fault in found} == {str(mixed)}
    assert all(
        word in fault["reason"]
        for word, fault in zip(["broken JSON", "no text", "a str", "UTF-8", "one of claims is int"], found, strict=True)
    )


def test_what_does_not_fit_a_column_is_not_lost(tmp_path: Path, model: Path) -> None:
    rows: list[dict[str, Any]] = [{"text": "کابل", "n": 1, "deep": {"a": [1]}} for _ in range(100)]
    rows += [{"text": "کابل", "n": "دو", "late": 3}, {"text": "کابل", "n": 1 << 70}, {"text": "کابل", "topic": "x"}]
    write(tmp_path / "in.jsonl", rows)
    run(tmp_path / "in.jsonl", tmp_path / "out", model, BatchSettings(part_rows=64))
    found = table(tmp_path / "out")
    assert (found[0]["n"], json.loads(found[0]["deep"]), found[0]["other"]) == (1, {"a": [1]}, None)
    assert found[100]["n"] is None
    assert [json.loads(row["other"]) for row in found[100:]] == [{"n": "دو", "late": 3}, {"n": 1 << 70}]
    assert "columns topic, as the analysis has" in faults(tmp_path / "out")[0]["reason"]


def test_files_of_different_forms_make_one_table(tmp_path: Path, model: Path, articles: list[dict[str, Any]]) -> None:
    for name, part in (("a.jsonl", articles[:3]), ("b.csv", articles[3:5]), ("c.parquet", articles[5:9])):
        write(tmp_path / name, part)
    run(tmp_path, tmp_path / "out", model)
    schemas = {str(pyarrow.parquet.read_schema(path)) for path in (tmp_path / "out/articles").iterdir()}
    assert len(schemas) == 1
    assert [row["pages"] for row in table(tmp_path / "out")] == [str(number) for number in range(9)]


def test_numbers_that_are_none_leave_json_that_can_be_read(tmp_path: Path, model: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"id": 1.0, "text": "کابل", "n": float("nan"), "deep": [{"x": float("inf"), "b": b"\xd9\x87"}]}
    ]
    rows += [{"id": float("nan"), "text": None}]
    write(tmp_path / "in.parquet", rows)
    run(tmp_path / "in.parquet", tmp_path / "out", model, BatchSettings(to="jsonl"))
    (source, errors) = find_inputs([str(tmp_path / "out" / "articles"), str(tmp_path / "out" / "errors.jsonl")])
    assert [(fault.values.get("row"), fault.fault) for fault in read_rows(errors)] == [(2, None)]
    (row,) = read_rows(source)
    assert row.fault is None
    assert (row.values["n"], row.values["deep"]) == (None, [{"x": None, "b": "ه"}])


def test_what_becomes_text_has_no_marks_around_it(tmp_path: Path, model: Path) -> None:
    values = [date(2024, 5, 6), Decimal("1.50"), "ه".encode(), b"\xff", 2, float("nan"), {"a": [True]}, "x"]
    names = [chr(ord("a") + number) for number in range(len(values))]
    write(tmp_path / "in.parquet", [{"text": "کابل", **dict(zip(names, values, strict=True))}])
    write(tmp_path / "in.csv", [{"text": "کابل", **dict.fromkeys(names, "y")}])
    run(tmp_path, tmp_path / "out", model)
    row = table(tmp_path / "out")[1]
    assert [row[name] for name in names] == ["2024-05-06", "1.50", "ه", "\\xff", "2", None, '{"a": [true]}', "x"]


@pytest.mark.parametrize("name", ["in.csv", "in.parquet"])
def test_a_column_other_is_taken_where_none_is_added(name: str, tmp_path: Path, model: Path) -> None:
    rows: list[dict[str, Any]] = [{"text": "کابل", "other": "mine"}]
    write(tmp_path / name, rows)
    run(tmp_path / name, tmp_path / "out", model)
    assert table(tmp_path / "out")[0]["other"] == "mine"
    write(tmp_path / "in.jsonl", rows)
    run(tmp_path / "in.jsonl", tmp_path / "lines", model, BatchSettings(to="jsonl"))
    assert table(tmp_path / "lines")[0]["other"] == "mine"
    with pytest.raises(ConfigError, match="columns other, as the analysis has"):
        run(tmp_path / "in.jsonl", tmp_path / "refused", model)


def test_two_workers_give_what_one_gives(
    mixed: Path, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(mixed, tmp_path / "one", model)
    calls: list[str] = []
    for name in ("_started", "_send"):
        monkeypatch.setattr(workers_module, name, noted(getattr(workers_module, name), calls))
    last = run(mixed, tmp_path / "two", model, workers=2)
    assert calls[:4] == ["_started", "_started", "_send", "_send"]  # so that they load beside each other
    assert (last.n_articles, last.n_rows) == (23, 28)
    assert table(tmp_path / "one") == table(tmp_path / "two")
    by_row = sorted(faults(tmp_path / "two"), key=lambda fault: int(fault["row"]))
    assert by_row == faults(tmp_path / "one")


def noted(function: Callable[..., Any], calls: list[str]) -> Callable[..., Any]:
    def called(*args: Any) -> Any:
        calls.append(function.__name__)
        return function(*args)

    return called


def test_a_worker_that_dies_is_told_and_the_batch_goes_on(mixed: Path, tmp_path: Path, model: Path) -> None:
    steps = run_batch([str(mixed)], tmp_path / "out", SMALL, model=model, workers=2)
    assert any(step.n_rows for step in steps)
    multiprocessing.active_children()[0].kill()
    with pytest.raises(WorkerError, match=r"killed by signal 9.*run it again"):
        list(steps)
    assert not multiprocessing.active_children()
    run(mixed, tmp_path / "out", model)
    assert [row["id"] for row in table(tmp_path / "out")] == [f"n{number:02}" for number in range(23)]


CHILD = """
import sys
from khabar.batch import BatchSettings, run_batch
if __name__ == "__main__":
    source, out, model, workers = sys.argv[1:]
    for _ in run_batch([source], out, BatchSettings(part_rows=4), model=model, workers=int(workers)):
        pass
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_killed_at_any_moment(workers: int, mixed: Path, tmp_path: Path, model: Path) -> None:
    run(mixed, tmp_path / "whole", model)
    out = tmp_path / "out"
    script = tmp_path / "child.py"
    script.write_text(CHILD, "utf-8")
    chance = random.Random(workers)
    kills = 0
    for n_lines in (2, 5)[workers - 1 :]:  # of seven parts
        command = [sys.executable, str(script), str(mixed), str(out), str(model), str(workers)]
        with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}) as child:
            while child.poll() is None and count_lines(out) < n_lines:
                time.sleep(0.0005)
            time.sleep(chance.random() * 0.003)
            child.send_signal(signal.SIGKILL)
        kills += child.returncode == -signal.SIGKILL
    assert kills
    last = run(mixed, out, model)
    assert (last.n_articles, last.n_faults) == (23, 5)
    assert table(out) == table(tmp_path / "whole")
    assert sorted(map(str, faults(out))) == sorted(map(str, faults(tmp_path / "whole")))
    assert run(mixed, out, model).n_rows == 0


def count_lines(out: Path) -> int:
    manifest = out / "manifest.jsonl"
    return manifest.read_bytes().count(b"\n") if manifest.exists() else 0


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_files_cut_off_anywhere(data: st.DataObject, mixed: Path, tmp_path: Path, model: Path) -> None:
    """A kill, or a power cut, may leave any beginning of the manifest with as many errors or more."""
    whole, out = tmp_path / "whole", tmp_path / "out"
    if not whole.exists():
        run(mixed, whole, model)
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(whole, out)
    lines = (whole / "manifest.jsonl").read_bytes()
    cut = data.draw(st.integers(0, len(lines)))
    (out / "manifest.jsonl").write_bytes(lines[:cut])
    kept = [json.loads(line) for line in lines[:cut].splitlines(keepends=True)[1:] if line.endswith(b"\n")]
    for path in (out / "articles").iterdir():
        if path.name not in {line.get("file") for line in kept} and data.draw(st.booleans()):
            path.unlink()
    (out / "articles" / ".part-000000-000003.parquet.99.draft").write_bytes(b"half")
    ends = max((line.get("errors_end", 0) for line in kept), default=0)
    errors = (whole / "errors.jsonl").read_bytes()
    (out / "errors.jsonl").write_bytes(errors[: data.draw(st.integers(ends, len(errors)))])
    run(mixed, out, model)
    assert table(out) == table(whole)
    assert (out / "errors.jsonl").read_bytes() == errors


@pytest.mark.parametrize(
    ("name", "keep", "says"),
    [
        (
            "manifest.jsonl",
            lambda data: data.replace(b'{"input": 0, "part": 2,', b'{"input": 0, "pa\0\0": 2,'),
            "line 4 is",
        ),
        ("manifest.jsonl", lambda data: data.replace(b'{"input": 0, "part": 2,', b"\0" * 23), "line 4 is damaged"),
        ("errors.jsonl", lambda data: data[:-1], r"it has \d+ bytes, and the manifest has noted \d+; restore it"),
    ],
)
def test_what_no_kill_leaves_is_refused(
    name: str, keep: Callable[[bytes], bytes], says: str, mixed: Path, tmp_path: Path, model: Path
) -> None:
    run(mixed, tmp_path / "out", model)
    path = tmp_path / "out" / name
    path.write_bytes(left := keep(path.read_bytes()))
    with pytest.raises(SourceError, match=rf"{name}: {says}"):
        run(mixed, tmp_path / "out", model)
    assert path.read_bytes() == left


def test_other_settings_are_refused(mixed: Path, tmp_path: Path, model: Path) -> None:
    run(mixed, tmp_path / "out", model)
    for chosen in (BatchSettings(part_rows=5), BatchSettings(part_rows=4, min_score=0.5)):
        with pytest.raises(SourceError, match=r"begun with (part_rows 4|min_score 0\.0), and now"):
            run(mixed, tmp_path / "out", model, chosen)


def test_another_model_is_refused(mixed: Path, tmp_path: Path, model: Path) -> None:
    run(mixed, tmp_path / "out", model)
    shutil.copytree(model, tmp_path / "other")
    manifest = json.loads((model / "manifest.json").read_text("utf-8"))
    manifest["sha256"]["model.onnx"] = "0" * 64
    (tmp_path / "other" / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(SourceError, match="begun with model"):
        run(mixed, tmp_path / "out", tmp_path / "other")


@pytest.mark.parametrize("change", ["changed", "new", "missing"])
def test_other_inputs_are_refused(change: str, tmp_path: Path, model: Path, articles: list[dict[str, Any]]) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a.jsonl", "b.jsonl"):
        write(folder / name, articles[:2])
    run(folder, tmp_path / "out", model)
    if change == "missing":
        (folder / "a.jsonl").unlink()
    else:
        write(folder / ("a.jsonl" if change == "changed" else "c.jsonl"), articles[:3])
    with pytest.raises(SourceError, match=f"it is {change} since"):
        run(folder, tmp_path / "out", model)


def test_a_batch_that_has_done_nothing_may_begin_otherwise(mixed: Path, tmp_path: Path, model: Path) -> None:
    with pytest.raises(InputError, match="providers is 'abacus'"):
        run(mixed, tmp_path / "out", model, BatchSettings(providers=("abacus",)))
    (tmp_path / "out/articles/part-000000-000000.jsonl").write_text("{}", "utf-8")  # killed before it was noted
    assert run(mixed, tmp_path / "out", model).n_articles == 23
    assert len(table(tmp_path / "out")) == 23


def test_a_kill_before_the_first_part_is_noted(mixed: Path, tmp_path: Path, model: Path) -> None:
    chosen = BatchSettings(part_rows=4, articles=str(tmp_path / "out" / "articles"))
    (tmp_path / "out" / "articles").mkdir(parents=True)
    (tmp_path / "out" / "articles" / "mine").touch()
    with pytest.raises(SourceError, match=r"there is a file mine already"):
        run(mixed, tmp_path / "noted", model, chosen)
    (tmp_path / "out" / "articles" / "mine").unlink()
    run(mixed, tmp_path / "noted", model, chosen)
    whole = table(tmp_path / "out")
    manifest = tmp_path / "noted" / "manifest.jsonl"
    manifest.write_bytes(manifest.read_bytes().splitlines(keepends=True)[0])
    for path in sorted((tmp_path / "out" / "articles").iterdir())[1:]:
        path.unlink()
    assert run(mixed, tmp_path / "noted", model, chosen).n_rows == 28
    assert table(tmp_path / "out") == whole


def test_a_batch_goes_on_from_another_folder_with_the_same_place(
    mixed: Path, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = BatchSettings(part_rows=4, articles="read")
    monkeypatch.chdir(tmp_path)
    run(mixed, tmp_path / "out", model, chosen)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    with pytest.raises(SourceError, match="begun with articles"):
        run(mixed, tmp_path / "out", model, chosen)
    there = BatchSettings(part_rows=4, articles=str(tmp_path / "read"))
    assert run(mixed, tmp_path / "out", model, there).n_rows == 0


def test_a_folder_of_something_else_is_left_alone(mixed: Path, tmp_path: Path, model: Path) -> None:
    with pytest.raises(SourceError, match="something other than a batch"):
        run(mixed, model, model)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "manifest.jsonl").write_text('{"mine": 1}\n', "utf-8")
    with pytest.raises(SourceError, match="no manifest"):
        run(mixed, tmp_path / "out", model)
    assert (tmp_path / "out" / "manifest.jsonl").read_text("utf-8") == '{"mine": 1}\n'


@pytest.mark.skipif(sys.platform == "win32", reason="there is no lock there")
def test_a_second_run_is_kept_out(mixed: Path, tmp_path: Path, model: Path) -> None:
    steps = run_batch([str(mixed)], tmp_path / "out", SMALL, model=model)
    next(steps)
    with pytest.raises(SourceError, match="another run"):
        run(mixed, tmp_path / "out", model)
    assert list(steps)[-1].n_articles == 23


def test_columns_are_checked_before_anything_is_written(
    tmp_path: Path, model: Path, articles: list[dict[str, Any]]
) -> None:
    write(tmp_path / "in.csv", articles)
    with pytest.raises(SourceError, match=r"no column 'txt'; .* did you mean 'text'"):
        run(tmp_path / "in.csv", tmp_path / "out", model, BatchSettings(columns=Columns(text="txt")))
    write(tmp_path / "in.jsonl", articles)
    with pytest.raises(SourceError, match=r"in\.jsonl: no column 'txt'; .* did you mean 'text'"):
        run(tmp_path / "in.jsonl", tmp_path / "out", model, BatchSettings(columns=Columns(text="txt")))
    write(tmp_path / "in.csv", [{**one, "topic": "x"} for one in articles])
    with pytest.raises(ConfigError, match="columns topic, as the analysis has; name a prefix"):
        run(tmp_path / "in.csv", tmp_path / "out", model)
    with pytest.raises(InputError, match="workers is 0"):
        run(tmp_path / "in.csv", tmp_path / "out", model, workers=0)
    assert not (tmp_path / "out").exists()


def test_no_more_than_a_part_is_read_ahead(
    mixed: Path, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = 0

    def counted(source: Any) -> Iterator[Row]:
        nonlocal taken
        for row in original(source):
            taken += 1
            yield row

    original = read_rows
    monkeypatch.setattr("khabar.batch.parts.read_rows", counted)
    ahead = [taken - step.n_rows for step in run_batch([str(mixed)], tmp_path / "out", SMALL, model=model)]
    assert taken == 28
    assert max(ahead) == SMALL.part_rows - 1
