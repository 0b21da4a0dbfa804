"""Two tiny encoders of the families that Khabar trains, as folders in Hugging Face's layout."""

from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from khabar_training.config import DataSpec, TrainingConfig

SENTENCES = (
    "بانک مرکزی نرخ سود را به ۲۳ درصد رساند.",
    "زنان کابل از یونیسف ستایش کردند و طالبان خاموش است.",
    "تیم ملی فوتبال ایران در تهران دو بر یک برد.",
    "وزارت خارجه حمله به دمشق را محکوم کرد.",
    "باران تند در هرات ده‌ها خانه را ویران کرد، گفت رضا احمدی.",
    "دانشگاه‌های پاریس و لندن درباره زمین‌لرزه گزارش دادند.",
    "مریم رضایی شنبه ساعت ۱۰ به مشهد می‌رود.",
)
SPECIALS: dict[str, dict[str, str]] = {
    "unigram": {"cls": "<s>", "pad": "<pad>", "sep": "</s>", "unk": "<unk>"},
    "wordpiece": {"cls": "[CLS]", "pad": "[PAD]", "sep": "[SEP]", "unk": "[UNK]"},
}


def _unigram(names: dict[str, str]) -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=220, special_tokens=list(names.values()), unk_token=names["unk"], show_progress=False
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    return tokenizer


def _word_piece(names: dict[str, str]) -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(unk_token=names["unk"]))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=220, special_tokens=list(names.values()), continuing_subword_prefix="##", show_progress=False
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    return tokenizer


def _write(folder: Path, family: str) -> Path:
    names = SPECIALS[family]
    tokenizer = {"unigram": _unigram, "wordpiece": _word_piece}[family](names)
    specials = [(names[key], tokenizer.token_to_id(names[key])) for key in ("cls", "sep")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{names['cls']} $A {names['sep']}", special_tokens=specials
    )
    wrapper = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, **{f"{key}_token": name for key, name in names.items()}
    )
    wrapper.save_pretrained(str(folder))
    torch.manual_seed(7)
    shape = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=128,
        pad_token_id=tokenizer.token_to_id(names["pad"]),
        initializer_range=0.2,
    )
    BertModel(shape).save_pretrained(str(folder))
    return folder


@pytest.fixture(scope="session")
def encoder_folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A tiny BERT with a tokenizer of each family, by family."""
    return {family: _write(tmp_path_factory.mktemp(family), family) for family in SPECIALS}


@pytest.fixture(params=sorted(SPECIALS))
def encoder_folder(request: pytest.FixtureRequest, encoder_folders: dict[str, Path]) -> Path:
    """The tiny encoder of each family in turn."""
    return encoder_folders[request.param]


@pytest.fixture
def config(encoder_folders: dict[str, Path], tmp_path: Path) -> TrainingConfig:
    """A run over the corpus "own" under the test's folder."""
    return TrainingConfig(
        encoder=str(encoder_folders["unigram"]),
        output=tmp_path / "trained",
        corpora=tmp_path,
        data=(DataSpec(corpus="own"),),
        window=96,
        batch_tokens=256,
    )


@pytest.fixture
def sentences() -> tuple[str, ...]:
    """Texts all of whose pieces the tiny tokenizers know."""
    return SENTENCES
