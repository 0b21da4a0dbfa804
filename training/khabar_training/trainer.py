"""Training: Transformers' ``Trainer`` over token-budget batches of mixed tasks."""

import json
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from shutil import disk_usage, rmtree
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer
from torch.utils.data import Dataset, SequentialSampler
from transformers import Trainer, TrainingArguments, set_seed
from transformers.trainer import TRAINER_STATE_NAME

from khabar.config import TaskSpec
from khabar.errors import ConfigError
from khabar.network import Network
from khabar.text import TextReader
from khabar_data.batching import ALLOWED, Example, pad
from khabar_training.config import TrainingConfig
from khabar_training.export import write_checkpoint
from khabar_training.losses import task_losses
from khabar_training.mixture import mixed_batches
from khabar_training.weights import start

_log = logging.getLogger(__name__)


def train(config: TrainingConfig) -> Path:
    """Train as the configuration says and return the folder of the checkpoint, which ``khabar.load`` takes.

    A run that was broken off goes on from its last saved step when called again with the same settings.
    """
    set_seed(config.seed)
    steps = config.output.with_name(config.output.name + ".steps")
    _claim(steps, config)
    network, tokenizer, model = start(config)
    _check_disk(steps, network)
    reader = TextReader(tokenizer, model)
    trained = tuple(task for task in model.tasks if task.name in config.tasks)
    batches = Batches(mixed_batches(config, trained, reader), trained, reader.pad_id)
    _log.info("%d batches of at most %d word pieces", len(batches), config.batch_tokens)
    trainer = MixtureTrainer(config, network, batches, steps)
    trainer.train(resume_from_checkpoint=_last_step(steps))
    trainer.accelerator.unwrap_model(network, keep_fp32_wrapper=False)  # else the graph is traced in bfloat16
    return write_checkpoint(config.output, network, tokenizer, model)


class Batches(Dataset[dict[str, Tensor]]):
    """The batches of a run, padded when asked for; an item is a whole batch."""

    def __init__(self, batches: Sequence[Sequence[Example]], tasks: Sequence[TaskSpec], pad_id: int) -> None:
        self._batches = batches
        self._tasks = tasks
        self._pad_id = pad_id

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        arrays = pad(self._batches[index], self._tasks, self._pad_id)
        return {name: torch.from_numpy(array) for name, array in arrays.items()}


class MixtureTrainer(Trainer):
    """Hugging Face's trainer, with the loss of partial labels and a learning rate for each layer."""

    def __init__(self, config: TrainingConfig, network: Network, batches: Batches, steps: Path) -> None:
        arguments = TrainingArguments(
            output_dir=str(steps),
            num_train_epochs=1,
            per_device_train_batch_size=1,
            learning_rate=config.learning_rate,
            warmup_steps=int(config.warmup * len(batches) / config.accumulation),
            lr_scheduler_type="linear",
            weight_decay=config.weight_decay,
            max_grad_norm=1.0,
            gradient_accumulation_steps=config.accumulation,
            bf16=config.bf16,
            use_cpu=not torch.cuda.is_available(),
            seed=config.seed,
            save_steps=config.save_steps,
            save_total_limit=2,
            logging_steps=50,
            remove_unused_columns=False,
            label_names=[],
            report_to="tensorboard" if config.tensorboard else "none",
            dataloader_num_workers=0,
        )
        super().__init__(model=network, args=arguments, train_dataset=batches, data_collator=_only)
        self._config = config
        self._batches = batches
        self._network = network
        self._sums: dict[str, list[float]] = defaultdict(list)

    def _get_train_sampler(self, *_: Any) -> SequentialSampler:
        """The batches are in random order already."""
        return SequentialSampler(self._batches)

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        logits = model(inputs["input_ids"], inputs["attention_mask"])
        losses = task_losses(logits, inputs, self._config.label_smoothing)
        for name, loss in losses.items():
            if not inputs[ALLOWED + name].all():
                self._sums[name].append(loss.item())
        weights = self._config.task_weights
        total = torch.stack([loss * weights.get(name, 1.0) for name, loss in losses.items()]).sum()
        return (total, logits) if return_outputs else total

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        means = {f"loss_{name}": round(sum(values) / len(values), 4) for name, values in self._sums.items()}
        self._sums.clear()
        super().log({**logs, **means}, *args, **kwargs)

    def create_optimizer(self, model: nn.Module | None = None) -> Optimizer:
        if self.optimizer is None:
            groups = parameter_groups(self._network, self._config)
            self.optimizer = AdamW(groups, lr=self._config.learning_rate, betas=(0.9, 0.98), eps=1e-6, fused=True)
        return self.optimizer


def parameter_groups(network: Network, config: TrainingConfig) -> list[dict[str, Any]]:
    """Return AdamW's groups: heads at their own rate, each encoder layer slower than the one above it
    (Howard and Ruder 2018), no weight decay on biases and layer norms."""
    n_layers = network.encoder.config.num_hidden_layers
    grouped: Mapping[tuple[float, float], list[nn.Parameter]] = defaultdict(list)
    for name, parameter in network.named_parameters():
        depth = _depth(name, n_layers)
        rate = config.head_learning_rate if depth is None else config.learning_rate * config.layer_decay**depth
        decay = config.weight_decay if parameter.dim() > 1 else 0.0
        grouped[rate, decay].append(parameter)
    return [{"params": group, "lr": rate, "weight_decay": decay} for (rate, decay), group in grouped.items()]


def _depth(name: str, n_layers: int) -> int | None:
    """Return how many layers lie above a parameter; None for a head's."""
    if not name.startswith("encoder."):
        return None
    layer = next((int(part) for part in name.split(".") if part.isdigit()), -1)
    return n_layers - 1 - layer


def _claim(steps: Path, config: TrainingConfig) -> None:
    """Note the run's settings beside its steps; refuse to go on with a run of other settings."""
    note = steps / "run.json"
    settings = json.dumps(asdict(config), ensure_ascii=False, indent=1, default=str) + "\n"
    if note.exists() and note.read_text("utf-8") != settings:
        raise ConfigError(
            f"{steps} holds the steps of a run with other settings; take those again, remove the folder, "
            "or choose another output"
        )
    steps.mkdir(parents=True, exist_ok=True)
    draft = note.with_suffix(".draft")
    draft.write_text(settings, "utf-8")
    draft.replace(note)


def _check_disk(steps: Path, network: Network) -> None:
    """Refuse to start where the disk will not hold the saved steps."""
    weights = 4 * sum(parameter.numel() for parameter in network.parameters())
    needed = 3 * 3 * weights  # weights and two moments, in two saved steps and the one being written
    free = disk_usage(steps).free
    if free < needed:
        raise ConfigError(
            f"the disk of {steps} has {free / 1e9:.1f} GB free, and the run saves {needed / 1e9:.1f} GB; "
            "free some, or choose another output"
        )


def _last_step(steps: Path) -> str | None:
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


def _only(batches: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Unwrap the one batch that the loader hands over."""
    return batches[0]
