"""Scores to labels and spans: pure functions on arrays."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from khabar.config import TaskSpec
from khabar.results import Topic

type Floats = NDArray[np.floating]


class WordSpan(NamedTuple):
    """Words *first* to *last*, the last not included, that make one entity."""

    first: int
    last: int
    label: str
    score: float
    """The mean probability of the words' outputs."""


def probabilities(logits: Floats, task: TaskSpec) -> Floats:
    """Return the softmax over the last axis at the task's temperature; the shape stays."""
    scaled = logits.astype(np.float64) / task.temperature
    scaled -= scaled.max(-1, keepdims=True)
    exponents = np.exp(scaled)
    result: Floats = exponents / exponents.sum(-1, keepdims=True)
    return result


def label_scores(logits: Floats, task: TaskSpec) -> dict[str, float]:
    """Return the probability of every label of a text or pair task, for logits of shape (K,)."""
    return dict(zip(task.keys, probabilities(logits, task).tolist(), strict=True))


def decode_topic(logits: Floats, task: TaskSpec) -> Topic:
    """Return the topic of a document from the logits of its windows, shape (n_windows, K)."""
    scores = label_scores(logits.mean(0), task)
    best = max(task.labels, key=lambda label: scores[label.key])
    return Topic(label=best.key, name=best.name, code=best.code, score=scores[best.key], scores=scores)


def decode_entities(logits: Floats, task: TaskSpec) -> list[WordSpan]:
    """Return the entities of a document from the logits of its words, shape (n_words, K)."""
    chances = probabilities(logits, task)
    path = best_path(logits.astype(np.float64))  # what sets them apart from log-probabilities is the same on every path
    chosen = chances[np.arange(len(path)), path]
    spans: list[WordSpan] = []
    first = 0
    for word in range(1, len(path) + 1):
        if word < len(path) and path[word] and path[word] % 2 == 0:  # an I- output goes on with the entity
            continue
        if path[first]:
            label = task.keys[(path[first] - 1) // 2]
            spans.append(WordSpan(first, word, label, float(chosen[first:word].mean())))
        first = word
    return spans


def best_path(scores: Floats) -> NDArray[np.int64]:
    """Return the outputs of highest total score that are well-formed BIO; (n_words, K) -> (n_words,).

    Outputs are O, then B- and I- of each type in turn. I- follows only B- or I- of its own type,
    found with Viterbi's algorithm (1967). Where the best output of each word is well-formed already,
    that is the answer.
    """
    path: NDArray[np.int64] = scores.argmax(-1)
    if is_well_formed(path):
        return path
    n_words, n_outputs = scores.shape
    b, i = np.arange(1, n_outputs, 2), np.arange(2, n_outputs, 2)
    back = np.empty((n_words, n_outputs), dtype=np.int64)
    total = scores[0].copy()
    total[i] = -np.inf
    for word in range(1, n_words):
        best = total.argmax()
        from_b = total[b] >= total[i]
        back[word] = best
        back[word, i] = np.where(from_b, b, i)
        arriving = np.full(n_outputs, total[best])
        arriving[i] = np.where(from_b, total[b], total[i])
        total = arriving + scores[word]
    path[-1] = total.argmax()
    for word in range(n_words - 1, 0, -1):
        path[word - 1] = back[word, path[word]]
    return path


def is_well_formed(path: NDArray[np.int64]) -> bool:
    """Say whether every I- in a path of outputs follows B- or I- of its own type."""
    inside = (path > 0) & (path % 2 == 0)
    before = np.concatenate(([0], path[:-1]))
    return bool(np.all(~inside | (before == path) | (before == path - 1)))
