"""Topics of a source never trained on: a model for each corpus that is left out, measured on it.

    python benchmarks/left_out.py training/recipes/topics.toml aut_ir1401 farsnews [--articles 800] [--json FILE]

Each model is trained by the recipe without that corpus (some ten minutes on two cores, none where it was trained
before) and reads at most so many of its articles, drawn at random, through the public interface: once all of them with
their sections' topics for the truth, once those whose topics were read in them (part ``read``).
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

from accuracy import Report, Rows, TopicBaselines, table, topic
from rich.console import Console

import khabar
from khabar.errors import ConfigError
from khabar_data.corpora import read_corpus
from khabar_training.config import TrainingConfig
from khabar_training.trainer import train


def without(recipe: TrainingConfig, corpus: str) -> TrainingConfig:
    """Return the run of the recipe without one corpus; ConfigError where the recipe does not read it."""
    left = tuple(spec for spec in recipe.data if spec.corpus != corpus)
    if len(left) == len(recipe.data):
        read = dict.fromkeys(spec.corpus for spec in recipe.data if spec.corpus)
        raise ConfigError(f"the recipe does not read {corpus!r}; leave one of {', '.join(read)} out")
    output = recipe.output.with_name(f"{recipe.output.name}-without-{corpus}")
    return replace(recipe, data=left, output=output)


def measure(recipe: TrainingConfig, corpora: Sequence[str], most: int) -> Rows:
    assert recipe.corpora is not None
    report = Report()
    for corpus in corpora:
        run = without(recipe, corpus)
        analyzer = khabar.load(run.output if run.output.exists() else train(run))
        baselines = TopicBaselines([record for spec in run.data for record in spec.records(run.corpora)])
        for part in ("all", "read"):
            records = list(read_corpus(corpus, recipe.corpora, part))
            drawn = Random(recipe.seed).sample(records, min(most, len(records)))
            topic(report, analyzer, f"{corpus} {part}", drawn, baselines)
    return report.rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path, help="the training run, of topics")
    parser.add_argument("corpora", nargs="+", help="what to leave out, one at a time")
    parser.add_argument("--articles", type=int, default=800, help="read so many of each at most")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    options = parser.parse_args()
    rows = measure(TrainingConfig.from_toml(options.recipe), options.corpora, options.articles)
    Console().print(table(rows))
    if options.json:
        options.json.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
