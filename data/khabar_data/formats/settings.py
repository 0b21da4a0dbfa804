"""Settings of a reader from what a command line or a TOML file gives."""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any, Final, get_type_hints

from khabar.errors import near_miss
from khabar_data.formats.entry import FormatError
from khabar_data.formats.tags import Scheme


def configured[T](defaults: T, values: Mapping[str, Any], what: str) -> T:
    """Return a copy of settings with new values, given as the settings take them or as strings."""
    hints = get_type_hints(type(defaults))
    known = tuple(field.name for field in fields(defaults))  # type: ignore[arg-type]
    changes = {}
    for key, value in values.items():
        if key not in known:
            raise FormatError(what, f"no setting {key!r}", f"it has {', '.join(known)}{near_miss(key, known)}")
        try:
            convert = _CONVERSIONS.get(hints[key])
            changes[key] = convert(value) if convert else configured(getattr(defaults, key), value, f"{what}, {key}")
        except (ValueError, TypeError, AttributeError) as error:
            if isinstance(error, FormatError):
                raise
            raise FormatError(what, f"{key} is {value!r}", f"it does not fit ({error}); mend it") from None
    return replace(defaults, **changes)  # type: ignore[type-var]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("it takes a string")
    return value


def _text_or_none(value: Any) -> str | None:
    return None if value is None else _text(value)


def _scheme_or_none(value: Any) -> Scheme | None:
    return None if value is None else Scheme.named(_text(value))


def _whole(value: Any) -> int:
    if isinstance(value, bool | float):
        raise ValueError("it takes a whole number")
    return int(value)


def _truth(value: Any) -> bool:
    try:
        return {True: True, False: False, "true": True, "false": False}[value]
    except KeyError:
        raise ValueError("it takes true or false") from None


def _texts(value: Any) -> tuple[str, ...]:
    """Return a list of strings, or one string parted at commas."""
    items = value.split(",") if isinstance(value, str) else value
    return tuple(_text(item).strip() for item in items)


def _names(value: Any) -> dict[str, str]:
    return {_text(key): _text(name) for key, name in value.items()}


_CONVERSIONS: Final[Mapping[Any, Callable[[Any], Any]]] = {
    str: _text,
    str | None: _text_or_none,
    int: _whole,
    bool: _truth,
    tuple[str, ...]: _texts,
    Mapping[str, str]: _names,
    Scheme | None: _scheme_or_none,
}
"""From what a setting is declared as to what takes a value in; anything else is settings itself."""
