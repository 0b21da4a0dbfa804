"""Corpora of articles and sentences with a topic."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path

from khabar_data.corpora.corpus import CorpusError, read_rows
from khabar_data.labels import (
    ENTITY_TYPES,
    ISNA5_TOPICS,
    KHABARYAAB_TOPICS,
    SIB200_TOPICS,
    LabelSets,
    farsnews_topics,
    hamshahri_topics,
    joined_topics,
)
from khabar_data.records import Record, Span

type TopicMap = Callable[[str], tuple[str, ...]]


def read_articles(
    path: Path, part: str, seed: int, *, name: str, topics: TopicMap, tidy: Callable[[str], str] = str.strip
) -> Iterator[Record]:
    """Yield articles with a title; rows whose label means nothing to us, or with no text, are left out.

    Part ``all`` goes by the section that each came from; ``read`` has those alone that were read for Khabar, with
    the topics that were found in them, and ``unread`` the others, by section. Part ``tagged`` has the openings in
    which the entities were read, and no topics.
    """
    for i, row in enumerate(read_rows(path, "title", "text", "label")):
        article, text = f"{name}-all-{i}", tidy(row["text"])
        if part == "tagged":
            if article in taggings():
                yield _tagged(article, text, source=name, group=row.get("url") or article)
            continue
        found = None if part == "all" else readings().get(article)
        possible = (found or ()) if part == "read" else topics(row["label"]) if found is None else ()
        if possible and text:
            yield Record(
                title=(row["title"] or "").strip() or None,
                text=text,
                topics=possible,
                id=article,
                source=name,
                group=row.get("url") or article,
            )


def read_sib200(path: Path, part: str, seed: int, *, name: str, variety: str) -> Iterator[Record]:
    """Yield SIB-200 sentences; its two languages hold the same sentences and share their groups."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        for i, line in enumerate(file, start=-1):
            cells = line.rstrip("\r\n").split("\t")
            if len(cells) != 3:
                raise CorpusError(f"{path}:{i + 2}", f"{len(cells)} cells", "it takes index_id, category and text")
            number, category, text = cells
            if i >= 0 and category in SIB200_TOPICS:
                yield Record(
                    text=text.strip(),
                    topics=SIB200_TOPICS[category],
                    id=f"{name}-{part}-{i}",
                    source=name,
                    group=f"sib200-{number}",
                    variety=variety,
                )


def unwrap(text: str) -> str:
    r"""Undo what HTML-to-text did: lines broken at 80 characters, ``**bold**``, ``[links](…)``, ``\.``.

    >>> unwrap("یک\nدو\n\n**سه**")
    'یک دو\nسه'
    """
    text = re.sub(r"\[([^\]\n]*)\]\([^)\s]*\)", r"\1", text.replace("**", ""))
    text = re.sub(r"\\([.()-])", r"\1", text)
    paragraphs = re.split(r"\n\s*\n", text)
    return "\n".join(" ".join(paragraph.split()) for paragraph in paragraphs).strip()


@cache
def readings() -> Mapping[str, tuple[str, ...]]:
    """Return the topics that were read in articles of the corpora, by the articles' ids.

    The opening of each was read once, by a language model, by the project's guidelines: sections name the
    desk that an article came from, and their topics are often others.
    """
    rows = json.loads(Path(__file__).with_name("topic_readings.json").read_text("utf-8"))
    return {article: tuple(topics) for article, topics in rows.items()}


@cache
def taggings() -> Mapping[str, tuple[int, list[tuple[int, int, str]]]]:
    """Return, by the articles' ids, where the opening that was read ends, and its entities: start, end, type.

    Each was read once, by a language model, by the project's guidelines; all ten types are annotated.
    """
    rows: Mapping[str, tuple[int, list[tuple[int, int, str]]]]
    rows = json.loads(Path(__file__).with_name("entity_readings.json").read_text("utf-8"))
    return rows


def _tagged(article: str, text: str, source: str, group: str) -> Record:
    length, spans = taggings()[article]
    return Record(
        text=text[:length],
        entities=tuple(Span(start=start, end=end, label=label) for start, end, label in spans),
        entity_types=tuple(label.key for label in ENTITY_TYPES),
        id=article,
        source=source,
        group=group,
    )


def by_label(topics: LabelSets) -> TopicMap:
    """Return the map that looks a label up; nothing where it is not in the table."""
    return lambda label: topics.get(label, ())


def one_topic(topic: str) -> TopicMap:
    """Return the map of a site that writes of one topic only."""
    return lambda label: (topic,)


read_isna5 = partial(read_articles, name="isna5", topics=by_label(ISNA5_TOPICS))
read_aut_ir1401 = partial(read_articles, name="aut_ir1401", topics=joined_topics, tidy=unwrap)
read_khabaryaab = partial(read_articles, name="khabaryaab", topics=by_label(KHABARYAAB_TOPICS))
read_farsnews = partial(read_articles, name="farsnews", topics=farsnews_topics)
read_hamshahri_rss = partial(read_articles, name="hamshahri_rss", topics=hamshahri_topics)
read_varzesh3 = partial(read_articles, name="varzesh3", topics=one_topic("sport"))
read_namnak = partial(read_articles, name="namnak", topics=one_topic("health"))
read_sib200_pes = partial(read_sib200, name="sib200_pes", variety="iranian")
read_sib200_prs = partial(read_sib200, name="sib200_prs", variety="dari")
