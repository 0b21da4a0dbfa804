"""What 8 bits cost: the graph that is shipped beside the float32 one, on development parts.

    python benchmarks/precision.py ../shared/data [--model FOLDER] [--window 256] [--records 1000] [--json FILE]

Both read the same records through the public interface; differences are in points, 8 bits less float32, with 95 %
intervals of a paired bootstrap over records. ``--window`` reads with another length of window than the checkpoint's.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from accuracy import CLAIM_LABELS, TARGET_LABELS, claims_of, held_out, targets_of
from rich.console import Console
from rich.progress import track
from rich.table import Table

import khabar
from khabar.checkpoint import GRAPH, Checkpoint, located
from khabar.runtime import Runtime
from khabar.text import TextReader
from khabar_data.corpora import read_corpus
from khabar_data.records import Record
from khabar_training.export import write_graph
from khabar_training.metrics import Counts, bootstrap, confusion, macro_f1, span_counts, span_f1
from khabar_training.weights import load_network

type Figure = Callable[[Counts], float]


def analyzers(folder: Path, scratch: Path, window: int | None) -> tuple[khabar.Analyzer, khabar.Analyzer]:
    """Return the model in 8 bits and in float32."""
    checkpoint = Checkpoint(folder)
    config = checkpoint.config()
    if window is not None:
        config = replace(config, window=window, overlap=min(config.overlap, window // 4))
    write_graph(load_network(folder)[0].eval(), scratch / "float.onnx")
    reader = TextReader(checkpoint.tokenizer(), config)
    graphs = (checkpoint.path(GRAPH), scratch / "float.onnx")
    eight, full = (khabar.Analyzer(folder, config, reader, Runtime(graph)) for graph in graphs)
    return eight, full


def parts(folder: Path) -> Iterator[tuple[str, list[Record], Callable[[Record, khabar.Article], Counts], Figure]]:
    """Yield each name, its records, what to count of an answer, and the figure of the summed counts."""
    for name in ("peyma", "arman", "parstwiner"):
        dev = list(read_corpus(name, folder, "dev"))
        types = sorted({kind for record in dev for kind in record.entity_types})
        yield (
            f"entities, {name}",
            dev,
            lambda r, found, types=types: span_counts(r.entities, found.entities, types),
            span_f1,
        )  # type: ignore[misc]

    def topic(record: Record, article: khabar.Article) -> Counts:
        return np.array([float(article.topic is not None and article.topic.label in record.topics), 1.0])

    own = list(read_corpus("own", folder, "dev"))
    for name, dev in (("khabaryaab", list(read_corpus("khabaryaab", folder, "all"))), ("own", own)):
        yield f"topic, {name}", dev, topic, lambda sums: float(sums[0] / sums[1])

    def targets(record: Record, article: khabar.Article) -> Counts:
        found = [stance.label for stance in article.stances if stance.kind == "target"]
        return confusion([label for _, label in targets_of(record)], found, TARGET_LABELS)

    def claims(record: Record, article: khabar.Article) -> Counts:
        found = [stance.label for stance in article.stances if stance.kind == "claim"]
        return confusion([label for _, label in claims_of(record)], found, CLAIM_LABELS)

    for name, dev in (("real_silver", held_out("real_silver", folder, 0.25)[1]), ("own", own)):
        yield f"target stance, {name}", dev, targets, macro_f1
    for name, dev in (("farexstance", held_out("farexstance_article", folder, 0.2)[1]), ("own", own)):
        yield f"claim stance, {name}", dev, claims, macro_f1


def documents(records: Sequence[Record], title: bool) -> Iterator[khabar.Document]:
    for record in records:
        targets, claims = ([query for query, _ in asked(record)] for asked in (targets_of, claims_of))
        yield khabar.Document(record.text, record.title if title else None, targets=targets, claims=claims)


def measure(
    models: tuple[khabar.Analyzer, khabar.Analyzer], folder: Path, n_records: int | None
) -> Iterator[dict[str, Any]]:
    for name, dev, count, figure in parts(folder):
        records = dev[:n_records]
        counts = []
        for model in models:
            articles = model.predict_many(documents(records, title=not name.startswith("entities")))
            pairs = zip(records, track(articles, name, len(records), transient=True), strict=True)
            counts.append([count(record, article) for record, article in pairs])
        both = np.array(counts).swapaxes(0, 1)  # (n_records, 2, …)
        change = bootstrap(both, lambda sums, figure=figure: 100 * (figure(sums[0]) - figure(sums[1])))  # type: ignore[misc]
        eight, full = (100 * figure(sums) for sums in both.sum(0))
        yield {
            "part": name,
            "n": len(records),
            "int8": eight,
            "float32": full,
            "difference": change.value,
            "low": change.low,
            "high": change.high,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the folder that holds the corpora")
    parser.add_argument("--model", type=Path, help="a checkpoint folder; the bundled model by default")
    parser.add_argument("--window", type=int, help="word pieces that one pass reads; as the checkpoint says by default")
    parser.add_argument("--records", type=int, help="read so many of each part at most")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    options = parser.parse_args()
    table = Table("data", "n", "int8", "float32", "difference, points", "95 % interval")
    with tempfile.TemporaryDirectory() as scratch:
        models = analyzers(located(options.model), Path(scratch), options.window)
        rows = list(measure(models, options.folder, options.records))
    for row in rows:
        figures = f"{row['int8']:.1f}", f"{row['float32']:.1f}", f"{row['difference']:+.2f}"
        table.add_row(row["part"], str(row["n"]), *figures, f"{row['low']:+.2f} to {row['high']:+.2f}")
    Console().print(table)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
