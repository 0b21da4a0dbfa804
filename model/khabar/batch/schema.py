"""The columns of the Parquet files that a batch writes: one schema for all of them, known before the first row."""

import json
from collections.abc import Iterable, Sequence
from contextlib import closing
from itertools import islice
from math import isfinite
from typing import Any, Final

from khabar.batch.inputs import Input
from khabar.batch.places import EXTRA, PART
from khabar.batch.rows import SURROGATE, Row, parquet_schema, read_rows, table_header
from khabar.batch.settings import BatchSettings
from khabar.errors import ConfigError, SourceError, near_miss
from khabar.extras import load_extra
from khabar.results import json_line

OTHER: Final = "other"
"""The column, after the prefix, for what of JSON Lines the columns cannot hold: a JSON object, or null."""
_SAMPLED: Final = 100
"""Rows of each JSON Lines file from which the kinds of its columns are told."""


def kept_columns(inputs: Sequence[Input], settings: BatchSettings) -> Any:
    """Return the Arrow schema of the inputs' columns together, after checking that every file has what is needed.

    A column keeps its kind where all files agree, whole and broken numbers become float64, and anything
    else that differs becomes text. CSV holds text; JSON Lines text, numbers and truth values, and what is
    nested as JSON. The schema's metadata name the column for the rest of JSON Lines, where there are some.
    SourceError names a file that lacks a column, ConfigError an added one that is taken.
    """
    arrow = load_extra("pyarrow", PART, EXTRA)
    columns: dict[str, Any] = {}
    for source in inputs:
        found = _columns(arrow, source)
        _check_required(source, tuple(found), settings)
        for name, kind in found.items():
            columns[name] = _common(arrow, columns.get(name, kind), kind)
    other = settings.prefix + OTHER
    has_other = settings.to == "parquet" and any(source.is_json for source in inputs)
    if taken := [name for name in (*settings.added, *[other] * has_other) if name in columns]:
        raise ConfigError(
            f"the input has columns {', '.join(taken)}, as the analysis has; name a prefix for the added ones"
        )
    return arrow.schema(list(columns.items()), {OTHER: other} if has_other else None)


def output_table(rows: Sequence[Row], kept: Any, settings: BatchSettings) -> Any:
    """Return analysed rows as an Arrow table: the kept columns, the added ones, and what did not fit."""
    arrow = load_extra("pyarrow", PART, EXTRA)
    other = (kept.metadata or {}).get(OTHER.encode(), b"").decode()
    known = {*settings.added, *kept.names}
    others = [{name: value for name, value in row.values.items() if name not in known} for row in rows]
    columns = {field.name: _array(arrow, rows, field, others) for field in kept}
    columns |= added_columns(rows, settings)
    if other:
        columns[other] = arrow.array([as_json(left) if left else None for left in others], arrow.string())
    return arrow.table(columns)


def added_columns(rows: Sequence[Row], settings: BatchSettings) -> dict[str, Any]:
    """Return the columns that the analysis adds as Arrow arrays; null where a row has a fault."""
    arrow = load_extra("pyarrow", PART, EXTRA)
    kinds = zip(settings.added, _added_kinds(arrow), strict=True)
    return {name: arrow.array([row.values.get(name) for row in rows], kind) for name, kind in kinds}


def as_json(value: Any) -> str:
    """Return one line of JSON that UTF-8 can hold; what JSON has no form for, such as a date, as its string.

    Numbers that are none or not finite become null.
    """
    try:
        return json_line(value, default=_as_text)
    except ValueError:
        return json_line(json.loads(json.dumps(value, default=_as_text), parse_constant=lambda _: None))


def _as_text(value: Any) -> str | None:
    """Return a value as text: JSON for what has a form in it, UTF-8 for bytes, None for numbers that are none."""
    if value is None or (isinstance(value, float) and not isfinite(value)):
        return None
    if isinstance(value, dict | list | tuple | bool | int | float):
        return as_json(value)
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else str(value)


def _columns(arrow: Any, source: Input) -> dict[str, Any]:
    if source.suffix == ".parquet":
        schema = parquet_schema(source)
        return dict(zip(schema.names, schema.types, strict=True))
    if source.suffix in (".csv", ".tsv", ".tab"):
        return dict.fromkeys(table_header(source), arrow.string())
    values: dict[str, list[Any]] = {}
    with closing(read_rows(source)) as rows:  # type: ignore[type-var]
        for row in islice(rows, _SAMPLED):
            for name, value in row.values.items():
                values.setdefault(name, []).append(value)
    return {name: _inferred(arrow, seen) for name, seen in values.items() if not SURROGATE.search(name)}


def _inferred(arrow: Any, values: Iterable[Any]) -> Any:
    """Return the kind of JSON values: truth values, numbers, or else text."""
    try:
        kind = arrow.array(values).type
    except (arrow.ArrowException, OverflowError, UnicodeEncodeError):
        return arrow.string()
    return kind if kind in (arrow.bool_(), arrow.int64(), arrow.float64(), arrow.null()) else arrow.string()


def _common(arrow: Any, one: Any, other: Any) -> Any:
    kinds = {one, other} - {arrow.null()}
    if not kinds:
        return arrow.string()
    if len(kinds) == 1:
        return kinds.pop()
    return arrow.float64() if kinds == {arrow.int64(), arrow.float64()} else arrow.string()


def _check_required(source: Input, header: tuple[str, ...], settings: BatchSettings) -> None:
    for name, column in settings.columns.required.items():
        may_come = source.is_json and (name != "text" or not header)  # each row has columns of its own
        if column not in header and not may_come:
            remedy = f"it has {', '.join(header)}; name the one for {name}, as {name}=…{near_miss(column, header)}"
            raise SourceError(source.path, f"no column {column!r}", remedy)


def _array(arrow: Any, rows: Sequence[Row], field: Any, others: Sequence[dict[str, Any]]) -> Any:
    """Return one kept column; a value that its kind cannot hold goes to *others* and leaves a null."""
    values = [row.values.get(field.name) for row in rows]
    if field.type == arrow.string():
        values = [_as_text(value) for value in values]
    try:
        return arrow.array(values, field.type)
    except (arrow.ArrowException, OverflowError):
        for index, value in enumerate(values):
            try:
                arrow.scalar(value, field.type)
            except (arrow.ArrowException, OverflowError):
                others[index][field.name] = value
                values[index] = None
        return arrow.array(values, field.type)


def _added_kinds(arrow: Any) -> list[Any]:
    string, number, whole, truth = arrow.string(), arrow.float64(), arrow.int64(), arrow.bool_()
    span = [("start", whole), ("end", whole)]
    entity = arrow.struct([("text", string), ("label", string), *span, ("score", number)])
    judged = [("target", string), ("kind", string), ("label", string), ("score", number), ("sure", truth)]
    stance = arrow.struct([*judged, ("evidence", arrow.list_(arrow.struct(span)))])
    return [string, number, truth, arrow.list_(entity), arrow.list_(stance)]
