"""What records ask of a model, what the right labels are, and what the model answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from khabar.config import ModelConfig
from khabar.results import Article, Document, Stance, Topic
from khabar_data.records import Record

NOTHING: Final = "nothing"
"""What stands for no answer: of a text without a word, of a span that was not found."""


@dataclass(frozen=True)
class Question:
    """One label to find; any of *labels* is right, and a pair task has a *query*: the target or claim."""

    labels: tuple[str, ...]
    query: str | None = None


@dataclass(frozen=True)
class Answer:
    """The label that was found."""

    label: str = NOTHING
    score: float = 0.0
    scores: Mapping[str, float] = field(default_factory=dict)
    evidence: tuple[tuple[int, int], ...] = ()


_QUESTIONS: Final[Mapping[str, Callable[[Record], list[Question]]]] = {
    "topic": lambda record: [Question(record.topics)] if record.topics else [],
    "target_stance": lambda record: [Question(one.labels, one.target) for one in record.target_stances],
    "claim_stance": lambda record: [Question(one.labels, one.claim) for one in record.claim_stances],
}
_FOUND: Final[Mapping[str, Callable[[Article], list[Topic | Stance]]]] = {
    "topic": lambda article: [article.topic] if article.topic else [],
    "target_stance": lambda article: [stance for stance in article.stances if stance.kind == "target"],
    "claim_stance": lambda article: [stance for stance in article.stances if stance.kind == "claim"],
}


def questions(task: str, record: Record) -> list[Question]:
    """Return what a record asks of a task, in its order."""
    return _QUESTIONS[task](record)


def answers(task: str, article: Article, n_asked: int) -> list[Answer]:
    """Return the model's answers to a record's questions, in their order."""
    found = _FOUND[task](article) if n_asked else []
    if not found:  # a text without a word
        return [Answer()] * n_asked
    return [Answer(one.label, one.score, one.scores, getattr(one, "evidence", ())) for one in found]


def as_document(record: Record, config: ModelConfig) -> Document:
    """Return a record as the model is to read it, with the questions that it can answer."""

    def queries(task: str) -> list[str]:
        return [one.query or "" for one in questions(task, record)] if config.has(task) else []

    return Document(record.text, record.title, queries("target_stance"), queries("claim_stance"), record.id)


def named(record: Record) -> str:
    """Return the record's id, or a hash of its text where it has none."""
    return record.id or "#" + blake2b(record.text.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
