"""More than one machine, by Ray: archives with :func:`on_ray`, datasets with :func:`analyze_dataset`.

The two engines of a batch differ in who reads its parts and in nothing else: processes here
(:mod:`khabar.batch.workers`) or Ray actors. Cutting, analysis, files and manifest are the same code, so a
part is what Ray is given, what is done again when an actor dies, and what the manifest notes. A dataset has no
rows of a file to note; there Ray Data reads, writes and divides, and only the analysis is Khabar's.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from khabar.batch.analysis import analyze_rows, load_model
from khabar.batch.parts import Job, Part, PartDone, PartReader
from khabar.batch.places import has_file
from khabar.batch.rows import Row
from khabar.batch.run import Engine
from khabar.batch.schema import added_columns
from khabar.batch.settings import BatchSettings
from khabar.checkpoint import Checkpoint, located, portable
from khabar.errors import ConfigError, KhabarError, SourceError, WorkerError, near_miss
from khabar.extras import load_extra

if TYPE_CHECKING:
    from ray.data import Dataset

FAULT: Final = "fault"
"""The column, after the prefix, that says why a row of a dataset could not be read; null where it was."""
_PART: Final = "khabar.scale"
_EXTRA: Final = "ray"
_RETRIES: Final = 3
"""How often a part is given out again: a machine may go, but a part that kills who reads it must not do so for ever."""


def on_ray(address: str | None = None) -> Engine:
    """Return the engine of :func:`khabar.batch.run_batch` that spreads parts over a Ray cluster.

    *address* is that of the cluster, as ``10.0.0.1:6379`` or ``auto``; None takes the one that the
    process is connected to or that ``RAY_ADDRESS`` names, or else begins one on this machine. A
    worker is an actor with a core of its own, and a GPU where the providers name cuda; without a
    number there are as many as the cluster has. This process reads the inputs and puts part after
    part into the object store, one for each actor that is free. Every machine needs Khabar, a model
    given by folder, and the place of the articles, under the same name. MissingExtraError without
    ray, ConfigError where no cluster answers, WorkerError where a part has cost four actors.
    """

    def read_parts(job: Job, parts: Iterator[Part], n_workers: int | None) -> Iterator[float | PartDone]:
        ray = load_extra("ray", _PART, _EXTRA)
        with _connected(ray, address):
            n_gpus = _n_gpus(job.settings)
            remote = ray.remote(max_restarts=-1, max_task_retries=_RETRIES, num_cpus=1, num_gpus=n_gpus)(_Actor)
            actors = [remote.remote(job) for _ in range(n_workers or _n_free(ray, n_gpus))]
            try:
                for done in _spread(ray, actors, parts):
                    if done.file is not None and not has_file(job.articles, done.file):
                        remedy = "name a folder that all machines share, or a URI"
                        raise SourceError(job.articles, f"{done.file} was written, and is not there", remedy)
                    n_rows = done.n_articles + len(done.faults)
                    yield from repeat(done.n_bytes / n_rows, n_rows)
                    yield done
            finally:
                for actor in actors:
                    ray.kill(actor)

    return read_parts


def analyze_dataset(
    dataset: "Dataset",
    settings: BatchSettings | None = None,
    *,
    model: str | Path | None = None,
    concurrency: int | tuple[int, int] | None = None,
) -> "Dataset":
    """Return the dataset with the analysis beside its columns; nothing runs before it is asked for.

    Actors load the model once, *concurrency* of them, or from so many to so many; ``settings.part_rows``
    rows go to a call. The columns ``settings.added`` come in, as in a batch, and one named ``fault``
    after the prefix: why a row could not be read, whose added columns are then null. All rows stay. Their
    order is Ray Data's, and so are the batches, on which no score depends.
    ``to`` and ``articles`` mean nothing here: ``write_parquet`` and the like write the result. Every
    machine needs Khabar, and *model* by the same name. ConfigError comes, wrapped by Ray, while the
    dataset runs, where it has no column for the text or one of the added names already.
    """
    load_extra("ray.data", _PART, _EXTRA)
    settings = settings or BatchSettings()
    folder = located(model)
    return dataset.map_batches(
        _TableReader,
        batch_format="pyarrow",
        batch_size=settings.part_rows,
        fn_constructor_args=(settings, portable(folder), Checkpoint(folder).digest),
        concurrency=concurrency,
        num_cpus=1,
        num_gpus=_n_gpus(settings),
    )


class _Actor:
    """A worker of a batch: loads the model when it is told to, so that its errors come as those of any task."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._reader: PartReader | None = None

    def start(self) -> None:
        self._reader = self._reader or PartReader(self._job, threads=1)

    def read(self, part: Part) -> PartDone:
        self.start()  # once more where the actor has been started again
        assert self._reader is not None
        *_, done = self._reader.read(part)
        assert isinstance(done, PartDone)
        return done


class _TableReader:
    """What an actor does with the tables of a dataset."""

    def __init__(self, settings: BatchSettings, model: str | None, digest: str) -> None:
        self._settings = settings
        self._analyzer = load_model(model, digest, threads=1, providers=settings.providers)

    def __call__(self, table: Any) -> Any:
        """Return an Arrow table with the columns of the analysis; the others are passed on as they are."""
        settings = self._settings
        there = tuple(table.column_names)
        if settings.columns.text not in there:
            close = near_miss(settings.columns.text, there)
            raise ConfigError(f"no column {settings.columns.text!r}; the dataset has {', '.join(there)}{close}")
        fault = settings.prefix + FAULT
        if taken := [name for name in (*settings.added, fault) if name in there]:
            raise ConfigError(f"the dataset has columns {', '.join(taken)} already; name a prefix for the added ones")
        read = table.select([name for name in asdict(settings.columns).values() if name in there])
        rows = [Row(number, values) for number, values in enumerate(read.to_pylist(), start=1)]
        analysed = list(analyze_rows(self._analyzer, rows, settings))
        for name, values in added_columns(analysed, settings).items():
            table = table.append_column(name, values)
        arrow = load_extra("pyarrow", _PART, _EXTRA)
        return table.append_column(fault, arrow.array([row.fault for row in analysed], arrow.string()))


@contextmanager
def _connected(ray: Any, address: str | None) -> Iterator[None]:
    """Be connected to a cluster; what was connected or begun here ends with it."""
    if ray.is_initialized() and address is None:
        yield
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray's own reports to its makers
    try:
        ray.init(address=address, log_to_driver=False, configure_logging=False)
    except (OSError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(
            f"no Ray cluster at {address or 'RAY_ADDRESS'} ({reason}); start it with: ray start"
        ) from None
    try:
        yield
    finally:
        ray.shutdown()


def _n_gpus(settings: BatchSettings) -> int:
    """Return how many GPUs an actor takes, beside its one core."""
    return int("cuda" in settings.providers)


def _n_free(ray: Any, n_gpus: int) -> int:
    """Return how many actors the cluster holds."""
    kind = "GPU" if n_gpus else "CPU"
    if not (n_actors := int(ray.cluster_resources().get(kind, 0))):
        raise ConfigError(f"the cluster has no {kind}; add machines that have, or say how many workers will come")
    return n_actors


def _spread(ray: Any, actors: list[Any], parts: Iterator[Part]) -> Iterator[PartDone]:
    """Give each actor that has started a part, and a new one when it is done; yield the parts done.

    An actor for which the cluster has no room yet gets none, so that no part waits for it.
    """
    _result(ray, actors[0].start.remote())  # what is wrong with all of them is then said once
    tasks = {actor.start.remote(): actor for actor in actors}
    n_given = 0
    is_more = True
    while is_more or n_given:
        (task,), _ = ray.wait(list(tasks), num_returns=1)
        actor = tasks.pop(task)
        if (done := _result(ray, task)) is not None:
            n_given -= 1
            yield done
        if (part := next(parts, None)) is None:
            is_more = False
            continue
        tasks[actor.read.remote(ray.put(part))] = actor
        n_given += 1


def _result(ray: Any, task: Any) -> PartDone | None:
    """Return what a task has given; an error of Khabar's comes as it was raised there."""
    try:
        result: PartDone | None = ray.get(task)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, KhabarError):
            raise error.cause from None
        raise
    except ray.exceptions.RayError as error:
        raise WorkerError(" ".join(str(error).split())) from None
    return result
