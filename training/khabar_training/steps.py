"""The folder of a run's saved steps: whose it is, whether it fits on the disk, where to go on."""

import json
from dataclasses import asdict
from pathlib import Path
from shutil import disk_usage, rmtree

from transformers.trainer import TRAINER_STATE_NAME

from khabar.errors import ConfigError
from khabar.network import Network
from khabar_training.config import TrainingConfig


def claim(steps: Path, config: TrainingConfig, network: Network) -> None:
    """Note the run's settings beside its steps; refuse to go on with a run of other settings or another encoder.

    A run that saved no step yet begins anew, so that its data may have been mended.
    """
    if not any(steps.glob("checkpoint-*")):
        rmtree(steps, ignore_errors=True)
    note = steps / "run.json"
    shapes = {name: list(parameter.shape) for name, parameter in network.named_parameters()}
    run = json.loads(json.dumps({"settings": asdict(config), "shapes": shapes}, default=str))
    if note.exists() and (old := json.loads(note.read_text("utf-8"))) != run:
        other = "settings" if old.get("settings") != run["settings"] else "shapes: its encoder was another"
        raise ConfigError(
            f"{steps} holds the steps of a run with other {other}; take those again, remove the folder, "
            "or choose another output"
        )
    steps.mkdir(parents=True, exist_ok=True)
    draft = note.with_suffix(".draft")
    draft.write_text(json.dumps(run, ensure_ascii=False) + "\n", "utf-8")
    draft.replace(note)


def check_disk(steps: Path, network: Network) -> None:
    """Refuse to start where the disk will not hold the saved steps."""
    weights = 4 * sum(parameter.numel() for parameter in network.parameters())
    needed = 3 * 3 * weights  # weights and two moments, in two saved steps and the one being written
    free = disk_usage(steps).free
    if free < needed:
        raise ConfigError(
            f"the disk of {steps} has {free / 1e9:.1f} GB free, and the run saves {needed / 1e9:.1f} GB; "
            "free some, or choose another output"
        )


def last_step(steps: Path) -> str | None:
    """Return the folder of the last step that was saved whole; what is half-written after it goes.

    The trainer writes its state last, so a folder with a state that can be read is whole.
    """
    folders = sorted(steps.glob("checkpoint-*"), key=lambda folder: -int(folder.name.rpartition("-")[2]))
    for folder in folders:
        try:
            json.loads((folder / TRAINER_STATE_NAME).read_text("utf-8"))
        except (OSError, ValueError):
            rmtree(folder)
        else:
            return str(folder)
    return None
