"""``khabar evaluate`` and ``khabar compare``: what people and programs see, and what is written."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from khabar_data import Record, write_jsonl
from khabar_training.cli import app
from khabar_training.report.archive import FILES, read_report

TOPICS = ("sport", "health", "sport", "crime")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)])


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "dev.jsonl"
    write_jsonl(path, (Record(text=f"خبر {n}", topics=(topic,)) for n, topic in enumerate(TOPICS)))
    return path


def test_a_report_of_two_models_and_their_difference(
    data: Path, tmp_path: Path, tiny_checkpoint: Callable[[str], Path]
) -> None:
    train = tmp_path / "train.jsonl"
    write_jsonl(train, (Record(text=f"تیم ملی {n}", topics=("sport",)) for n in range(3)))
    folders = [tmp_path / family for family in ("unigram", "wordpiece")]
    for folder in folders:
        result = run("evaluate", tiny_checkpoint(folder.name), data, "--train", train, "--report", folder)
        assert (result.exit_code, result.stderr) == (0, "")
        lines = [line.split() for line in result.stdout.splitlines()]
        assert lines[0] == ["task", "n", "figure", "system", "value", "(95", "%)"]
        assert lines[1][:4] == ["topic", "4", "accuracy", "model"]
        assert lines[2][:2] == ["majority", "0.500"]
        assert "entities: no record is labelled for it" in result.stdout
        assert result.stdout.endswith(f"{folder}\n")
        assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    assert read_report(folders[0]).train[0].name == "train.jsonl"

    result = run("compare", *folders)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("A tiny-unigram, B tiny-wordpiece\ntopic ")
    assert "  of 4 items " in result.stdout
    values = json.loads(run("compare", folders[0] / "report.json", folders[1], "--json").stdout)
    assert {one["figure"] for one in values["differences"]} == {"accuracy", "macro-F1"}
    assert values["changes"][0]["n"] == 4


def test_any_format_and_label_map(tmp_path: Path, tiny_checkpoint: Callable[[str], Path]) -> None:
    table = tmp_path / "in.csv"
    table.write_text("متن,موضوع\nتیم ملی,ورزش\n", "utf-8")
    options = ("--option", "columns.text=متن", "--option", "columns.topic=موضوع", "--map", "topic.ورزش=sport")
    result = run("evaluate", tiny_checkpoint("unigram"), table, "--report", tmp_path / "report", *options)
    assert (result.exit_code, result.stderr) == (0, "")
    assert read_report(tmp_path / "report").tasks[0].outcomes[0].gold == ("sport",)


def test_a_folder_of_other_things_is_refused_at_once(data: Path, tmp_path: Path) -> None:
    result = run("evaluate", "no-model", data, "--report", tmp_path)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"{tmp_path}: it holds other things (dev.jsonl); name a new folder\n"


def test_refusals_are_one_line(data: Path, tmp_path: Path) -> None:
    result = run("evaluate", tmp_path / "none", data, "--report", tmp_path / "report")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"checkpoint {tmp_path}/none: there is no such folder")
    assert not (tmp_path / "report").exists()
    result = run("compare", data, data)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"{data}: it is not JSON (")
    assert result.stderr.count("\n") == 1
