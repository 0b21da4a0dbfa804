"""Joins the documents of all clients into batches, and gives each client its own answer or its own error."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from math import ceil
from types import TracebackType
from typing import Final, Self

from khabar.analyzer import Analyzer
from khabar.errors import InputError, KhabarError
from khabar.reading import Reading
from khabar.results import Article, Document, Explanation
from khabar.serving.metrics import Metrics
from khabar.serving.settings import ServingSettings

_LOG: Final = logging.getLogger(__name__)
_LONGEST_RETRY: Final = 60


class BusyError(KhabarError):
    """The service has as much in hand as it takes, or could not answer in time."""

    def __init__(self, problem: str, retry_after: int) -> None:
        super().__init__(problem, retry_after)
        self.retry_after = retry_after

    def __str__(self) -> str:
        return f"{self.args[0]}; try again in {self.retry_after} s"


class ModelFailureError(KhabarError):
    """The model failed on a document; what it said is not passed on, for it may hold the text."""

    def __init__(self) -> None:
        super().__init__("the model failed on this document; the service's log says where")


@dataclass(eq=False)
class _Job:
    """A document that waits for its turn. The future is made on the loop that awaits it."""

    reading: Reading
    min_score: float
    tokens: int
    answer: asyncio.Future[Article] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Batcher:
    """An asynchronous context: within it documents are taken, and one thread runs the model.

    Explanations have a thread of their own, one at a time: they slow the batches down and do not stop them.
    """

    def __init__(self, analyzer: Analyzer, settings: ServingSettings, metrics: Metrics) -> None:
        self._analyzer = analyzer
        self._settings = settings
        self._metrics = metrics
        self._waiting: deque[_Job] = deque()
        self._places = 0
        self._seconds = 0.1  # that a document takes, a moving mean
        self._arrived = asyncio.Event()
        self._freed = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._reader = ThreadPoolExecutor(1, "khabar-reader")
        self._model = ThreadPoolExecutor(1, "khabar-model")
        self._explainer = ThreadPoolExecutor(1, "khabar-explainer")
        self._consumer = asyncio.create_task(self._consume())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._consumer.cancel()
        for threads in (self._reader, self._model, self._explainer):
            threads.shutdown(wait=False, cancel_futures=True)

    @property
    def full(self) -> bool:
        """Say whether no place is left."""
        return self._places >= self._settings.max_queue

    def check_room(self) -> None:
        """Raise BusyError where no place is left."""
        if self.full:
            raise BusyError(f"the queue is full ({self._settings.max_queue} documents)", self._retry_after())

    async def room(self) -> None:
        """Wait until a place is left."""
        while self.full:
            self._freed.clear()
            await self._freed.wait()

    async def analyze(self, document: Document, min_score: float) -> Article:
        """Return the article of a document, which holds a place until then; cancelling frees it.

        Raises InputError as :meth:`Analyzer.read` does, BusyError where no place is left or the time is
        up, ModelFailureError where the model fails.
        """
        async with self._place():
            loop = asyncio.get_running_loop()
            reading = await loop.run_in_executor(self._reader, self._analyzer.read, document)
            return await self._answer(_Job(reading, min_score, self._tokens(reading)))

    async def explain(self, document: Document, *, topic: bool) -> tuple[Explanation, ...]:
        """Return what :meth:`Analyzer.explain` does, from a place as in :meth:`analyze`; errors are the same.

        Cancelling frees the place, and takes back an explanation that has not begun.
        """
        work = partial(
            self._analyzer.explain,
            document.text,
            title=document.title,
            targets=document.targets,
            claims=document.claims,
            topic=topic,
        )
        async with self._place():
            try:
                return await asyncio.get_running_loop().run_in_executor(self._explainer, work)
            except InputError:
                raise
            except Exception as error:
                raise _failure(error) from None

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        """Hold a place while a document is in hand; BusyError where none is left or the time is up."""
        self.check_room()
        self._count(1)
        try:
            async with asyncio.timeout(self._settings.time_limit):
                yield
        except TimeoutError:
            problem = f"no answer within {self._settings.time_limit:g} s"
            raise BusyError(problem, self._retry_after()) from None
        finally:
            self._count(-1)

    async def _answer(self, job: _Job) -> Article:
        self._waiting.append(job)
        self._arrived.set()
        try:
            return await job.answer
        finally:
            with suppress(ValueError):  # it is there still where the client hung up
                self._waiting.remove(job)

    def _count(self, change: int) -> None:
        self._places += change
        self._metrics.places.set(self._places)
        self._freed.set()

    def _retry_after(self) -> int:
        return max(1, min(_LONGEST_RETRY, ceil(self._places * self._seconds)))

    def _tokens(self, reading: Reading) -> int:
        """Return about how many word pieces the model will read: the document, and a window for each question."""
        config = self._analyzer.config
        n_targets = config.max_targets if reading.document.targets is None else len(reading.targets)
        return len(reading.ids) + (n_targets + len(reading.claims)) * min(len(reading.ids), config.window)

    async def _consume(self) -> None:
        while True:
            await self._arrived.wait()
            if sum(job.tokens for job in self._waiting) < self._settings.max_batch_tokens:
                await asyncio.sleep(self._settings.max_wait_ms / 1000)
            batch = self._take()
            if batch:
                await self._run(batch)

    def _take(self) -> list[_Job]:
        """Take the oldest jobs that fit together: one at least, where there is one."""
        batch: list[_Job] = []
        room = self._settings.max_batch_tokens
        while self._waiting and (not batch or self._waiting[0].tokens <= room):
            batch.append(self._waiting.popleft())
            room -= batch[-1].tokens
        if not self._waiting:
            self._arrived.clear()
        return batch

    async def _run(self, batch: list[_Job]) -> None:
        """Answer each job of a batch; where the model fails, each is tried alone, so that one fails alone."""
        readings, min_scores = [job.reading for job in batch], [job.min_score for job in batch]
        started = time.perf_counter()
        try:
            articles = await asyncio.get_running_loop().run_in_executor(
                self._model, self._analyzer.analyze, readings, min_scores
            )
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # whatever it is, a panic of the tokenizer too, the service goes on
            if len(batch) > 1:
                for job in batch:
                    if not job.answer.done():
                        await self._run([job])
                return
            failure = _failure(error)
            if not batch[0].answer.done():
                batch[0].answer.set_exception(failure)
            return
        self._measure(batch, time.perf_counter() - started)
        for job, article in zip(batch, articles, strict=True):
            if not job.answer.done():  # it is where the client hung up
                job.answer.set_result(article)

    def _measure(self, batch: list[_Job], seconds: float) -> None:
        self._seconds += 0.1 * (seconds / len(batch) - self._seconds)
        self._metrics.batch_documents.observe(len(batch))
        self._metrics.batch_seconds.observe(seconds)
        self._metrics.tokens.inc(sum(job.tokens for job in batch))


def _failure(error: BaseException) -> ModelFailureError:
    """Log where the model failed, and return what the client is told."""
    _LOG.error("the model failed on a document: %s", where(error))
    return ModelFailureError()


def where(error: BaseException) -> str:
    """Return the kind of an error and the lines that led to it, without its message: that may hold a text."""
    frames = []
    traceback = error.__traceback__
    while traceback is not None:
        frames.append(f"{traceback.tb_frame.f_globals.get('__name__', '?')}:{traceback.tb_lineno}")
        traceback = traceback.tb_next
    return f"{type(error).__name__} at {' > '.join(frames)}"
