"""The folder of a run's saved steps: whose it is, where to go on, whether it fits on the disk."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from shutil import disk_usage, rmtree

from transformers.trainer import TRAINER_STATE_NAME

from khabar.errors import ConfigError
from khabar.network import Network
from khabar_training.config import TrainingConfig


@contextmanager
def held(steps: Path) -> Iterator[None]:
    """Keep a second run out of the folder of steps; ConfigError where one is going on."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    steps.mkdir(parents=True, exist_ok=True)
    folder = os.open(steps, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(f"another run is writing {steps}; wait for it, or choose another output") from None
        yield
    finally:
        os.close(folder)


def claim(steps: Path, config: TrainingConfig, network: Network, n_processes: int) -> Path | None:
    """Return the saved step to go on from, None for a run that begins.

    A run's settings are noted beside its steps; one of other settings, of another encoder or over another number
    of processes is refused. A run that saved no step yet begins anew, so that its data may have been mended.
    """
    note = steps / "run.json"
    last = last_step(steps)
    if last is None and note.exists():
        for left in steps.iterdir():  # the folder itself stays, for it is held
            rmtree(left) if left.is_dir() else left.unlink()
    shapes = {name: list(parameter.shape) for name, parameter in network.named_parameters()}
    run = {"settings": asdict(config), "the shapes of an encoder": shapes, "number of processes": n_processes}
    run = json.loads(json.dumps(run, default=str))
    old = json.loads(note.read_text("utf-8")) if note.exists() else run
    others = [what for what, value in run.items() if old.get(what) != value]
    if others:
        raise ConfigError(
            f"{steps} holds the steps of a run with other {' and other '.join(others)}; take those again, "
            "remove the folder, or choose another output"
        )
    steps.mkdir(parents=True, exist_ok=True)
    draft = note.with_suffix(".draft")
    draft.write_text(json.dumps(run, ensure_ascii=False) + "\n", "utf-8")
    draft.replace(note)
    return last


def check_disk(steps: Path, network: Network) -> None:
    """Refuse to start where the disk will not hold the steps that are to be saved."""
    weights = 4 * sum(parameter.numel() for parameter in network.parameters())
    n_saved = len(list(steps.glob("checkpoint-*")))
    needed = 3 * weights * max(1, 3 - n_saved)  # weights and two moments, in two saved steps and the one being written
    free = disk_usage(steps).free
    if free < needed:
        raise ConfigError(
            f"the disk of {steps} has {free / 1e6:,.0f} MB free, and the run saves {needed / 1e6:,.0f} MB; "
            "free some, or choose another output"
        )


def best_step(last: Path | None, patience: int) -> Path | None:
    """Return the best step of a run that stopped early at its *last* one, None for any other run."""
    if last is None:
        return None
    state = json.loads((last / TRAINER_STATE_NAME).read_text("utf-8"))
    stopping = state.get("stateful_callbacks", {}).get("EarlyStoppingCallback")
    if not stopping or stopping["attributes"]["early_stopping_patience_counter"] < patience:
        return None
    return last.with_name(Path(state["best_model_checkpoint"]).name)


def last_step(steps: Path) -> Path | None:
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
            return folder
    return None
