"""What each route answers, and what each refusal looks like."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest

from khabar import Analyzer
from khabar.checkpoint import Checkpoint
from khabar.errors import CheckpointError
from khabar.runtime import write_mappable
from khabar.serving.app import GRAPH_VARIABLE, SETTINGS_VARIABLE, from_environment
from khabar.serving.settings import ServingSettings

type Service = tuple[httpx.Client, Any]
TEXT = "😀 وزیر خارجه ایران در کابل گفت بانک مرکزی"
FATAL = "انفجار"


def test_the_answer_is_the_article(service: Service, gated: Analyzer) -> None:
    client, _ = service
    asked: dict[str, Any] = {"title": "کابل", "targets": ["ایران"], "claims": ["باران شد"]}
    answer = client.post("/v1/analyze", json={"text": TEXT, **asked, "min_score": 0.2})
    assert answer.status_code == 200
    assert answer.json() == gated.predict(TEXT, **asked, min_score=0.2).to_dict()


def test_utf16_offsets(service: Service) -> None:
    client, _ = service
    found = client.post("/v1/analyze", json={"text": TEXT, "offsets": "utf16", "targets": ["ایران"]}).json()
    coded = TEXT.encode("utf-16-le")
    assert found["entities"]
    for entity in found["entities"]:
        assert coded[2 * entity["start"] : 2 * entity["end"]].decode("utf-16-le") == entity["text"]
    assert found["stances"][0]["evidence"] == [[0, len(TEXT) + 1]]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "text"),
        ({"text": 5}, "text"),
        ({"text": TEXT, "title": "ا" * 2001}, "title"),
        ({"text": TEXT, "targets": "ایران"}, "targets"),
        ({"text": TEXT, "targets": ["ایران", 3]}, "targets.1"),
        ({"text": TEXT, "targets": [" "]}, "targets"),
        ({"text": TEXT, "claims": ["!"]}, "claims"),
        ({"text": TEXT, "claims": ["ا"] * 33}, "claims"),
        ({"text": TEXT, "min_score": 1.5}, "min_score"),
        ({"text": TEXT, "offsets": "bytes"}, "offsets"),
        ({"text": TEXT, "titel": ""}, "titel"),
        ({"text": "\ud800"}, "text"),
        ([], None),
    ],
)
def test_the_field_at_fault(service: Service, body: Any, field: str | None) -> None:
    client, analyzer = service
    answer = client.post("/v1/analyze", content=json.dumps(body), headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert [problem["field"] for problem in answer.json()["errors"]] == [field]
    assert not analyzer.batches


@pytest.mark.parametrize("body", [b"", b"{", b'{"text": "\xff"}', b"[" * 10_000, b'{"text": ' + b"9" * 5000 + b"}"])
def test_no_json(service: Service, body: bytes) -> None:
    answer = service[0].post("/v1/analyze", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.json()["errors"][0]["message"]


def test_no_json_type(service: Service) -> None:
    answer = service[0].post("/v1/analyze", content=b'{"text": ""}', headers={"Content-Type": "text/plain"})
    assert answer.status_code == 422
    assert "Content-Type: application/json" in answer.json()["errors"][0]["message"]


def test_too_large(service: Service) -> None:
    def chunks() -> Iterator[bytes]:
        yield from [b" " * 1000] * 21

    for body in (b" " * 20_001, chunks()):
        answer = service[0].post("/v1/analyze", content=body)
        assert answer.status_code == 413
        assert "20000 bytes" in answer.json()["errors"][0]["message"]


def test_batch(service: Service, gated: Analyzer) -> None:
    client, analyzer = service
    documents: list[Any] = [{"text": f"کابل {number}", "id": str(number), "targets": []} for number in range(40)]
    documents[3] = {"text": None, "id": "bad"}
    documents[7] = None
    documents[9]["targets"] = [" "]
    documents[11]["text"] = FATAL
    answer = client.post("/v1/analyze/batch", json={"documents": documents})
    assert answer.status_code == 200
    longest = max(map(len, analyzer.batches))
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert lines[3]["id"] == "bad"
    assert [problem["field"] for problem in lines[3]["errors"]] == ["text"]
    assert lines[7] == {"id": None, "errors": [{"field": None, "message": lines[7]["errors"][0]["message"]}]}
    assert (lines[9]["id"], lines[9]["errors"][0]["field"]) == ("9", "targets")
    assert "the model failed" in lines[11]["errors"][0]["message"]
    good = [number for number in range(40) if number not in (3, 7, 9, 11)]
    for number in good:
        article = gated.predict(f"کابل {number}", targets=())
        assert lines[number]["id"] == str(number)
        assert lines[number]["text"] == article.text
        assert article.topic is not None
        assert lines[number]["topic"]["scores"] == pytest.approx(article.topic.scores, abs=0.01)
    assert longest > 4


def test_batch_is_streamed(make_service: Callable[..., AbstractContextManager[httpx.Client]], gated: Any) -> None:
    """The first line is out while the last document is not yet read."""
    body = {"documents": [{"text": f"کابل {number}", "targets": []} for number in range(100)]}
    with (
        make_service(max_batch_tokens=1) as client,
        client.stream("POST", "/v1/analyze/batch", json=body) as answer,
    ):
        lines = answer.iter_lines()
        assert json.loads(next(lines))["text"] == "کابل 0"
        assert len(gated.batches) < 100
        assert len(list(lines)) == 99


def test_explanations(service: Service, gated: Analyzer) -> None:
    client, _ = service
    asked: dict[str, Any] = {"title": "کابل", "targets": ["ایران"], "claims": ["باران شد"], "topic": True}
    answer = client.post("/v1/explain", json={"text": TEXT, **asked})
    assert answer.status_code == 200
    expected = [explanation.to_dict() for explanation in gated.explain(TEXT, **asked)]
    assert answer.json() == {"explanations": expected}
    assert [found["kind"] for found in expected] == ["topic", "target", "claim"]


def test_explanations_in_utf16(service: Service) -> None:
    client, _ = service
    asked = {"text": TEXT, "title": "👍 " + TEXT}
    points = client.post("/v1/explain", json=asked).json()["explanations"][0]["weights"]
    units = client.post("/v1/explain", json={**asked, "offsets": "utf16"}).json()["explanations"][0]["weights"]
    assert {weight["part"] for weight in points} == {"text", "title"}
    for point, unit in zip(points, units, strict=True):
        source = asked[point["part"]]
        word = source.encode("utf-16-le")[2 * unit["start"] : 2 * unit["end"]].decode("utf-16-le")
        assert word == source[point["start"] : point["end"]]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "text"),
        ({"text": "ab " * 5_001}, "text"),
        ({"text": TEXT, "targets": ["ا"] * 5}, "targets"),
        ({"text": TEXT, "claims": ["!"]}, "claims"),
        ({"text": TEXT, "topic": "yes"}, "topic"),
        ({"text": TEXT, "min_score": 0.5}, "min_score"),
    ],
)
def test_the_field_at_fault_of_an_explanation(service: Service, body: Any, field: str) -> None:
    answer = service[0].post("/v1/explain", json=body)
    assert answer.status_code == 422
    assert [problem["field"] for problem in answer.json()["errors"]] == [field]


def test_a_long_text_has_its_stances_explained(service: Service) -> None:
    asked = {"text": "کابل " + "ab " * 5_001, "targets": ["کابل"], "topic": False}
    answer = service[0].post("/v1/explain", json=asked)
    assert [found["kind"] for found in answer.json()["explanations"]] == ["target"]


def test_model(service: Service, gated: Analyzer) -> None:
    found = service[0].get("/v1/model").json()
    assert found["name"] == gated.config.name == "tiny-wordpiece"
    assert [task["name"] for task in found["tasks"]] == [task.name for task in gated.config.tasks]


def test_health_and_metrics(service: Service) -> None:
    client, _ = service
    assert client.get("/healthz").json() == client.get("/readyz").json() == {"status": "ok"}
    before = _counted(client, "khabar_requests_total", path="/v1/analyze", status="200")
    client.post("/v1/analyze", json={"text": TEXT})
    client.get("/no/such/path")
    assert _counted(client, "khabar_requests_total", path="/v1/analyze", status="200") == before + 1
    assert _counted(client, "khabar_requests_total", path="other", status="404") >= 1
    assert _counted(client, "khabar_documents_in_hand") == 0
    assert _counted(client, "khabar_batch_documents_count") >= 1


def _counted(client: httpx.Client, name: str, **labels: str) -> float:
    wanted = name + ("{" + ",".join(f'{key}="{value}"' for key, value in labels.items()) + "}" if labels else "")
    values = dict(line.rsplit(" ", 1) for line in client.get("/metrics").text.splitlines())
    return float(values.get(wanted, 0))


def test_open_api_has_examples_that_work(service: Service) -> None:
    client, _ = service
    document = client.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    asked = {"/v1/analyze", "/v1/analyze/batch", "/v1/explain"}
    assert {*asked, "/v1/model", "/healthz", "/readyz", "/metrics"} == set(document["paths"])
    assert client.post("/v1/analyze", json=schemas["AnalyzeRequest"]["examples"][0]).status_code == 200
    assert client.post("/v1/analyze/batch", json=schemas["BatchRequest"]["examples"][0]).status_code == 200
    assert client.post("/v1/explain", json=schemas["ExplainRequest"]["examples"][0]).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/page/page.css", 200),
        ("GET", "/page/../app.py", 404),
        ("GET", "/page/%2e%2e/app.py", 404),
        ("GET", "/healthz", 200),
        ("GET", "/docs", 404),
        ("PUT", "/v1/analyze", 405),
        ("POST", "/v1/analyze", 422),
    ],
)
def test_security_headers(service: Service, method: str, path: str, status: int) -> None:
    answer = service[0].request(method, path)
    assert answer.status_code == status
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "://" not in answer.text


def test_the_page_is_kept_and_asked_after_and_answers_are_not(service: Service) -> None:
    client, _ = service
    for path in ("/", "/page/main.js", "/page/Vazirmatn.woff2", "/page/article.txt"):
        first = client.get(path)
        assert (first.status_code, first.headers["Cache-Control"]) == (200, "no-cache")
    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert client.post("/v1/analyze", json={"text": TEXT}).headers["Cache-Control"] == "no-store"


def test_no_text_is_logged(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    client, _ = service
    secret = "راز"
    with caplog.at_level(logging.DEBUG):
        assert client.post("/v1/analyze", json={"text": f"{secret} کابل"}).status_code == 200
        broken = client.post("/v1/analyze", json={"text": f"{secret} {FATAL}"})
        broken_too = client.post("/v1/explain", json={"text": f"{secret} {FATAL}"})
        wrong = client.post("/v1/analyze", json={"text": TEXT, "title": {secret: secret}, "min_score": secret})
    assert (broken.status_code, broken_too.status_code, wrong.status_code) == (500, 500, 422)
    assert broken.json() == broken_too.json()
    assert secret not in broken.text + wrong.text
    ours = [record.getMessage() + str(record.exc_info) for record in caplog.records if "httpcore" not in record.name]
    assert any("the model failed on a document: ValueError at khabar.serving.batcher" in line for line in ours)
    assert secret not in "".join(ours)
    assert not any(record.exc_info for record in caplog.records)


def test_token(make_service: Callable[..., AbstractContextManager[httpx.Client]], tmp_path: Any) -> None:
    file = tmp_path / "token"
    file.write_text("s3cret راز\n", "utf-8")
    with make_service(token_file=str(file)) as client:
        for path in ("/v1/model", "/metrics", "/v1/no-such-path"):
            for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic s3cret"}):
                answer = client.get(path, headers=headers)
                assert answer.status_code == 401
                assert answer.headers["WWW-Authenticate"] == "Bearer"
        right = httpx.Headers({"Authorization": "Bearer s3cret راز"}, encoding="utf-8")
        assert client.get("/v1/model", headers=right).status_code == 200
        assert client.post("/v1/analyze", json={"text": TEXT}, headers=right).status_code == 200
        for path in ("/v1/analyze", "/v1/explain"):
            assert client.post(path, json={"text": TEXT}).status_code == 401
        for path in ("/", "/page/main.js", "/healthz", "/readyz", "/openapi.json"):
            assert client.get(path).status_code == 200


def test_a_worker_does_not_join_others_with_another_model(
    tiny_checkpoint: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tiny_checkpoint("unigram")
    checkpoint = Checkpoint(folder)
    monkeypatch.setenv(SETTINGS_VARIABLE, ServingSettings(model=str(folder), threads=1).to_json())
    for digest in (checkpoint.digest, Checkpoint(tiny_checkpoint("wordpiece")).digest):
        graph = tmp_path / f"{digest}.ort"
        write_mappable(checkpoint.graph(), graph)
        monkeypatch.setenv(GRAPH_VARIABLE, str(graph))
        if digest == checkpoint.digest:
            assert from_environment().title
        else:
            with pytest.raises(CheckpointError, match="it was replaced while the service ran; start the service again"):
                from_environment()
