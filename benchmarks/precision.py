"""What 8 bits cost: the graph that is shipped beside the float32 one, on development parts.

    python benchmarks/precision.py ../shared/data [--model FOLDER] [--records 1000] [--json FILE]
    python benchmarks/precision.py ../shared/data --window 128     # what another length of window costs and saves

Both read the same records through the public interface, in turns; differences are in points, 8 bits less float32 (or
the other window less the checkpoint's, both in 8 bits), with 95 % intervals of a paired bootstrap over records. Corpora
of single sentences never fill a window and are left out with ``--window``.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from accuracy import CLAIM_LABELS, TARGET_LABELS, claims_of, held_out, targets_of
from rich.console import Console
from rich.progress import track
from rich.table import Table

import khabar
from khabar.checkpoint import GRAPH, Checkpoint, located
from khabar.config import ModelConfig
from khabar.runtime import Runtime
from khabar.text import TextReader
from khabar_data.corpora import read_corpus
from khabar_data.records import Record
from khabar_training.export import write_graph
from khabar_training.metrics import Counts, bootstrap, confusion, macro_f1, span_counts, span_f1
from khabar_training.weights import load_network

type Figure = Callable[[Counts], float]


def analyzers(folder: Path, scratch: Path, window: int | None) -> dict[str, khabar.Analyzer]:
    """Return the two models to compare, by name: 8 bits and float32, or 8 bits with another window and its own."""
    checkpoint = Checkpoint(folder)
    config = checkpoint.config()

    def analyzer(graph: Path, config: ModelConfig) -> khabar.Analyzer:
        return khabar.Analyzer(folder, config, TextReader(checkpoint.tokenizer(), config), Runtime(graph))

    eight = analyzer(checkpoint.path(GRAPH), config)
    if window is not None:
        other = replace(config, window=window, overlap=min(config.overlap, window // 4))
        return {f"window {window}": analyzer(checkpoint.path(GRAPH), other), f"window {config.window}": eight}
    write_graph(load_network(folder)[0].eval(), scratch / "float.onnx")
    return {"int8": eight, "float32": analyzer(scratch / "float.onnx", config)}


def parts(
    folder: Path, *, sentences: bool
) -> Iterator[tuple[str, list[Record], Callable[[Record, khabar.Article], Counts], Figure]]:
    """Yield each name, its records, what to count of an answer, and the figure of the summed counts."""
    for name in (*(("peyma", "arman", "parstwiner") if sentences else ()), "own"):
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
    models: Mapping[str, khabar.Analyzer], folder: Path, n_records: int | None, *, sentences: bool
) -> Iterator[dict[str, Any]]:
    for name, dev, count, figure in parts(folder, sentences=sentences):
        records = dev[:n_records]
        counts: dict[str, list[Counts]] = {model: [] for model in models}
        seconds = dict.fromkeys(models, 0.0)
        for record in track(records, name, transient=True):
            document = next(documents([record], title=not name.startswith("entities")))
            for model, analyzer in models.items():
                started = perf_counter()
                article = next(analyzer.predict_many([document]))
                seconds[model] += perf_counter() - started
                counts[model].append(count(record, article))
        both = np.array(list(counts.values())).swapaxes(0, 1)  # (n_records, 2, …)
        change = bootstrap(both, lambda sums, figure=figure: 100 * (figure(sums[0]) - figure(sums[1])))  # type: ignore[misc]
        yield {
            "part": name,
            "n": len(records),
            **dict(zip(models, (100 * figure(sums) for sums in both.sum(0)), strict=True)),
            "difference": change.value,
            "low": change.low,
            "high": change.high,
            "seconds": seconds,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the folder that holds the corpora")
    parser.add_argument("--model", type=Path, help="a checkpoint folder; the bundled model by default")
    parser.add_argument("--window", type=int, help="compare this length of window with the checkpoint's")
    parser.add_argument("--records", type=int, help="read so many of each part at most")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        models = analyzers(located(options.model), Path(scratch), options.window)
        rows = list(measure(models, options.folder, options.records, sentences=options.window is None))
    table = Table("data", "n", *models, "difference, points", "95 % interval", "times as fast")
    for row in rows:
        figures = *(f"{row[model]:.1f}" for model in models), f"{row['difference']:+.2f}"
        first, second = row["seconds"].values()
        table.add_row(
            row["part"], str(row["n"]), *figures, f"{row['low']:+.2f} to {row['high']:+.2f}", f"{second / first:.2f}"
        )
    Console().print(table)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
