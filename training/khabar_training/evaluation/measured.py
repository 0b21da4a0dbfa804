"""What an evaluation measured: frozen records that are the JSON of a report.

Every number is a plain float or int; None stands where a figure does not exist (the precision of a
class that was never found). Texts are the caller's own, offsets are into them.
"""

from dataclasses import dataclass, field

from khabar.errors import SourceError
from khabar_training.metrics import Estimate

FORMAT = 1
"""The number of the JSON layout; a reader refuses another."""


@dataclass(frozen=True, kw_only=True)
class System:
    """One line of a task's table: the model, a baseline or a control, with its figures by name."""

    name: str
    figures: dict[str, Estimate]


@dataclass(frozen=True, kw_only=True)
class ClassScores:
    """Precision, recall and F1 of one label; *found* is how often the model gave it."""

    label: str
    precision: float | None
    recall: float | None
    f1: float | None
    support: int
    found: int


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """Counts of what was expected (rows) against what was found (columns)."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Slice:
    """The main figure on the items whose *field* has *value*."""

    field: str
    value: str
    n: int
    figure: Estimate


@dataclass(frozen=True, kw_only=True)
class Bin:
    """One bar of a reliability curve: the items whose score lies from *low* up to *high*."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """What a ``min_score`` costs: the share of items still answered, and the share of those that are wrong."""

    min_score: float
    coverage: float
    risk: float


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """How far scores can be taken at their word."""

    temperature: float
    error: float
    """The expected calibration error."""
    bins: tuple[Bin, ...]
    thresholds: tuple[Threshold, ...]
    risk_area: float | None = None
    """The area under the risk-coverage curve."""


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """One wrong answer; *query* is the target or claim, *words* what carried the answer, if it was asked for."""

    id: str | None
    title: str | None
    text: str
    query: str | None
    gold: tuple[str, ...]
    found: str
    score: float
    scores: dict[str, float]
    evidence: tuple[tuple[int, int], ...] = ()
    words: tuple[tuple[int, int, float], ...] = ()
    """(start, end, weight) in the text; above 0 speaks for the answer."""


@dataclass(frozen=True, kw_only=True)
class Mark:
    """An entity in a text."""

    start: int
    end: int
    label: str


@dataclass(frozen=True, kw_only=True)
class Marked:
    """One text with the entities expected and found."""

    id: str | None
    text: str
    gold: tuple[Mark, ...]
    found: tuple[Mark, ...]


@dataclass(frozen=True, kw_only=True)
class LabelOutcome:
    """One label judged, of a text or of a pair: what a comparison with another report needs of it."""

    id: str
    """The record's, or a hash of its text; with the target or claim behind it."""
    unit: int
    """Which document or group it is of, counted from 0."""
    gold: tuple[str, ...]
    """Any of these is right."""
    found: str


@dataclass(frozen=True, kw_only=True)
class SpanOutcome:
    """The entities of one text judged: what a comparison with another report needs of them."""

    id: str
    unit: int
    n_found: int
    right: str
    """A figure for each gold span in order: 1 where it was found with its borders and type, else 0."""
    exact: int
    """Spans found with their borders, of any type."""
    partial: float
    """The same, with a half for each span found by a part of it."""
    type: int
    """Spans of which at least a part was found, with their type."""


@dataclass(frozen=True, kw_only=True)
class EntityScores:
    """What only entities have. *matching* is by schema (strict, exact, partial, type), then by type."""

    matching: dict[str, dict[str, ClassScores]]
    """The type ``all`` is the sum over types."""
    borders: Matrix
    """In rows right, too short, too long, shifted, wrong type, wrong type and border, missed, made up; in
    columns the types, gold ones but for the last row, which has found ones."""
    by_length: tuple[Slice, ...]
    """Strict F1 by length in words."""
    by_seen: tuple[Slice, ...]
    """Strict recall of strings that the training part named, and of those that it did not; empty without one."""
    texts: tuple[Marked, ...]
    """The texts with most mistakes."""
    outcomes: tuple[SpanOutcome, ...] = ()
    """One a text, in the order of the data."""


@dataclass(frozen=True, kw_only=True)
class TaskReport:
    """All that was measured of one task; ``systems[0]`` is the model, its first figure the main one."""

    task: str
    kind: str
    labels: dict[str, str]
    """Key to Persian name."""
    n: int
    """Articles, words or pairs judged, by kind: for entities the gold spans."""
    units: str
    """What the bootstrap drew: documents or groups."""
    n_units: int
    systems: tuple[System, ...]
    classes: tuple[ClassScores, ...]
    confusion: Matrix
    slices: tuple[Slice, ...]
    calibration: Calibration
    mistakes: tuple[Mistake, ...] = ()
    entities: EntityScores | None = None
    outcomes: tuple[LabelOutcome, ...] = ()
    """One an item, in the order of the data; of entities, ``entities`` has them."""
    notes: tuple[str, ...] = ()
    """What a careful reader must know: labels without support, sets of labels, how a figure was made."""

    @property
    def main_figure(self) -> str:
        """The name of the figure that a model is judged by."""
        return next(iter(self.systems[0].figures))

    @property
    def rival(self) -> System | None:
        """The baseline or control with the best main figure, if there is any."""
        others = [system for system in self.systems[1:] if self.main_figure in system.figures]
        return max(others, key=lambda system: system.figures[self.main_figure].value, default=None)


@dataclass(frozen=True, kw_only=True)
class DataFile:
    """One source of the data: what it was called, how many records it gave, its SHA-256 where it is a file."""

    name: str
    n_records: int
    sha256: str | None = None


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """Evaluated records that the model was trained on, by the fingerprints in its checkpoint."""

    checked: bool
    """False where the checkpoint holds no fingerprints."""
    exact: int = 0
    near: int = 0
    unknown: int = 0
    """Records that the fingerprints, being those of very many texts, cannot tell of."""
    examples: tuple[str, ...] = ()
    """The ids, or the first words, of some of them."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """One model on one set of records."""

    khabar: str
    """The version of the package."""
    model: str
    model_sha256: str
    """Of the checkpoint's manifest."""
    data: tuple[DataFile, ...]
    train: tuple[DataFile, ...] = ()
    """What the baselines learnt from; empty where none was named."""
    n_records: int
    overlap: Overlap
    tasks: tuple[TaskReport, ...]
    notes: tuple[str, ...] = ()
    """Tasks that were left out, and why."""
    seed: int = 0
    format: int = field(default=FORMAT)


class ReportError(SourceError):
    """A report cannot be made, written, read or compared."""
