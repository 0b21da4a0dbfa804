"""The loss of partial labels: the negative log of the probability mass on a set of outputs."""

from collections.abc import Mapping

import torch
from torch import Tensor

from khabar_data.batching import ALLOWED


def set_loss(logits: Tensor, allowed: Tensor, smoothing: float = 0.0) -> Tensor:
    """Return ``-log sum_{k allowed} p_k``; (…, K) and (…, K) booleans -> (…).

    With one output allowed it is the cross-entropy; with all allowed it is 0. *smoothing* mixes in
    the mean negative log-probability of all outputs (Szegedy et al. 2016), where a row says anything.
    """
    log_probabilities = logits.float().log_softmax(-1)
    loss = -log_probabilities.masked_fill(~allowed, -torch.inf).logsumexp(-1)
    if smoothing:
        loss = (1 - smoothing) * loss - smoothing * log_probabilities.mean(-1)
    return loss.masked_fill(allowed.all(-1), 0.0)


def row_losses(logits: Tensor, allowed: Tensor, smoothing: float = 0.0) -> Tensor:
    """Return one loss a text: (B, K) as it is, (B, L, K) averaged over the words that say anything; (B,)."""
    if logits.dim() == 2:
        return set_loss(logits, allowed, smoothing)
    losses = set_loss(logits, allowed)
    informative = (~allowed.all(-1)).sum(-1).clamp(min=1)
    return losses.sum(-1) / informative


def task_losses(logits: Mapping[str, Tensor], batch: Mapping[str, Tensor], smoothing: float) -> dict[str, Tensor]:
    """Return the loss of each task, its texts weighted by their share of the batch's word pieces.

    So the sum over micro-batches does not depend on how texts were grouped, and a long article
    counts as much as the sentences that take its place.
    """
    lengths = batch["attention_mask"].sum(-1)
    shares = lengths / lengths.sum()  # (B,)
    return {
        name: (row_losses(scores, batch[ALLOWED + name], smoothing) * shares).sum()
        for name, scores in logits.items()
        if ALLOWED + name in batch  # a head that this run does not train
    }
