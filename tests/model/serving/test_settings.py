"""Settings are checked when made, and a token comes from a file or the environment."""

from pathlib import Path
from typing import Any

import pytest

from khabar import ConfigError
from khabar.serving.settings import TOKEN_VARIABLE, ServingSettings


@pytest.mark.parametrize(
    "wrong",
    [
        {"threads": 0},
        {"max_queue": 0},
        {"max_batch_tokens": 0},
        {"max_body_bytes": -1},
        {"time_limit": 0},
        {"max_wait_ms": -1},
    ],
)
def test_out_of_range(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        ServingSettings(**wrong)


def test_json_round_trip() -> None:
    settings = ServingSettings(model="somewhere", threads=2, max_wait_ms=0.5)
    assert ServingSettings.from_json(settings.to_json()) == settings


def test_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)
    assert ServingSettings().token() is None
    monkeypatch.setenv(TOKEN_VARIABLE, "from the environment")
    assert ServingSettings().token() == "from the environment"
    file = tmp_path / "token"
    file.write_text("from the file\n", "utf-8")
    assert ServingSettings(token_file=str(file)).token() == "from the file"


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff"])
def test_useless_token_file(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match="token file"):
        ServingSettings(token_file=str(file)).token()
