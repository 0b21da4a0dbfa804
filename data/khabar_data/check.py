"""What data hold and what is wrong with them, with file and line, before an hour of training is spent."""

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

import numpy as np

from khabar.errors import near_miss
from khabar.text import ZWNJ, clean
from khabar_data.duplicates import NearDuplicates
from khabar_data.faults import encoding_faults, span_faults
from khabar_data.findings import FileSummary, Finding, Findings, Lengths, Severity
from khabar_data.formats import FormatError, Notice, Source
from khabar_data.label_map import LABEL_PLACES, label_counts
from khabar_data.labels import TASKS
from khabar_data.records import Record, RecordError
from khabar_data.ruler import WORD_RULER, Ruler

N_SHOWN: Final = 50
"""How many findings of one kind are kept for a file; all are counted."""
N_COMPARED: Final = 400_000
"""How many texts near duplicates are sought among, so that memory stays bounded; exact ones are sought in all."""
SHIFTED: Final = 0.1
"""The share of spans with a border inside a word from which a file's offsets cannot be right."""
_FEW: Final = 20
_ARABIC: Final = "يك"
_PERSIAN: Final = "یک"

KHABAR_LABELS: Final[Mapping[str, tuple[str, ...]]] = {task.name: task.keys for task in TASKS}
"""Khabar's own label sets, by task."""


def check(
    sources: Iterable[Source], labels: Mapping[str, tuple[str, ...]] | None = None, ruler: Ruler = WORD_RULER
) -> Findings:
    """Read files as they would be trained on and return what they hold and what is wrong.

    *labels* are the label sets by task, and what is not in them is an error; with none given they are
    Khabar's own, and others are a notice. Texts in two files count as leaks, so give the parts of a split together.
    """
    checker = _Checker(labels, ruler)
    for source in sources:
        checker.read(source)
    checker.compare_labels()
    return checker.findings()


@dataclass
class _File:
    """What was counted in one file."""

    path: str
    n_records: int = 0
    lengths: "array[int]" = field(default_factory=lambda: array("L"))
    labels: Counter[tuple[str, str]] = field(default_factory=Counter)
    first_places: dict[tuple[str, str], str] = field(default_factory=dict)
    n_spans: int = 0
    n_arabic: int = 0
    n_persian: int = 0

    def summary(self) -> FileSummary:
        tasks: dict[str, dict[str, int]] = {}
        for (task, label), count in self.labels.most_common():
            tasks.setdefault(task, {})[label] = count
        lengths = None
        if self.lengths:
            least, median, most_of, most = np.quantile(self.lengths, (0, 0.5, 0.95, 1), method="nearest")
            lengths = Lengths(int(least), int(median), int(most_of), int(most))
        in_order = {task: tasks[task] for task in LABEL_PLACES if task in tasks}
        return FileSummary(path=self.path, n_records=self.n_records, labels=in_order, lengths=lengths)


@dataclass(frozen=True, slots=True)
class _Seen:
    """Where a record stands; all that is kept of it beside hashes."""

    file: int
    place: str
    topics: int
    """A hash of its topics; 0 where they are unknown."""


class _Checker:
    """Reads records one after another; of each it keeps counts, hashes and its place."""

    def __init__(self, labels: Mapping[str, tuple[str, ...]] | None, ruler: Ruler) -> None:
        self._labels = labels
        self._ruler = ruler
        self._files: list[_File] = []
        self._findings: list[Finding] = []
        self._n_findings: Counter[str] = Counter()
        self._n_shown: Counter[tuple[int, Severity, str]] = Counter()
        self._seen: dict[bytes, _Seen] = {}
        self._groups: dict[bytes, _Seen] = {}
        self._near = NearDuplicates()
        self._compared: list[_Seen] = []
        self._n_uncompared = 0

    def read(self, source: Source) -> None:
        """Take in one file; what stops its reader is an error too."""
        file = _File(source.path)
        self._files.append(file)
        try:
            for entry in source.entries():
                match entry.content:
                    case Record() as record:
                        topics = hash(record.topics) if record.topics else 0
                        self._take(record, _Seen(len(self._files) - 1, entry.place, topics))
                    case RecordError() as error:
                        self._note(Severity.ERROR, "record", f"{source.path}:{entry.place}", str(error))
                    case Notice(message):
                        self._note(Severity.NOTICE, "reader", f"{source.path}:{entry.place}", message)
        except FormatError as error:
            place, problem, remedy = error.args
            self._note(Severity.ERROR, "file", place, f"{problem}; {remedy}")
        else:
            self._judge(file)

    def compare_labels(self) -> None:
        """Find labels that only the spelling parts: blanks, joiners, Arabic letters."""
        firsts: dict[tuple[str, str], str] = {}
        totals: Counter[tuple[str, str]] = Counter()
        for file in self._files:
            firsts = {**file.first_places, **firsts}
            totals += file.labels
        spellings: dict[tuple[str, str], tuple[str, str]] = {}
        for trait, _ in totals.most_common():
            task, label = trait
            plain = "".join(clean(label).text.replace(ZWNJ, "").split()).casefold()
            common = spellings.setdefault((task, plain), trait)
            if common is not trait:
                message = f"the {task} labels {label!r} and {common[1]!r} differ in spelling alone"
                self._note(Severity.ERROR, "label spelling", firsts[trait], message)

    def findings(self) -> Findings:
        """Return all that was found, errors first."""
        if self._n_uncompared:
            message = f"near duplicates were sought among the first {N_COMPARED:,} texts, not in {self._n_uncompared:,}"
            self._note(Severity.NOTICE, "not compared", self._files[-1].path, message)
        ordered = sorted(self._findings, key=lambda finding: finding.severity is Severity.NOTICE)
        return Findings(
            files=tuple(file.summary() for file in self._files),
            findings=tuple(ordered),
            n_findings=dict(self._n_findings),
            unit=self._ruler.unit,
        )

    def _take(self, record: Record, here: _Seen) -> None:
        file, place = self._files[here.file], self._place(here)
        file.n_records += 1
        file.lengths.append(self._ruler.measure(record.text))
        file.n_spans += len(record.entities) + len(record.title_entities)
        file.n_arabic += sum(map(record.text.count, _ARABIC))
        file.n_persian += sum(map(record.text.count, _PERSIAN))
        for kind, message in encoding_faults(record):
            self._note(Severity.ERROR, kind, place, message)
        for kind, message in span_faults(record):
            self._note(Severity.NOTICE, kind, place, message)
        for trait, count in label_counts(record).items():
            if trait not in file.labels:
                file.first_places[trait] = place
                self._check_label(*trait, place)
            file.labels[trait] += count
        self._check_text(record.text, here)
        self._check_group(record.group, here)

    def _check_label(self, task: str, label: str, place: str) -> None:
        known = (KHABAR_LABELS if self._labels is None else self._labels).get(task)
        if known is not None and label not in known:
            severity = Severity.NOTICE if self._labels is None else Severity.ERROR
            whose = "Khabar's" if self._labels is None else "the given"
            message = f"none of {whose} {task} labels{near_miss(label, known)}: {label}"
            self._note(severity, "unknown label", place, message)

    def _check_text(self, text: str, here: _Seen) -> None:
        """Find the same text, and else one nearly the same, before this one."""
        same = self._seen.setdefault(_digest(" ".join(text.split())), here)
        if same is not here:
            message = f"the same text as in {self._place(same)}"
            self._note(self._leak(same), "duplicate", self._place(here), message)
            if same.topics and here.topics and same.topics != here.topics:
                self._note(Severity.ERROR, "contradiction", self._place(here), f"{message}, with another topic")
        elif len(self._compared) < N_COMPARED:
            self._compared.append(here)
            twin = self._near.add(text)
            if twin is not None:
                other = self._compared[twin]
                message = f"nearly the same text as in {self._place(other)}"
                self._note(self._leak(other), "near duplicate", self._place(here), message)
        else:
            self._n_uncompared += 1

    def _check_group(self, group: str | None, here: _Seen) -> None:
        first = here if group is None else self._groups.setdefault(_digest(group), here)
        if first.file != here.file:
            message = f"of the same group as {self._place(first)}, which stands in another file: {group}"
            self._note(Severity.NOTICE, "group in two files", self._place(here), message)

    def _judge(self, file: _File) -> None:
        """Say what only the whole of a file shows."""
        if not file.n_records:
            self._note(Severity.ERROR, "file", file.path, "no records")
        n_inside = self._n_shown[len(self._files) - 1, Severity.NOTICE, "inside a word"]
        if file.n_spans >= _FEW and n_inside > SHIFTED * file.n_spans:
            message = f"{n_inside} of {file.n_spans} spans start or end inside a word; their offsets seem to be shifted"
            self._note(Severity.ERROR, "shifted offsets", file.path, message)
        if file.n_arabic:
            share = file.n_arabic / (file.n_arabic + file.n_persian)
            message = f"{share:.1%} of the letters ye and kaf are Arabic ones; Khabar reads both alike"
            self._note(Severity.NOTICE, "Arabic letters", file.path, message)

    def _place(self, seen: _Seen) -> str:
        return f"{self._files[seen.file].path}:{seen.place}"

    def _leak(self, other: _Seen) -> Severity:
        return Severity.NOTICE if other.file == len(self._files) - 1 else Severity.ERROR

    def _note(self, severity: Severity, kind: str, place: str, message: str) -> None:
        self._n_findings[kind] += 1
        key = (len(self._files) - 1, severity, kind)
        self._n_shown[key] += 1
        if self._n_shown[key] <= N_SHOWN:
            self._findings.append(Finding(severity, kind, place, message))


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
