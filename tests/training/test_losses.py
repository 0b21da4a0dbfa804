"""The loss of partial labels, against cross-entropy and against sums done by hand."""

from math import log

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot

from khabar_training.losses import row_losses, set_loss, task_losses

CHANCE = torch.Generator().manual_seed(3)
LOGITS = 3 * torch.randn(6, 5, generator=CHANCE)
LABELS = torch.tensor([0, 4, 2, 2, 1, 3])
ONE = one_hot(LABELS, 5).bool()
EVERY = torch.ones(6, 5, dtype=torch.bool)


def gradient(loss: Tensor, logits: Tensor) -> Tensor:
    (slope,) = torch.autograd.grad(loss.sum(), logits)
    return slope


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_one_label_is_cross_entropy(smoothing: float) -> None:
    expected = cross_entropy(LOGITS, LABELS, reduction="none", label_smoothing=smoothing)
    torch.testing.assert_close(set_loss(LOGITS, ONE, smoothing), expected)


def test_a_set_costs_the_log_of_its_mass() -> None:
    logits = torch.tensor([[0.1, 0.2, 0.3, 0.4]]).log() + 7
    allowed = torch.tensor([[True, False, True, False]])
    assert set_loss(logits, allowed).item() == pytest.approx(-log(0.4))
    smooth = 0.8 * -log(0.4) - 0.2 * (log(0.1) + log(0.2) + log(0.3) + log(0.4)) / 4
    assert set_loss(logits, allowed, 0.2).item() == pytest.approx(smooth)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_all_allowed_costs_nothing_and_teaches_nothing(smoothing: float) -> None:
    logits = LOGITS.clone().requires_grad_()
    loss = set_loss(logits, EVERY, smoothing)
    assert not loss.any()
    assert not gradient(loss, logits).any()


def test_within_a_set_the_choice_is_free() -> None:
    logits = LOGITS[:1].clone().requires_grad_()
    allowed = torch.tensor([[True, True, False, False, False]])
    slope = gradient(set_loss(logits, allowed), logits)
    probabilities = LOGITS[0].softmax(-1)
    inside = probabilities[:2] / probabilities[:2].sum()
    torch.testing.assert_close(slope[0, :2], probabilities[:2] - inside)
    torch.testing.assert_close(slope[0, 2:], probabilities[2:])


def test_far_apart_logits_stay_finite() -> None:
    logits = torch.tensor([[0.0, -1e4, 50.0]]).requires_grad_()
    loss = set_loss(logits, torch.tensor([[False, True, False]]))
    assert loss.isfinite().all()
    assert gradient(loss, logits).isfinite().all()


def test_half_precision_logits_are_judged_in_full() -> None:
    half = LOGITS.bfloat16()
    torch.testing.assert_close(set_loss(half, ONE), set_loss(half.float(), ONE))


def test_words_count_by_what_they_say() -> None:
    logits = LOGITS.reshape(2, 3, 5)
    allowed = EVERY.reshape(2, 3, 5).clone()
    allowed[0, :2] = ONE[:2]
    each = set_loss(LOGITS[:2], ONE[:2])
    torch.testing.assert_close(row_losses(logits, allowed, 0.5), torch.stack((each.mean(), torch.tensor(0.0))))


def batch(lengths: list[int]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return logits and labels of a text task and a word task for sequences of these lengths."""
    chance = torch.Generator().manual_seed(5)
    n_texts, longest = len(lengths), max(lengths)
    logits = {
        "topic": torch.randn(n_texts, 4, generator=chance),
        "entities": torch.randn(n_texts, longest, 3, generator=chance),
    }
    mask = torch.arange(longest) < torch.tensor(lengths)[:, None]
    words = torch.rand(n_texts, longest, 3, generator=chance) < 0.5
    words[..., 0] = True
    words[~mask] = True
    topics = torch.rand(n_texts, 4, generator=chance) < 0.3
    topics[:, 1] = True
    return logits, {"attention_mask": mask.long(), "allowed.topic": topics, "allowed.entities": words}


def cut(arrays: dict[str, Tensor], rows: slice, length: int) -> dict[str, Tensor]:
    """Return some rows, padded to *length* alone."""
    return {
        name: array[rows, :length] if name.endswith(("entities", "mask")) else array[rows]
        for name, array in arrays.items()
    }


def test_losses_do_not_depend_on_how_texts_are_grouped() -> None:
    lengths = [9, 4, 7, 3, 2]
    logits, labels = batch(lengths)
    whole = task_losses(logits, labels, 0.1)
    together = dict.fromkeys(whole, torch.tensor(0.0))
    for rows in (slice(0, 2), slice(2, 5)):
        longest, share = max(lengths[rows]), sum(lengths[rows]) / sum(lengths)
        part = task_losses(cut(logits, rows, longest), cut(labels, rows, longest), 0.1)
        together = {name: loss + share * part[name] for name, loss in together.items()}
    assert whole["topic"] > 0
    assert whole["entities"] > 0
    torch.testing.assert_close(together, whole)


def test_a_text_counts_by_its_length() -> None:
    logits, labels = batch([9, 3])
    labels["allowed.topic"][1] = True
    expected = 0.75 * set_loss(logits["topic"][0], labels["allowed.topic"][0])
    torch.testing.assert_close(task_losses(logits, labels, 0.0)["topic"], expected)
