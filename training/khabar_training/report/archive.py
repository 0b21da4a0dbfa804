"""A report as files: its JSON, exact and stable, and the page and summary drawn from it."""

import json
from dataclasses import MISSING, asdict, fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Final, get_args, get_origin, get_type_hints

from khabar.checkpoint import replaced
from khabar_data.records import SURROGATES
from khabar_training.evaluation.measured import FORMAT, Report, ReportError

REPORT: Final = "report.json"
FILES: Final = (REPORT, "report.html", "summary.md")
"""What a report's folder holds."""


def dump(report: Report) -> str:
    """Return a report as JSON that UTF-8 can hold: Persian as it is, where there are no lone surrogates.

    Keys stand in the order of the records, labels in the order of the model.
    """
    text = json.dumps(asdict(report), ensure_ascii=False, indent=1, allow_nan=False)
    if SURROGATES.search(text):
        text = json.dumps(asdict(report), indent=1, allow_nan=False)
    return text + "\n"


def load(text: str, name: str = "the report") -> Report:
    """Read what :func:`dump` wrote; ReportError, which calls it *name*, where it is something else."""
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ReportError(name, f"it is not JSON ({error})", "name a report that khabar evaluate wrote") from None
    number = values.get("format") if isinstance(values, dict) else None
    if number != FORMAT:
        remedy = "evaluate again, or use the version of khabar that wrote it"
        raise ReportError(name, f"it is not a report of format {FORMAT} but of {number!r}", remedy)
    try:
        report: Report = _decoded(values, Report, "report")
    except ValueError as error:
        raise ReportError(name, f"it is damaged ({error})", "evaluate again") from None
    return report


def read_report(path: Path | str) -> Report:
    """Read a report from its folder or its ``report.json``; ReportError where there is none."""
    path = Path(path)
    file = path / REPORT if path.is_dir() else path
    try:
        return load(file.read_text("utf-8"), str(file))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ReportError(
            str(file), f"it cannot be read ({reason})", "name a folder that khabar evaluate wrote"
        ) from None


def check_place(folder: Path) -> None:
    """Refuse to write a report where anything but a report stands."""
    if folder.exists() and not folder.is_dir():
        raise ReportError(str(folder), "it is a file", "name a new folder")
    others = sorted(path.name for path in folder.iterdir() if path.name not in FILES) if folder.exists() else []
    if others:
        raise ReportError(str(folder), f"it holds other things ({', '.join(others[:3])})", "name a new folder")


def write_report(report: Report, folder: Path | str) -> Path:
    """Write the JSON, the page and the summary; the folder appears whole or not at all.

    An older report there is replaced; ReportError where the folder holds anything else or cannot be written.
    """
    from khabar_training.report.page import write_page  # here, because drawing takes long to import
    from khabar_training.report.summary import write_summary

    folder = Path(folder)
    check_place(folder)
    try:
        with replaced(folder) as draft:
            (draft / REPORT).write_text(dump(report), "utf-8")
            write_page(report, draft)
            write_summary(report, draft)
    except OSError as error:
        raise ReportError(str(folder), f"it cannot be written ({error.strerror})", "check the disk") from None
    return folder


def _decoded(value: Any, kind: Any, place: str) -> Any:
    """Return a JSON value as *kind* says: a record, tuple, dict, plain value or None; ValueError names the place."""
    if is_dataclass(kind) and isinstance(kind, type):
        return _record(value, kind, place)
    if isinstance(kind, UnionType):  # a kind or None
        (inner,) = (one for one in get_args(kind) if one is not NoneType)
        return None if value is None else _decoded(value, inner, place)
    if get_origin(kind) is tuple:
        return _tuple(value, get_args(kind), place)
    if get_origin(kind) is dict:
        _check(value, dict, place)
        return {key: _decoded(part, get_args(kind)[1], f"{place}.{key}") for key, part in value.items()}
    if kind is float and type(value) is int:
        return float(value)
    return _check(value, kind, place)


def _record(values: Any, kind: type[Any], place: str) -> Any:
    _check(values, dict, place)
    hints = get_type_hints(kind)
    required = {field.name for field in fields(kind) if field.default is MISSING}
    for problem, names in (("unknown", values.keys() - hints.keys()), ("missing", required - values.keys())):
        if names:
            raise ValueError(f"{problem} in {place}: {', '.join(sorted(names))}")
    return kind(**{key: _decoded(value, hints[key], f"{place}.{key}") for key, value in values.items()})


def _tuple(values: Any, kinds: tuple[Any, ...], place: str) -> tuple[Any, ...]:
    _check(values, list, place)
    each = (kinds[0],) * len(values) if kinds[-1] is Ellipsis else kinds
    if len(each) != len(values):
        raise ValueError(f"{place} has {len(values)} parts, not {len(each)}")
    return tuple(
        _decoded(value, kind, f"{place}[{at}]") for at, (value, kind) in enumerate(zip(values, each, strict=True))
    )


def _check(value: Any, kind: type[Any], place: str) -> Any:
    if type(value) is not kind:
        raise ValueError(f"{place} is a {type(value).__name__}, not a {kind.__name__}")
    return value
