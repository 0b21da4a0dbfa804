"""Tiny encoders and checkpoints of both tokenizer families, made once a session and without a network."""

import os
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import strategies as st
from tests.tiny import FAMILIES, WORDS, make_checkpoint, make_encoder

import khabar
from khabar import Analyzer
from khabar.checkpoint import Checkpoint, bundled
from khabar.text import TextReader


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes tens of seconds; leave out with -m 'not slow'")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--renew-golden", action="store_true", help="write the bundled model's answers to tests/golden")


@pytest.fixture(scope="session")
def odd_text() -> st.SearchStrategy[str]:
    """Any text at all, and text full of what Persian news has that goes wrong."""
    pieces = (
        *WORDS[:24],
        *"آابکگیيكةىئ۱٢3aZ.،؟!»«(_#",  # Persian, Arabic and Latin letters, three sorts of digits
        *" \t\n\u00a0\u2003\u200c\u200d\u200b\u200e\u200f\u202b\u202c\u2069\ufeff\u0640\u00ac",  # blanks, joiners, bidi
        *"\u064b\u064e\u0651\u0652\u0654\u0670\u0301",  # vowel signs, hamza above, a Latin accent
        *(
            "ا\u0653",
            "ه\u0654",
            "ی\u0654",
            "\ufefb",
            "\ufeb3",
            "\ufedb",
            "\ufef2",
            "e\u0301",
            "ß",
            "İ",
        ),  # decomposed; presentation forms
        *("👨\u200d👩\u200d👧", "❤\ufe0f", "🇦🇫", "\r\n", "\0", "\x85", "\ud800", "\udfff", "\U0010ffff"),
        *("10.5", "۱۰.۵", "http://x.ir/a?b=1", "<s>", "</s>", "[SEP]", "[UNK]", "<mask>", "ا" * 70, "۹" * 70),
    )
    persian = st.lists(st.sampled_from(pieces), max_size=40).map("".join)
    return st.one_of(persian, st.text(st.characters(), max_size=60), st.text(max_size=60))


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Give, for a family, a random encoder and its tokenizer as Hugging Face saves them."""
    return cache(lambda family: make_encoder(family, tmp_path_factory.mktemp(f"{family}-encoder")))


@pytest.fixture(scope="session")
def tiny_checkpoint(
    tiny_encoder: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """Give, for a family, a checkpoint with random heads, weights, and a graph; its window is 96 pieces."""
    return cache(
        lambda family: make_checkpoint(family, tiny_encoder(family), tmp_path_factory.mktemp(f"{family}-checkpoint"))
    )


@pytest.fixture(scope="session")
def cluster() -> Iterator[None]:
    """A Ray cluster on this machine with room for three workers."""
    ray = pytest.importorskip("ray", reason="needs the extra 'ray'")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        patch.setenv("OMP_NUM_THREADS", "1")
        ray.init(
            address="local", num_cpus=3, object_store_memory=100 << 20, include_dashboard=False, log_to_driver=False
        )
    yield
    ray.shutdown()


@pytest.fixture(scope="session", params=FAMILIES)
def reader(request: pytest.FixtureRequest, tiny_checkpoint: Callable[[str], Path]) -> TextReader:
    """A text reader of each family."""
    checkpoint = Checkpoint(tiny_checkpoint(request.param))
    return TextReader(checkpoint.tokenizer(), checkpoint.config())


@pytest.fixture(scope="session")
def bundled_analyzer() -> Analyzer:
    """The model that ships in the package."""
    if not bundled().is_dir():
        pytest.skip("no model is bundled in this checkout; train and export one to model/khabar/weights")
    return khabar.load()


@pytest.fixture(scope="session", params=(*FAMILIES, "bundled"))
def analyzer(request: pytest.FixtureRequest, tiny_checkpoint: Callable[[str], Path]) -> Analyzer:
    """A tiny random model of each family, and the bundled model where it is at hand."""
    if request.param == "bundled":
        found: Analyzer = request.getfixturevalue("bundled_analyzer")
        return found
    return khabar.load(tiny_checkpoint(request.param), threads=1)
