"""Many clients at once, clients that hang up, more than can be served, and a stop in the middle."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

type Service = tuple[httpx.Client, Any]
type MakeService = Callable[..., AbstractContextManager[httpx.Client]]
type WaitUntil = Callable[[Callable[[], bool]], None]
FATAL = "انفجار"


def in_hand(client: httpx.Client) -> float:
    lines = client.get("/metrics").text.splitlines()
    return float(next(line for line in lines if line.startswith("khabar_documents_in_hand ")).split()[1])


def ask(client: httpx.Client, text: str) -> httpx.Response:
    return client.post("/v1/analyze", json={"text": text, "targets": []})


def test_everybody_gets_his_own_answer(service: Service) -> None:
    """Every eighth text breaks the model, and with it the whole batch it is in, once."""
    client, analyzer = service
    analyzer.gate.clear()  # so that all are there before the first is read
    texts = [f"نشانه{number} کابل " * (1 + number % 5) + (FATAL if number % 8 == 7 else "") for number in range(64)]
    with ThreadPoolExecutor(64) as clients:
        answers = [clients.submit(ask, client, text) for text in texts]
        while in_hand(client) < 64:
            time.sleep(0.01)
        analyzer.gate.set()
        for text, answer in zip(texts, answers, strict=True):
            if FATAL in text:
                assert answer.result().status_code == 500
            else:
                assert answer.result().status_code == 200
                assert answer.result().json()["text"] == text
    assert max(map(len, analyzer.batches)) > 16
    assert in_hand(client) == 0


def test_a_batch_keeps_to_its_budget(make_service: MakeService, gated: Any) -> None:
    texts = [f"نشانه{number} " * 10 for number in range(12)]
    with make_service(max_batch_tokens=1) as client, ThreadPoolExecutor(12) as clients:
        assert [answer.status_code for answer in clients.map(lambda text: ask(client, text), texts)] == 12 * [200]
    assert sorted(gated.batches) == sorted([text] for text in texts)


def test_who_hangs_up_frees_his_place(service: Service, wait_until: WaitUntil) -> None:
    client, analyzer = service
    analyzer.gate.clear()
    with ThreadPoolExecutor(1) as other:
        first = other.submit(ask, client, "کابل")  # the model is busy with it
        wait_until(lambda: bool(analyzer.batches))
        with pytest.raises(httpx.ReadTimeout):
            client.post("/v1/analyze", json={"text": "هرات"}, timeout=0.3)
        with (
            suppress(httpx.ReadTimeout),
            client.stream(
                "POST", "/v1/analyze/batch", json={"documents": [{"text": "تهران"}] * 50}, timeout=0.3
            ) as many,
        ):
            many.read()
        wait_until(lambda: in_hand(client) == 1)
        analyzer.gate.set()
        assert first.result().status_code == 200
    assert ask(client, "ایران").status_code == 200
    assert analyzer.batches == [["کابل"], ["ایران"]]


def test_a_full_queue(make_service: MakeService, gated: Any, wait_until: WaitUntil) -> None:
    gated.gate.clear()
    with make_service(max_queue=3) as client, ThreadPoolExecutor(3) as others:
        taken = [others.submit(ask, client, "کابل") for _ in range(3)]
        wait_until(lambda: in_hand(client) == 3)
        refused = [ask(client, "هرات"), client.get("/readyz")]
        refused.append(client.post("/v1/analyze/batch", json={"documents": []}))
        for answer in refused:
            assert answer.status_code == 503
            assert 1 <= int(answer.headers["Retry-After"]) <= 60
            assert "the queue is full" in answer.json()["errors"][0]["message"]
        assert client.get("/healthz").status_code == 200
        gated.gate.set()
        assert [one.result().status_code for one in taken] == [200, 200, 200]
        assert client.get("/readyz").status_code == 200
        many = client.post("/v1/analyze/batch", json={"documents": [{"text": f"کابل {n}"} for n in range(20)]})
        assert [json.loads(line)["text"] for line in many.text.splitlines()] == [f"کابل {n}" for n in range(20)]


def test_an_explanation_holds_a_place_and_nobody_up(
    make_service: MakeService, gated: Any, wait_until: WaitUntil
) -> None:
    gated.explain_gate.clear()
    with make_service(max_queue=2) as client, ThreadPoolExecutor(1) as other:
        slow = other.submit(client.post, "/v1/explain", json={"text": "کابل"})
        wait_until(lambda: gated.explaining == ["کابل"])
        assert in_hand(client) == 1
        assert ask(client, "هرات").status_code == 200
        with pytest.raises(httpx.ReadTimeout):  # it waits behind the first, and frees its place
            client.post("/v1/explain", json={"text": "تهران"}, timeout=0.3)
        wait_until(lambda: in_hand(client) == 1)
        gated.explain_gate.set()
        assert slow.result().status_code == 200
        assert gated.explaining == ["کابل"]
    gated.explain_gate.clear()
    with make_service(max_queue=1, time_limit=0.5) as client, ThreadPoolExecutor(1) as other:
        slow = other.submit(client.post, "/v1/explain", json={"text": "کابل"})
        wait_until(lambda: in_hand(client) == 1)
        assert client.post("/v1/explain", json={"text": "هرات"}).status_code == 503
        assert slow.result().status_code == 503
        assert in_hand(client) == 0
        gated.explain_gate.set()


def test_the_time_is_up(make_service: MakeService, gated: Any) -> None:
    gated.gate.clear()
    with make_service(time_limit=0.2) as client:
        answer = ask(client, "کابل")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert "within 0.2 s" in answer.json()["errors"][0]["message"]
        with socket.create_connection((client.base_url.host, client.base_url.port or 0)) as slow:
            slow.sendall(b"POST /v1/analyze HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")
            assert slow.recv(100).startswith(b"HTTP/1.1 408 ")
        gated.gate.set()
        assert ask(client, "هرات").status_code == 200


@contextmanager
def process(model: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Run ``khabar serve`` on a free port, and give its process and address once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    code = "from khabar_training.cli import app; app()"
    command = [sys.executable, "-c", code, "serve", "--model", str(model), "--port", str(port), *arguments]
    environment = {key: value for key, value in os.environ.items() if key != "KHABAR_TOKEN"}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) as server:
        try:
            url = f"http://127.0.0.1:{port}"
            for _ in range(300):
                with suppress(httpx.TransportError):
                    if httpx.get(f"{url}/readyz", trust_env=False).status_code == 200:
                        break
                assert server.poll() is None
                time.sleep(0.1)
            yield server, url
        finally:
            if server.poll() is None:
                server.terminate()
            server.communicate(timeout=20)


def test_a_stop_finishes_what_was_accepted(tiny_checkpoint: Callable[[str], Path]) -> None:
    body = {"documents": [{"text": f"کابل {number} " * 50} for number in range(150)]}
    with process(tiny_checkpoint("wordpiece"), "--max-batch-tokens", "1") as (server, url):
        with httpx.stream("POST", f"{url}/v1/analyze/batch", json=body, timeout=30, trust_env=False) as answer:
            lines = answer.iter_lines()
            next(lines)
            server.send_signal(signal.SIGTERM)
            assert [json.loads(line)["text"] for line in lines] == [one["text"] for one in body["documents"][1:]]
        assert server.wait(20) in (0, -signal.SIGTERM)
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{url}/healthz", trust_env=False)


def test_workers_count_together(tiny_checkpoint: Callable[[str], Path]) -> None:
    """Connections are spread over the processes; the counts are of both, whichever answers."""
    with process(tiny_checkpoint("wordpiece"), "--workers", "2") as (_, url):
        for _ in range(12):
            assert httpx.post(f"{url}/v1/analyze", json={"text": "کابل"}, trust_env=False).status_code == 200
        counts = httpx.get(f"{url}/metrics", trust_env=False).text
        assert 'khabar_requests_total{path="/v1/analyze",status="200"} 12.0' in counts
