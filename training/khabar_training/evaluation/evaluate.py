"""Measuring a model: records are read, predicted and judged one after another, and a report is what remains."""

import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import file_digest
from importlib.metadata import version
from pathlib import Path
from typing import Final

from khabar import Analyzer, load
from khabar.checkpoint import MANIFEST
from khabar.config import Kind, ModelConfig, TaskSpec
from khabar.errors import InputError
from khabar.results import Document
from khabar_data.fingerprints import Fingerprints
from khabar_data.formats import Source
from khabar_data.label_map import found_labels
from khabar_data.labels import LabelSets
from khabar_data.records import Record
from khabar_data.ruler import WORD_RULER
from khabar_training.evaluation.controls import learnt
from khabar_training.evaluation.entity_judging import EntityJudge
from khabar_training.evaluation.judging import Case, LabelJudge, Setting
from khabar_training.evaluation.measured import DataFile, Overlap, Report, ReportError
from khabar_training.evaluation.mistakes import explained
from khabar_training.evaluation.questions import as_document, named
from khabar_training.evaluation.rounding import rounded

type Data = Iterable[Source | str | Path | Record]
type Watch = Callable[[Iterator[Case], int], Iterable[Case]]

_LENGTHS: Final = ((100, "<100"), (200, "100-199"), (400, "200-399"), (800, "400-799"))
"""Words of a text, by the number that they stay below."""
_LONGEST: Final = "800+"
N_EXAMPLES: Final = 10
N_WORDS: Final = 8
"""Of a record without an id, what an example of overlap shows."""


def evaluate(
    model: str | Path | Analyzer,
    data: Data,
    *,
    train: Data = (),
    seed: int = 0,
    watched: Watch = lambda cases, _: cases,
) -> Report:
    """Measure a model on every task that it has and the data label.

    *model* is a checkpoint folder, ``khabar-small`` or a loaded Analyzer. *data* are sources, paths of
    files whose suffix names their format, or records. *train* is what the baselines learn from, and
    what counts as seen. *watched* is given the cases as they come and their number, to show progress.
    Raises ReportError where nothing can be measured, and whatever reading the data raises.
    """
    analyzer = _loaded(model)
    evaluated, lessons = _Reader(data, "data"), _Reader(train, "train")
    held = found_labels(_checked(analyzer, evaluated.records()))  # faults show before an hour is spent
    if not evaluated.n_records:
        raise ReportError("the data", "there are no records", "name at least one file with records")
    tasks = _tasks(analyzer.config, held)
    setting = Setting(lessons=learnt(lessons.records(), held) if lessons.parts else None, seed=seed)
    judges = [(EntityJudge if t.kind is Kind.WORDS else LabelJudge)(t, held[t.name], setting) for t in tasks]
    units, overlap = _Units(), _OverlapCounter(analyzer.folder)
    for case in watched(_cases(analyzer, evaluated.records(), units), evaluated.n_records):
        overlap.take(case.record)
        for judge in judges:
            judge.take(case)
    report = Report(
        khabar=version("khabar"),
        model=analyzer.config.name,
        model_sha256=_sha256(analyzer.folder / MANIFEST) or "",
        data=evaluated.files(),
        train=lessons.files(),
        n_records=evaluated.n_records,
        overlap=overlap.result(),
        tasks=tuple(explained(judge.report(units.name), analyzer) for judge in judges),
        notes=_left_out(analyzer.config, held),
        seed=seed,
    )
    return rounded(report)


def _loaded(model: str | Path | Analyzer) -> Analyzer:
    if isinstance(model, Analyzer):
        return model
    return load(model)


@dataclass(frozen=True)
class _Part:
    """One file of the data, or the records that were given as such."""

    name: str
    records: Callable[[], Iterable[Record]]
    sha256: str | None = None


class _Reader:
    """Reads data as often as it takes, and counts the records of each file."""

    def __init__(self, data: Data, argument: str) -> None:
        if isinstance(data, str | Path | Source | Record) or not isinstance(data, Iterable):
            takes = "an iterable of sources, paths or records"
            raise InputError(argument, type(data).__name__, takes, f"write {argument}=[…], also for a single one")
        items = list(data)
        records = [item for item in items if isinstance(item, Record)]
        self.parts = [_part(item) for item in items if not isinstance(item, Record)]
        if records:
            self.parts.append(_Part("records", lambda: records))
        self._counts = [0] * len(self.parts)

    def records(self) -> Iterator[Record]:
        """Yield all records."""
        self._counts = [0] * len(self.parts)
        for number, part in enumerate(self.parts):
            for record in part.records():
                self._counts[number] += 1
                yield record

    @property
    def n_records(self) -> int:
        """How many records the last reading gave."""
        return sum(self._counts)

    def files(self) -> tuple[DataFile, ...]:
        """Return what was read."""
        return tuple(
            DataFile(name=part.name, n_records=count, sha256=part.sha256)
            for part, count in zip(self.parts, self._counts, strict=True)
        )


def _part(item: Source | str | Path) -> _Part:
    source = item if isinstance(item, Source) else Source(path=str(item))
    path = Path(source.path)
    name = path.name if path.exists() else source.path  # else it is a name that the format knows
    return _Part(name, source.records, _sha256(path))


def _sha256(path: Path) -> str | None:
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _tasks(config: ModelConfig, held: LabelSets) -> list[TaskSpec]:
    """Return the tasks that the model has and the data label; ReportError where there are none."""
    tasks = [task for task in config.tasks if task.name in held]
    if not tasks:
        has = ", ".join(task.name for task in config.tasks)
        problem = (
            f"no label that can be judged: they are labelled for {', '.join(held) or 'nothing'}, the model has {has}"
        )
        raise ReportError("the data", problem, "name data with labels, or a model that has their task")
    return tasks


def _left_out(config: ModelConfig, held: LabelSets) -> tuple[str, ...]:
    """Say which tasks the report leaves out."""
    unlabelled = (f"{task.name}: no record is labelled for it" for task in config.tasks if task.name not in held)
    unknown = (f"{task}: the model does not have this task" for task in held if not config.has(task))
    return (*unlabelled, *unknown)


class _Units:
    """Numbers what belongs together: the records of a group, and each record that has none."""

    def __init__(self) -> None:
        self._numbers: dict[str | int, int] = {}
        self.name = "documents"

    def number(self, record: Record) -> int:
        """Return the number of a record's unit, counted from 0."""
        if record.group:
            self.name = "groups"
        n_units = len(self._numbers)
        return self._numbers.setdefault(record.group or n_units, n_units)


def _checked(analyzer: Analyzer, records: Iterable[Record]) -> Iterator[Record]:
    """Yield records; ReportError names one that the model cannot be asked about."""
    for record in records:
        try:
            analyzer.check(as_document(record, analyzer.config))
        except InputError as error:
            raise ReportError(f"record {named(record)}", str(error), "or leave the record out") from None
        yield record


def _cases(analyzer: Analyzer, records: Iterable[Record], units: _Units) -> Iterator[Case]:
    """Predict records as they come."""
    pending: deque[Record] = deque()

    def documents() -> Iterator[Document]:
        for record in records:
            pending.append(record)
            yield as_document(record, analyzer.config)

    for article in analyzer.predict_many(documents()):
        record = pending.popleft()
        yield Case(record, article, units.number(record), _traits(record))


def _traits(record: Record) -> dict[str, str]:
    """Return what reports slice by, as far as the record has it; not its group, of which there is but one to draw."""
    n_words = WORD_RULER.measure(record.text)
    year = re.match(r"[0-9]{4}", record.date or "")
    traits = {
        "length in words": next((name for limit, name in _LENGTHS if n_words < limit), _LONGEST),
        "source": record.source,
        "variety": record.variety,
        "year": year[0] if year else None,
    }
    return {field: value for field, value in traits.items() if value}


class _OverlapCounter:
    """Counts evaluated records that the model was trained on, where its checkpoint can tell."""

    def __init__(self, folder: Path) -> None:
        self._fingerprints = Fingerprints.of_checkpoint(folder)
        self._counts: Counter[str] = Counter()
        self._examples: list[str] = []

    def take(self, record: Record) -> None:
        """Look up one record."""
        how = self._fingerprints.overlap(record) if self._fingerprints else None
        if how is None:
            return
        self._counts[how] += 1
        if how != "unknown" and len(self._examples) < N_EXAMPLES:
            self._examples.append(record.id or " ".join(record.text.split()[:N_WORDS]))

    def result(self) -> Overlap:
        """Return what was found."""
        return Overlap(
            checked=self._fingerprints is not None,
            exact=self._counts["exact"],
            near=self._counts["near"],
            unknown=self._counts["unknown"],
            examples=tuple(self._examples),
        )
