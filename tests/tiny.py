"""Tiny random encoders and checkpoints of both tokenizer families, made without a network.

To have one on disk, as fuzzing does: python -m tests.tiny FOLDER
"""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers

from khabar.checkpoint import drafted

FAMILIES: Final = ("unigram", "wordpiece")
_NEWS: Final = """
کابل تهران ایران هرات دولت وزارت خارجه وزیر رئیس جمهور بانک مرکزی گفت کرد شد است را در به از که با این
مردم زنان جنگ صلح باران خانه مکتب تیم ملی فوتبال سازمان ملل متحد محمد جواد ظریف احمد درصد سال روز می رود ها
"""
WORDS: Final = _NEWS.split()
CHARACTERS: Final = "آابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهیءأئؤۀة۰۱۲۳۴۵۶۷۸۹0123456789.،؛:؟!«»()/-%" + "abcdefghijklmnop"
"""Half of the Latin letters are left out, so that some words are unknown."""


def _unigram() -> Tokenizer:
    """Return a tokenizer made as XLM-R's is."""
    specials = ["<s>", "<pad>", "</s>", "<unk>"]
    pieces = [(piece, 0.0) for piece in specials]
    pieces += [("▁" + word, -4.0) for word in WORDS] + [(word, -6.0) for word in WORDS]
    pieces += [("▁", -7.0), *((character, -9.0) for character in CHARACTERS)]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=3, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace("▁", prepend_scheme="always")]
    )
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.add_special_tokens([*specials, AddedToken("<mask>", lstrip=True)])
    return tokenizer


def _wordpiece() -> Tokenizer:
    """Return a tokenizer made as ParsBERT's is."""
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    letters = [*CHARACTERS, *("##" + character for character in CHARACTERS)]
    vocabulary = dict.fromkeys([*specials, *letters, *WORDS, *("##" + word for word in WORDS)])
    tokenizer = Tokenizer(
        models.WordPiece({piece: number for number, piece in enumerate(vocabulary)}, unk_token="[UNK]")
    )
    tokenizer.normalizer = normalizers.BertNormalizer(strip_accents=False, lowercase=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens(specials)
    return tokenizer


_TOKENIZERS: Final = {
    "unigram": (_unigram, {"cls": "<s>", "sep": "</s>", "pad": "<pad>", "unk": "<unk>", "mask": "<mask>"}),
    "wordpiece": (_wordpiece, {"cls": "[CLS]", "sep": "[SEP]", "pad": "[PAD]", "unk": "[UNK]", "mask": "[MASK]"}),
}


def make_encoder(family: str, folder: Path) -> Path:
    """Write a random encoder and its tokenizer to *folder* as Hugging Face saves them."""
    import torch  # here, because tests of data and text need none of it
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    build, names = _TOKENIZERS[family]
    tokenizer = build()
    wrapper = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, **{f"{key}_token": token for key, token in names.items()}
    )
    wrapper.save_pretrained(str(folder))
    torch.manual_seed(5)
    shape = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=512,
        pad_token_id=tokenizer.token_to_id(names["pad"]),
        initializer_range=0.5,
    )
    BertModel(shape).save_pretrained(str(folder))
    return folder


def make_checkpoint(family: str, encoder: Path, folder: Path) -> Path:
    """Write a checkpoint of random heads to *folder*/tiny, with its graph; its window is 96 pieces."""
    import torch

    from khabar_training.config import DataSpec, TrainingConfig
    from khabar_training.export import export
    from khabar_training.weights import save_network, start

    config = TrainingConfig(
        encoder=str(encoder),
        output=folder,
        corpora=folder,
        data=(DataSpec(corpus="own"),),
        name=f"tiny-{family}",
        window=96,
    )
    torch.manual_seed(5)
    network, tokenizer, model = start(config)
    with drafted(folder / "float") as draft:
        whatever = replace(model, min_entity_score=0.0)  # random heads are never sure
        save_network(draft, network, tokenizer, whatever, torch.float32)
    return export(folder / "float", folder / "tiny")


if __name__ == "__main__":
    make_checkpoint("unigram", make_encoder("unigram", Path(sys.argv[1]) / "encoder"), Path(sys.argv[1]))
