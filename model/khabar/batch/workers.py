"""Parts spread over processes of one machine; each has the model once, and gets a new part when it is done with one."""

import signal
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import cast

from khabar.batch.parts import Job, Part, PartDone, PartReader
from khabar.errors import KhabarError, WorkerError
from khabar.runtime import available_cores


def read_parts(job: Job, parts: Iterator[Part], n_workers: int | None) -> Iterator[float | PartDone]:
    """Yield for each row read its share of the bytes, and each part as it is done.

    There is never more than one part a worker in memory; without *n_workers* there is one worker.
    """
    if n_workers is not None and n_workers > 1:
        yield from _spread(job, parts, n_workers)
        return
    reader = PartReader(job, available_cores())
    for part in parts:
        yield from reader.read(part)


def _spread(job: Job, parts: Iterator[Part], n_workers: int) -> Iterator[float | PartDone]:
    threads = max(1, available_cores() // n_workers)
    busy: dict[Connection, BaseProcess] = {}
    started: list[BaseProcess] = []
    try:
        first = list(islice(parts, n_workers))
        for _ in first:
            connection, process = _started(job, threads)
            started.append(process)
            busy[connection] = process
        for connection, part in zip(busy, first, strict=True):  # a large one is taken when the model is loaded
            _send(connection, part)
        while busy:
            for connection in cast(list[Connection], wait(list(busy))):
                message = _received(connection, busy[connection])
                yield message
                if isinstance(message, PartDone) and not _fed(connection, parts):
                    del busy[connection]
    finally:
        for connection in busy:
            connection.close()
        for process in started:
            if busy:
                process.terminate()
            process.join()


def _fed(connection: Connection, parts: Iterator[Part]) -> bool:
    """Send the next part; where there is none, end the worker and return False."""
    if (part := next(parts, None)) is None:
        connection.close()
        return False
    _send(connection, part)
    return True


def _started(job: Job, threads: int) -> tuple[Connection, BaseProcess]:
    context = get_context("spawn")  # a fork would copy the threads of ONNX Runtime half
    here, there = context.Pipe()
    process = context.Process(target=_work, args=(there, job, threads), daemon=True)
    process.start()
    there.close()  # so that each side sees when the other is gone
    return here, process


def _send(connection: Connection, message: Part | KhabarError) -> None:
    """Send to the other side; where it is gone, what it said before is still to be received."""
    with suppress(ConnectionError):
        connection.send(message)


def _received(connection: Connection, process: BaseProcess) -> float | PartDone:
    try:
        message: float | PartDone | KhabarError = connection.recv()
    except (EOFError, OSError):
        process.join()
        code = process.exitcode or 0
        raise WorkerError(f"killed by signal {-code}" if code < 0 else f"exit code {code}") from None
    if isinstance(message, KhabarError):
        raise message
    return message


def _work(connection: Connection, job: Job, threads: int) -> None:
    """Read parts until the other side is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the other side ends this process
    try:
        reader = PartReader(job, threads)
        while True:
            part: Part = connection.recv()
            for message in reader.read(part):
                connection.send(message)
    except (EOFError, ConnectionError):
        return
    except KhabarError as error:
        _send(connection, error)
