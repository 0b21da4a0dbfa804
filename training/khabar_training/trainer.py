"""Training: Transformers' ``Trainer`` over token-budget batches of mixed tasks."""

import ctypes
import logging
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer
from torch.utils.data import Dataset, SequentialSampler
from transformers import EarlyStoppingCallback, Trainer, TrainingArguments, set_seed
from transformers.utils import SAFE_WEIGHTS_NAME

from khabar.checkpoint import TRAINING_DATA, check_place
from khabar.config import TaskSpec
from khabar.errors import ConfigError
from khabar.network import Network
from khabar.text import TextReader
from khabar_data.batching import ALLOWED, pad
from khabar_data.fingerprints import Fingerprints
from khabar_training.config import TrainingConfig
from khabar_training.example_store import ExampleStore
from khabar_training.export import write_checkpoint
from khabar_training.losses import SetLoss, set_losses, task_losses
from khabar_training.mixture import Batch, development_examples, mixed_batches, plain_batches, training_examples
from khabar_training.steps import best_step, check_disk, claim, held, last_step
from khabar_training.validation import Validation
from khabar_training.weights import keep_start, start, started_from

_log = logging.getLogger(__name__)


def train(config: TrainingConfig) -> Path:
    """Train as the configuration says and return the folder of the checkpoint, which ``khabar.load`` takes.

    A run that was broken off goes on from its last saved step when called again with the same settings,
    with the examples that it began with. Under ``torchrun`` or ``accelerate launch`` every process calls
    this and learns from its share of the batches; the first one writes.
    """
    set_seed(config.seed)
    steps = config.output.with_name(config.output.name + ".steps")
    arguments = training_arguments(config, steps)
    check_place(config.output)
    with held(steps) if arguments.process_index == 0 else nullcontext():
        return _train(config, arguments, steps)


def _train(config: TrainingConfig, arguments: TrainingArguments, steps: Path) -> Path:
    with arguments.main_process_first(local=False):
        network, tokenizer, model = start(config)
        if arguments.process_index == 0:
            last = claim(steps, config, network, arguments.world_size)
            check_disk(steps, network)
        else:
            last = last_step(steps)
        tasks = tuple(task for task in model.tasks if task.name in config.tasks)
        reader = TextReader(tokenizer, model)
        store = training_examples(config, tasks, reader, steps / "examples")
        development = development_examples(config, tasks, reader, steps / "development") if config.watch else None
    losses = set_losses(config, tasks, store.counts)
    batches = mixed_batches(config, store)
    if config.max_steps is not None:
        del batches[config.max_steps * config.accumulation * arguments.world_size :]
    _log.info("%d batches of at most %d word pieces", len(batches), config.batch_tokens)
    learnt = Batches(store, batches, tasks, reader.pad_id)
    watched = None
    if development is not None:
        watched = Batches(development, plain_batches(config, development), tasks, reader.pad_id)
    trainer = MixtureTrainer(config, arguments, network, learnt, watched, losses)
    best = best_step(last, config.patience)
    if best is not None:  # it stopped early, and was broken off before the checkpoint was written
        network.load_state_dict(load_file(best / SAFE_WEIGHTS_NAME))
    else:
        trainer.train(resume_from_checkpoint=str(last) if last else None)
    trainer.accelerator.unwrap_model(network, keep_fp32_wrapper=False)  # else the graph is traced in bfloat16
    if arguments.process_index == 0:
        keep_start(network, model, config)
        write_checkpoint(config.output, network, tokenizer, model, _seen(config, steps))
    trainer.accelerator.wait_for_everyone()
    return config.output


def _seen(config: TrainingConfig, steps: Path) -> Fingerprints | None:
    """Return the fingerprints of all texts that the network has learnt from; None where it began with unknown ones."""
    seen = Fingerprints.load(steps / "examples" / TRAINING_DATA)
    folder = started_from(config)
    if folder is None:
        return seen
    before = Fingerprints.of_checkpoint(folder)
    if before is None:
        _log.warning("%s does not say what it was trained on, so neither does %s", folder, config.output)
        return None
    return before | seen


def training_arguments(config: TrainingConfig, steps: Path) -> TrainingArguments:
    """Return the settings of Hugging Face's trainer for a run that saves its steps to *steps*."""
    watching: dict[str, Any] = {}
    if config.watch is not None:
        watching = {
            "eval_strategy": "steps",
            "eval_steps": config.save_steps,
            "load_best_model_at_end": True,
            "metric_for_best_model": f"eval_{config.watch}",
            "greater_is_better": config.watch != "loss",
            "restore_callback_states_from_checkpoint": True,
        }
    return TrainingArguments(
        output_dir=str(steps),
        num_train_epochs=1,
        per_device_train_batch_size=1,
        learning_rate=config.learning_rate,
        warmup_steps=config.warmup,  # below 1: a share of all
        lr_scheduler_type="linear",
        weight_decay=config.weight_decay,
        max_grad_norm=1.0,
        gradient_accumulation_steps=config.accumulation,
        bf16=config.bf16,
        use_cpu=not torch.cuda.is_available(),
        ddp_find_unused_parameters=False,
        ddp_timeout=7 * 24 * 3600,  # seconds that processes wait for the one that encodes the data
        seed=config.seed,
        save_steps=config.save_steps,
        save_total_limit=2,
        logging_steps=config.log_steps,
        remove_unused_columns=False,
        label_names=[],
        report_to="tensorboard" if config.tensorboard else "none",
        dataloader_num_workers=0,
        **watching,
    )


class Batches(Dataset[dict[str, Tensor]]):
    """The batches of a run, read and padded when asked for; an item is a whole batch."""

    def __init__(self, store: ExampleStore, batches: Sequence[Batch], tasks: Sequence[TaskSpec], pad_id: int) -> None:
        self._store = store
        self._batches = batches
        self.tasks = tasks
        self._pad_id = pad_id

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        arrays = pad(self._store.read(self._batches[index]), self.tasks, self._pad_id)
        return {name: torch.from_numpy(array) for name, array in arrays.items()}


class MixtureTrainer(Trainer):
    """Hugging Face's trainer, with the loss of partial labels and a learning rate for each layer."""

    def __init__(
        self,
        config: TrainingConfig,
        arguments: TrainingArguments,
        network: Network,
        batches: Batches,
        development: Batches | None,
        losses: Mapping[str, SetLoss],
    ) -> None:
        for name, head in network.heads.items():
            head.requires_grad_(name in losses)
        super().__init__(
            model=network,
            args=arguments,
            train_dataset=batches,
            eval_dataset=development,
            data_collator=_only,
            callbacks=[EarlyStoppingCallback(config.patience)] if development is not None else None,
        )
        self._config = config
        self._batches = batches
        self._network = network
        self._losses = losses
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
        losses = task_losses(logits, inputs, self._losses)
        for name, loss in losses.items():
            if not inputs[ALLOWED + name].all():
                self._sums[name].append(loss.item())
        weights = self._config.task_weights
        total = torch.stack([loss * weights.get(name, 1.0) for name, loss in losses.items()]).sum()
        return (total, logits) if return_outputs else total

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """Return the figures of the held-out batches, which the processes share out among them."""
        assert isinstance(self.eval_dataset, Batches)
        validation = Validation(self._batches.tasks, self._losses)
        self._network.eval()
        with torch.inference_mode():
            for index in range(self.args.process_index, len(self.eval_dataset), self.args.world_size):
                batch = self._prepare_inputs(self.eval_dataset[index])
                validation.add(self._network(batch["input_ids"], batch["attention_mask"]), batch)
        validation.gather(lambda counts: self.accelerator.reduce(counts.to(self.args.device), "sum"))
        metrics = {f"eval_{name}": value for name, value in validation.figures().items()}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def _save_checkpoint(self, *args: Any, **kwargs: Any) -> None:
        """Save a step; ConfigError where the disk does not take it, whatever torch or safetensors call that."""
        try:
            super()._save_checkpoint(*args, **kwargs)
        except (OSError, RuntimeError, SafetensorError) as error:
            reason = str(error).strip().splitlines()[0]
            raise ConfigError(
                f"a step cannot be saved to {self.args.output_dir} ({reason}); free some of the disk, "
                "and run the same again: it goes on from the step before"
            ) from None

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        means = {f"loss_{name}": round(sum(values) / len(values), 4) for name, values in self._sums.items()}
        self._sums.clear()
        _give_back_memory()
        super().log({**logs, **means}, *args, **kwargs)

    def create_optimizer(self, model: nn.Module | None = None) -> Optimizer:
        if self.optimizer is None:
            groups = parameter_groups(self._network, self._config)
            self.optimizer = AdamW(groups, lr=self._config.learning_rate, betas=(0.9, 0.98), eps=1e-6, fused=True)
        return self.optimizer


def _give_back_memory() -> None:
    """Return to the system what glibc keeps of freed memory: batches of ever other shapes leave gigabytes of it."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


def parameter_groups(network: Network, config: TrainingConfig) -> list[dict[str, Any]]:
    """Return AdamW's groups: heads at their own rate, each encoder layer slower than the one above it
    (Howard and Ruder 2018), no weight decay on biases and layer norms."""
    n_layers = network.encoder.config.num_hidden_layers
    grouped: Mapping[tuple[float, float], list[nn.Parameter]] = defaultdict(list)
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:  # a head that the run does not train
            continue
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


def _only(batches: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Unwrap the one batch that the loader hands over."""
    return batches[0]
