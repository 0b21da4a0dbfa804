"""Corpora of articles and sentences with a topic."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from khabar_data.corpora.corpus import CorpusError, read_rows
from khabar_data.corpora.readings import OPENINGS, topics_read
from khabar_data.labels import (
    ISNA5_TOPICS,
    KHABARYAAB_TOPICS,
    SIB200_TOPICS,
    LabelSets,
    farsnews_topics,
    hamshahri_topics,
    joined_topics,
)
from khabar_data.records import Record

type TopicMap = Callable[[str], tuple[str, ...]]


def read_articles(
    path: Path, part: str, seed: int, *, name: str, topics: TopicMap, tidy: Callable[[str], str] = str.strip
) -> Iterator[Record]:
    """Yield articles with a title; rows whose label means nothing to us, or with no text, are left out.

    Part ``all`` goes by the section that each came from; ``read`` has those alone that were read for Khabar, with
    the topics that were found in them, and ``unread`` the others, by section. Part ``tagged`` has the openings in
    which the entities were read, ``claimed`` those for which claims were written, and both no topics.
    """
    for i, row in enumerate(read_rows(path, "title", "text", "label")):
        text = tidy(row["text"])
        if not text:
            continue
        article = Record(text=text, id=f"{name}-all-{i}", source=name, group=row.get("url") or f"{name}-all-{i}")
        if part in OPENINGS:
            yield from OPENINGS[part](article)
            continue
        found = None if part == "all" else topics_read().get(str(article.id))
        possible = (found or ()) if part == "read" else topics(row["label"]) if found is None else ()
        if possible:
            yield replace(article, title=(row["title"] or "").strip() or None, topics=possible)


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
