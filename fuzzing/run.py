"""Feed every target its share of inputs, each target in a process of its own under limits; go on where a run stopped.

    python -m fuzzing.run MODEL --inputs 1000000

MODEL is a checkpoint folder; a small one makes bulk possible. Counts are kept beside the failures, so the same
command goes on, and a failure is a file that tests/test_fuzzing.py feeds again for ever.
"""

import argparse
import json
import multiprocessing
import os
import resource
import signal
import sys
import tempfile
from collections import Counter
from hashlib import sha256
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any, Final

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from fuzzing.mutations import mutated
from fuzzing.targets import TARGETS, Fixtures, Target
from khabar.checkpoint import located
from khabar.errors import KhabarError

MEMORY: Final = 3 << 30
"""Bytes that a process may map on top of what it needs to begin."""
REGRESSIONS: Final = Path(__file__).parent / "regressions"
_REPORT_SECONDS: Final = 0.5
_OUTCOMES: Final = ("read", "refused", "failed", "killed")


def made_input(target: Target, seeds: tuple[bytes, ...], number: int) -> bytes:
    """Return the input of a target that has this number; always the same."""
    return mutated(seeds, Random(f"{target.name} {number}"))


def feed(target: Target, data: bytes, fixtures: Fixtures) -> tuple[str, str]:
    """Feed one input; return what came of it, ``read``, ``refused`` or ``failed``, and the error."""
    try:
        target.feed(data, fixtures)
    except KhabarError as error:
        return "refused", str(error)
    except BaseException as error:  # a panic in Rust is no Exception
        if isinstance(error, KeyboardInterrupt):
            raise
        return "failed", f"{type(error).__name__}: {error}"[:300]
    return "read", ""


def _work(connection: Connection, current: Any, name: str, model: Path, first: int, last: int) -> None:
    """Feed inputs *first* to *last*; a signal ends the process where one takes too long."""
    target = TARGETS[name]
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - warnings of libraries, by the thousand
    with tempfile.TemporaryDirectory(prefix="khabar-fuzz-") as scratch:
        fixtures = Fixtures(Path(scratch), model)
        seeds = target.seeds(fixtures)
        feed(target, seeds[0], fixtures)
        _limit_memory()
        counts: Counter[str] = Counter()
        failures: list[tuple[int, str]] = []
        reported = monotonic()
        for number in range(first, last):
            current.value = number
            data = made_input(target, seeds, number)
            _limit_seconds(target.seconds * (1 + 6 * len(data) / 1e6))
            outcome, error = feed(target, data, fixtures)
            _limit_seconds(0)
            counts[outcome] += 1
            if outcome == "failed":
                failures.append((number, error))
            if monotonic() - reported > _REPORT_SECONDS or number == last - 1:
                connection.send((number + 1, counts, failures))
                counts, failures, reported = Counter(), [], monotonic()


def _limit_seconds(seconds: float) -> None:
    """Limit the processor time from now on, and so that nothing waits for ever, ten times as much by the clock."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, 10 * seconds)


def _limit_memory() -> None:
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (mapped + MEMORY, mapped + MEMORY))


class Run:
    """The counts of all targets, kept in a file."""

    def __init__(self, folder: Path, model: Path) -> None:
        self.folder = folder
        self.model = model
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "counts.json"
        self.counts: dict[str, dict[str, int]] = {}
        if self._path.exists():
            self.counts = json.loads(self._path.read_text("utf-8"))

    def of(self, target: Target) -> dict[str, int]:
        return self.counts.setdefault(target.name, {"next": 0, **dict.fromkeys(_OUTCOMES, 0)})

    def save(self) -> None:
        draft = self._path.with_suffix(".draft")
        draft.write_text(json.dumps(self.counts, indent=1), "utf-8")
        os.replace(draft, self._path)

    def fuzz(self, target: Target, last: int, progress: Progress) -> None:
        """Feed a target until it has had *last* inputs; a process that dies is begun again behind what killed it."""
        counts = self.of(target)
        task = progress.add_task(target.name, total=last, completed=min(last, counts["next"]))
        context = multiprocessing.get_context("spawn")
        while counts["next"] < last:
            here, there = context.Pipe(duplex=False)
            current = context.Value("q", counts["next"])
            arguments = (there, current, target.name, self.model, counts["next"], last)
            process = context.Process(target=_work, args=arguments, daemon=True)
            process.start()
            there.close()
            try:
                while counts["next"] < last:
                    self._take(target, here.recv())
                    progress.update(task, completed=counts["next"])
            except EOFError:
                process.join()
                self._note(target, current.value, f"killed: exit code {process.exitcode}")
                counts["killed"] += 1
                counts["read"] += (
                    current.value - counts["next"]
                )  # those since the last report; what came of them is lost
                counts["next"] = current.value + 1
            finally:
                process.kill()
                process.join()
                self.save()

    def _take(self, target: Target, report: tuple[int, Counter[str], list[tuple[int, str]]]) -> None:
        counts = self.of(target)
        counts["next"], found, failures = report
        for outcome, number in found.items():
            counts[outcome] += number
        for number, error in failures:
            self._note(target, number, error)
        self.save()

    def _note(self, target: Target, number: int, error: str) -> None:
        """Write the input that failed, and why."""
        with tempfile.TemporaryDirectory() as scratch:
            data = made_input(target, target.seeds(Fixtures(Path(scratch), self.model)), number)
        path = self.folder / target.name / f"{sha256(data).hexdigest()[:12]}.bin"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        with (self.folder / "failures.txt").open("a", encoding="utf-8") as file:
            file.write(f"{target.name} {number} {path.name} {error.encode('ascii', 'backslashreplace').decode()}\n")


def table(run: Run) -> Table:
    """Return the totals, a row for each target."""
    shown = Table("target", "inputs", *_OUTCOMES, "seconds of the processor that an input may take")
    for name, counts in run.counts.items():
        outcomes = (f"{counts[outcome]:,}" for outcome in _OUTCOMES)
        shown.add_row(name, f"{counts['next']:,}", *outcomes, f"{TARGETS[name].seconds:g}")
    totals = [sum(counts[key] for counts in run.counts.values()) for key in ("next", *_OUTCOMES)]
    shown.add_row("all", *(f"{total:,}" for total in totals), "")
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="fuzzing.run", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("model")
    parser.add_argument("--inputs", type=int, default=1_000_000, help="in all")
    parser.add_argument("--out", type=Path, default=Path("runs/fuzz"), help="the folder of counts and failures")
    parser.add_argument("--target", action="append", choices=TARGETS, help="only this one, again for more")
    asked = parser.parse_args()
    run = Run(asked.out, located(asked.model).resolve())
    chosen = [TARGETS[name] for name in asked.target or TARGETS]
    whole = sum(target.share for target in chosen)
    columns = (TextColumn("{task.description}"), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress:
        for target in chosen:
            run.fuzz(target, round(asked.inputs * target.share / whole), progress)
    Console().print(table(run))
    sys.exit(any(counts["failed"] + counts["killed"] for counts in run.counts.values()))


if __name__ == "__main__":
    main()
