"""Errors say what they got, what they take and what to do, and they survive pickling."""

import pickle
from pathlib import Path

import pytest

from khabar import errors
from khabar.errors import (
    CheckpointError,
    ConfigError,
    InputError,
    KhabarError,
    MissingExtraError,
    SourceError,
    WorkerError,
    near_miss,
)

ERRORS: tuple[KhabarError, ...] = (
    KhabarError("something"),
    InputError("text", "bytes", "a str", "decode it first"),
    ConfigError("window is 3; it takes 64 or more"),
    CheckpointError(Path("folder"), "it is damaged", "copy it again"),
    MissingExtraError("The service", "serve", "fastapi"),
    WorkerError("killed by signal 9"),
    SourceError("in.csv", "it is not there", "check the path"),
)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_errors_survive_pickling(error: KhabarError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert again.args == error.args
    assert isinstance(again, KhabarError)


def test_every_error_is_tried() -> None:
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)}
    assert {type(error) for error in ERRORS} == kinds


@pytest.mark.parametrize(
    ("error", "message", "kind"),
    [
        (ERRORS[1], "text is bytes; it takes a str; decode it first", TypeError),
        (ERRORS[2], "window is 3; it takes 64 or more", ValueError),
        (ERRORS[3], "checkpoint folder: it is damaged; copy it again", KhabarError),
        (
            ERRORS[4],
            "The service needs the package 'fastapi', which is not installed; run: pip install 'khabar[serve]'",
            ImportError,
        ),
    ],
)
def test_messages(error: KhabarError, message: str, kind: type[Exception]) -> None:
    assert str(error) == message
    assert isinstance(error, kind)


def test_near_miss() -> None:
    assert near_miss("topics", ("entities", "topic")) == "; did you mean 'topic'?"
    assert near_miss("weather", ("entities", "topic")) == ""
