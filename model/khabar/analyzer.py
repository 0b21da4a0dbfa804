"""The one class most users meet: it loads a model and reads articles with it."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final, Self

import numpy as np

from khabar.checkpoint import GRAPH, Checkpoint, bundled
from khabar.config import ModelConfig
from khabar.decoding import decode_entities, decode_topic, label_scores
from khabar.errors import InputError
from khabar.reading import Question, Reading
from khabar.results import Article, Document, Entity, Stance, Topic
from khabar.runtime import Logits, Runtime
from khabar.targets import Context
from khabar.text import Integers, TextReader

_CHUNK_CHARACTERS: Final = 60_000
_CHUNK_DOCUMENTS: Final = 64
"""How much ``predict_many`` reads at once: some tens of articles."""


class Analyzer:
    """Reads news articles with one model. Safe to share between threads.

    >>> analyzer = Analyzer.load()
    >>> article = analyzer.predict("وزارت خارجه ایران حمله اسرائیل به دمشق را محکوم کرد.", targets=["اسرائیل"])
    >>> [entity.label for entity in article.entities if entity.text == "دمشق"]
    ['LOC']
    """

    def __init__(self, folder: Path, config: ModelConfig, reader: TextReader, runtime: Runtime) -> None:
        self.folder = folder
        self.config = config
        self._reader = reader
        self._runtime = runtime

    @classmethod
    def load(cls, path: str | Path | None = None, *, threads: int | None = None) -> Self:
        """Load a checkpoint folder, or the bundled model where *path* is None.

        *threads* is how many cores one run may use, all of them by default. Raises CheckpointError
        where the folder is missing, damaged or half-written, InputError where *threads* is no count.
        """
        folder = bundled() if path is None else Path(path)
        checkpoint = Checkpoint(folder)
        config = checkpoint.config()
        reader = TextReader(checkpoint.tokenizer(), config)
        return cls(folder, config, reader, Runtime(checkpoint.path(GRAPH), pad_id=reader.pad_id, threads=threads))

    def __reduce__(self) -> tuple[object, tuple[Path, int]]:
        return _load_again, (self.folder, self.threads)

    @property
    def threads(self) -> int:
        """How many cores one run may use."""
        return self._runtime.threads

    def predict(
        self,
        text: str,
        *,
        title: str | None = None,
        targets: Sequence[str] | None = None,
        claims: Sequence[str] = (),
    ) -> Article:
        """Return what one article is about, whom it names and where it stands.

        *targets* are whom or what to judge the stance toward: None takes the article's main
        entities, () asks for none. *claims* are statements to check against the article. Offsets are
        into *text* as given. A text without a single word has no topic, no entities and no stances.
        Raises InputError where an argument is not of its kind.
        """
        return self._analyze([self._read(Document(text, title, targets, claims))])[0]

    def predict_many(
        self, documents: Iterable[str | Document], *, targets: Sequence[str] | None = None
    ) -> Iterator[Article]:
        """Yield the article of each document, in order, as they come.

        *targets* goes for the documents that name none themselves. Raises InputError at once where
        *documents* is one text, and at its turn where a document is not of its kind.
        """
        if isinstance(documents, str | bytes | Document) or not isinstance(documents, Iterable):
            raise InputError(
                "documents", _kind(documents), "an iterable of texts or Documents", "use predict for one text"
            )
        return self._stream(documents, targets)

    def check(self, document: Document) -> None:
        """Raise InputError where :meth:`predict_many` would, without running the model."""
        self._read(document)

    def _stream(self, documents: Iterable[str | Document], targets: Sequence[str] | None) -> Iterator[Article]:
        for chunk in self._chunks(documents, targets):
            yield from self._analyze(chunk)

    def _chunks(self, documents: Iterable[str | Document], targets: Sequence[str] | None) -> Iterator[list[Reading]]:
        """Yield some documents at a time; those before a faulty one come out before its error."""
        chunk: list[Reading] = []
        size = 0
        try:
            for document in documents:
                chunk.append(self._read(_document(document, targets)))
                size += len(chunk[-1].document.text)
                if size >= _CHUNK_CHARACTERS or len(chunk) == _CHUNK_DOCUMENTS:
                    yield chunk
                    chunk, size = [], 0
        except Exception:
            if chunk:
                yield chunk
            raise
        if chunk:
            yield chunk

    def _read(self, document: Document) -> Reading:
        _check(document)
        return Reading(document, self._reader)

    def _analyze(self, readings: Sequence[Reading]) -> list[Article]:
        """Pass over the documents, then over the pairs that they raise."""
        passes = self._run([[self._reader.single(r.ids[a:b]) for a, b in r.windows] for r in readings])
        topics = [self._topic(windows) for windows in passes]
        entities = [self._entities(reading, windows) for reading, windows in zip(readings, passes, strict=True)]
        questions = [self._questions(reading, found) for reading, found in zip(readings, entities, strict=True)]
        stances = self._judge(readings, questions)
        return [
            Article(reading.document.text, topic, found, judged, reading.document.id)
            for reading, topic, found, judged in zip(readings, topics, entities, stances, strict=True)
        ]

    def _run(self, sequences: Sequence[Sequence[Integers]]) -> list[list[Logits]]:
        """Run the sequences of all documents together; give each document its own back."""
        results = iter(self._runtime.run([ids for group in sequences for ids in group]))
        return [[next(results) for _ in group] for group in sequences]

    def _topic(self, windows: Sequence[Logits]) -> Topic | None:
        if not windows or not self.config.has("topic"):
            return None
        return decode_topic(np.stack([logits["topic"] for logits in windows]), self.config.task("topic"))

    def _entities(self, reading: Reading, windows: Sequence[Logits]) -> tuple[Entity, ...]:
        if not windows or not len(reading.body.words) or not self.config.has("entities"):
            return ()
        logits = reading.word_logits(windows, "entities")
        found = []
        for span in decode_entities(logits, self.config.task("entities")):
            inside = reading.body.words[span.first : span.last]
            start, end = reading.body.clean.raw_span(int(inside[0, 0]), int(inside[-1, 1]))
            found.append(Entity(reading.document.text[start:end], span.label, start, end, span.score))
        return tuple(found)

    def _questions(self, reading: Reading, entities: Sequence[Entity]) -> list[Question]:
        if not reading.windows:
            return []
        targets = reading.targets
        if reading.document.targets is None:
            targets = reading.main_targets(entities, self.config.max_targets)
        return [question for question in (*targets, *reading.claims) if self.config.has(f"{question.kind}_stance")]

    def _judge(self, readings: Sequence[Reading], questions: Sequence[Sequence[Question]]) -> list[tuple[Stance, ...]]:
        contexts = [[r.context(question) for question in asked] for r, asked in zip(readings, questions, strict=True)]
        passes = self._run(
            [
                [
                    self._reader.pair(question.query.ids, context.ids)
                    for question, context in zip(asked, found, strict=True)
                ]
                for asked, found in zip(questions, contexts, strict=True)
            ]
        )
        return [
            tuple(map(self._stance, asked, found, judged))
            for asked, found, judged in zip(questions, contexts, passes, strict=True)
        ]

    def _stance(self, question: Question, context: Context, logits: Logits) -> Stance:
        task = self.config.task(f"{question.kind}_stance")
        scores = label_scores(logits[task.name], task)
        best = max(scores, key=scores.__getitem__)
        return Stance(question.target.name, question.kind, best, scores[best], scores, context.evidence)


def _document(document: object, targets: Sequence[str] | None) -> Document:
    if isinstance(document, str):
        return Document(document, targets=targets)
    if not isinstance(document, Document):
        raise InputError("a document", _kind(document), "a str or a Document", "wrap the text: khabar.Document(text)")
    if document.targets is None and targets is not None:
        return Document(document.text, document.title, targets, document.claims, document.id)
    return document


def _check(document: Document) -> None:
    if not isinstance(document.text, str):
        raise InputError("text", _kind(document.text), "a str", "decode bytes first, and leave out what has no text")
    if document.title is not None and not isinstance(document.title, str):
        raise InputError("title", _kind(document.title), "a str or None", "decode bytes first")
    for name, values in (("targets", document.targets), ("claims", document.claims)):
        if values is None and name == "targets":
            continue
        if not isinstance(values, Sequence) or isinstance(values, str | bytes):
            raise InputError(name, _kind(values), "a sequence of strings", f"write {name}=[…], also for a single one")
        for value in values:
            if not isinstance(value, str):
                raise InputError(f"one of {name}", _kind(value), "a str", "turn each one into a str")


def _kind(value: object) -> str:
    return type(value).__name__


def load(path: str | Path | None = None, *, threads: int | None = None) -> Analyzer:
    """Load a checkpoint folder, or the bundled model where *path* is None; see :meth:`Analyzer.load`."""
    return Analyzer.load(path, threads=threads)


@cache
def _bundled_analyzer() -> Analyzer:
    return load()


def _load_again(folder: Path, threads: int) -> Analyzer:
    return load(folder, threads=threads)


def predict(
    text: str,
    *,
    title: str | None = None,
    targets: Sequence[str] | None = None,
    claims: Sequence[str] = (),
) -> Article:
    """Read one article with the bundled model, which is loaded once; see :meth:`Analyzer.predict`.

    >>> predict("باران تند در کابل ده‌ها خانه را ویران کرد.").entities[0].text
    'کابل'
    """
    return _bundled_analyzer().predict(text, title=title, targets=targets, claims=claims)
