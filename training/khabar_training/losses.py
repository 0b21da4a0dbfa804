"""The loss of partial labels: the negative log of the probability mass on a set of outputs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from khabar.config import Kind, TaskSpec
from khabar.errors import ConfigError, near_miss
from khabar_data.batching import ALLOWED
from khabar_training.config import BALANCED, TrainingConfig
from khabar_training.metrics import Counts


@dataclass(frozen=True, eq=False)
class SetLoss:
    """``-log sum_{k allowed} p_k``; logits (…, K) and allowed (…, K), booleans, -> (…).

    With one output allowed it is the cross-entropy; with all allowed it is 0.
    """

    smoothing: float = 0.0
    """Mixes in the mean negative log-probability of all outputs (Szegedy et al. 2016)."""
    gamma: float = 0.0
    """Scales the loss by ``(1 - p) ** gamma``, p the mass on the set: focal loss (Lin et al. 2017)."""
    weights: Tensor | None = None
    """One factor an output, shape (K,); a set takes the mean of its outputs' factors."""

    def __call__(self, logits: Tensor, allowed: Tensor) -> Tensor:
        log_probabilities = logits.float().log_softmax(-1)
        log_mass = log_probabilities.masked_fill(~allowed, -torch.inf).logsumexp(-1)
        loss = -log_mass
        if self.gamma:
            loss = loss * (-torch.expm1(log_mass)).clamp(min=1e-6) ** self.gamma
        if self.smoothing:
            loss = (1 - self.smoothing) * loss - self.smoothing * log_probabilities.mean(-1)
        if self.weights is not None:
            loss = loss * (allowed * self.weights.to(allowed.device)).sum(-1) / allowed.sum(-1)
        return loss.masked_fill(allowed.all(-1), 0.0)

    def rows(self, logits: Tensor, allowed: Tensor) -> Tensor:
        """Return one loss a text: (B, K) as it is, (B, L, K) averaged over the words that say anything; (B,)."""
        losses = self(logits, allowed)
        if logits.dim() == 2:
            return losses
        informative = (~allowed.all(-1)).sum(-1).clamp(min=1)
        return losses.sum(-1) / informative


def task_losses(
    logits: Mapping[str, Tensor], batch: Mapping[str, Tensor], losses: Mapping[str, SetLoss]
) -> dict[str, Tensor]:
    """Return the loss of each task, its texts weighted by their share of the batch's word pieces.

    So the sum over micro-batches does not depend on how texts were grouped, and a long article
    counts as much as the sentences that take its place.
    """
    lengths = batch["attention_mask"].sum(-1)
    shares = lengths / lengths.sum()  # (B,)
    return {name: (loss.rows(logits[name], batch[ALLOWED + name]) * shares).sum() for name, loss in losses.items()}


def balanced_weights(counts: Tensor) -> Tensor:
    """Return for each output the factor that lets all weigh alike, ``n / (K n_k)``; (K,) -> (K,).

    An output that no data have counts as 1.
    """
    seen = counts > 0
    return torch.where(seen, counts.sum() / (seen.sum() * counts.clamp(min=1e-9)), 1.0).float()


def set_losses(config: TrainingConfig, tasks: Sequence[TaskSpec], counts: Mapping[str, Counts]) -> dict[str, SetLoss]:
    """Return the loss of each task.

    *counts* has, by task, how often the data allow each output; shape (K,). ConfigError where a class weight
    is for no label of its task.
    """
    return {
        task.name: SetLoss(
            smoothing=0.0 if task.kind is Kind.WORDS else config.label_smoothing,
            gamma=config.focal.get(task.name, 0.0),
            weights=_class_weights(task, config.class_weights.get(task.name), counts[task.name]),
        )
        for task in tasks
    }


def _class_weights(task: TaskSpec, wanted: Mapping[str, float] | str | None, counts: Counts) -> Tensor | None:
    if wanted is None:
        return None
    if wanted == BALANCED:
        return balanced_weights(torch.from_numpy(counts))
    assert not isinstance(wanted, str)
    for label in wanted:
        if label not in task.keys:
            hint = near_miss(label, task.keys)
            raise ConfigError(f"class_weights of {task.name} names {label!r}; it has {', '.join(task.keys)}{hint}")
    return torch.tensor(
        [float(wanted.get(output.removeprefix("B-").removeprefix("I-"), 1.0)) for output in task.outputs]
    )
