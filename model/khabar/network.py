"""The network: one encoder, one head a task; tensors in, tensors out.

Training and export import this module; predicting does not, so torch is not needed there.
Shapes: B texts in a batch, L word pieces, H hidden units, K outputs of a task.
"""

from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from khabar.config import Kind, TaskSpec


class TextHead(nn.Module):
    """Scores a whole text from its first piece and the mean of all; (B, L, H) -> (B, K)."""

    def __init__(self, hidden: int, n_outputs: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.dense = nn.Linear(2 * hidden, hidden)
        self.output = nn.Linear(hidden, n_outputs)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        weights = mask.unsqueeze(-1).to(states.dtype)  # (B, L, 1)
        mean = (states * weights).sum(1, keepdim=True) / weights.sum(1, keepdim=True).clamp(min=1)
        pooled = torch.cat((states[:, :1], mean), dim=-1)  # (B, 1, 2H): exported as MatMul, which 8 bits suit
        logits: Tensor = self.output(torch.tanh(self.dense(self.dropout(pooled))))  # (B, 1, K)
        return logits.squeeze(1)


class WordHead(nn.Module):
    """Scores every piece; the first piece of a word speaks for it; (B, L, H) -> (B, L, K)."""

    def __init__(self, hidden: int, n_outputs: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(hidden, n_outputs)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        logits: Tensor = self.output(self.dropout(states))
        return logits


_HEADS: Final[Mapping[Kind, type[TextHead] | type[WordHead]]] = {
    Kind.TEXT: TextHead,
    Kind.WORDS: WordHead,
    Kind.PAIR: TextHead,
}


class Network(nn.Module):
    """A BERT-like encoder of Hugging Face's with a head for each task."""

    def __init__(self, encoder: PreTrainedModel, tasks: tuple[TaskSpec, ...], dropout: float = 0.1) -> None:
        super().__init__()
        self.encoder = encoder
        hidden = encoder.config.hidden_size
        self.heads = nn.ModuleDict({task.name: _HEADS[task.kind](hidden, len(task.outputs), dropout) for task in tasks})

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> dict[str, Tensor]:
        """Return the logits of every task, for ids and mask of shape (B, L)."""
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state  # (B, L, H)
        return {name: head(states, attention_mask) for name, head in self.heads.items()}
