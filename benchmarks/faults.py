"""What long commands leave behind when something goes wrong, and whether starting again mends it.

    python -m benchmarks.faults TINY [--tries 200] [--job batch] [--fault killed] [--out runs/faults]

TINY is a folder that ``python -m tests.tiny`` wrote. Each try runs a command into a new folder, with a fault: killed
at a random moment, the disk full, the folder read-only, the clock jumping back, a second run on the same folder, the
input replaced. What stands there then must be whole or nothing; the command is run again, without the fault, and must
give what a run without any gives. Counts are kept, so the same command goes on. Runs are forked from a process that has
imported the libraries, so kills fall into the work. A fault that does not depend on its moment as much as being killed
has a tenth of the tries.
"""

import argparse
import itertools
import json
import multiprocessing
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any, Final

from rich.console import Console
from rich.progress import track
from rich.table import Table

from khabar.checkpoint import MANIFEST, Checkpoint
from khabar.errors import KhabarError
from khabar_data import samples, write_jsonl

_SECONDS: Final = 300.0
_ROOM_TO_SPEAK: Final = 16 << 10
"""Bytes that any file may have, for what a command says goes to a file as well."""
_FORKING: Final = multiprocessing.get_context("forkserver")
_FORKING.set_forkserver_preload(
    [
        "khabar_training.cli",
        "khabar_training.trainer",
        "khabar_training.export",
        "khabar_training.evaluation",
        "khabar_training.report",
        "khabar.batch",
        "torch.onnx._internal.exporter._core",
        "torch._inductor.decomposition",
        "onnxscript.function_libs.torch_lib.ops",
        "matplotlib.pyplot",
    ]
)


@dataclass(frozen=True)
class Place:
    """The folders of one try."""

    tiny: Path
    scratch: Path

    @property
    def home(self) -> Path:
        """Where the output goes, and nothing else; a disk of its own may be mounted there."""
        return self.scratch / "home"

    @property
    def out(self) -> Path:
        return self.home / "out"

    @property
    def articles(self) -> Path:
        return self.scratch / "articles.jsonl"


@dataclass(frozen=True)
class Job:
    """A command: its arguments, and what it has left in a place, as values that are compared."""

    name: str
    arguments: Callable[[Place], Sequence[str]]
    result: Callable[[Place], Any]
    resumes: bool = False
    """Whether it goes on by itself, and so refuses a second run and changed input."""


def _batch(place: Place) -> Sequence[str]:
    model = str(place.tiny / "tiny")
    output = ("--out", str(place.out), "--to", "jsonl", "--part-rows", "2", "--model", model)
    return ("batch", str(place.articles), "--prefix", "khabar_", *output)


def _train(place: Place) -> Sequence[str]:
    lines = [
        f'encoder = "{place.tiny / "encoder"}"',
        f'output = "{place.out}"',
        *("window = 96", "batch_tokens = 512", "bf16 = false", "save_steps = 2", "max_steps = 6", "dropout = 0.0"),
        *('labels = { topic = "data" }', 'tasks = ["topic"]', "[[data]]", f'path = "{place.articles}"'),
    ]
    config = place.scratch / "run.toml"
    config.write_text("\n".join(lines), "utf-8")
    return ("train", str(config))


def _rows(place: Place) -> Any:
    parts = sorted((place.out / "articles").glob("*.jsonl"))
    return [json.loads(line)["id"] for part in parts for line in part.read_text("utf-8").splitlines()]


def _checkpoint(place: Place) -> Any:
    checkpoint = Checkpoint(place.out)
    return [(name, checkpoint.path(name).name) for name in checkpoint.names], checkpoint.config().to_json()


def _report(place: Place) -> Any:
    return sorted(path.name for path in place.out.rglob("*") if path.is_file() and path.stat().st_size)


_FLOAT: Final = "float"
JOBS: Final = {
    job.name: job
    for job in (
        Job("batch", _batch, _rows, resumes=True),
        Job("train", _train, _checkpoint, resumes=True),
        Job("export", lambda place: ("export", str(place.tiny / _FLOAT), str(place.out)), _checkpoint),
        Job(
            "calibrate",
            lambda place: ("calibrate", str(place.tiny / "tiny"), str(place.articles), "--output", str(place.out)),
            _checkpoint,
        ),
        Job(
            "report",
            lambda place: ("evaluate", str(place.tiny / "tiny"), str(place.articles), "--report", str(place.out)),
            _report,
        ),
    )
}
"""By name."""


@dataclass(frozen=True)
class Limits:
    """What is wrong with the machine while a command runs."""

    file_bytes: int | None = None
    """No file may grow beyond it."""
    clock_jumps: bool = False
    """Every second look at the clock is a day back."""

    def impose(self) -> None:
        if self.file_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (self.file_bytes, self.file_bytes))
        if self.clock_jumps:
            real, looks = time.time, itertools.count()
            time.time = lambda: real() - 86400 * (next(looks) % 2)


class Command:
    """A command that runs in a process of its own."""

    def __init__(self, job: Job, place: Place, limits: Limits) -> None:
        handle, said = tempfile.mkstemp(dir=place.scratch)
        os.close(handle)
        self._said = Path(said)
        self._process = _FORKING.Process(target=_work, args=([*job.arguments(place)], said, limits))
        self._process.start()

    @property
    def is_running(self) -> bool:
        return self._process.is_alive()

    def kill(self) -> bool:
        """Kill it at once; return whether it was still running."""
        self._process.kill()
        self._process.join()
        return self._process.exitcode == -signal.SIGKILL

    def end(self) -> str | None:
        """Wait for it; return None where it succeeded, else the last of what it said."""
        self._process.join(_SECONDS)
        if self.is_running:
            self.kill()
            raise AssertionError("it hangs")
        said = self._said.read_text("utf-8", "replace")
        assert "Traceback" not in said, f"a traceback: {said[-500:]}"
        return None if self._process.exitcode == 0 else " ".join(said.split())[-300:] or "nothing"


def _work(arguments: list[str], said: str, limits: Limits) -> None:
    from khabar_training.cli import app

    for path, stream in ((os.devnull, 1), (said, 2)):
        os.dup2(os.open(path, os.O_WRONLY), stream)
    limits.impose()
    sys.argv = ["khabar", *arguments]
    app()


def _run(job: Job, place: Place, limits: Limits = Limits()) -> str | None:
    """Run a command to its end; return None where it succeeded, else the last of what it said."""
    return Command(job, place, limits).end()


@contextmanager
def _mounted(place: Place, options: str) -> Iterator[None]:
    """Put a file system of its own under the output; only root can."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place.home)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(place.home)], check=True)


def killed(job: Job, place: Place, chance: Random, seconds: float) -> str | None:
    command = Command(job, place, Limits())
    time.sleep(chance.random() * seconds)
    return "killed" if command.kill() else None


def disk_full(job: Job, place: Place, chance: Random, seconds: float) -> str | None:
    """Let no file grow beyond some kilobytes, or, as root, give a disk that small."""
    size = chance.choice((1, 4, 16, 64, 256)) << 10
    if os.geteuid() == 0 and chance.random() < 0.5:
        with _mounted(place, f"size={max(size, 4096)}"):
            return _run(job, place)
    return _run(job, place, Limits(file_bytes=max(size, _ROOM_TO_SPEAK)))


def read_only(job: Job, place: Place, chance: Random, seconds: float) -> str | None:
    if os.geteuid() == 0:
        with _mounted(place, "ro"):
            return _run(job, place)
    place.home.chmod(0o555)
    try:
        return _run(job, place)
    finally:
        place.home.chmod(0o755)


def clock_back(job: Job, place: Place, chance: Random, seconds: float) -> str | None:
    said = _run(job, place, Limits(clock_jumps=True))
    assert said is None, said
    return None


def two_runs(job: Job, place: Place, chance: Random, seconds: float) -> str | None:
    """Start a second run while the first goes on; a job that resumes must refuse it."""
    first = Command(job, place, Limits())
    while first.is_running and not any(place.home.iterdir()):
        time.sleep(0.01)
    time.sleep(chance.random() * seconds / 10)
    is_running = first.is_running
    said = _run(job, place) if is_running else None
    is_running = is_running and first.is_running
    first_said = first.end()
    assert first_said is None or not job.resumes, f"the first run fails: {first_said}"
    assert said is not None or not job.resumes or not is_running, "the second run is not refused"
    return said


def input_replaced(job: Job, place: Place, chance: Random, seconds: float) -> str | None:
    """Put other articles in the place of the input, and what was there back when it has ended."""
    kept = place.articles.read_bytes()
    command = Command(job, place, Limits())
    time.sleep(chance.random() * seconds)
    draft = place.scratch / "other"
    draft.write_bytes(kept[: len(kept) // 2])
    os.replace(draft, place.articles)
    said = command.end()
    times = (place.scratch / "times").stat()
    place.articles.write_bytes(kept)
    os.utime(place.articles, ns=(times.st_mtime_ns, times.st_mtime_ns))
    return said


FAULTS: Final = {
    fault.__name__: fault for fault in (killed, disk_full, read_only, clock_back, two_runs, input_replaced)
}
"""By name. Each does something to a run and returns what the command said, None where it succeeded; AssertionError
where it hangs, shows a traceback, or lets a second run in."""


def attempt(job: Job, fault: str, tiny: Path, number: int, expected: tuple[Any, float]) -> str:
    """Make one try; return what came of it, ``right`` or ``refused, then right``, or what is wrong."""
    chance = Random(f"{job.name} {fault} {number}")
    with tempfile.TemporaryDirectory(prefix="khabar-faults-") as scratch:
        place = _prepared(tiny, Path(scratch))
        try:
            said = FAULTS[fault](job, place, chance, expected[1])
            if (place.out / MANIFEST).exists():
                job.result(place)  # what stands there is whole
            if said is None and fault != "input_replaced":
                assert job.result(place) == expected[0], "another result"
                return "right"
            if fault == "input_replaced":
                shutil.rmtree(place.home)
                place.home.mkdir()
            again = _run(job, place)
            assert again is None, f"run again, it says {again}"
            assert job.result(place) == expected[0], "another result after it is run again"
        except (AssertionError, KhabarError, OSError, ValueError) as error:
            return f"wrong: {error}"[:400]
        litter = [path.name for path in place.home.iterdir() if path.name.startswith(".")]
    return f"{'refused' if fault != 'killed' else 'killed'}, then right" + (", with drafts left" if litter else "")


def expected_of(job: Job, tiny: Path) -> tuple[Any, float]:
    """Return what a run without faults gives, and its seconds."""
    with tempfile.TemporaryDirectory(prefix="khabar-faults-") as scratch:
        place = _prepared(tiny, Path(scratch))
        started = time.monotonic()
        said = _run(job, place)
        if said is not None:
            raise SystemExit(f"{job.name} fails without any fault: {said}")
        return job.result(place), time.monotonic() - started


def _prepared(tiny: Path, scratch: Path) -> Place:
    place = Place(tiny.resolve(), scratch)
    place.home.mkdir()
    own = islice(samples.read("train"), 12)  # a tiny model's window has no room for their claims
    write_jsonl(place.articles, (replace(record, claim_stances=()) for record in own))
    shutil.copy2(place.articles, scratch / "times")
    return place


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.faults")
    parser.add_argument("tiny", type=Path)
    parser.add_argument("--tries", type=int, default=200)
    parser.add_argument("--job", action="append", choices=JOBS)
    parser.add_argument("--fault", action="append", choices=FAULTS)
    parser.add_argument("--out", type=Path, default=Path("runs/faults"))
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    expected_of(JOBS["calibrate"], asked.tiny)  # the libraries are imported now, so that they count in no run's seconds
    path = asked.out / "outcomes.json"
    outcomes: dict[str, list[str]] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    for name in asked.job or JOBS:
        expected = expected_of(JOBS[name], asked.tiny)
        for fault in asked.fault or FAULTS:
            found = outcomes.setdefault(f"{name} {fault}", [])
            tries = asked.tries if fault == "killed" else max(1, asked.tries // 10)
            for number in track(range(len(found), tries), f"{name} {fault}"):
                found.append(attempt(JOBS[name], fault, asked.tiny, number, expected))
                path.with_suffix(".draft").write_text(json.dumps(outcomes, indent=1), "utf-8")
                os.replace(path.with_suffix(".draft"), path)
    shown = Table("command", "fault", "tries", "outcomes")
    for key, found in outcomes.items():
        counts = "; ".join(f"{found.count(outcome)} {outcome}" for outcome in dict.fromkeys(found))
        shown.add_row(*key.split(" "), str(len(found)), counts)
    Console().print(shown)
    sys.exit(any(outcome.startswith("wrong") for found in outcomes.values() for outcome in found))


if __name__ == "__main__":
    main()
