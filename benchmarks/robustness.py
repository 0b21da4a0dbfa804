"""What the spelling of real text costs: accuracy with one thing changed in every article.

    python benchmarks/robustness.py ../shared/data [--model FOLDER] [--json FILE]

Entities are scored on PEYMA's and Khabar's own development parts, topics on Khabaryaab and the own part. The
differences are those of the same articles, with 95 % bootstrap intervals.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final
from unicodedata import category

import numpy as np
from accuracy import Rows, entity_counts, run, topic_counts
from rich.table import Table

import khabar
from khabar_data.corpora import read_corpus
from khabar_data.noise import edit
from khabar_data.records import Record
from khabar_training.metrics import Counts, Estimate, bootstrap, span_f1

ARABIC: Final = str.maketrans("یک", "يك")


def without_joiners(record: Record) -> Record:
    return edit(record, ((*match.span(), "") for match in re.finditer("\u200c", record.text)))


def with_arabic_letters(record: Record) -> Record:
    return replace(record, text=record.text.translate(ARABIC), title=record.title and record.title.translate(ARABIC))


def without_punctuation(record: Record) -> Record:
    places = (place for place, letter in enumerate(record.text) if category(letter)[0] in "PS")
    return edit(record, ((place, place + 1, " ") for place in places))


def without_title(record: Record) -> Record:
    return replace(record, title=None, title_entities=())


CHANGES: Final[Mapping[str, Callable[[Record], Record]]] = {
    "no ZWNJ": without_joiners,
    "Arabic ي and ك": with_arabic_letters,
    "no punctuation": without_punctuation,
    "no title": without_title,
}


def share(sums: Counts) -> float:
    return float(sums[0] / sums[1])


def measure(analyzer: khabar.Analyzer, folder: Path) -> Rows:
    own = list(read_corpus("own", folder, "dev"))
    settings: Sequence[tuple[str, str, list[Record], Callable[..., Counts], Callable[[Counts], float]]] = (
        ("entities, strict micro-F1", "peyma dev", list(read_corpus("peyma", folder, "dev")), entity_counts, span_f1),
        ("entities, strict micro-F1", "own dev", own, entity_counts, span_f1),
        (
            "topic, accuracy over sets",
            "khabaryaab",
            list(read_corpus("khabaryaab", folder, "all")),
            topic_counts,
            share,
        ),
        ("topic, accuracy over sets", "own dev", own, topic_counts, share),
    )
    rows = []
    for figure, data, records, count, statistic in settings:
        plain = count(analyzer, data, records)
        for name, change in CHANGES.items():
            if change is without_title and count is entity_counts:
                continue  # the sentences have none, and entities are those of the text
            changed = count(analyzer, f"{data}, {name}", [change(record) for record in records])
            rows.append(
                {
                    "figure": figure,
                    "data": data,
                    "change": name,
                    "plain": statistic(plain.sum(0)),
                    **asdict(difference(plain, changed, statistic)),
                }
            )
    return rows


def difference(plain: Counts, changed: Counts, statistic: Callable[[Counts], float]) -> Estimate:
    """Return what the change adds to the figure; *plain* and *changed* have one entry for each article."""
    both = np.stack([plain, changed], axis=1)
    return bootstrap(both, lambda sums: statistic(sums[1]) - statistic(sums[0]))


def table(rows: Rows) -> Table:
    result = Table("figure", "data", "as it is", "change", "difference", "95 % interval")
    for row in rows:
        interval = f"{row['low']:+.3f} to {row['high']:+.3f}"
        cells = (row["figure"], row["data"], f"{row['plain']:.3f}", row["change"], f"{row['value']:+.3f}", interval)
        result.add_row(*map(str, cells))
    return result


if __name__ == "__main__":
    run(__doc__, measure, table)
