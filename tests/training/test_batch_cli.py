"""``khabar batch`` as it is typed."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from khabar_training.cli import app

pytest.importorskip("pyarrow", reason="needs the extra 'batch'")


def typed(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["batch", *map(str, arguments)])


def test_a_batch(tiny_checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    source, out = tmp_path / "in.csv", tmp_path / "out"
    source.write_text("شماره,متن\n1,وزیر در کابل گفت.\n2\n3,\n", "utf-8")
    options = ("--where", "text=متن", "--where", "id=شماره", "--to", "jsonl", "--no-targets", "--prefix", "k_")
    result = typed(source, "--out", out, "--model", tiny_checkpoint("unigram"), *options)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{out}: 2 articles; errors.jsonl names 1 row that could not be read\n"
    rows = [json.loads(line) for line in (out / "articles/part-000000-000000.jsonl").read_text("utf-8").splitlines()]
    assert [row["شماره"] for row in rows] == ["1", "3"]
    assert rows[0]["k_topic"]
    assert (rows[1]["k_topic"], rows[1]["k_entities"], rows[1]["k_stances"]) == (None, [], [])
    fault = json.loads((out / "errors.jsonl").read_text("utf-8"))
    assert (fault["row"], fault["id"], fault["reason"]) == (2, "2", "1 cells; it takes 2, as the header has")


@pytest.mark.usefixtures("cluster")
def test_a_batch_on_ray(tiny_checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    source, out, place = tmp_path / "in.csv", tmp_path / "out", tmp_path / "there"
    source.write_text("id,text\n1,وزیر در کابل گفت.\n2,\n", "utf-8")
    options = ("--engine", "ray", "--workers", "2", "--articles", place.as_uri(), "--to", "jsonl")
    result = typed(source.as_uri(), "--out", out, "--model", tiny_checkpoint("unigram"), *options)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{out}: 2 articles\n"
    rows = [json.loads(line) for line in (place / "part-000000-000000.jsonl").read_text("utf-8").splitlines()]
    assert [row["id"] for row in rows] == ["1", "2"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--where", "txt=متن"], "no column is for 'txt'"),
        (["--where", "text"], "has no ="),
        (["--to", "xml"], "it takes parquet, jsonl"),
        (["--providers", "abacus"], "providers is 'abacus'"),
        (["--engine", "spark"], "it takes local, ray"),
        (["--address", "10.0.0.1:6379"], "give --engine ray"),
        ([], "no column 'text'; it has متن"),
    ],
)
def test_refusals(options: list[str], says: str, tiny_checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("متن,text\nالف,ب\n" if options else "متن\nالف\n", "utf-8")
    chosen = (tmp_path / "in.csv", "--out", tmp_path / "out", "--model", tiny_checkpoint("unigram"))
    result = typed(*chosen, *options)
    assert result.exit_code == 1
    assert says in result.stderr
    assert result.stderr.count("\n") == 1
