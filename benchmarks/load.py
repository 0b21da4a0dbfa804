"""What the service bears: one request at a time, many clients at once, ten times what it can serve, and many again.

    python benchmarks/load.py [--seconds 60] [--clients 64] [--workers 1] [--json FILE]

It starts ``khabar serve`` on a free port of this machine. The articles are our own samples, joined to lengths from 60
to 1,500 words, in the same order at every load. Every text holds a marker word and every request has an id of its own.
An answer is right where both come back, each entity stands where it says, and topic and entities are those that the
same text got alone. The overload sends at its pace whatever is answered; there a refusal with Retry-After is right too.
Memory is the resident size of the service's processes (pages that they share count in each), the mean of the second and
of the last quarter of the time. Client and service share the cores. It ends with status 1 where an answer is missing or
wrong.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from itertools import count, islice
from pathlib import Path
from typing import Any, Final

import httpx
import numpy as np
import psutil
from rich.console import Console
from rich.progress import Progress

from khabar_data.samples import read

ARTICLES: Final = 48
SHORTEST, LONGEST = 60, 1500
OVERLOAD: Final = 10


@dataclass
class Article:
    """A text with its marker, and what it was answered alone."""

    text: str
    alone: dict[str, Any] = field(default_factory=dict)

    def is_answer(self, found: dict[str, Any]) -> bool:
        """Say whether *found* is about this text; the first that is becomes what later ones are held against."""
        if found["text"] != self.text or any(self.text[e["start"] : e["end"]] != e["text"] for e in found["entities"]):
            return False
        alone = self.alone = self.alone or found
        return _names(found) == _names(alone) and bool(found["topic"]["scores"] == alone["topic"]["scores"])


@dataclass
class Load:
    """What came of the requests of one load; times in seconds, memory in megabytes."""

    name: str
    seconds: float = 0.0
    answered: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    wrong: int = 0
    lost: list[str] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Articles answered in a second."""
        return len(self.answered) / self.seconds

    def quarter(self, number: int) -> float:
        """Return the mean memory in one quarter of the time, counted from 0."""
        return float(np.mean(np.array_split(self.memory, 4)[number]))


class Clients:
    """Ask the service and judge what it answers."""

    def __init__(self, http: httpx.AsyncClient, service: psutil.Process, articles: list[Article], bar: Progress):
        self._http = http
        self._processes = [service, *service.children(recursive=True)]
        self._articles = articles
        self._bar = bar
        self._numbers = count()

    async def closed(self, name: str, clients: int, seconds: float) -> Load:
        """Let each client ask again as soon as it is answered, until the time is up and all texts had a turn."""
        load = Load(name)
        turns = self._turns(seconds)

        async def client() -> None:
            for article in turns:
                await self._ask(article, load)

        async with self._watched(load, seconds):
            await asyncio.gather(*(client() for _ in range(clients)))
        return load

    async def opened(self, name: str, rate: float, seconds: float) -> Load:
        """Send *rate* requests a second at random moments, whether or not earlier ones are answered."""
        load = Load(name)
        chance = random.Random(5)
        due = time.perf_counter()
        async with self._watched(load, seconds), asyncio.TaskGroup() as requests:
            for article in self._turns(seconds):
                requests.create_task(self._ask(article, load))
                due += chance.expovariate(rate)
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
        return load

    def _turns(self, seconds: float) -> Iterator[Article]:
        end = time.perf_counter() + seconds
        for number in count():
            if number >= len(self._articles) and time.perf_counter() > end:
                return
            yield self._articles[number % len(self._articles)]

    @asynccontextmanager
    async def _watched(self, load: Load, seconds: float) -> AsyncIterator[None]:
        """Time a load, sample the service's memory, and move the bar."""
        started = time.perf_counter()
        task = self._bar.add_task(load.name, total=seconds)

        async def watch() -> None:
            while True:
                load.memory.append(sum(process.memory_info().rss for process in self._processes) / 1e6)
                self._bar.update(task, completed=time.perf_counter() - started)
                await asyncio.sleep(0.25)

        watcher = asyncio.create_task(watch())
        try:
            yield
        finally:
            watcher.cancel()
            load.seconds = time.perf_counter() - started
            self._bar.update(task, completed=seconds)

    async def _ask(self, article: Article, load: Load) -> None:
        name = str(next(self._numbers))
        started = time.perf_counter()
        try:
            answer = await self._http.post("/v1/analyze", json={"text": article.text, "id": name})
        except httpx.HTTPError as error:
            load.lost.append(type(error).__name__)
            return
        seconds = time.perf_counter() - started
        if answer.status_code == 503 and "Retry-After" in answer.headers:
            load.refused.append(seconds)
        elif answer.status_code != 200:
            load.lost.append(str(answer.status_code))
        else:
            load.answered.append(seconds)
            found = answer.json()
            load.wrong += found["id"] != name or not article.is_answer(found)


def _names(found: dict[str, Any]) -> list[tuple[int, int, str]]:
    return [(entity["start"], entity["end"], entity["label"]) for entity in found["entities"]]


def sample_articles() -> list[Article]:
    """Return texts of evenly spread lengths (in their logarithm), shuffled, each with a marker word."""
    chance = random.Random(5)
    records = [*read("dev"), *read("train")]
    articles = []
    for number, length in enumerate(np.geomspace(SHORTEST, LONGEST, ARTICLES).round().astype(int)):
        chance.shuffle(records)
        words = (word for record in records for word in record.text.split())
        articles.append(Article(" ".join([f"نشانه{number}", *islice(words, length - 1)])))
    chance.shuffle(articles)
    return articles


@contextmanager
def service(workers: int) -> Iterator[tuple[str, psutil.Process]]:
    """Run ``khabar serve`` and give its address and process once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    khabar = str(Path(sys.executable).parent / "khabar")
    command = [khabar, "serve", "--port", str(port), "--workers", str(workers)]
    environment = {key: value for key, value in os.environ.items() if key != "KHABAR_TOKEN"}
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as server:
        try:
            url = f"http://127.0.0.1:{port}"
            for _ in range(600):
                with suppress(httpx.TransportError):
                    if httpx.get(f"{url}/readyz", trust_env=False).status_code == 200:
                        break
                time.sleep(0.1)
            else:
                raise SystemExit("the service does not start")
            yield url, psutil.Process(server.pid)
        finally:
            server.terminate()


async def measure(url: str, process: psutil.Process, seconds: float, clients: int) -> list[Load]:
    """Return what came of each load."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=clients)
    with Progress() as bar:
        async with httpx.AsyncClient(base_url=url, timeout=180, limits=limits, trust_env=False) as http:
            asking = Clients(http, process, sample_articles(), bar)
            loads = [
                await asking.closed("one request at a time", 1, seconds / 4),
                await asking.closed(f"{clients} clients at once", clients, seconds),
            ]
            rate = OVERLOAD * loads[1].rate
            loads.append(await asking.opened(f"{OVERLOAD} times as much", rate, seconds / 2))
            loads.append(await asking.closed(f"{clients} clients again", clients, seconds / 4))
    return loads


def table(loads: list[Load]) -> str:
    """Return the measurements as Markdown."""
    lines = [
        "| load | answered/s | p50 s | p95 s | p99 s | refused | p99 of a refusal, s | lost, wrong | memory, MB |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for load in loads:
        times = " | ".join(f"{np.quantile(load.answered, point):.2f}" for point in (0.5, 0.95, 0.99))
        share = len(load.refused) / (len(load.refused) + len(load.answered))
        refusal = f"{np.quantile(load.refused, 0.99):.2f}" if load.refused else ""
        lines.append(
            f"| {load.name} | {load.rate:.1f} | {times} | {share:.0%} | {refusal}"
            f" | {len(load.lost)}, {load.wrong} | {load.quarter(1):.0f} → {load.quarter(3):.0f} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60, help="of the second load; the third has half of it")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--json", type=Path, help="a file for all times and samples")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("broken off"))  # so that the service ends too
    with service(options.workers) as (url, process):
        loads = asyncio.run(measure(url, process, options.seconds, options.clients))
    alone, many, _, again = loads
    console = Console()
    console.print(table(loads), markup=False, soft_wrap=True)
    console.print(
        f"\n{options.clients} clients get {many.rate / alone.rate:.2f} times what one gets, and after the overload"
        f" {again.rate / many.rate:.2f} times what they got before; {os.cpu_count()} cores, {options.workers} worker(s)"
    )
    if options.json:
        options.json.write_text(json.dumps([asdict(load) for load in loads], indent=1) + "\n", "utf-8")
    if faulty := [load.name for load in loads if load.lost or load.wrong]:
        raise SystemExit(f"answers are missing or wrong: {', '.join(faulty)}")


if __name__ == "__main__":
    main()
