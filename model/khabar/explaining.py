"""Which words carried an answer: some are left out, and how far the label falls is what they weighed.

This is occlusion (Zeiler and Fergus 2014; for words Li, Monroe and Jurafsky 2016). It needs no
gradients, so the graph that predicts explains itself. The fall is one of log-odds: where a label is
nearly certain its probability hardly moves whatever is left out, and log-odds still do.

The pieces are taken out rather than replaced by the mask or unknown piece: measured on own articles,
whole sentences of such pieces weighed more than any word in them, and the words found for a stance
moved it less. Words that say the same stand in for each other: where many do, none weighs much.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from khabar.config import TaskSpec
from khabar.decoding import Floats, probabilities
from khabar.reading import Question, Reading
from khabar.results import Explanation, Weight
from khabar.runtime import Runtime
from khabar.targets import FUNCTION_WORDS
from khabar.text import Integers, Passage

_WORDS: Final = 32
"""The sentences that speak most for a label are weighed word by word, until so many words are; each costs a pass."""
_TINY: Final = 1e-12
"""Keeps log-odds finite."""


@dataclass(frozen=True)
class Stretch:
    """A sentence or word: *start* to *end* of the clean text or title, *first* to *last* of all pieces."""

    part: Literal["text", "title"]
    start: int
    end: int
    first: int
    last: int


def explain_topic(reading: Reading, task: TaskSpec, runtime: Runtime) -> Explanation:
    """Return what carried the topic, over all windows of a document that has any."""
    passes = [np.arange(*window) for window in reading.windows]
    answer = Answer(reading, task, passes, reading.reader.single, runtime)
    return Explanation("topic", None, answer.label, answer.score, _weights(reading, answer))


def explain_stance(reading: Reading, question: Question, task: TaskSpec, runtime: Runtime) -> Explanation:
    """Return what carried the stance toward a target or claim, out of the context it was judged in."""
    passes = [reading.context(question).places]
    answer = Answer(reading, task, passes, partial(reading.reader.pair, question.query.ids), runtime)
    return Explanation(question.kind, question.target.name, answer.label, answer.score, _weights(reading, answer))


class Answer:
    """One answer of the model, which can be asked again with stretches left out."""

    def __init__(
        self,
        reading: Reading,
        task: TaskSpec,
        passes: Sequence[Integers],
        layout: Callable[[Integers], Integers],
        runtime: Runtime,
    ) -> None:
        """Ask once with nothing left out.

        *passes* are the places, among the document's pieces, of what each pass reads; *layout* puts
        pieces as the encoder takes them, alone or beside a query.
        """
        self._ids = reading.ids
        self._task = task
        self._passes = passes
        self._layout = layout
        self._runtime = runtime
        self._whole = self._run(passes)
        chances = probabilities(self._whole.mean(0), task)
        self._best = int(chances.argmax())
        self.label = task.keys[self._best]
        self.score = float(chances[self._best])

    def reads(self, stretch: Stretch) -> bool:
        """Say whether any piece of a stretch was read."""
        return any(len(_without(places, stretch)) < len(places) for places in self._passes)

    def falls(self, stretches: Sequence[Stretch]) -> list[float]:
        """Return by how much the label's log-odds fall without each stretch; only what it changes is run."""
        kept = [[_without(places, stretch) for places in self._passes] for stretch in stretches]
        logits = np.repeat(self._whole[None], len(stretches), axis=0)  # (n_stretches, n_passes, K)
        changed = [
            (row, index)
            for row, parts in enumerate(kept)
            for index, places in enumerate(parts)
            if len(places) < len(self._passes[index])
        ]
        if changed:
            logits[tuple(np.transpose(changed))] = self._run([kept[row][index] for row, index in changed])
        falls: list[float] = (self._log_odds(self._whole) - self._log_odds(logits)).tolist()
        return falls

    def _run(self, passes: Sequence[Integers]) -> NDArray[np.float32]:
        """Return the logits of the task; shape (n_passes, K)."""
        results = self._runtime.run([self._layout(self._ids[places]) for places in passes])
        return np.stack([logits[self._task.name] for logits in results])

    def _log_odds(self, logits: NDArray[np.float32]) -> Floats:
        """Return the log-odds of the label from the logits of the passes; (…, n_passes, K) -> (…)."""
        chances = probabilities(logits.mean(-2), self._task)[..., self._best]
        chances = np.clip(chances, _TINY, 1 - _TINY)
        falls: Floats = np.log(chances / (1 - chances))
        return falls


def _without(places: Integers, stretch: Stretch) -> Integers:
    """Return the places, which ascend, that are not in the stretch."""
    first, last = np.searchsorted(places, (stretch.first, stretch.last))
    return np.concatenate((places[:first], places[last:]))


def _weights(reading: Reading, answer: Answer) -> tuple[Weight, ...]:
    """Weigh each sentence, then the words of those that weigh most; the others stay whole."""
    sentences = [sentence for sentence in _sentences(reading) if answer.reads(sentence)]
    weights = dict(zip(sentences, answer.falls(sentences), strict=True))
    words: dict[Stretch, list[Stretch]] = {}
    every_word: list[Stretch] = []
    for sentence in sorted(sentences, key=lambda sentence: -weights[sentence]):
        if len(every_word) >= _WORDS:
            break
        words[sentence] = list(filter(answer.reads, _words(reading, sentence)))
        every_word += words[sentence]
    weights |= dict(zip(every_word, answer.falls(every_word), strict=True))
    chosen = [stretch for sentence in sentences for stretch in words.get(sentence) or [sentence]]
    return tuple(
        Weight(*_passage(reading, stretch).clean.raw_span(stretch.start, stretch.end), weights[stretch], stretch.part)
        for stretch in chosen
    )


def _passage(reading: Reading, stretch: Stretch) -> Passage:
    passage = reading.title if stretch.part == "title" else reading.body
    assert passage is not None, "a stretch of the title comes from a title"
    return passage


def _sentences(reading: Reading) -> Iterator[Stretch]:
    """Yield the title as one, with the separator behind it, and each sentence of the text."""
    if reading.title is not None and len(reading.title.ids) and len(reading.title.sentences):
        title = reading.title.sentences
        yield Stretch("title", int(title[0, 0]), int(title[-1, 1]), 0, reading.body_start)
    places = (reading.body_start + reading.body.sentence_pieces).tolist()
    for (start, end), (first, last) in zip(reading.body.sentences.tolist(), places, strict=True):
        yield Stretch("text", start, end, first, last)


def _words(reading: Reading, sentence: Stretch) -> Iterator[Stretch]:
    """Yield the words of one sentence, signs and function words left out.

    Words that share a piece are one. A word goes no further than its sentence, which may end within
    it where the sentence is cut for its length.
    """
    passage = _passage(reading, sentence)
    offset = 0 if sentence.part == "title" else reading.body_start
    firsts, index = np.unique(passage.first_pieces, return_index=True)
    starts = passage.words[index, 0].tolist()
    ends = passage.words[np.append(index[1:], len(passage.words)) - 1, 1].tolist()
    places = (offset + np.append(firsts, len(passage.ids))).tolist()
    for start, end, first, last in zip(starts, ends, places[:-1], places[1:], strict=True):
        inside = max(start, sentence.start), min(end, sentence.end)
        word = passage.clean.text[slice(*inside)]
        if sentence.first <= first < sentence.last and re.search(r"\w", word) and word not in FUNCTION_WORDS:
            yield Stretch(sentence.part, *inside, first, min(last, sentence.last))
