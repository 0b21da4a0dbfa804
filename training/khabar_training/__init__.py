"""Khabar's training: losses, trainer, export, metrics and the command line."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from khabar_data.records import Record
    from khabar_training.calibration import Fit
    from khabar_training.config import TrainingConfig

__all__ = ["calibrate", "train"]


def calibrate(model: str | Path, records: "Iterable[Record]", *, output: Path | None = None) -> "tuple[Fit, ...]":
    """Fit the temperatures of a checkpoint's heads; see :func:`khabar_training.calibration.calibrate`."""
    from khabar_training.calibration import calibrate as run  # here, so that importing stays quick

    return run(model, records, output=output)


def train(config: "TrainingConfig") -> Path:
    """Train as the configuration says; see :func:`khabar_training.trainer.train`."""
    from khabar_training.trainer import train as run  # here, because it loads torch

    return run(config)
