"""The settings of a training run, read from TOML and checked when made."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final, Self

from khabar.config import Kind, Label, TaskSpec
from khabar.errors import ConfigError, near_miss
from khabar_data.corpora import CORPORA, read_corpus
from khabar_data.formats import Source
from khabar_data.label_map import LabelMap, found_labels
from khabar_data.labels import TASKS
from khabar_data.records import Record

FROM_DATA: Final = "data"
"""In place of a list of labels: the labels that the data have."""

BALANCED: Final = "balanced"
"""In place of class weights: those that make all labels weigh alike."""

FIGURES: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.TEXT: ("accuracy", "macro_f1"),
    Kind.WORDS: ("f1",),
    Kind.PAIR: ("macro_f1", "accuracy"),
}
"""What is measured on held-out data while a run learns, the main figure first."""


@dataclass(frozen=True, kw_only=True)
class DataSpec:
    """One file or one public corpus in the mixture."""

    path: str | None = None
    """A file of one's own, or the name of a Hugging Face data set."""
    format: str | None = None
    """What the file is in; by default, what its suffix names."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the format, such as the columns of a table."""
    maps: Mapping[str, Mapping[str, list[str]]] = field(default_factory=dict)
    """By task: each label of the file, and the set of the task's labels that it stands for."""
    corpus: str | None = None
    part: str = "train"
    passes: float = 1.0
    """How often each record is seen; 0.5 draws half of them."""
    per_class: int | None = None
    """At most so many records of each label in a pass, drawn anew in every pass."""
    held_out: float = 0.0
    """The share of groups kept from training, for development; 1 keeps all."""
    join: bool = False
    """Join neighbouring sentences into passages of random length."""
    swap_names: float = 0.0
    """The share of entities that get another name of their type from the same data, drawn anew in every pass;
    records with a topic or a stance keep theirs."""

    def __post_init__(self) -> None:
        if (self.path is None) == (self.corpus is None):
            raise ConfigError("a [[data]] table names a path or a corpus, one of the two")
        if self.corpus is not None and self.corpus not in CORPORA:
            known = tuple(CORPORA)
            raise ConfigError(
                f"no corpus is called {self.corpus!r}; there are {', '.join(known)}{near_miss(self.corpus, known)}"
            )
        if not self.passes > 0:
            raise ConfigError(f"passes of {self.name} is {self.passes}; it takes a number above 0")
        for name in ("held_out", "swap_names"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name} of {self.name} is {getattr(self, name)}; it takes a number from 0 to 1")
        if self.per_class is not None and self.per_class < 1:
            raise ConfigError(f"per_class of {self.name} is {self.per_class}; it takes 1 or more, or none at all")
        if self.path is not None:
            self.source()

    @property
    def name(self) -> str:
        """What to call the data in messages."""
        return str(self.corpus or self.path)

    def source(self) -> Source:
        """Return the file to read; FormatError or ConfigError where the settings do not fit it."""
        maps = (
            LabelMap(task, {label: tuple(meaning) for label, meaning in meanings.items()})
            for task, meanings in self.maps.items()
        )
        return Source(path=str(self.path), format=self.format, options=self.options, maps=tuple(maps))

    def records(self, corpora: Path | None) -> Iterator[Record]:
        """Yield all records, those held out among them."""
        if self.corpus is None:
            return self.source().records()
        if corpora is None:
            raise ConfigError(f"the run reads the corpus {self.corpus!r}; set 'corpora' to the folder of the corpora")
        return read_corpus(self.corpus, corpora, self.part)


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """One training run: where it starts, what it reads, how it steps."""

    encoder: str = "HooshvareLab/bert-fa-base-uncased"
    """A Hugging Face encoder by Hub name or folder, or a Khabar checkpoint to go on from: a folder, or
    ``khabar-small`` for the bundled one."""
    output: Path
    corpora: Path | None = None
    """The folder that holds the public corpora, where any is read."""
    data: tuple[DataSpec, ...]
    tasks: tuple[str, ...] = tuple(task.name for task in TASKS)
    """What is trained; a checkpoint's other heads stay as they are."""
    labels: Mapping[str, tuple[str, ...] | str] = field(default_factory=dict)
    """A task's own labels, or ``data`` for those that the data have; by default Khabar's."""
    fresh_heads: bool = False
    """Start every trained head anew, also where the checkpoint has it with the same labels."""
    keep_start: float = 0.0
    """The share that the starting checkpoint has in the weights written, which are the mean of both: it forgets less
    (WiSE-FT, Wortsman et al. 2022)."""
    name: str = "khabar"
    window: int = 256
    seed: int = 13
    batch_tokens: int = 2048
    learning_rate: float = 1e-4
    head_learning_rate: float = 1e-3
    layer_decay: float = 0.95
    """Each layer below the top learns at this times the rate of the one above it."""
    warmup: float = 0.06
    weight_decay: float = 0.01
    dropout: float = 0.1
    label_smoothing: float = 0.05
    task_weights: Mapping[str, float] = field(default_factory=dict)
    class_weights: Mapping[str, Mapping[str, float] | str] = field(default_factory=dict)
    """By task: a factor for the loss of each label, or ``balanced``: rare labels weigh as much as frequent ones."""
    focal: Mapping[str, float] = field(default_factory=dict)
    """By task: the exponent of the focal loss, which makes what is learnt already count less."""
    mixing_temperature: float = 1.0
    """1 takes the data as they are; the higher, the more alike the tasks' shares."""
    accumulation: int = 1
    """Batches whose gradients are averaged for one step."""
    bf16: bool = True
    max_steps: int | None = None
    """Stop after so many steps, the rates falling to 0 by then; by default once all batches are learnt."""
    watch: str | None = None
    """The figure of the held-out data to stop by: ``loss``, ``mean`` or one of a task, as ``topic.accuracy``;
    it is measured at every saved step, and the best step becomes the checkpoint."""
    patience: int = 3
    """Stop when the watched figure was not bettered so many times in a row."""
    save_steps: int = 200
    log_steps: int = 50
    tensorboard: bool = False
    """Write losses and rates for TensorBoard beside the saved steps."""

    def __post_init__(self) -> None:
        if not self.data:
            raise ConfigError("the run has no data; add at least one [[data]] table")
        for name in ("learning_rate", "head_learning_rate", "layer_decay", "mixing_temperature"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} is {getattr(self, name)}; it takes a number above 0")
        for name in ("keep_start", "warmup", "weight_decay", "dropout", "label_smoothing"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; it takes 0 or more, less than 1")
        for name in ("save_steps", "log_steps", "accumulation", "patience", "max_steps"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; it takes 1 or more")
        if self.batch_tokens < self.window:
            raise ConfigError(f"batch_tokens is {self.batch_tokens}; it takes at least one window, {self.window}")
        if not self.tasks:
            raise ConfigError("the run has no tasks; name at least one")
        _check_tasks("tasks", self.tasks, tuple(task.name for task in TASKS))
        for setting in ("task_weights", "class_weights", "focal", "labels"):
            _check_tasks(setting, getattr(self, setting), self.tasks)
        for task, weights in self.class_weights.items():
            if isinstance(weights, str) and weights != BALANCED:
                raise ConfigError(
                    f"class_weights of {task} is {weights!r}; it takes {BALANCED!r}, or labels and factors"
                )
        figures = watchable(self.tasks)
        if self.watch is not None and self.watch not in figures:
            raise ConfigError(
                f"watch is {self.watch!r}; there are {', '.join(figures)}{near_miss(self.watch, figures)}"
            )
        if self.watch is not None and not any(spec.held_out for spec in self.data):
            raise ConfigError(
                f"watch is {self.watch!r}, and no data are held out to watch; set held_out on a [[data]] table: "
                "0.1 for a tenth, 1 for a file that is all for development"
            )

    @classmethod
    def from_toml(cls, path: Path) -> Self:
        """Read a run's settings; relative folders are taken from where the command runs."""
        try:
            values = tomllib.loads(path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigError(f"{path} cannot be read as TOML: {error}") from None
        data = values.pop("data", [])
        if not isinstance(data, list):
            raise ConfigError(f"{path}: 'data' is {type(data).__name__}; it takes [[data]] tables")
        for row in data:
            if not isinstance(row, dict):
                raise ConfigError(f"{path}: 'data' holds {type(row).__name__}; it takes [[data]] tables")
        for key in ("output", "corpora"):
            if not isinstance(values.get(key, ""), str):
                raise ConfigError(f"{path}: {key} is {values[key]}; it takes a folder, in quotes")
        if isinstance(values.get("tasks"), list):
            values["tasks"] = tuple(values["tasks"])
        folders: dict[str, Any] = {key: Path(values.pop(key)) for key in ("output", "corpora") if key in values}
        return _build(cls, {**values, **folders, "data": tuple(_build(DataSpec, row) for row in data)})


def watchable(tasks: Iterable[str]) -> tuple[str, ...]:
    """Return the figures that a run over *tasks* may watch."""
    kinds = {task.name: task.kind for task in TASKS}
    return ("loss", "mean", *(f"{task}.{figure}" for task in tasks for figure in FIGURES[kinds[task]]))


def task_specs(config: TrainingConfig) -> tuple[TaskSpec, ...]:
    """Return the heads to train, with Khabar's labels, the user's, or those that the data have."""
    rows = [task for task in TASKS if task.name in config.tasks]
    read: dict[str, tuple[str, ...]] = {}
    if FROM_DATA in config.labels.values():
        read = found_labels(record for spec in config.data for record in spec.records(config.corpora))
    specs = []
    for task in rows:
        own = config.labels.get(task.name)
        keys = read.get(task.name, ()) if own == FROM_DATA else own
        if keys == ():
            raise ConfigError(f"no data are labelled for task {task.name!r}; add some, or leave it out of 'tasks'")
        specs.append(task if keys is None else replace(task, labels=tuple(Label(key, key) for key in keys)))
    return tuple(specs)


def _check_tasks(setting: str, names: Iterable[str], known: tuple[str, ...]) -> None:
    for name in names:
        if name not in known:
            raise ConfigError(f"{setting} names {name!r}; the tasks are {', '.join(known)}{near_miss(name, known)}")


def _build[T](cls: type[T], values: Mapping[str, Any]) -> T:
    known = tuple(field.name for field in fields(cls))  # type: ignore[arg-type]
    for key in values:
        if key not in known:
            raise ConfigError(f"no setting is called {key!r}; there are {', '.join(known)}{near_miss(key, known)}")
    try:
        return cls(**values)
    except TypeError as error:
        raise ConfigError(f"the settings do not fit: {error}") from None
