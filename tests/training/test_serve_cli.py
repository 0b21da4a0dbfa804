"""``khabar serve`` hands every setting on, and says in one line why it does not start."""

import inspect
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from typer.testing import CliRunner

from khabar.serving.settings import ServingSettings
from khabar_training.cli import app
from khabar_training.serve_cli import serve


def test_every_setting_is_an_option() -> None:
    options = inspect.signature(serve).parameters
    for field in fields(ServingSettings):
        assert options[field.name].default == field.default
    assert set(options) - {field.name for field in fields(ServingSettings)} == {"host", "port", "workers"}
    assert options["host"].default == "127.0.0.1"


def test_settings_arrive(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    got = []
    monkeypatch.setattr("khabar.serving.server.serve", lambda settings, **rest: got.append((settings, rest)))
    file = str(tmp_path / "token")
    arguments = ["serve", "--port", "0", "--workers", "3", "--max-queue", "7", "--token-file", file]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert got == [
        (ServingSettings(max_queue=7, token_file=file), {"host": "127.0.0.1", "port": 0, "workers": 3}),
    ]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--model", "no-such-folder"], "no-such-folder"),
        (["--time-limit", "0"], "time_limit is 0"),
        (["--token-file", "no-such-file"], "no-such-file"),
    ],
)
def test_it_says_why_it_does_not_start(
    arguments: list[str], reason: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("khabar.serving.server.uvicorn.run", lambda *_, **__: pytest.fail("it started"))
    result = CliRunner().invoke(app, ["serve", *arguments])
    assert result.exit_code == 1
    assert reason in result.stderr
    assert "Traceback" not in result.output


def test_it_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "khabar.serving.server", raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    result = CliRunner().invoke(app, ["serve"])
    assert result.exit_code == 1
    assert "pip install 'khabar[serve]'" in result.stderr
