"""What a model must beat: the majority, a linear SVM on TF-IDF, a dictionary of names."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from khabar_data.records import Record, Span


@cache
def _tokenizer() -> Any:
    from hazm import WordTokenizer  # here, because it takes over a second

    return WordTokenizer()


def tokens(text: str) -> list[str]:
    """Return hazm's words of a text."""
    words: list[str] = _tokenizer().tokenize(text)
    return words


class LinearSvm:
    """TF-IDF of word uni- and bigrams into a linear SVM with balanced classes."""

    def __init__(self, texts: Sequence[str], labels: Sequence[str]) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.pipeline import make_pipeline
        from sklearn.svm import LinearSVC

        vectorizer = TfidfVectorizer(
            tokenizer=tokens, token_pattern=None, lowercase=False, ngram_range=(1, 2), min_df=2, sublinear_tf=True
        )
        self._pipeline = make_pipeline(vectorizer, LinearSVC(class_weight="balanced", random_state=0))
        self._pipeline.fit(texts, labels)

    def predict(self, texts: Sequence[str]) -> list[str]:
        """Return one label a text."""
        return [str(label) for label in self._pipeline.predict(texts)]


def majority(labels: Iterable[str]) -> str:
    """Return the most frequent label."""
    return Counter(labels).most_common(1)[0][0]


class NameDictionary:
    """Tags the longest strings that the training part tags, as what it tags them most."""

    def __init__(self, records: Iterable[Record]) -> None:
        seen: dict[str, Counter[str]] = {}
        for record in records:
            for span in record.entities:
                seen.setdefault(record.text[span.start : span.end], Counter())[span.label] += 1
        self._labels = {name: counts.most_common(1)[0][0] for name, counts in seen.items()}
        names = sorted(map(re.escape, self._labels), key=len, reverse=True)
        self._pattern = re.compile(rf"(?<!\w)(?:{'|'.join(names)})(?!\w)")

    def predict(self, text: str) -> list[Span]:
        """Return the spans of one text."""
        return [
            Span(start=match.start(), end=match.end(), label=self._labels[match[0]])
            for match in self._pattern.finditer(text)
        ]
