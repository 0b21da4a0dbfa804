"""Corpora with a stance toward a target or a claim."""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from hashlib import sha256
from itertools import groupby
from pathlib import Path

from khabar_data.corpora.corpus import read_rows
from khabar_data.corpora.readings import OPENINGS
from khabar_data.labels import FARSTAIL_STANCES
from khabar_data.records import ClaimStance, Record, TargetStance


def read_farexstance(path: Path, part: str, seed: int, *, name: str) -> Iterator[Record]:
    """Yield FarExStance pairs; what shares a claim or a text, however indirectly, is one group.

    The groups run over both files: nearly all claims and texts of the articles have their headlines there. Part
    ``tagged`` has the openings in which the entities were read, and no claims.
    """
    groups = connect_rows(sorted(path.parent.glob("farexstance_*.jsonl")))
    for i, row in enumerate(read_rows(path, "claim", "text", "label", "claim_id", "news_id")):
        claim = row["claim"].strip()
        article = Record(
            text=tidy_spaces(row["text"]), id=f"{name}-all-{i}", source=name, group=f"farexstance-{groups[claim]}"
        )
        if part in OPENINGS:
            yield from OPENINGS[part](article)
        else:
            yield replace(article, claim_stances=(ClaimStance(claim=claim, labels=(row["label"],)),))


def read_farstail(path: Path, part: str, seed: int) -> Iterator[Record]:
    """Yield FarsTail: the premise is the text, the hypothesis the claim, one premise a group."""
    premises: dict[str, int] = {}
    for i, row in enumerate(read_rows(path, "premise", "hypothesis", "label")):
        yield Record(
            text=row["premise"].strip(),
            claim_stances=(ClaimStance(claim=row["hypothesis"].strip(), labels=FARSTAIL_STANCES[row["label"]]),),
            id=f"farstail-{part}-{i}",
            source="farstail",
            group=f"farstail-{part}-{premises.setdefault(row['premise'], i)}",
        )


def read_targets(path: Path, part: str, seed: int, *, name: str) -> Iterator[Record]:
    """Yield sentences with a stance toward one of their targets, one sentence a group, across parts."""
    for i, row in enumerate(read_rows(path, "text", "target", "label")):
        yield Record(
            text=row["text"],
            target_stances=(TargetStance(target=row["target"].strip(), labels=(row["label"],)),),
            id=f"{name}-{part}-{i}",
            source=name,
            group=f"{name}-{sha256(row['text'].encode()).hexdigest()[:16]}",
        )


def read_real_silver(path: Path, part: str, seed: int) -> Iterator[Record]:
    """Yield articles with all their targets."""
    rows = list(read_rows(path, "article", "text", "target", "label", "source"))
    rows.sort(key=lambda row: str(row["article"]))
    for article, readings in groupby(rows, key=lambda row: str(row["article"])):
        together = list(readings)
        yield Record(
            text=together[0]["text"],
            target_stances=tuple(TargetStance(target=row["target"], labels=(row["label"],)) for row in together),
            id=f"real_silver-{article}",
            source=together[0]["source"],
            group=article,
        )


def connect_rows(paths: list[Path]) -> dict[str, int]:
    """Return the number of the group that each claim is in, joined by the ids and texts that rows share."""
    parents: dict[str, str] = {}

    def root(node: str) -> str:
        parents.setdefault(node, node)
        while parents[node] != node:
            parents[node] = parents[parents[node]]
            node = parents[node]
        return node

    claims: dict[str, None] = {}
    for path in paths:
        for row in read_rows(path, "claim", "text", "claim_id", "news_id"):
            claim = row["claim"].strip()
            claims[claim] = None
            for key in (f"claim id {row['claim_id']}", f"news id {row['news_id']}", f"text {row['text']}"):
                parents[root(key)] = root(f"claim {claim}")
    numbers: dict[str, int] = {}
    return {claim: numbers.setdefault(root(f"claim {claim}"), len(numbers)) for claim in claims}


def tidy_spaces(text: str) -> str:
    """Make one line break of three or more spaces, which stand for one, and one space of two."""
    text = re.sub(r"[^\S\n]{3,}", "\n", text.replace("\r", ""))
    text = re.sub(r"[^\S\n]+", " ", text)
    return re.sub(r" ?\n\s*", "\n", text).strip()


read_farexstance_article = partial(read_farexstance, name="farexstance_article")
read_farexstance_headline = partial(read_farexstance, name="farexstance_headline")
read_newsmtsc = partial(read_targets, name="newsmtsc")
read_rusentne = partial(read_targets, name="rusentne")
