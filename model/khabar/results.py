"""What ``predict`` returns: plain frozen records, ready for JSON."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Document:
    """One article to read, with what is asked of it.

    *targets* is None for the article's own main entities, () for none; *claims* are statements
    that the article may support or reject.
    """

    text: str
    title: str | None = None
    targets: Sequence[str] | None = None
    claims: Sequence[str] = ()
    id: str | None = None


@dataclass(frozen=True)
class Topic:
    """What an article is about: *scores* holds the probability of every label.

    *sure* is False where the best one is below the caller's *min_score*.
    """

    label: str
    name: str
    code: str | None
    score: float
    scores: dict[str, float] = field(repr=False)
    sure: bool = True


@dataclass(frozen=True)
class Entity:
    """One mention: ``article.text[start:end] == text``; *score* is the mean probability of its words."""

    text: str
    label: str
    start: int
    end: int
    score: float


@dataclass(frozen=True)
class Stance:
    """Where an article stands toward a target (favor, against, neutral) or a claim (agree, …).

    *evidence* holds the (start, end) of the sentences that the judgement rests on; *sure* is as in
    :class:`Topic`.
    """

    target: str
    kind: Literal["target", "claim"]
    label: str
    score: float
    scores: dict[str, float] = field(repr=False)
    evidence: tuple[tuple[int, int], ...] = ()
    sure: bool = True


@dataclass(frozen=True)
class Weight:
    """How much a stretch of the text or title speaks for a label: below 0 it speaks against it.

    It is the fall of the label's log-odds, in natural logarithms, when *start* to *end* is left out.
    """

    start: int
    end: int
    weight: float
    part: Literal["text", "title"] = "text"


@dataclass(frozen=True)
class Explanation:
    """Which words carried one answer: the topic, or the stance toward a *target* or claim.

    *score* is the label's probability. *weights* are in the order of the article, the title first;
    what the model did not read for this answer has none.
    """

    kind: Literal["topic", "target", "claim"]
    target: str | None
    label: str
    score: float
    weights: tuple[Weight, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain dicts, lists, strings and numbers, with the same names."""
        values: dict[str, Any] = _plain(asdict(self))
        return values


@dataclass(frozen=True)
class Article:
    """All that was read in one article. *topic* is None where nothing could be read."""

    text: str
    topic: Topic | None
    entities: tuple[Entity, ...]
    stances: tuple[Stance, ...]
    id: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain dicts, lists, strings and numbers, with the same names."""
        values: dict[str, Any] = _plain(asdict(self))
        return values

    def to_json(self) -> str:
        """Return one line of JSON that UTF-8 can hold: Persian as it is, lone surrogates escaped."""
        return json_line(self.to_dict())


def json_line(values: Any, default: Callable[[Any], Any] | None = None) -> str:
    """Return plain values as :meth:`Article.to_json` writes them; *default* makes others plain.

    ValueError where a number is none or not finite, for which JSON has no form.
    """
    line = json.dumps(values, ensure_ascii=False, default=default, allow_nan=False)
    return line if _encodable(line) else json.dumps(values, default=default)


def _plain(value: Any) -> Any:
    """Turn tuples into lists, as JSON has them."""
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, tuple) else value


def _encodable(line: str) -> bool:
    try:
        line.encode()
    except UnicodeEncodeError:
        return False
    return True
