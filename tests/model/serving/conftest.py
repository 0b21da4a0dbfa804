"""A service on a free port, with a tiny model whose every batch can be held back."""

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from khabar import Analyzer, Article, Explanation
from khabar.reading import Reading
from khabar.serving.app import create_app
from khabar.serving.settings import ServingSettings

type Service = tuple[httpx.Client, "GatedAnalyzer"]
FATAL = "انفجار"


class GatedAnalyzer(Analyzer):
    """Reads only while its gate is open, notes each batch, and breaks on a text that holds FATAL.

    Explanations have a gate of their own.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.gate = threading.Event()
        self.gate.set()
        self.explain_gate = threading.Event()
        self.explain_gate.set()
        self.explaining: list[str] = []
        self.batches: list[list[str]] = []

    def analyze(self, readings: Sequence[Reading], min_scores: Sequence[float]) -> list[Article]:
        texts = [reading.document.text for reading in readings]
        self.batches.append(texts)
        assert self.gate.wait(10)
        for text in texts:
            if FATAL in text:
                raise ValueError(f"cannot read {text}")
        return super().analyze(readings, min_scores)

    def explain(self, text: str, **asked: Any) -> tuple[Explanation, ...]:
        self.explaining.append(text)
        assert self.explain_gate.wait(10)
        if FATAL in text:
            raise ValueError(f"cannot read {text}")
        return super().explain(text, **asked)


@contextmanager
def running(analyzer: Analyzer, **settings: Any) -> Iterator[httpx.Client]:
    app = create_app(analyzer, ServingSettings(**settings))
    server = uvicorn.Server(uvicorn.Config(app, access_log=False, ws="none", log_config=None))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        until(lambda: server.started)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        limits = httpx.Limits(max_connections=None)
        with httpx.Client(base_url=url, timeout=20, limits=limits, trust_env=False) as client:
            yield client
        server.should_exit = True
        thread.join()


def until(true: Callable[[], bool]) -> None:
    """Wait until something holds; AssertionError where it does not within ten seconds."""
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.fixture(scope="session")
def gated(tiny_checkpoint: Callable[[str], Path]) -> GatedAnalyzer:
    return GatedAnalyzer.load(tiny_checkpoint("wordpiece"), threads=1)


@pytest.fixture(scope="session")
def gated_bundled(bundled_analyzer: Analyzer) -> GatedAnalyzer:
    """The model that ships: a random one has no stance to show."""
    return GatedAnalyzer.load(bundled_analyzer.folder)


@pytest.fixture(scope="session")
def start() -> Callable[..., AbstractContextManager[httpx.Client]]:
    return running


@pytest.fixture(scope="session")
def shared(gated: GatedAnalyzer) -> Iterator[httpx.Client]:
    """A service for tests that need no settings of their own."""
    with running(gated, max_body_bytes=20_000) as client:
        yield client


@pytest.fixture
def service(shared: httpx.Client, gated: GatedAnalyzer) -> Iterator[Service]:
    gated.batches.clear()
    gated.explaining.clear()
    yield shared, gated
    gated.gate.set()
    gated.explain_gate.set()


@pytest.fixture
def make_service(gated: GatedAnalyzer) -> Iterator[Callable[..., Any]]:
    """Give a function that starts a service with given settings, as a context."""
    gated.batches.clear()
    gated.explaining.clear()
    yield lambda **settings: running(gated, **settings)
    gated.gate.set()
    gated.explain_gate.set()


@pytest.fixture(scope="session")
def wait_until() -> Callable[[Callable[[], bool]], None]:
    return until
