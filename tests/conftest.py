"""Tiny encoders and checkpoints of both tokenizer families, made once a session and without a network."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

import pytest
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers

import khabar
from khabar import Analyzer
from khabar.checkpoint import Checkpoint, bundled, drafted
from khabar.text import TextReader

FAMILIES: Final = ("unigram", "wordpiece")
_NEWS: Final = """
کابل تهران ایران هرات دولت وزارت خارجه وزیر رئیس جمهور بانک مرکزی گفت کرد شد است را در به از که با این
مردم زنان جنگ صلح باران خانه مکتب تیم ملی فوتبال سازمان ملل متحد محمد جواد ظریف احمد درصد سال روز می رود ها
"""
WORDS: Final = _NEWS.split()
CHARACTERS: Final = "آابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهیءأئؤۀة۰۱۲۳۴۵۶۷۸۹0123456789.،؛:؟!«»()/-%" + "abcdefghijklmnop"
"""Half of the Latin letters are left out, so that some words are unknown."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes tens of seconds; leave out with -m 'not slow'")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--renew-golden", action="store_true", help="write the bundled model's answers to tests/golden")


@pytest.fixture(scope="session")
def odd_text() -> st.SearchStrategy[str]:
    """Any text at all, and text full of what Persian news has that goes wrong."""
    pieces = (
        *WORDS[:24],
        *"آابکگیيكةىئ۱٢3aZ.،؟!»«(_#",  # Persian, Arabic and Latin letters, three sorts of digits
        *" \t\n\u00a0\u2003\u200c\u200d\u200b\u200e\u200f\u202b\u202c\u2069\ufeff\u0640\u00ac",  # blanks, joiners, bidi
        *"\u064b\u064e\u0651\u0652\u0654\u0670\u0301",  # vowel signs, hamza above, a Latin accent
        *(
            "ا\u0653",
            "ه\u0654",
            "ی\u0654",
            "\ufefb",
            "\ufeb3",
            "\ufedb",
            "\ufef2",
            "e\u0301",
            "ß",
            "İ",
        ),  # decomposed; presentation forms
        *("👨\u200d👩\u200d👧", "❤\ufe0f", "🇦🇫", "\r\n", "\0", "\x85", "\ud800", "\udfff", "\U0010ffff"),
        *("10.5", "۱۰.۵", "http://x.ir/a?b=1", "<s>", "</s>", "[SEP]", "[UNK]", "<mask>", "ا" * 70, "۹" * 70),
    )
    persian = st.lists(st.sampled_from(pieces), max_size=40).map("".join)
    return st.one_of(persian, st.text(st.characters(), max_size=60), st.text(max_size=60))


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


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Give, for a family, a random encoder and its tokenizer as Hugging Face saves them."""

    @cache
    def make(family: str) -> Path:
        import torch  # here, because tests of data and text need none of it
        from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

        folder = tmp_path_factory.mktemp(f"{family}-encoder")
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

    return make


@pytest.fixture(scope="session")
def tiny_checkpoint(
    tiny_encoder: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """Give, for a family, a checkpoint with random heads, weights, and a graph; its window is 96 pieces."""

    @cache
    def make(family: str) -> Path:
        import torch

        from khabar_training.config import DataSpec, TrainingConfig
        from khabar_training.export import export
        from khabar_training.weights import save_network, start

        folder = tmp_path_factory.mktemp(f"{family}-checkpoint")
        config = TrainingConfig(
            encoder=str(tiny_encoder(family)),
            output=folder,
            corpora=folder,
            data=(DataSpec(corpus="own"),),
            name=f"tiny-{family}",
            window=96,
        )
        torch.manual_seed(5)
        network, tokenizer, model = start(config)
        with drafted(folder / "float") as draft:
            save_network(draft, network, tokenizer, model, torch.float32)
        return export(folder / "float", folder / "tiny")

    return make


@pytest.fixture(scope="session", params=FAMILIES)
def reader(request: pytest.FixtureRequest, tiny_checkpoint: Callable[[str], Path]) -> TextReader:
    """A text reader of each family."""
    checkpoint = Checkpoint(tiny_checkpoint(request.param))
    return TextReader(checkpoint.tokenizer(), checkpoint.config())


@pytest.fixture(scope="session")
def bundled_analyzer() -> Analyzer:
    """The model that ships in the package."""
    if not bundled().is_dir():
        pytest.skip("no model is bundled in this checkout; train and export one to model/khabar/weights")
    return khabar.load()


@pytest.fixture(scope="session", params=(*FAMILIES, "bundled"))
def analyzer(request: pytest.FixtureRequest, tiny_checkpoint: Callable[[str], Path]) -> Analyzer:
    """A tiny random model of each family, and the bundled model where it is at hand."""
    if request.param == "bundled":
        found: Analyzer = request.getfixturevalue("bundled_analyzer")
        return found
    return khabar.load(tiny_checkpoint(request.param), threads=1)
