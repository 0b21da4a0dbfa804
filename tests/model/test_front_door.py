"""What ``import khabar`` gives, what it costs, and that predicting needs no training packages."""

import dataclasses
import inspect
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

import khabar
from khabar import Analyzer, Article, Document, Entity, Explanation, Stance, Topic, Weight
from khabar.config import Kind

REQUIRED = inspect.Parameter.empty
HEAVY = "{'torch', 'transformers', 'datasets', 'hazm', 'sklearn'}"


def parameters(function: Callable[..., Any]) -> dict[str, tuple[bool, Any]]:
    """Return each parameter with whether it goes by name only, and its default."""
    found = inspect.signature(function).parameters.values()
    return {item.name: (item.kind is item.KEYWORD_ONLY, item.default) for item in found if item.name != "self"}


def python(code: str) -> str:
    """Run code in a new interpreter and return what it prints."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout.strip()


def test_names() -> None:
    assert khabar.__all__ == [
        "Analyzer",
        "Article",
        "CheckpointError",
        "ConfigError",
        "Document",
        "Entity",
        "Explanation",
        "InputError",
        "KhabarError",
        "Stance",
        "Topic",
        "Weight",
        "load",
        "predict",
    ]
    assert all(hasattr(khabar, name) for name in khabar.__all__)


def test_functions() -> None:
    asked = {"text": (False, REQUIRED), "title": (True, None), "targets": (True, None), "claims": (True, ())}
    min_score = {"min_score": (True, 0.0)}
    assert parameters(khabar.predict) == parameters(Analyzer.predict) == asked | min_score
    assert parameters(Analyzer.explain) == asked | {"targets": (True, ()), "topic": (True, True)}
    loading = {"path": (False, None), "threads": (True, None), "providers": (True, ("cpu",))}
    assert parameters(khabar.load) == parameters(Analyzer.load) == loading
    assert parameters(Analyzer.predict_many) == {"documents": (False, REQUIRED), "targets": (True, None)} | min_score
    assert parameters(Document) == {
        "text": (False, REQUIRED),
        "title": (False, None),
        "targets": (False, None),
        "claims": (False, ()),
        "id": (False, None),
    }


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (Article, ["text", "topic", "entities", "stances", "id"]),
        (Topic, ["label", "name", "code", "score", "scores", "sure"]),
        (Entity, ["text", "label", "start", "end", "score"]),
        (Stance, ["target", "kind", "label", "score", "scores", "evidence", "sure"]),
        (Explanation, ["kind", "target", "label", "score", "weights"]),
        (Weight, ["start", "end", "weight", "part"]),
    ],
)
def test_results(kind: type[Any], names: list[str]) -> None:
    assert [field.name for field in dataclasses.fields(kind)] == names


def test_importing_loads_no_runtime() -> None:
    loaded = f"import sys, khabar; print(sorted(({HEAVY} | {{'onnxruntime'}}) & set(sys.modules)))"
    assert python(loaded) == "[]"


def test_predicting_needs_no_training_packages(bundled_analyzer: Analyzer) -> None:
    text = "باران تند در کابل خانه‌ها را ویران کرد."
    code = (
        f"import sys, khabar; article = khabar.predict({text!r}, claims=['باران بارید']); "
        f"print(article.topic.label, len(article.stances) > 0, sorted({HEAVY} & set(sys.modules)))"
    )
    topic = bundled_analyzer.predict(text).topic
    assert topic is not None
    assert python(code) == f"{topic.label} True []"


def test_the_bundled_model_does_all_tasks(bundled_analyzer: Analyzer) -> None:
    assert {task.name: task.kind for task in bundled_analyzer.config.tasks} == {
        "topic": Kind.TEXT,
        "entities": Kind.WORDS,
        "target_stance": Kind.PAIR,
        "claim_stance": Kind.PAIR,
    }
