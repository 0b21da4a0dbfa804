"""Khabar's training: losses, trainer, export, metrics and the command line."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from khabar_training.config import TrainingConfig

__all__ = ["train"]


def train(config: "TrainingConfig") -> Path:
    """Train as the configuration says; see :func:`khabar_training.trainer.train`."""
    from khabar_training.trainer import train as run  # here, because it loads torch

    return run(config)
