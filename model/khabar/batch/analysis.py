"""The path that every engine takes: rows in, the same rows with their analysis out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from khabar.analyzer import Analyzer
from khabar.batch.rows import SURROGATE, Row
from khabar.batch.settings import BatchSettings
from khabar.checkpoint import Checkpoint, located
from khabar.errors import CheckpointError, InputError
from khabar.results import Article, Document


def load_model(model: str | None, digest: str, threads: int, providers: Sequence[str]) -> Analyzer:
    """Load a checkpoint folder, or the bundled one where *model* is None; CheckpointError if its digest is another."""
    folder = located(model)
    if Checkpoint(folder).digest != digest:
        problem = "it is another model than the one this was begun with"
        raise CheckpointError(folder, problem, "put the same one in the same place on every machine")
    return Analyzer.load(folder, threads=threads, providers=providers)


def analyze_rows(analyzer: Analyzer, rows: Sequence[Row], settings: BatchSettings) -> Iterator[Row]:
    """Yield each row in order, with the analysis among its values or with its fault."""
    documents = [_document(analyzer, row, settings) for row in rows]
    good = [document for document in documents if isinstance(document, Document)]
    articles = analyzer.predict_many(good, targets=None if settings.judge_targets else (), min_score=settings.min_score)
    for row, document in zip(rows, documents, strict=True):
        if isinstance(document, Document):
            added = zip(settings.added, added_values(next(articles)), strict=True)
            yield replace(row, values={**row.values, **dict(added)})
        else:
            yield replace(row, fault=document)


def added_values(article: Article) -> list[Any]:
    """Return what the columns of ``settings.added`` hold for one article: strings, numbers, lists and dicts."""
    topic = article.topic
    stances = [
        {
            "target": stance.target,
            "kind": stance.kind,
            "label": stance.label,
            "score": stance.score,
            "sure": stance.sure,
            "evidence": [{"start": start, "end": end} for start, end in stance.evidence],
        }
        for stance in article.stances
    ]
    entities = [asdict(entity) for entity in article.entities]
    found = (topic.label, topic.score, topic.sure) if topic else (None, None, None)
    return [*found, entities, stances]


def _document(analyzer: Analyzer, row: Row, settings: BatchSettings) -> Document | str:
    """Return what a row asks, or what is wrong with it."""
    columns = settings.columns
    if row.fault is not None:
        return row.fault
    if (text := row.values.get(columns.text)) is None:
        return f"no text in the column {columns.text!r}; give it one, or leave the row out"
    document = Document(
        text,
        row.values.get(columns.title),
        _several(row.values, columns.targets) or None,
        _several(row.values, columns.claims) or (),
    )
    try:
        analyzer.check(document)
    except InputError as error:
        return str(error)
    if taken := [name for name in settings.added if name in row.values]:
        return f"it has columns {', '.join(taken)}, as the analysis has; name a prefix for the added ones"
    asked = "".join((*(document.targets or ()), *document.claims))
    for column, value in (*row.values.items(), (columns.targets, asked)):
        if SURROGATE.search(column) or (isinstance(value, str) and SURROGATE.search(value)):
            return f"half a character in the column {column!r}, which UTF-8 cannot hold; mend it"
    return document


def _several(values: Mapping[str, Any], column: str) -> Any:
    """Return a cell as the strings in it; one string stands for itself, a blank one for none."""
    value = values.get(column)
    if isinstance(value, str):
        return (value.strip(),) if value.strip() else ()
    return value
