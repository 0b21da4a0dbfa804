"""Khabar's training: losses, trainer, export, metrics and the command line."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from khabar import Analyzer
    from khabar_data.records import Record
    from khabar_training.calibration import Fit
    from khabar_training.config import TrainingConfig
    from khabar_training.evaluation.comparison import Comparison
    from khabar_training.evaluation.evaluate import Data
    from khabar_training.evaluation.measured import Report

__all__ = ["calibrate", "compare", "evaluate", "train"]


def calibrate(model: str | Path, records: "Iterable[Record]", *, output: Path | None = None) -> "tuple[Fit, ...]":
    """Fit the temperatures of a checkpoint's heads; see :func:`khabar_training.calibration.calibrate`."""
    from khabar_training.calibration import calibrate as run  # here, so that importing stays quick

    return run(model, records, output=output)


def train(config: "TrainingConfig") -> Path:
    """Train as the configuration says; see :func:`khabar_training.trainer.train`."""
    from khabar_training.trainer import train as run  # here, because it loads torch

    return run(config)


def evaluate(model: "str | Path | Analyzer", data: "Data", *, train: "Data" = (), seed: int = 0) -> "Report":
    """Measure a model on labelled data; see :func:`khabar_training.evaluation.evaluate.evaluate`."""
    from khabar_training.evaluation.evaluate import (
        evaluate as run,  # here, because scikit-learn and more take long to import
    )

    return run(model, data, train=train, seed=seed)


def compare(first: "Report", second: "Report", *, seed: int = 0) -> "Comparison":
    """Compare two models by their reports; see :func:`khabar_training.evaluation.comparison.compare`."""
    from khabar_training.evaluation.comparison import compare as run

    return run(first, second, seed=seed)
