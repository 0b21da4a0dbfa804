"""Packages that a plain install does not bring, imported where they are needed."""

from importlib import import_module
from typing import Any

from khabar.errors import MissingExtraError


def load_extra(module: str, part: str, extra: str) -> Any:
    """Import a module that the extra *extra* brings; MissingExtraError says what *part* needs it."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise MissingExtraError(part, extra, error.name or module) from None
