"""The loss of partial labels, against cross-entropy and against sums done by hand."""

from math import log

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot

from khabar_training.losses import SetLoss, balanced_weights, task_losses

CHANCE = torch.Generator().manual_seed(3)
LOGITS = 3 * torch.randn(6, 5, generator=CHANCE)
LABELS = torch.tensor([0, 4, 2, 2, 1, 3])
ONE = one_hot(LABELS, 5).bool()
SMOOTH = {"topic": SetLoss(0.1), "entities": SetLoss()}
EVERY = torch.ones(6, 5, dtype=torch.bool)


def gradient(loss: Tensor, logits: Tensor) -> Tensor:
    (slope,) = torch.autograd.grad(loss.sum(), logits)
    return slope


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_one_label_is_cross_entropy(smoothing: float) -> None:
    expected = cross_entropy(LOGITS, LABELS, reduction="none", label_smoothing=smoothing)
    torch.testing.assert_close(SetLoss(smoothing)(LOGITS, ONE), expected)


def test_a_set_costs_the_log_of_its_mass() -> None:
    logits = torch.tensor([[0.1, 0.2, 0.3, 0.4]]).log() + 7
    allowed = torch.tensor([[True, False, True, False]])
    assert SetLoss()(logits, allowed).item() == pytest.approx(-log(0.4))
    smooth = 0.8 * -log(0.4) - 0.2 * (log(0.1) + log(0.2) + log(0.3) + log(0.4)) / 4
    assert SetLoss(0.2)(logits, allowed).item() == pytest.approx(smooth)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_all_allowed_costs_nothing_and_teaches_nothing(smoothing: float) -> None:
    logits = LOGITS.clone().requires_grad_()
    loss = SetLoss(smoothing)(logits, EVERY)
    assert not loss.any()
    assert not gradient(loss, logits).any()


def test_within_a_set_the_choice_is_free() -> None:
    logits = LOGITS[:1].clone().requires_grad_()
    allowed = torch.tensor([[True, True, False, False, False]])
    slope = gradient(SetLoss()(logits, allowed), logits)
    probabilities = LOGITS[0].softmax(-1)
    inside = probabilities[:2] / probabilities[:2].sum()
    torch.testing.assert_close(slope[0, :2], probabilities[:2] - inside)
    torch.testing.assert_close(slope[0, 2:], probabilities[2:])


def test_far_apart_logits_stay_finite() -> None:
    logits = torch.tensor([[0.0, -1e4, 50.0]]).requires_grad_()
    loss = SetLoss()(logits, torch.tensor([[False, True, False]]))
    assert loss.isfinite().all()
    assert gradient(loss, logits).isfinite().all()


def test_half_precision_logits_are_judged_in_full() -> None:
    half = LOGITS.bfloat16()
    torch.testing.assert_close(SetLoss()(half, ONE), SetLoss()(half.float(), ONE))


def test_focal_loss_by_hand() -> None:
    logits = torch.tensor([[0.1, 0.2, 0.3, 0.4]]).log().requires_grad_()
    allowed = torch.tensor([[True, False, True, False]])
    assert SetLoss(gamma=2.0)(logits, allowed).item() == pytest.approx(0.6**2 * -log(0.4))
    sure = torch.tensor([[100.0, 0.0]]).requires_grad_()
    assert gradient(SetLoss(gamma=0.5)(sure, torch.tensor([[True, False]])), sure).isfinite().all()


def test_class_weights_scale_a_class_and_average_over_a_set() -> None:
    weights = torch.tensor([1.0, 2.0, 4.0, 1.0, 1.0])
    expected = cross_entropy(LOGITS, LABELS, weight=weights, reduction="none")
    torch.testing.assert_close(SetLoss(weights=weights)(LOGITS, ONE), expected)
    either = torch.tensor([[False, True, True, False, False]])
    torch.testing.assert_close(SetLoss(weights=weights)(LOGITS[:1], either), 3 * SetLoss()(LOGITS[:1], either))


def test_balanced_weights_are_those_of_scikit_learn() -> None:
    labels = [0] * 6 + [1] * 3 + [2]
    expected = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    torch.testing.assert_close(balanced_weights(torch.tensor([6.0, 3.0, 1.0])).double(), torch.from_numpy(expected))
    assert balanced_weights(torch.tensor([6.0, 0.0, 6.0])).tolist() == [1.0, 1.0, 1.0]


def test_words_count_by_what_they_say() -> None:
    logits = LOGITS.reshape(2, 3, 5)
    allowed = EVERY.reshape(2, 3, 5).clone()
    allowed[0, :2] = ONE[:2]
    each = SetLoss()(LOGITS[:2], ONE[:2])
    torch.testing.assert_close(SetLoss().rows(logits, allowed), torch.stack((each.mean(), torch.tensor(0.0))))


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
    whole = task_losses(logits, labels, SMOOTH)
    together = dict.fromkeys(whole, torch.tensor(0.0))
    for rows in (slice(0, 2), slice(2, 5)):
        longest, share = max(lengths[rows]), sum(lengths[rows]) / sum(lengths)
        part = task_losses(cut(logits, rows, longest), cut(labels, rows, longest), SMOOTH)
        together = {name: loss + share * part[name] for name, loss in together.items()}
    assert whole["topic"] > 0
    assert whole["entities"] > 0
    torch.testing.assert_close(together, whole)


def test_a_text_counts_by_its_length() -> None:
    logits, labels = batch([9, 3])
    labels["allowed.topic"][1] = True
    expected = 0.75 * SetLoss()(logits["topic"][0], labels["allowed.topic"][0])
    torch.testing.assert_close(task_losses(logits, labels, {"topic": SetLoss()})["topic"], expected)
