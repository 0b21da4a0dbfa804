"""One article, however it is read, gives one answer: labels and spans exactly, scores to 1e-4."""

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, Final

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

import khabar
from khabar import Analyzer, Article, Document
from khabar.batch import BatchSettings, run_batch
from khabar.checkpoint import bundled
from khabar.serving.app import create_app
from khabar.serving.settings import ServingSettings
from khabar_data import samples
from khabar_training.cli import app

pytestmark = pytest.mark.skipif(not bundled().is_dir(), reason="the bundled model is not in this tree")

CLOSE: Final = 1e-4
_RECORDS: Final = list(islice(samples.read("dev"), 4))
DOCUMENTS: Final = [
    Document(record.text, record.title, claims=tuple(stance.claim for stance in record.claim_stances)[:1], id=record.id)
    for record in _RECORDS
]


@pytest.fixture(scope="module")
def expected(bundled_analyzer: Analyzer) -> list[Article]:
    """Each article, read alone."""
    return [alone(bundled_analyzer, document) for document in DOCUMENTS]


def alone(analyzer: Analyzer, document: Document) -> Article:
    article = analyzer.predict(document.text, title=document.title, claims=document.claims)
    return replace(article, id=document.id)


def assert_same(found: Any, wanted: Any, place: str = "article") -> None:
    """Compare plain values; numbers that are no whole ones are scores."""
    if isinstance(wanted, dict):
        assert found.keys() == wanted.keys(), place
        for key, value in wanted.items():
            assert_same(found[key], value, f"{place}.{key}")
    elif isinstance(wanted, list):
        assert len(found) == len(wanted), place
        for index, value in enumerate(wanted):
            assert_same(found[index], value, f"{place}.{index}")
    elif isinstance(wanted, float):
        assert found == pytest.approx(wanted, abs=CLOSE), place
    else:
        assert found == wanted, place


def assert_all_same(found: Iterable[Article], expected: list[Article]) -> None:
    for one, other in zip(found, expected, strict=True):
        assert_same(one.to_dict(), other.to_dict())


def test_in_a_batch(bundled_analyzer: Analyzer, expected: list[Article]) -> None:
    assert expected[0].entities
    assert expected[0].stances
    assert_all_same(bundled_analyzer.predict_many(DOCUMENTS), expected)


def test_in_another_order_and_company(bundled_analyzer: Analyzer, expected: list[Article]) -> None:
    others = [Document("باران در هرات بارید. " * number) for number in (1, 30)]
    found = list(bundled_analyzer.predict_many([others[1], *DOCUMENTS[::-1], others[0], *DOCUMENTS]))
    assert_all_same(found[1:5], expected[::-1])
    assert_all_same(found[6:], expected)


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_on_any_number_of_threads(threads: int, expected: list[Article]) -> None:
    analyzer = khabar.load(threads=threads)
    assert_all_same([alone(analyzer, document) for document in DOCUMENTS], expected)


def test_from_sixteen_threads_at_once(bundled_analyzer: Analyzer, expected: list[Article]) -> None:
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda number: alone(bundled_analyzer, DOCUMENTS[number % 4]), range(32)))
    assert_all_same(found, expected * 8)


def test_by_the_command_line(tmp_path: Path, expected: list[Article]) -> None:
    (tmp_path / "article.txt").write_bytes(DOCUMENTS[0].text.encode())
    arguments = ["predict", str(tmp_path / "article.txt"), "--title", DOCUMENTS[0].title or "", "--json"]
    for claim in DOCUMENTS[0].claims:
        arguments += ["--claim", claim]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert_same({**json.loads(result.stdout), "id": DOCUMENTS[0].id}, expected[0].to_dict())


def test_by_the_service(bundled_analyzer: Analyzer, expected: list[Article]) -> None:
    bodies = [{key: value for key, value in vars(document).items() if value is not None} for document in DOCUMENTS]
    with TestClient(create_app(bundled_analyzer, ServingSettings())) as client:
        single = client.post("/v1/analyze", json=bodies[1]).json()
        lines = client.post("/v1/analyze/batch", json={"documents": bodies}).text.splitlines()
    assert_same(single, expected[1].to_dict())
    assert_same([json.loads(line) for line in lines], [article.to_dict() for article in expected])


@pytest.mark.parametrize("workers", [1, 2])
def test_by_a_batch_of_files(workers: int, tmp_path: Path, expected: list[Article]) -> None:
    rows = [{key: value for key, value in vars(document).items() if value} for document in DOCUMENTS]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    for _ in run_batch([str(tmp_path)], tmp_path / "out", BatchSettings(to="jsonl", part_rows=2), workers=workers):
        pass
    parts = sorted((tmp_path / "out" / "articles").iterdir())
    rows = [json.loads(line) for part in parts for line in part.read_text("utf-8").splitlines()]
    for row, article in zip(rows, expected, strict=True):
        values = article.to_dict()
        assert article.topic is not None
        assert row["topic"] == article.topic.label
        assert_same(row["topic_score"], article.topic.score)
        assert_same(row["entities"], values["entities"])
        assert [(stance["target"], stance["label"]) for stance in row["stances"]] == [
            (stance.target, stance.label) for stance in article.stances
        ]
        assert_same([stance["score"] for stance in row["stances"]], [stance.score for stance in article.stances])
