"""A run that starts from a tiny encoder."""

from collections.abc import Callable
from pathlib import Path

import pytest

from khabar_training.config import DataSpec, TrainingConfig


@pytest.fixture(params=("unigram", "wordpiece"))
def encoder_folder(request: pytest.FixtureRequest, tiny_encoder: Callable[[str], Path]) -> Path:
    """A tiny encoder with a tokenizer of each family in turn."""
    return tiny_encoder(request.param)


@pytest.fixture
def config(tiny_encoder: Callable[[str], Path], tmp_path: Path) -> TrainingConfig:
    """A run over the corpus "own" under the test's folder."""
    return TrainingConfig(
        encoder=str(tiny_encoder("unigram")),
        output=tmp_path / "trained",
        corpora=tmp_path,
        data=(DataSpec(corpus="own"),),
        window=96,
        batch_tokens=256,
    )
