"""Packages that a plain install does not bring, imported where they are needed."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from khabar.errors import MissingExtraError


@contextmanager
def extra_needed(part: str, extra: str) -> Iterator[None]:
    """Say what to install where an import within fails: MissingExtraError names the part that needs it."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtraError(part, extra, error.name or "one of its packages") from None


def load_extra(module: str, part: str, extra: str) -> Any:
    """Import a module that the extra *extra* brings; MissingExtraError says what *part* needs it."""
    with extra_needed(part, extra):
        return import_module(module)
