"""How far scores can be taken at their word, and the temperatures that make it so.

    python benchmarks/calibration.py ../shared/data [--model FOLDER] [--output FOLDER]

The temperature of each head is fitted on four fifths of its development articles and measured on the last, five times
round; the errors are over all answers, each scored with the temperature that has not seen it. With --output a
checkpoint is written whose temperatures are fitted on all of them.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from accuracy import held_out, openings
from rich.console import Console
from rich.progress import track
from rich.table import Table

from khabar.checkpoint import located
from khabar.config import TaskSpec
from khabar_data.corpora import read_corpus
from khabar_data.records import Record
from khabar_training.calibration import calibrate, fit, judged_scores
from khabar_training.evaluation.reliability import calibration_error
from khabar_training.labelled_logits import Observer, Sample

N_FOLDS: Final = 5


def development(folder: Path) -> dict[str, list[Record]]:
    """Return what no training has seen: one set of articles for each head, so that the groups stay apart."""
    data = {
        "peyma": list(read_corpus("peyma", folder, "dev")),
        "khabaryaab, read": list(read_corpus("khabaryaab", folder, "read")),
    }
    claims = held_out("farexstance_article", folder, 0.2)[1] + openings(folder, "claimed")[1]
    return data | {
        "farexstance_article and openings": claims,
        "real_silver": held_out("real_silver", folder, 0.25)[1],
    }


def observed(model: Path, records: Sequence[Record], told: str) -> Observer:
    observer = Observer(model)
    for record in track(records, told, transient=True):
        observer.take(record)
    return observer


def errors(task: TaskSpec, folds: Sequence[Sequence[Sample]]) -> tuple[float, float, int]:
    """Return the calibration error as the model stands, then with each fold scored as the others want it."""
    plain, scaled = [], []
    for place, fold in enumerate(folds):
        others = [sample for other in (*folds[:place], *folds[place + 1 :]) for sample in other]
        plain.append(judged_scores(task, fold))
        scaled.append(judged_scores(replace(task, temperature=fit(task, others).after.temperature), fold))
    before, after = (
        calibration_error(np.concatenate([s for s, _ in one]), np.concatenate([r for _, r in one]))
        for one in (plain, scaled)
    )
    return before, after, sum(len(scores) for scores, _ in plain)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=Path, help="the folder that holds the corpora")
    arguments.add_argument("--model", type=Path, help="a checkpoint folder; the bundled model by default")
    arguments.add_argument("--output", type=Path, help="write the calibrated checkpoint here")
    options = arguments.parse_args()
    model = located(options.model)
    table = Table("head", "data", "answers", "error as it is", "error scaled", "temperature")
    data = development(options.folder)
    for name, records in data.items():
        groups = sorted({record.group or record.text for record in records})
        folds = [
            observed(model, [record for record in records if (record.group or record.text) in fold], name)
            for fold in (set(groups[start::N_FOLDS]) for start in range(N_FOLDS))
        ]
        for task in folds[0].config.tasks:
            samples = [fold.samples[task.name].kept for fold in folds]
            if all(samples):
                before, after, n = errors(task, samples)
                best = fit(task, [sample for fold in samples for sample in fold]).after.temperature
                table.add_row(task.name, name, str(n), f"{before:.3f}", f"{after:.3f}", f"{best:.2f}")
    Console().print(table)
    if options.output:
        calibrate(model, (record for records in data.values() for record in records), output=options.output)


if __name__ == "__main__":
    main()
