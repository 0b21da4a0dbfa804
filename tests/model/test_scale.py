"""What Ray's workers write is what one process writes, also when one of them is killed."""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from khabar.batch import BatchSettings, Columns, Step, run_batch
from khabar.batch.parts import Part, PartDone
from khabar.batch.workers import read_parts
from khabar.errors import CheckpointError, InputError, MissingExtraError, SourceError, WorkerError
from khabar.scale import FAULT, _spread, analyze_dataset, on_ray

ray = pytest.importorskip("ray", reason="needs the extra 'ray'")
psutil = pytest.importorskip("psutil", reason="finds the processes of the workers")
pytestmark = pytest.mark.usefixtures("cluster")

N_GOOD = 400
CHOSEN = BatchSettings(part_rows=50, columns=Columns(id="number"))


@pytest.fixture(scope="module")
def model(tiny_checkpoint: Callable[[str], Path]) -> Path:
    """A tiny random model."""
    return tiny_checkpoint("unigram")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight parts and a piece, with two faulty rows."""
    folder = tmp_path_factory.mktemp("archive")
    lines = [
        json.dumps(
            {"number": number, "text": f"وزیر خارجه ایران در کابل از صلح گفت. {number} روز. " * (5 + number % 9)}
        )
        for number in range(N_GOOD)
    ]
    lines[77:77] = ['{"number": -1, "text": 7}', "{"]
    (folder / "in.jsonl").write_text("\n".join(lines), "utf-8")
    return folder / "in.jsonl"


@pytest.fixture(scope="module")
def alone(source: Path, model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one process makes of it."""
    out = tmp_path_factory.mktemp("alone") / "out"
    list(run_batch([str(source)], out, CHOSEN, model=model))
    return out


def on_cluster(source: str | Path, out: Path, model: Path, settings: BatchSettings = CHOSEN) -> Step:
    return list(run_batch([str(source)], out, settings, model=model, workers=2, engine=on_ray()))[-1]


def table(out: Path) -> list[dict[str, Any]]:
    """Return the rows of the output, part after part."""
    rows: list[dict[str, Any]] = []
    for path in sorted((out / "articles").iterdir()):
        rows += pyarrow.parquet.read_table(path).to_pylist()
    return rows


def faults(out: Path) -> list[Any]:
    lines = (out / "errors.jsonl").read_text("utf-8").splitlines()
    return sorted((json.loads(line) for line in lines), key=lambda fault: int(fault["row"]))


def are_gone() -> bool:
    """Whether the cluster's workers end within some seconds."""
    deadline = time.monotonic() + 10
    while workers("") and time.monotonic() < deadline:
        time.sleep(0.02)
    return not workers("")


def workers(doing: str) -> list[Any]:
    """Return the processes of this cluster's workers that do this now."""
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            if "".join(process.cmdline()).startswith(f"ray::_Actor{doing}"):
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_one_of_two_workers_is_killed_in_mid_run(source: Path, tmp_path: Path, model: Path, alone: Path) -> None:
    killed: list[int] = []

    def kill() -> None:
        manifest = tmp_path / "out" / "manifest.jsonl"
        deadline = time.monotonic() + 30
        while not killed and time.monotonic() < deadline:
            time.sleep(0.005)
            if manifest.exists() and manifest.read_bytes().count(b"\n") > 2:  # two parts are done
                for process in workers(".read")[:1]:
                    process.send_signal(signal.SIGKILL)
                    killed.append(process.pid)

    killer = threading.Thread(target=kill)
    killer.start()
    last = on_cluster(source, tmp_path / "out", model)
    killer.join()
    assert killed
    assert (last.n_articles, last.n_faults, last.n_rows) == (N_GOOD, 2, N_GOOD + 2)
    assert last.bytes_done == pytest.approx(last.n_bytes)
    assert table(tmp_path / "out") == table(alone)
    assert faults(tmp_path / "out") == faults(alone)
    assert not list((tmp_path / "out" / "articles").glob(".*"))


def test_either_engine_goes_on_with_what_the_other_began(
    source: Path, tmp_path: Path, model: Path, alone: Path
) -> None:
    out = tmp_path / "out"
    steps = run_batch([str(source)], out, CHOSEN, model=model, workers=2, engine=on_ray())
    assert any(step.n_rows > 60 for step in steps)
    steps.close()  # type: ignore[attr-defined]
    assert are_gone()
    done = (out / "manifest.jsonl").read_bytes().count(b"\n") - 1
    assert 1 <= done < 9
    last = list(run_batch([str(source)], out, CHOSEN, model=model, engine=read_parts))[-1]
    assert last.n_rows < N_GOOD
    assert table(out) == table(alone)
    assert on_cluster(source, out, model).n_rows == 0


def test_more_workers_than_the_cluster_has_room_for(source: Path, tmp_path: Path, model: Path, alone: Path) -> None:
    list(run_batch([str(source)], tmp_path / "out", CHOSEN, model=model, workers=5, engine=on_ray()))
    assert table(tmp_path / "out") == table(alone)


def test_uris_go_straight_to_arrow(source: Path, tmp_path: Path, model: Path, alone: Path) -> None:
    settings = replace(CHOSEN, articles=(tmp_path / "far away" / "articles").as_uri())
    on_cluster(source.parent.as_uri(), tmp_path / "out", model, settings)
    assert table(tmp_path / "far away") == table(alone)


def test_errors_come_as_they_were_raised(source: Path, tmp_path: Path, model: Path) -> None:
    with pytest.raises(InputError, match=r"^providers is 'abacus'"):
        on_cluster(source, tmp_path / "out", model, replace(CHOSEN, providers=("abacus",)))
    assert are_gone()


class _Fatal:
    def start(self) -> None:
        pass

    def read(self, part: Part) -> PartDone:
        os._exit(1)


def test_a_part_that_kills_its_workers_is_given_up() -> None:
    actor = ray.remote(max_restarts=-1, max_task_retries=1)(_Fatal).remote()
    with pytest.raises(WorkerError, match="run it again"):
        list(_spread(ray, [actor], iter([Part(0, 0, (), 0)])))
    ray.kill(actor)


def test_parts_that_cannot_be_seen_from_here_are_not_taken_for_done(
    source: Path, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("khabar.scale.has_file", lambda folder, name: False)
    with pytest.raises(SourceError, match="name a folder that all machines share"):
        on_cluster(source, tmp_path / "out", model)
    assert (tmp_path / "out" / "manifest.jsonl").read_bytes().count(b"\n") == 1


def test_what_it_needs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = ray.data.range(1)
    monkeypatch.setitem(sys.modules, "ray.data", None)
    with pytest.raises(MissingExtraError, match=r"khabar\[ray\]"):
        analyze_dataset(dataset)


def test_another_model_on_a_machine_is_refused(source: Path, tmp_path: Path, model: Path) -> None:
    engine = on_ray()

    def elsewhere(job: Any, parts: Iterator[Part], n_workers: int | None) -> Iterator[float | PartDone]:
        return engine(replace(job, digest="0"), parts, n_workers)

    with pytest.raises(CheckpointError, match="another model"):
        list(run_batch([str(source)], tmp_path / "out", CHOSEN, model=model, workers=1, engine=elsewhere))


def test_a_dataset(source: Path, tmp_path: Path, model: Path, alone: Path) -> None:
    rows = [json.loads(line) for line in source.read_text("utf-8").splitlines() if line != "{"]
    rows = [row if row["number"] >= 0 else {"number": -1, "text": None} for row in rows]
    for half, some in enumerate((rows[:200], rows[200:])):
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(some), tmp_path / f"{half}.parquet")
    dataset = ray.data.read_parquet(tmp_path.as_uri(), override_num_blocks=4)
    read = analyze_dataset(dataset, CHOSEN, model=model, concurrency=2)
    read.write_parquet((tmp_path / "read").as_uri())
    found = pyarrow.parquet.read_table(tmp_path / "read").sort_by("number").to_pylist()
    assert "no text in the column 'text'" in found[0].pop(FAULT)
    assert found.pop(0) == {"number": -1, "text": None, **dict.fromkeys(CHOSEN.added)}
    assert [row.pop(FAULT) for row in found] == [None] * N_GOOD
    expected = [{name: value for name, value in row.items() if name != "other"} for row in table(alone)]
    assert found == expected


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"txt": "کابل"}, "no column 'text'; the dataset has txt; did you mean 'txt'"),
        ({"text": "کابل", "topic": "x"}, "columns topic already; name a prefix"),
    ],
)
def test_a_dataset_with_other_columns_is_refused(row: dict[str, str], says: str, model: Path) -> None:
    with pytest.raises(ray.exceptions.RayError, match=says):
        analyze_dataset(ray.data.from_items([row]), model=model, concurrency=1).take_all()
