"""What partial labels do on real data: PEYMA and ARMAN alone, together, and together with O at its word.

    python benchmarks/partial_labels.py ../shared/data ENCODER OUTPUT [--passes 2]

PEYMA has no FAC, EVE and PRO, ARMAN no DAT, TIM, MON and PCT. Four runs of the same settings start from
the same ENCODER; each is scored on both development parts, on the types that the part annotates. A run
that was broken off goes on where it was.
"""

import argparse
import json
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

import khabar
from khabar_data.corpora import read_corpus
from khabar_data.labels import ENTITY_TYPES
from khabar_data.records import Record, write_jsonl
from khabar_training import train
from khabar_training.config import DataSpec, TrainingConfig
from khabar_training.metrics import Estimate, bootstrap, span_counts, span_f1

CORPORA = ("peyma", "arman")
RUNS = {
    "PEYMA alone": ("peyma",),
    "ARMAN alone": ("arman",),
    "together, O is partial": CORPORA,
    "together, O at its word": tuple(f"{name}-negative" for name in CORPORA),
}


def write_data(folder: Path, output: Path) -> None:
    """Write each corpus as it is, and with every type said to be annotated."""
    output.mkdir(parents=True, exist_ok=True)
    types = tuple(label.key for label in ENTITY_TYPES)
    for name in CORPORA:
        records = list(read_corpus(name, folder, "train"))
        write_jsonl(output / f"{name}.jsonl", records)
        write_jsonl(output / f"{name}-negative.jsonl", (replace(record, entity_types=types) for record in records))


def score(analyzer: khabar.Analyzer, dev: list[Record]) -> tuple[Estimate, dict[str, float]]:
    types = sorted({kind for record in dev for kind in record.entity_types})
    articles = analyzer.predict_many((record.text for record in dev), targets=())
    found = [article.entities for article in track(articles, "scoring", len(dev), transient=True)]
    counts = np.stack([span_counts(r.entities, f, types) for r, f in zip(dev, found, strict=True)])
    return bootstrap(counts, span_f1), {kind: span_f1(row) for kind, row in zip(types, counts.sum(0), strict=True)}


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=Path, help="the folder that holds the corpora")
    arguments.add_argument("encoder", help="where each run starts")
    arguments.add_argument("output", type=Path, help="the folder for the runs and results.json")
    arguments.add_argument("--passes", type=float, default=2)
    options = arguments.parse_args()
    write_data(options.folder, options.output)
    dev = {name: list(read_corpus(name, options.folder, "dev")) for name in CORPORA}
    table = Table("training", *(f"{name} dev, strict micro-F1" for name in CORPORA))
    results = {}
    for run, files in RUNS.items():
        checkpoint = options.output / "-".join(files)
        if not checkpoint.exists():
            data = tuple(
                DataSpec(path=str(options.output / f"{name}.jsonl"), passes=options.passes, join=True) for name in files
            )
            train(TrainingConfig(encoder=options.encoder, output=checkpoint, data=data, tasks=("entities",)))
        scores = {name: score(khabar.load(checkpoint), records) for name, records in dev.items()}
        results[run] = {name: {**vars(figure), "types": types} for name, (figure, types) in scores.items()}
        table.add_row(run, *(str(figure) for figure, _ in scores.values()))
        Console().print(table)
    (options.output / "results.json").write_text(json.dumps(results, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
