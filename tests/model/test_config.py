"""Settings are checked when made, and come back from JSON as they went."""

import json
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from functools import partial
from typing import Any

import pytest

from khabar.config import FORMAT, Kind, Label, ModelConfig, TaskSpec
from khabar.errors import ConfigError

TOPIC = TaskSpec(name="topic", kind=Kind.TEXT, labels=(Label("sport", "ورزش", "medtop:15000000"),), temperature=1.5)
ENTITIES = TaskSpec(name="entities", kind=Kind.WORDS, labels=(Label("PER", "شخص"), Label("LOC", "مکان")))
CONFIG = ModelConfig(
    name="tiny",
    tasks=(TOPIC, ENTITIES),
    cls_token="<s>",
    sep_token="</s>",
    pad_token="<pad>",
    window=128,
    overlap=32,
    max_targets=2,
)


ODD_SIZES = ("128", 128.5, True, None, [128], 10**9)


def damaged(change: Callable[[dict[str, Any]], object]) -> str:
    """Return the settings as JSON with something changed."""
    values = json.loads(CONFIG.to_json())
    change(values)
    return json.dumps(values)


def test_json_round_trip() -> None:
    assert ModelConfig.from_json(CONFIG.to_json()) == CONFIG
    assert json.loads(CONFIG.to_json())["format"] == FORMAT
    assert "ورزش" in CONFIG.to_json()


def test_settings_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        CONFIG.window = 3  # type: ignore[misc]


def test_outputs() -> None:
    assert TOPIC.outputs == TOPIC.keys == ("sport",)
    assert ENTITIES.outputs == ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": ()}, "task 'topic' has no labels; list at least one"),
        ({"labels": (Label("a", "x"), Label("a", "y"))}, "lists a label twice: a, a"),
        ({"kind": Kind.WORDS, "labels": (Label("O", "x"),)}, "lists 'O', which every word task has; leave it out"),
        ({"temperature": 0.0}, "temperature 0.0; it takes a number above 0"),
        ({"temperature": -1.0}, "temperature -1.0"),
        ({"temperature": float("nan")}, "temperature nan"),
    ],
)
def test_task_checks(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        replace(TOPIC, **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tasks": ()}, "has tasks \\[\\]; it takes one or more, each once"),
        ({"tasks": (TOPIC, TOPIC)}, "'topic', 'topic'"),
        ({"window": 63}, "window is 63; it takes 64 or more"),
        ({"overlap": -1}, "overlap is -1; beside window 128 it takes 0 to 64"),
        ({"overlap": 65}, "overlap is 65"),
        ({"max_targets": -1}, "max_targets is -1; it takes 0 or more"),
        ({"min_entity_score": 1.5}, "min_entity_score is 1.5; it takes a number from 0 to 1"),
        ({"min_entity_score": True}, "min_entity_score is True"),
    ],
)
def test_model_checks(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        replace(CONFIG, **changes)


def test_limits_themselves_are_allowed() -> None:
    assert replace(CONFIG, window=64, overlap=32, max_targets=0).overlap == 32


def test_tasks_by_name() -> None:
    assert CONFIG.task("entities") is ENTITIES
    assert CONFIG.has("topic")
    assert not CONFIG.has("topics")
    with pytest.raises(ConfigError, match=r"no task 'topics'; it has topic, entities; did you mean 'topic'\?"):
        CONFIG.task("topics")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ('{"format": 1, "tasks": ' + '{"a":' * 100_000, "is not JSON"),
        ("[]", f"not of format {FORMAT}"),
        ("{}", f"not of format {FORMAT}"),
        (damaged(lambda values: values.update(format=FORMAT + 1)), f"not of format {FORMAT}"),
        (damaged(lambda values: values.update(windows=3)), "no setting 'windows'; .*did you mean 'window'?"),
        (damaged(lambda values: values["tasks"][0].update(temprature=1)), "TaskSpec .*did you mean 'temperature'?"),
        (damaged(lambda values: values["tasks"][0]["labels"][0].update(kee="a")), "Label .*did you mean 'key'?"),
        (damaged(lambda values: values.pop("name")), "damaged .*name"),
        (damaged(lambda values: values.pop("tasks")), "damaged .*tasks"),
        (damaged(lambda values: values.update(tasks=None)), "damaged"),
        (damaged(lambda values: values.update(tasks=[3])), "damaged"),
        (damaged(lambda values: values["tasks"][0].update(kind="picture")), "damaged .*picture"),
        (damaged(lambda values: values["tasks"][0].update(labels=[3])), "damaged"),
        (damaged(lambda values: values.update(window=3)), "window is 3"),
        *((damaged(partial(dict.update, window=size)), "window is .*; it takes a whole number") for size in ODD_SIZES),
        (damaged(lambda values: values.update(window=-1)), "window is -1; it takes 64 or more"),
        (
            damaged(lambda values: values.update(max_targets=10**9)),
            "max_targets is 1000000000; it takes",
        ),
        (damaged(lambda values: values.update(pad_token=1)), "pad_token is 1; it takes a string"),
        (
            damaged(lambda values: values.update(name="../model")),
            "a model is called '../model'; it takes up to",
        ),
        (damaged(lambda values: values.update(name="a" * 10**6)), "a model is called 'aa"),
        (damaged(lambda values: values["tasks"][0].update(name="a/b")), "a task is called 'a/b'"),
        (damaged(lambda values: values["tasks"][0].update(temperature=float("inf"))), "temperature inf"),
        (damaged(lambda values: values["tasks"][0]["labels"][0].update(key="/etc/x")), "a label is called '/etc/x'"),
        (damaged(lambda values: values["tasks"][0]["labels"][0].update(name="..\\x")), "a label is called"),
        (damaged(lambda values: values["tasks"][0]["labels"][0].update(name=["x"])), "a label is called"),
        (damaged(lambda values: values["tasks"][0]["labels"][0].update(code=[1])), "has code"),
    ],
)
def test_what_is_wrong_with_json(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ModelConfig.from_json(text)
