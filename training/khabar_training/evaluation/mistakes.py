"""Why the worst mistakes were made: the words that carried the wrong answer."""

from dataclasses import replace
from typing import Final

from khabar import Analyzer
from khabar_training.evaluation.measured import Mistake, TaskReport

N_EXPLAINED: Final = 5
"""Mistakes of a task; a long article costs some seconds."""


def explained(task: TaskReport, analyzer: Analyzer) -> TaskReport:
    """Return a task's report with the words behind its worst mistakes."""
    worst, others = task.mistakes[:N_EXPLAINED], task.mistakes[N_EXPLAINED:]
    return replace(task, mistakes=(*(_with_words(task.task, one, analyzer) for one in worst), *others))


def _with_words(task: str, mistake: Mistake, analyzer: Analyzer) -> Mistake:
    asked = [] if mistake.query is None else [mistake.query]
    (explanation,) = analyzer.explain(
        mistake.text,
        title=mistake.title,
        targets=asked if task == "target_stance" else (),
        claims=asked if task == "claim_stance" else (),
        topic=task == "topic",
    ) or (None,)
    if explanation is None:  # a text without a word
        return mistake
    weights = (weight for weight in explanation.weights if weight.part == "text")
    return replace(mistake, words=tuple((weight.start, weight.end, weight.weight) for weight in weights))
