"""The settings of a training run, read from TOML and checked when made."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Self

from khabar.config import Kind, TaskSpec
from khabar.errors import ConfigError, near_miss
from khabar_data.corpora import CORPORA
from khabar_data.labels import CLAIM_STANCES, ENTITY_TYPES, TARGET_STANCES, TOPICS

TASKS: Final = (
    TaskSpec(name="topic", kind=Kind.TEXT, labels=TOPICS),
    TaskSpec(name="entities", kind=Kind.WORDS, labels=ENTITY_TYPES),
    TaskSpec(name="target_stance", kind=Kind.PAIR, labels=TARGET_STANCES),
    TaskSpec(name="claim_stance", kind=Kind.PAIR, labels=CLAIM_STANCES),
)
"""The table of heads."""


@dataclass(frozen=True, kw_only=True)
class DataSpec:
    """One corpus in the mixture."""

    corpus: str
    part: str = "train"
    passes: float = 1.0
    """How often each record is seen; 0.5 draws half of them."""
    per_class: int | None = None
    """At most so many records of each label in a pass, drawn anew in every pass."""
    held_out: float = 0.0
    """The share of groups kept for development."""
    join: bool = False
    """Join neighbouring sentences into passages of random length."""

    def __post_init__(self) -> None:
        if self.corpus not in CORPORA:
            known = tuple(CORPORA)
            raise ConfigError(
                f"no corpus is called {self.corpus!r}; there are {', '.join(known)}{near_miss(self.corpus, known)}"
            )
        if not self.passes > 0:
            raise ConfigError(f"passes of {self.corpus} is {self.passes}; it takes a number above 0")
        if not 0 <= self.held_out < 1:
            raise ConfigError(f"held_out of {self.corpus} is {self.held_out}; it takes 0 or more, less than 1")
        if self.per_class is not None and self.per_class < 1:
            raise ConfigError(f"per_class of {self.corpus} is {self.per_class}; it takes 1 or more, or none at all")


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """One training run: where it starts, what it reads, how it steps."""

    encoder: str = "HooshvareLab/bert-fa-base-uncased"
    """A Hugging Face encoder by Hub name or folder, or a Khabar checkpoint to go on from."""
    output: Path
    corpora: Path
    """The folder that holds the corpora."""
    data: tuple[DataSpec, ...]
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
    save_steps: int = 200

    def __post_init__(self) -> None:
        if not self.data:
            raise ConfigError("the run has no data; add at least one [[data]] table")
        for name in ("learning_rate", "head_learning_rate", "layer_decay"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} is {getattr(self, name)}; it takes a number above 0")
        for name in ("warmup", "weight_decay", "dropout", "label_smoothing"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; it takes 0 or more, less than 1")
        if self.save_steps < 1:
            raise ConfigError(f"save_steps is {self.save_steps}; it takes 1 or more")
        if self.batch_tokens < self.window:
            raise ConfigError(f"batch_tokens is {self.batch_tokens}; it takes at least one window, {self.window}")
        known = tuple(task.name for task in TASKS)
        for name in self.task_weights:
            if name not in known:
                raise ConfigError(
                    f"task_weights names {name!r}; the tasks are {', '.join(known)}{near_miss(name, known)}"
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
        folders: dict[str, Any] = {key: Path(values.pop(key)) for key in ("output", "corpora") if key in values}
        return _build(cls, {**values, **folders, "data": tuple(_build(DataSpec, row) for row in data)})


def _build[T](cls: type[T], values: Mapping[str, Any]) -> T:
    known = tuple(field.name for field in fields(cls))  # type: ignore[arg-type]
    for key in values:
        if key not in known:
            raise ConfigError(f"no setting is called {key!r}; there are {', '.join(known)}{near_miss(key, known)}")
    try:
        return cls(**values)
    except TypeError as error:
        raise ConfigError(f"the settings do not fit: {error}") from None
