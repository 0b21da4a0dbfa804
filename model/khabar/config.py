"""What a model predicts and how it reads: frozen, checked when made, to and from JSON."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from math import isfinite
from typing import Any, Final, Self

from khabar.errors import ConfigError, near_miss

FORMAT = 1
"""The number of the JSON layout; a reader refuses a later one."""


_LARGEST: Final = 1 << 16
"""The most that a window or a count of targets may be."""
_NAME: Final = re.compile("\\w[\\w\u200c.+() -]{0,99}")
"""Names become those of files and columns, so that no path is one."""


OVERLAP: Final = 48
"""Word pieces that neighbouring windows share unless told otherwise."""


class Kind(StrEnum):
    """What a head reads: a whole text, each word of it, or a query beside it."""

    TEXT = "text"
    WORDS = "words"
    PAIR = "pair"


@dataclass(frozen=True)
class Label:
    """One class of a task: its English key, its Persian name, its IPTC code where it has one."""

    key: str
    name: str
    code: str | None = None

    def __post_init__(self) -> None:
        _check_name("a label", self.key)
        _check_name("a label", self.name)
        if self.code is not None and (not isinstance(self.code, str) or len(self.code) > 100):
            raise ConfigError(f"label {self.key!r} has code {_shown(self.code)}; it takes a short string, or none")


@dataclass(frozen=True, kw_only=True)
class TaskSpec:
    """One thing that the model predicts: a row in the table of heads."""

    name: str
    kind: Kind
    labels: tuple[Label, ...]
    temperature: float = 1.0

    def __post_init__(self) -> None:
        _check_name("a task", self.name)
        keys = self.keys
        if not keys:
            raise ConfigError(f"task {self.name!r} has no labels; list at least one")
        if len(set(keys)) < len(keys):
            raise ConfigError(f"task {self.name!r} lists a label twice: {', '.join(keys)}")
        if self.kind is Kind.WORDS and "O" in keys:
            raise ConfigError(f"task {self.name!r} lists 'O', which every word task has; leave it out")
        if not self.temperature > 0 or not isfinite(self.temperature):
            raise ConfigError(f"task {self.name!r} has temperature {self.temperature}; it takes a number above 0")

    @property
    def keys(self) -> tuple[str, ...]:
        """The labels' keys, in the order of the task."""
        return tuple(label.key for label in self.labels)

    @property
    def outputs(self) -> tuple[str, ...]:
        """What the head's logits stand for, in order: the labels, or O and then B- and I- of each."""
        if self.kind is not Kind.WORDS:
            return self.keys
        return ("O", *(f"{prefix}-{key}" for key in self.keys for prefix in "BI"))


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """All that a checkpoint says of itself, apart from its weights."""

    name: str
    tasks: tuple[TaskSpec, ...]
    cls_token: str
    sep_token: str
    pad_token: str
    window: int = 256
    """Word pieces that one pass reads, special tokens included."""
    overlap: int = OVERLAP
    """Word pieces that neighbouring windows of one document share."""
    max_targets: int = 3
    """How many of an article's entities become targets when the caller names none."""
    min_entity_score: float = 0.5
    """An entity that scores less is none: by default one that is more likely wrong than right."""

    def __post_init__(self) -> None:
        _check_name("a model", self.name)
        for setting in ("window", "overlap", "max_targets"):
            value = getattr(self, setting)
            if type(value) is not int or value > _LARGEST:
                raise ConfigError(f"{setting} is {_shown(value)}; it takes a whole number of at most {_LARGEST}")
        for setting in ("cls_token", "sep_token", "pad_token"):
            if not isinstance(getattr(self, setting), str):
                raise ConfigError(f"{setting} is {_shown(getattr(self, setting))}; it takes a string")
        names = [task.name for task in self.tasks]
        if not names or len(set(names)) < len(names):
            raise ConfigError(f"model {self.name!r} has tasks {names}; it takes one or more, each once")
        if self.window < 64:
            raise ConfigError(f"window is {self.window}; it takes 64 or more")
        if not 0 <= self.overlap <= self.window // 2:
            raise ConfigError(
                f"overlap is {self.overlap}; beside window {self.window} it takes 0 to {self.window // 2}"
            )
        least = self.min_entity_score
        if isinstance(least, bool) or not isinstance(least, int | float) or not 0 <= least <= 1:
            raise ConfigError(f"min_entity_score is {_shown(least)}; it takes a number from 0 to 1")
        if self.max_targets < 0:
            raise ConfigError(f"max_targets is {self.max_targets}; it takes 0 or more")

    def task(self, name: str) -> TaskSpec:
        """Return the task called *name*; ConfigError where the model has none."""
        for task in self.tasks:
            if task.name == name:
                return task
        names = tuple(task.name for task in self.tasks)
        raise ConfigError(f"this model has no task {name!r}; it has {', '.join(names)}{near_miss(name, names)}")

    def has(self, name: str) -> bool:
        """Say whether the model predicts the task called *name*."""
        return any(task.name == name for task in self.tasks)

    def to_json(self) -> str:
        """Return the settings as JSON, keys in a fixed order."""
        return json.dumps({"format": FORMAT, **asdict(self)}, ensure_ascii=False, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what :meth:`to_json` wrote; ConfigError says what is wrong with it."""
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"the configuration is not JSON ({error}); write it with ModelConfig.to_json") from None
        if not isinstance(values, dict) or values.pop("format", None) != FORMAT:
            raise ConfigError(f"the configuration is not of format {FORMAT}; use a matching version of khabar")
        try:
            tasks = tuple(
                _build(
                    TaskSpec,
                    {
                        **task,
                        "kind": Kind(task["kind"]),
                        "labels": tuple(_build(Label, label) for label in task["labels"]),
                    },
                )
                for task in values["tasks"]
            )
            return _build(cls, {**values, "tasks": tasks})
        except ConfigError:
            raise
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigError(f"the configuration is damaged ({error!r}); restore it from where it came") from None


def _check_name(what: str, name: object) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ConfigError(
            f"{what} is called {_shown(name)}; it takes up to 100 letters, digits, blanks and . + - _ ( )"
        )


def _shown(value: object) -> str:
    return repr(value)[:80]


def _build[T](cls: type[T], values: Mapping[str, Any]) -> T:
    """Make a dataclass from a mapping; a key it does not know is an error with the nearest name."""
    known = tuple(field.name for field in fields(cls))  # type: ignore[arg-type]
    for key in values:
        if key not in known:
            raise ConfigError(
                f"{cls.__name__} has no setting {key!r}; it has {', '.join(known)}{near_miss(key, known)}"
            )
    return cls(**values)
