"""Trimming: text whose pieces all stay is cut and judged as before."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tokenizers import AddedToken, Tokenizer, models
from tokenizers.processors import TemplateProcessing
from torch import Tensor

from khabar import ConfigError
from khabar.checkpoint import Checkpoint, drafted
from khabar.network import Network
from khabar.text import TextReader
from khabar_training.config import TrainingConfig
from khabar_training.trim import choose_pieces, count_pieces, keep_pieces, trim
from khabar_training.weights import load_network, save_network, start

type Loaded = tuple[Network, Tokenizer, TextReader]


@pytest.fixture
def source(encoder_folder: Path, config: TrainingConfig, tmp_path: Path) -> Path:
    """A checkpoint of each tokenizer family in turn."""
    network, tokenizer, model = start(replace(config, encoder=str(encoder_folder)))
    with drafted(tmp_path / "full") as draft:
        save_network(draft, network, tokenizer, model, torch.float32)
    return tmp_path / "full"


def load(folder: Path) -> Loaded:
    network, tokenizer, model = load_network(folder)
    return network.eval(), tokenizer, TextReader(tokenizer, model)


def least(tokenizer: Tokenizer) -> int:
    """Return how many pieces stay whatever the texts."""
    return len(choose_pieces(tokenizer, Counter(), tokenizer.get_vocab_size()))


def pieces(loaded: Loaded, text: str) -> list[str | None]:
    _, tokenizer, reader = loaded
    return [tokenizer.id_to_token(int(piece)) for piece in reader.single(reader.read(text).ids)]


def embeddings(loaded: Loaded) -> Tensor:
    rows: Tensor = loaded[0].encoder.get_input_embeddings().state_dict()["weight"]
    return rows


def logits(loaded: Loaded, text: str) -> dict[str, Tensor]:
    network, _, reader = loaded
    ids = torch.from_numpy(reader.single(reader.read(text).ids))[None]
    with torch.inference_mode():
        found: dict[str, Tensor] = network(ids, torch.ones_like(ids))
    return found


def test_known_text_is_read_as_before(source: Path, tmp_path: Path) -> None:
    known = ("بانک مرکزی به مردم گفت: نرخ ۲۳ درصد است.", "زنان کابل در جنگ و صلح")
    full = load(source)
    used = set(count_pieces(full[2], known))
    size = len(set(choose_pieces(full[1], Counter(), 10_000)) | used)
    assert size < full[1].get_vocab_size()
    trimmed = load(trim(source, tmp_path / "trimmed", known, size))
    assert trimmed[1].get_vocab_size() == size
    assert len(embeddings(trimmed)) == size
    for text in (*known, " ".join(known)):
        assert pieces(trimmed, text) == pieces(full, text)
        torch.testing.assert_close(logits(trimmed, text), logits(full, text), atol=0, rtol=0)


def test_other_text_falls_back_to_shorter_pieces(source: Path, tmp_path: Path) -> None:
    full = load(source)
    trimmed = load(trim(source, tmp_path / "trimmed", [], least(full[1])))
    unknown = trimmed[2].read("باران در هرات")
    assert len(unknown.ids) > len(full[2].read("باران در هرات").ids)
    assert trimmed[1].token_to_id("<unk>") not in unknown.ids
    assert trimmed[1].token_to_id("[UNK]") not in unknown.ids
    assert len(unknown.words) == 3


def test_special_tokens_are_renumbered(source: Path, tmp_path: Path) -> None:
    full = load(source)
    trimmed = load(trim(source, tmp_path / "trimmed", [], least(full[1])))
    config = Checkpoint(tmp_path / "trimmed").config()
    assert config == Checkpoint(source).config()
    assert trimmed[0].encoder.config.pad_token_id == trimmed[2].pad_id
    rows, before = embeddings(trimmed), embeddings(full)
    for token in (config.cls_token, config.sep_token, config.pad_token):
        assert torch.equal(rows[trimmed[1].token_to_id(token)], before[full[1].token_to_id(token)])


def test_padding_may_get_another_number(config: TrainingConfig, tmp_path: Path) -> None:
    network, tokenizer, model = start(config)
    with drafted(tmp_path / "full") as draft:
        save_network(draft, network, tokenizer, replace(model, pad_token="<mask>"), torch.float32)
    before = load(tmp_path / "full")[2].pad_id
    trimmed, _, reader = load(trim(tmp_path / "full", tmp_path / "trimmed", [], least(tokenizer)))
    assert reader.pad_id < before
    assert trimmed.encoder.config.pad_token_id == reader.pad_id


def test_frequent_pieces_stay_first(source: Path) -> None:
    _, tokenizer, _ = load(source)
    needed = set(choose_pieces(tokenizer, Counter(), least(tokenizer)))
    rare, often, *_ = (index for index in range(tokenizer.get_vocab_size()) if index not in needed)
    counts = Counter({rare: 1, often: 5})
    assert set(choose_pieces(tokenizer, counts, len(needed) + 1)) == needed | {often}
    assert set(choose_pieces(tokenizer, counts, len(needed) + 9)) == needed | {often, rare}


def test_too_small_a_size_is_refused(source: Path, tmp_path: Path) -> None:
    needed = least(load(source)[1])
    with pytest.raises(ConfigError, match=f"a vocabulary of {needed - 1} pieces is too small; it takes {needed}"):
        trim(source, tmp_path / "trimmed", ["باران"], needed - 1)
    assert not (tmp_path / "trimmed").exists()


def _unigram() -> models.Model:
    scores = [("<unk>", 0.0), ("▁", -2.0), ("ب", -3.0), ("آ", -3.0), ("▁آب", -1.0), ("<s>", 0.0), ("<pad>", 0.0)]
    return models.Unigram(scores, unk_id=0)


def _word_piece() -> models.Model:
    pieces = ["<unk>", "##ب", "ب", "آ", "آب", "<s>", "<pad>"]
    return models.WordPiece({piece: index for index, piece in enumerate(pieces)}, unk_token="<unk>")


@pytest.mark.parametrize("model", [_unigram, _word_piece])
def test_special_tokens_may_stand_anywhere(model: Callable[[], models.Model]) -> None:
    tokenizer = Tokenizer(model())
    tokenizer.add_special_tokens(["<unk>", "<s>", "<pad>", "<mask>"])
    tokenizer.add_tokens([AddedToken("خبر", normalized=False)])
    tokenizer.post_processor = TemplateProcessing(
        single="<s> $A <pad>", special_tokens=[(name, tokenizer.token_to_id(name)) for name in ("<s>", "<pad>")]
    )
    kept = choose_pieces(tokenizer, Counter(), 9)
    trimmed = keep_pieces(tokenizer, kept)
    names = [tokenizer.id_to_token(old) for old in kept]
    assert [trimmed.id_to_token(new) for new in range(len(kept))] == names
    assert names[-4:] == ["<s>", "<pad>", "<mask>", "خبر"]
    encoding = trimmed.encode("خبر")
    assert encoding.tokens == ["<s>", "خبر", "<pad>"]
    assert encoding.ids == [names.index(token) for token in encoding.tokens]


def test_other_tokenizers_are_refused() -> None:
    with pytest.raises(ConfigError, match="a tokenizer of type BPE cannot be trimmed"):
        keep_pieces(Tokenizer(models.BPE({"a": 0}, [])), [0])
