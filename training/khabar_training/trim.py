"""Vocabulary trimming: only the word pieces that the texts at hand use stay (Abdaoui et al. 2020).

A text whose pieces all stay is cut as before, so the outputs on it do not change; other text falls
back to shorter pieces, which is why every single character that occurs is kept as well.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from rich.progress import track
from tokenizers import Tokenizer
from torch import Tensor, nn

from khabar.errors import ConfigError
from khabar.text import TextReader
from khabar_data.corpora import CORPORA, read_corpus
from khabar_data.fingerprints import Fingerprints
from khabar_training.export import write_checkpoint
from khabar_training.weights import load_network


def trim(source: Path, target: Path, texts: Iterable[str], size: int) -> Path:
    """Write the checkpoint *source* to *target* with the *size* pieces that *texts* use most."""
    network, tokenizer, model = load_network(source)
    kept = choose_pieces(tokenizer, count_pieces(TextReader(tokenizer, model), texts), size)
    old: Tensor = network.encoder.get_input_embeddings().state_dict()["weight"]
    padding = kept.index(TextReader(tokenizer, model).pad_id)
    network.encoder.set_input_embeddings(nn.Embedding(len(kept), old.shape[1], padding, _weight=old[kept].clone()))
    network.encoder.config.vocab_size = len(kept)
    network.encoder.config.pad_token_id = padding
    return write_checkpoint(target, network, keep_pieces(tokenizer, kept), model, Fingerprints.of_checkpoint(source))


def persian_texts(folder: Path) -> Iterator[str]:
    """Yield every text, title and claim of the Persian corpora in a folder."""
    for corpus in track([corpus for corpus in CORPORA.values() if corpus.language == "fa"], "Reading corpora"):
        files = {corpus.locate(folder, part): part for part in reversed(corpus.parts)}  # each once, by its first part
        for part in reversed(files.values()):
            for record in read_corpus(corpus.name, folder, part):
                yield from (record.text, record.title or "", *(stance.claim for stance in record.claim_stances))


def count_pieces(reader: TextReader, texts: Iterable[str]) -> Counter[int]:
    """Return how often each piece occurs in *texts*, read as the model reads them."""
    counts: Counter[int] = Counter()
    for text in texts:
        counts.update(reader.read(text).ids.tolist())
    return counts


def choose_pieces(tokenizer: Tokenizer, counts: Counter[int], size: int) -> list[int]:
    """Return the ids to keep, ascending: added tokens, single characters that can matter, then by count."""
    vocabulary = tokenizer.get_vocab()
    added = set(tokenizer.get_added_tokens_decoder())
    needed = added | {index for piece, index in vocabulary.items() if _is_basic(piece)}
    ranked = [index for index, _ in counts.most_common() if index not in needed]
    if size < len(needed):
        raise ConfigError(f"a vocabulary of {size} pieces is too small; it takes {len(needed)} or more")
    return sorted(needed | set(ranked[: size - len(needed)]))


def _is_basic(piece: str) -> bool:
    """Say whether a piece is one character of Persian, Latin or common punctuation."""
    character = piece.removeprefix("▁").removeprefix("##")
    return len(character) <= 1 and all(
        ord(c) < 0x180 or 0x600 <= ord(c) < 0x700 or 0x2000 <= ord(c) < 0x2070 for c in character
    )


def keep_pieces(tokenizer: Tokenizer, kept: list[int]) -> Tokenizer:
    """Return the tokenizer with only the pieces *kept*, numbered anew in the same order."""
    values: dict[str, Any] = json.loads(tokenizer.to_str())
    new_ids = {old: new for new, old in enumerate(kept)}
    model = values["model"]
    if model["type"] == "Unigram":
        pieces = model["vocab"]
        model["vocab"] = [pieces[old] for old in kept if old < len(pieces)]
        model["unk_id"] = new_ids[model["unk_id"]]
    elif model["type"] == "WordPiece":
        model["vocab"] = {piece: new_ids[old] for piece, old in model["vocab"].items() if old in new_ids}
    else:
        raise ConfigError(f"a tokenizer of type {model['type']} cannot be trimmed; Unigram and WordPiece can")
    for token in values["added_tokens"]:
        token["id"] = new_ids[token["id"]]
    for token in (values.get("post_processor") or {}).get("special_tokens", {}).values():
        token["ids"] = [new_ids[old] for old in token["ids"]]
    return Tokenizer.from_str(json.dumps(values))
