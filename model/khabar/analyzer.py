"""The one class most users meet: it loads a model and reads articles with it."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import repeat
from pathlib import Path
from typing import Final, Self

import numpy as np

from khabar.checkpoint import Checkpoint, located
from khabar.config import ModelConfig
from khabar.decoding import decode_entities, decode_topic, label_scores
from khabar.errors import InputError
from khabar.explaining import explain_stance, explain_topic
from khabar.reading import Question, Reading, as_document, check_score, kind_of
from khabar.results import Article, Document, Entity, Explanation, Stance, Topic
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
    def load(
        cls, path: str | Path | None = None, *, threads: int | None = None, providers: Sequence[str] = ("cpu",)
    ) -> Self:
        """Load a checkpoint folder, or the bundled model where *path* is None or ``khabar-small``.

        *threads* is how many cores one run may use, all of them by default; *providers* are what ONNX
        Runtime runs on, the first one first, as ``("cuda", "cpu")``. Raises CheckpointError where the
        folder is missing, damaged or half-written, InputError where *threads* is no count or this
        machine's ONNX Runtime lacks a provider.
        """
        checkpoint = Checkpoint(located(path))
        return cls.of_graph(checkpoint, checkpoint.graph(), threads=threads, providers=providers)

    @classmethod
    def of_graph(
        cls, checkpoint: Checkpoint, graph: Path, *, threads: int | None = None, providers: Sequence[str] = ("cpu",)
    ) -> Self:
        """Load a checkpoint with a copy of its graph, as :func:`khabar.runtime.write_mappable` makes one."""
        config = checkpoint.config()
        reader = TextReader(checkpoint.tokenizer(), config)
        runtime = Runtime(graph, threads=threads, providers=providers)
        runtime.check(config.tasks, reader.largest_id)
        checkpoint.check_unchanged()
        return cls(checkpoint.folder, config, reader, runtime)

    def __reduce__(self) -> tuple[object, tuple[Path, int, tuple[str, ...]]]:
        return _load_again, (self.folder, self.threads, self._runtime.providers)

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
        min_score: float = 0.0,
    ) -> Article:
        """Return what one article is about, whom it names and where it stands.

        *targets* are whom or what to judge the stance toward: None takes the article's main
        entities, () asks for none. *claims* are statements to check against the article. Offsets are
        into *text* as given. A text without a single word has no topic, no entities and no stances.
        A topic or stance whose best label scores below *min_score* is not ``sure``; an entity that
        does is left out, and is no target. Raises InputError where an argument is not of its kind, or
        longer than a million characters.
        """
        check_score(min_score)
        return self.analyze([self.read(Document(text, title, targets, claims))], [min_score])[0]

    def predict_many(
        self, documents: Iterable[str | Document], *, targets: Sequence[str] | None = None, min_score: float = 0.0
    ) -> Iterator[Article]:
        """Yield the article of each document, in order, as they come.

        *targets* goes for the documents that name none themselves; *min_score* is as in
        :meth:`predict`. Raises InputError at once where *documents* is one text or *min_score* no
        score, and at its turn where a document is not of its kind.
        """
        check_score(min_score)
        if isinstance(documents, str | bytes | Document) or not isinstance(documents, Iterable):
            raise InputError(
                "documents", kind_of(documents), "an iterable of texts or Documents", "use predict for one text"
            )
        return self._stream(documents, targets, min_score)

    def explain(
        self,
        text: str,
        *,
        title: str | None = None,
        targets: Sequence[str] | None = (),
        claims: Sequence[str] = (),
        topic: bool = True,
    ) -> tuple[Explanation, ...]:
        """Return which words carried the topic and each stance asked for, in the order asked.

        Arguments are as in :meth:`predict`, except that *targets* has none by default: None takes
        the article's main entities here too. Each answer costs as many passes as it has sentences
        and content words in the few that matter. A text without a single word has no explanations.
        """
        reading = Reading(Document(text, title, targets, claims), self._reader)
        if not reading.windows:
            return ()
        entities = self._entities(reading, self._run_windows([reading])[0]) if targets is None else ()
        explanations = [
            explain_stance(reading, question, self.config.task(f"{question.kind}_stance"), self._runtime)
            for question in self._questions(reading, entities)
        ]
        if topic and self.config.has("topic"):
            explanations.insert(0, explain_topic(reading, self.config.task("topic"), self._runtime))
        return tuple(explanations)

    def check(self, document: Document) -> None:
        """Raise InputError where :meth:`predict_many` would, without running the model."""
        self.read(document)

    def read(self, document: Document) -> Reading:
        """Return a document as the model reads it, for :meth:`analyze`; InputError as in :meth:`check`."""
        return Reading(document, self._reader)

    def analyze(self, readings: Sequence[Reading], min_scores: Sequence[float]) -> list[Article]:
        """Return the article of each reading, all read together; each has a least score of its own.

        It is what :meth:`predict` and :meth:`predict_many` do, for a caller that makes his own batches:
        a pass over the documents, then one over the pairs that they raise.
        """
        passes = self._run_windows(readings)
        topics = [self._topic(windows, least) for windows, least in zip(passes, min_scores, strict=True)]
        entities = [
            tuple(entity for entity in self._entities(reading, windows) if entity.score >= least)
            for reading, windows, least in zip(readings, passes, min_scores, strict=True)
        ]
        questions = [self._questions(reading, found) for reading, found in zip(readings, entities, strict=True)]
        stances = self._judge(readings, questions, min_scores)
        return [
            Article(reading.document.text, topic, found, judged, reading.document.id)
            for reading, topic, found, judged in zip(readings, topics, entities, stances, strict=True)
        ]

    def _stream(
        self, documents: Iterable[str | Document], targets: Sequence[str] | None, min_score: float
    ) -> Iterator[Article]:
        for chunk in self._chunks(documents, targets):
            yield from self.analyze(chunk, [min_score] * len(chunk))

    def _chunks(self, documents: Iterable[str | Document], targets: Sequence[str] | None) -> Iterator[list[Reading]]:
        """Yield some documents at a time; those before a faulty one come out before its error."""
        chunk: list[Reading] = []
        size = 0
        try:
            for document in documents:
                chunk.append(Reading(as_document(document, targets), self._reader))
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

    def _run_windows(self, readings: Sequence[Reading]) -> list[list[Logits]]:
        return self._run([[self._reader.single(r.ids[a:b]) for a, b in r.windows] for r in readings])

    def _run(self, sequences: Sequence[Sequence[Integers]]) -> list[list[Logits]]:
        """Run the sequences of all documents together; give each document its own back."""
        results = iter(self._runtime.run([ids for group in sequences for ids in group]))
        return [[next(results) for _ in group] for group in sequences]

    def _topic(self, windows: Sequence[Logits], min_score: float) -> Topic | None:
        if not windows or not self.config.has("topic"):
            return None
        return decode_topic(np.stack([logits["topic"] for logits in windows]), self.config.task("topic"), min_score)

    def _entities(self, reading: Reading, windows: Sequence[Logits]) -> tuple[Entity, ...]:
        if not windows or not len(reading.body.words) or not self.config.has("entities"):
            return ()
        logits = reading.word_logits(windows, "entities")
        found = []
        for span in decode_entities(logits, self.config.task("entities")):
            if span.score < self.config.min_entity_score:
                continue
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

    def _judge(
        self, readings: Sequence[Reading], questions: Sequence[Sequence[Question]], min_scores: Sequence[float]
    ) -> list[tuple[Stance, ...]]:
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
            tuple(map(self._stance, asked, found, judged, repeat(least)))
            for asked, found, judged, least in zip(questions, contexts, passes, min_scores, strict=True)
        ]

    def _stance(self, question: Question, context: Context, logits: Logits, min_score: float) -> Stance:
        task = self.config.task(f"{question.kind}_stance")
        scores = label_scores(logits[task.name], task)
        best = max(scores, key=scores.__getitem__)
        sure = scores[best] >= min_score
        return Stance(question.target.name, question.kind, best, scores[best], scores, context.evidence, sure)


def load(
    path: str | Path | None = None, *, threads: int | None = None, providers: Sequence[str] = ("cpu",)
) -> Analyzer:
    """Load a checkpoint folder, or the bundled model where *path* is None; see :meth:`Analyzer.load`."""
    return Analyzer.load(path, threads=threads, providers=providers)


@cache
def _bundled_analyzer() -> Analyzer:
    return load()


def _load_again(folder: Path, threads: int, providers: tuple[str, ...]) -> Analyzer:
    return load(folder, threads=threads, providers=providers)


def predict(
    text: str,
    *,
    title: str | None = None,
    targets: Sequence[str] | None = None,
    claims: Sequence[str] = (),
    min_score: float = 0.0,
) -> Article:
    """Read one article with the bundled model, which is loaded once; see :meth:`Analyzer.predict`.

    >>> predict("باران تند در کابل ده‌ها خانه را ویران کرد.").entities[0].text
    'کابل'
    """
    return _bundled_analyzer().predict(text, title=title, targets=targets, claims=claims, min_score=min_score)
