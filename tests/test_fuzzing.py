"""Bad input is read or refused: what once failed, fed again, and a few hundred inputs more."""

import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from time import process_time

import pytest
from fuzzing.mutations import mutated
from fuzzing.run import REGRESSIONS, feed, made_input
from fuzzing.targets import TARGETS, Fixtures

SLOW = ("format-hugging-face", "checkpoint", "predict", "predict-text", "service")
PAST = sorted(REGRESSIONS.glob("*/*.bin"))


@pytest.fixture(scope="module")
def fixtures(tiny_checkpoint: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Fixtures:
    return Fixtures(tmp_path_factory.mktemp("fuzz"), tiny_checkpoint("unigram"))


@pytest.mark.parametrize("path", PAST, ids=[f"{path.parent.name}/{path.stem}" for path in PAST])
def test_what_failed_once(path: Path, fixtures: Fixtures) -> None:
    target = TARGETS[path.parent.name]
    began = process_time()
    outcome, error = feed(target, path.read_bytes(), fixtures)
    assert outcome in ("read", "refused"), error
    assert process_time() - began < target.seconds


@pytest.mark.parametrize("name", TARGETS)
def test_bad_input_is_read_or_refused(name: str, fixtures: Fixtures) -> None:
    target = TARGETS[name]
    seeds = target.seeds(fixtures)
    outcomes = {feed(target, seed, fixtures)[0] for seed in seeds}
    assert "read" in outcomes  # or the target tests nothing
    for number in range(5 if name in SLOW else 40):
        outcome, error = feed(target, made_input(target, seeds, number), fixtures)
        assert outcome in ("read", "refused"), f"input {number}: {error}"


def test_an_input_is_always_the_same() -> None:
    seeds = (b'{"text": "a"}', b"text")
    assert [mutated(seeds, Random(f"x {n}")) for n in range(50)] == [
        mutated(seeds, Random(f"x {n}")) for n in range(50)
    ]


@pytest.mark.parametrize("name", ["format-jsonl", "format-csv", "format-conll", "batch-jsonl", "batch-csv"])
def test_a_bomb_of_one_line_is_refused(name: str, fixtures: Fixtures) -> None:
    packed = gzip.compress(b"text\n" + b"a" * (70 << 20), 1)
    assert len(packed) < 1 << 20
    outcome, error = feed(TARGETS[name], packed, fixtures)
    assert outcome == "refused", error


def test_a_failure_is_told(fixtures: Fixtures) -> None:
    def broken(data: bytes, fixtures: Fixtures) -> None:
        raise IndexError("no")

    target = replace(TARGETS["format-csv"], feed=broken)
    assert feed(target, b"", fixtures) == ("failed", "IndexError: no")
