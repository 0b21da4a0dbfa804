"""An archive of any size from the own articles that ship as samples: their sentences mixed, their spelling varied."""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import batched
from pathlib import Path
from random import Random

from khabar_data import samples
from khabar_data.noise import add_noise
from khabar_data.records import Record

FILE_ARTICLES = 10_000
MIXED = (100, 200, 400, 400, 800)
"""Words of an article where no length is asked for: 380 in the mean, as news has."""


def write_archive(folder: Path, n_articles: int, words: int | None = None) -> int:
    """Write JSON Lines files of 10,000 articles; those that stand there are left. Return their bytes.

    Article number n is always the same one; *words* is about how long each is.
    """
    folder.mkdir(parents=True, exist_ok=True)
    records = [*samples.read("train"), *samples.read("dev")]
    for numbers in batched(range(n_articles), FILE_ARTICLES):
        path = folder / f"{numbers[0]:09d}.jsonl"
        if not path.exists():
            draft = path.with_suffix(".draft")
            draft.write_text("".join(articles(records, numbers, words)), "utf-8")
            os.replace(draft, path)
    return sum(path.stat().st_size for path in folder.glob("*.jsonl"))


def articles(records: list[Record], numbers: tuple[int, ...], words: int | None) -> Iterator[str]:
    """Yield lines of JSON."""
    for number in numbers:
        chance = Random(number)
        target = words or chance.choice(MIXED)
        sentences: list[str] = []
        n_words = 0
        while n_words < target:
            record = add_noise(replace(chance.choice(records), entities=()), chance)
            found = re.split(r"(?<=[.؟!]) ", record.text)
            chance.shuffle(found)
            for sentence in found:
                sentences.append(sentence)
                n_words += len(sentence.split())
                if n_words >= target:
                    break
        row = {"id": number, "title": record.title, "text": " ".join(sentences)}
        yield json.dumps(row, ensure_ascii=False) + "\n"
