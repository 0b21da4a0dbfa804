"""The network: every kind of head has its shape, and padding changes nothing."""

import pytest
import torch
from torch import Tensor
from transformers import BertConfig, BertModel

from khabar.config import Kind, Label, TaskSpec
from khabar.network import Network

LABELS = (Label("a", "الف"), Label("b", "ب"), Label("c", "پ"))
TASKS = tuple(TaskSpec(name=kind.value, kind=kind, labels=LABELS) for kind in Kind)
N_OUTPUTS = {"text": 3, "words": 7, "pair": 3}


@pytest.fixture(scope="module")
def network() -> Network:
    torch.manual_seed(1)
    shape = BertConfig(
        vocab_size=60,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=40,
        initializer_range=0.5,
    )
    return Network(BertModel(shape), TASKS).eval()


def run(network: Network, sequences: list[Tensor], pad_id: int = 0) -> dict[str, Tensor]:
    """Return the logits of sequences padded to one length."""
    ids = torch.nn.utils.rnn.pad_sequence(sequences, batch_first=True, padding_value=pad_id)
    mask = torch.nn.utils.rnn.pad_sequence([torch.ones_like(sequence) for sequence in sequences], batch_first=True)
    with torch.inference_mode():
        logits: dict[str, Tensor] = network(ids, mask)
    return logits


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_every_kind_has_its_shape(network: Network, task: TaskSpec) -> None:
    logits = run(network, [torch.arange(5, 14), torch.arange(20, 26)])[task.name]
    words = (9,) if task.kind is Kind.WORDS else ()
    assert logits.shape == (2, *words, N_OUTPUTS[task.kind])
    assert logits.dtype is torch.float32


@pytest.mark.parametrize("pad_id", [0, 59])
def test_padding_changes_no_logit(network: Network, pad_id: int) -> None:
    sequences = [torch.arange(5, 10), torch.arange(10, 40), torch.tensor([7])]
    together = run(network, sequences, pad_id)
    for row, sequence in enumerate(sequences):
        alone = run(network, [sequence])
        for name, logits in alone.items():
            expected = together[name][row, : len(sequence)] if name == "words" else together[name][row]
            torch.testing.assert_close(logits[0], expected, atol=1e-5, rtol=1e-4)


def test_every_piece_matters_to_a_text(network: Network) -> None:
    one, other = torch.tensor([[3, 8, 9], [3, 8, 10]])
    assert not torch.allclose(run(network, [one])["text"], run(network, [other])["text"], atol=1e-3)


def test_text_and_pair_read_the_mean_beside_the_first_piece(network: Network) -> None:
    head = network.heads["text"]
    states = torch.randn(1, 4, 16, generator=torch.Generator().manual_seed(2))
    mask = torch.tensor([[1, 1, 1, 0]])
    moved = states.clone()
    moved[0, 1], moved[0, 2], moved[0, 3] = states[0, 2], states[0, 1], 99.0
    torch.testing.assert_close(head(states, mask), head(moved, mask))
    moved[0, 0] = states[0, 1]
    assert not torch.allclose(head(states, mask), head(moved, mask))


def test_unknown_kinds_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="'sentence' is not a valid Kind"):
        Kind("sentence")
