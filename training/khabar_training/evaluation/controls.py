"""What stands beside the model in a report: baselines to beat, and controls that see only a part of the question."""

from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from khabar_data.records import Record
from khabar_training.baselines import LinearSvm, NameDictionary, majority
from khabar_training.evaluation.questions import Question, questions

type Control = Callable[[Record, str], str]
"""From a record and a query, empty for a text task, to a label."""

_CHARACTERS: Final = 2000
"""Of a text, what the SVM reads."""


def _opening(record: Record) -> str:
    return f"{record.title or ''} {record.text}"[:_CHARACTERS]


_VIEWS: Final[Mapping[str, Mapping[str, Callable[[Record, str], str]]]] = {
    "topic": {"TF-IDF SVM": lambda record, _: _opening(record)},
    "target_stance": {
        "TF-IDF SVM": lambda record, target: f"{target} {_opening(record)}",
        "SVM, target only": lambda _, target: target,
        "SVM, target masked": lambda record, target: _opening(record).replace(target, "TARGET"),
    },
    "claim_stance": {
        "TF-IDF SVM": lambda record, claim: f"{claim} {_opening(record)}",
        "SVM, claim only": lambda _, claim: claim,
        "SVM, text only": lambda record, _: _opening(record),
    },
}
"""By task, what each SVM sees. A control that does well shows a shortcut in the data."""


@dataclass(frozen=True)
class Lessons:
    """All that was learnt from the training part."""

    controls: Mapping[str, Mapping[str, Control]] = field(default_factory=dict)
    """By task, by name."""
    targets: frozenset[str] = frozenset()
    """The targets that it has."""
    names: frozenset[str] = frozenset()
    """The strings that it tags as entities."""
    dictionary: NameDictionary | None = None


def learnt(train: Iterable[Record], tasks: Container[str]) -> Lessons:
    """Train the baselines and controls of *tasks*, as far as the records label them."""
    records = list(train)
    tagged = [record for record in records if record.entities]
    return Lessons(
        controls={task: _controls(task, records) for task in _VIEWS if task in tasks},
        targets=frozenset(stance.target for record in records for stance in record.target_stances),
        names=frozenset(record.text[span.start : span.end] for record in tagged for span in record.entities),
        dictionary=NameDictionary(tagged) if tagged else None,
    )


def _controls(task: str, records: Iterable[Record]) -> dict[str, Control]:
    """Return the systems to set beside the model; of a set of labels they learn the first."""
    asked = [(record, question) for record in records for question in questions(task, record)]
    if not asked:
        return {}
    gold = [question.labels[0] for _, question in asked]
    most = majority(gold)
    controls: dict[str, Control] = {"majority": lambda *_: most}
    if task == "target_stance":
        controls["target majority"] = _target_majority([question for _, question in asked], most)
    for name, view in _VIEWS[task].items():
        texts = [view(record, question.query or "") for record, question in asked]
        try:
            controls[name] = _seen_by(view, LinearSvm(texts, gold))
        except ValueError:  # a single label, or no word that two texts have
            continue
    return controls


def _target_majority(asked: Iterable[Question], most: str) -> Control:
    """Return the system that gives each target its most frequent label, a new one the most frequent of all."""
    counts: dict[str, Counter[str]] = {}
    for question in asked:
        counts.setdefault(question.query or "", Counter())[question.labels[0]] += 1
    labels = {target: majority(found.elements()) for target, found in counts.items()}
    return lambda _, target: labels.get(target, most)


def _seen_by(view: Callable[[Record, str], str], svm: LinearSvm) -> Control:
    return lambda record, query: svm.predict([view(record, query)])[0]
