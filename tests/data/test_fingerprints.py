"""Fingerprints: what a model was trained on is found again, and nothing else."""

from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from khabar.checkpoint import TRAINING_DATA, drafted
from khabar.errors import SourceError
from khabar_data import samples
from khabar_data.fingerprints import FingerprintBuilder, Fingerprints, Sketch
from khabar_data.records import Record

WORDS = [f"واژه{number}" for number in range(500)]


def invented(seed: int, n_words: int = 120) -> list[str]:
    return Random(seed).choices(WORDS, k=n_words)


def record(words: list[str]) -> Record:
    return Record(text=" ".join(words))


def sampled(records: list[Record], n_kept: int) -> Fingerprints:
    builder = FingerprintBuilder(n_kept)
    for one in records:
        builder.add(one)
    return builder.fingerprints()


def same(one: Fingerprints, other: Fingerprints) -> bool:
    pairs = ((one.texts, other.texts), (one.runs, other.runs))
    return all(a.limit == b.limit and np.array_equal(a.hashes, b.hashes) for a, b in pairs)


def test_texts_are_found_again_and_others_are_not() -> None:
    seen = Fingerprints.of(samples.read("train"))
    assert {seen.overlap(article) for article in samples.read("train")} == {"exact"}
    assert {seen.overlap(article) for article in samples.read("dev")} == {None}


@pytest.mark.parametrize(
    "variant",
    [
        "كتاب‌هاي علمي، در سال 2024 به مسئوليت مؤسسه آموزش نامة زنان آمد",  # Arabic letters, Latin digits
        "کتابهای علمی در سال ۲۰۲۴ به مسئولیت مؤسسهٔ آموزش نامۀ زنان آمد.",  # no ZWNJ, hamza over he
        "کتاب های  علمی (در سال ٢٠٢٤) به مسيولیت موسسه آموزش «نامه» زنان امد",  # blanks, Arabic digits, no hamza
        "کتاب‌هایِ علمی، در سالِ ۲۰۲۴ به مسئولیت مؤسّسه آموزشِ نامه زنان آمد",  # vowel signs
    ],
)
def test_spelling_variants_are_the_same_text(variant: str) -> None:
    original = "کتاب‌های علمی، در سال ۲۰۲۴ به مسئولیت مؤسسه آموزش نامه زنان آمد."
    assert Fingerprints.of([Record(text=original)]).overlap(Record(text=variant)) == "exact"


def test_an_article_with_a_third_changed_is_near_and_one_with_two_thirds_is_not() -> None:
    articles = [invented(seed, 300) for seed in range(20)]
    seen = Fingerprints.of(map(record, articles))
    for number, words in enumerate(articles):
        assert seen.overlap(record([*words[:200], *invented(100 + number, 100)])) == "near"
        assert seen.overlap(record([*words[:100], *invented(100 + number, 200)])) is None


def test_near_is_found_from_a_sample_of_the_runs() -> None:
    articles = [record(invented(seed, 400)) for seed in range(60)]
    seen = sampled(articles, n_kept=2_400)  # a tenth of their runs
    assert len(seen.runs.hashes) == 2_400
    found = [seen.overlap(record([*invented(seed, 300), *invented(1000 + seed, 100)])) for seed in range(60)]
    assert found.count("near") > 57
    assert {seen.overlap(record(invented(2000 + seed, 400))) for seed in range(50)} == {None}


def test_fewer_than_four_known_runs_are_no_sign() -> None:
    words = invented(1)
    seen = Fingerprints.of([record(words)])
    assert seen.overlap(record(words[:7])) is None  # three runs
    assert seen.overlap(record(words[:8])) == "near"


def test_limits_keep_the_lowest_hashes_whatever_the_order() -> None:
    articles = [record(invented(seed)) for seed in range(40)]
    whole = Fingerprints.of(articles)
    part = sampled(articles, n_kept=100)
    assert same(part, sampled(articles[::-1], n_kept=100))
    assert same(part, sampled(articles * 2, n_kept=100))
    assert np.array_equal(part.runs.hashes, whole.runs.hashes[:100])
    assert part.runs.limit == whole.runs.hashes[99]
    assert np.array_equal(part.texts.hashes, whole.texts.hashes)  # 40 texts need no limit
    assert part.texts.limit == 2**64 - 1


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 12), st.integers(0, 12), st.integers(5, 400), st.integers(5, 400))
def test_a_union_is_that_of_the_texts_up_to_the_lower_limit(n_first: int, n_second: int, one: int, other: int) -> None:
    first = [record(invented(seed, 60)) for seed in range(n_first)]
    second = [record(invented(seed, 60)) for seed in range(6, 6 + n_second)]
    both = sampled(first, one) | sampled(second, other)
    for sketch, whole in zip((both.texts, both.runs), _kinds(Fingerprints.of([*first, *second])), strict=True):
        assert np.array_equal(sketch.hashes, whole.hashes[whole.hashes <= sketch.limit])
    assert both.runs.limit == min(sampled(first, one).runs.limit, sampled(second, other).runs.limit)


def _kinds(fingerprints: Fingerprints) -> tuple[Sketch, Sketch]:
    return fingerprints.texts, fingerprints.runs


@settings(deadline=None, max_examples=30)
@given(st.text(min_size=1, max_size=60).filter(str.strip))
def test_any_text_with_a_word_is_found_again(text: str) -> None:
    seen = Fingerprints.of([Record(text=text)])
    assert seen.overlap(Record(text=text)) == ("exact" if len(seen.runs.hashes) else None)


def test_signs_alone_are_no_text() -> None:
    assert Fingerprints.of([Record(text="…!")]).overlap(Record(text="؟")) is None


def test_saved_and_loaded(tmp_path: Path) -> None:
    pytest.importorskip("safetensors", reason="needs the extra 'train'")
    seen = sampled([record(invented(seed)) for seed in range(9)], n_kept=50)
    seen.save(tmp_path / "one")
    assert same(Fingerprints.load(tmp_path / "one"), seen)
    seen.save(tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_checkpoint_with_fingerprints_and_one_without(tmp_path: Path) -> None:
    pytest.importorskip("safetensors", reason="needs the extra 'train'")
    seen = Fingerprints.of([record(invented(1))])
    with drafted(tmp_path / "with") as draft:
        seen.save(draft / TRAINING_DATA)
    with drafted(tmp_path / "without"):
        pass
    found = Fingerprints.of_checkpoint(tmp_path / "with")
    assert found is not None
    assert same(found, seen)
    assert Fingerprints.of_checkpoint(tmp_path / "without") is None


@pytest.mark.parametrize("content", [b"", b"no tensors at all"])
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    pytest.importorskip("safetensors", reason="needs the extra 'train'")
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(SourceError, match="fingerprints of training data of format 1"):
        Fingerprints.load(tmp_path / "file")
    with pytest.raises(SourceError, match="fingerprints"):
        Fingerprints.load(tmp_path / "none")


def test_tensors_of_another_kind_are_refused(tmp_path: Path) -> None:
    library = pytest.importorskip("safetensors.numpy", reason="needs the extra 'train'")
    library.save_file({"texts": np.zeros(1)}, tmp_path / "file")
    with pytest.raises(SourceError, match="another format"):
        Fingerprints.load(tmp_path / "file")
