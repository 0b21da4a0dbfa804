"""Floats of a report, rounded."""

from dataclasses import fields, is_dataclass, replace
from typing import Any, Final

_DIGITS: Final = 6


def rounded[T](value: T) -> T:
    """Return a record with all its floats rounded to 6 places, so that its JSON is short and comes back the same."""
    result: Any = value
    if isinstance(value, float):
        result = round(value, _DIGITS)
    elif isinstance(value, tuple):
        result = tuple(map(rounded, value))
    elif isinstance(value, dict):
        result = {key: rounded(part) for key, part in value.items()}
    elif is_dataclass(value) and not isinstance(value, type):
        result = replace(value, **{field.name: rounded(getattr(value, field.name)) for field in fields(value)})
    return result  # type: ignore[no-any-return]
