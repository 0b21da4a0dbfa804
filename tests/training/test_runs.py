"""Whole runs in processes of their own: killed at random, side by side, stopped early."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from khabar import ConfigError, load
from khabar_data import samples, write_jsonl
from khabar_training.config import DataSpec, TrainingConfig
from khabar_training.trainer import MixtureTrainer, train
from khabar_training.weights import load_network

KHABAR = str(Path(sys.executable).with_name("khabar"))
LABELS = """labels = { topic = "data", entities = "data", target_stance = "data", claim_stance = "data" }"""


@pytest.fixture(scope="module")
def calm_encoder(tiny_encoder: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny encoder without dropout, so that losses depend on the examples alone."""
    source, folder = tiny_encoder("unigram"), tmp_path_factory.mktemp("encoder") / "calm"
    PreTrainedTokenizerFast.from_pretrained(source).save_pretrained(folder)
    torch.manual_seed(5)
    shape = BertConfig.from_pretrained(source, initializer_range=0.1, hidden_dropout_prob=0.0)
    BertModel(shape).save_pretrained(folder)
    return folder


@pytest.fixture
def settings(calm_encoder: Path, tmp_path: Path) -> Callable[..., Path]:
    """Give, for an output and more settings, a configuration over some of the samples."""
    write_jsonl(tmp_path / "some.jsonl", islice(samples.read("train"), 60))

    def write(output: str, *more: str) -> Path:
        lines = [
            f'encoder = "{calm_encoder}"',
            f'output = "{tmp_path / output}"',
            *("window = 96", "batch_tokens = 512", "bf16 = false", "save_steps = 3", "dropout = 0.0", LABELS, *more),
            *("[[data]]", f'path = "{tmp_path / "some.jsonl"}"'),
        ]
        config = tmp_path / f"{output}.toml"
        config.write_text("\n".join(lines), "utf-8")
        return config

    return write


def started(command: Sequence[str]) -> subprocess.Popen[bytes]:
    threads = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, env=os.environ | threads, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    )


def finished(command: Sequence[str]) -> None:
    process = started(command)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors.decode()[-2000:]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return dict(load_network(folder)[0].state_dict())


@pytest.mark.slow
def test_killed_at_random_and_started_again(settings: Callable[..., Path], tmp_path: Path) -> None:
    finished([KHABAR, "train", str(settings("whole"))])
    again = [KHABAR, "train", str(settings("killed"))]
    chance = Random()
    for step in ("checkpoint-3", "checkpoint-9"):
        process = started(again)
        while process.poll() is None and not (tmp_path / "killed.steps" / step).exists():
            time.sleep(0.02)
        time.sleep(chance.random())
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        assert not (tmp_path / "killed").exists() or load(tmp_path / "killed")
    finished(again)
    expected = weights(tmp_path / "whole")
    for name, weight in weights(tmp_path / "killed").items():
        torch.testing.assert_close(weight, expected[name], atol=1e-7, rtol=1e-6)


def _history(steps: Path) -> list[dict[str, Any]]:
    last = max(steps.glob("checkpoint-*"), key=lambda folder: int(folder.name.rpartition("-")[2]))
    entries: list[dict[str, Any]] = json.loads((last / "trainer_state.json").read_text("utf-8"))["log_history"]
    return [entry for entry in entries if "loss" in entry]


@pytest.mark.slow
def test_two_processes_are_one_with_the_doubled_batch(settings: Callable[..., Path], tmp_path: Path) -> None:
    short = ("log_steps = 1", "max_steps = 6", "learning_rate = 1e-3")
    finished([KHABAR, "train", str(settings("one", "accumulation = 2", *short))])
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--no-python"]
    finished([*torchrun, KHABAR, "train", str(settings("two", *short))])
    one, two = _history(tmp_path / "one.steps"), _history(tmp_path / "two.steps")
    assert len(one) == len(two) == 6
    for alone, together in zip(one, two, strict=True):
        assert together["loss"] == pytest.approx(alone["loss"], rel=1e-3)
        assert together["grad_norm"] == pytest.approx(alone["grad_norm"], rel=1e-3)
    assert len({entry["loss"] for entry in one}) == 6
    expected = weights(tmp_path / "one")
    for name, weight in weights(tmp_path / "two").items():
        torch.testing.assert_close(weight, expected[name], atol=1e-4, rtol=1e-3)


@pytest.fixture
def watched(calm_encoder: Path, tmp_path: Path) -> TrainingConfig:
    """A run that learns topics from a few samples and watches others."""
    write_jsonl(tmp_path / "some.jsonl", islice(samples.read("train"), 40))
    write_jsonl(tmp_path / "other.jsonl", islice(samples.read("dev"), 20))
    return TrainingConfig(
        encoder=str(calm_encoder),
        output=tmp_path / "watched",
        data=(
            DataSpec(path=str(tmp_path / "some.jsonl"), passes=8),
            DataSpec(path=str(tmp_path / "other.jsonl"), held_out=1),
        ),
        tasks=("topic", "entities"),
        labels={"topic": "data", "entities": "data"},
        window=96,
        batch_tokens=512,
        bf16=False,
        watch="topic.accuracy",
        patience=2,
        save_steps=4,
    )


def test_a_run_stops_when_the_watched_figure_rises_no_more(
    watched: TrainingConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen = replace(watched, learning_rate=1e-12, head_learning_rate=1e-12)
    train(frozen)
    states = sorted(watched.output.with_name("watched.steps").glob("checkpoint-*/trainer_state.json"))
    state = max((json.loads(path.read_text("utf-8")) for path in states), key=lambda each: each["global_step"])
    assert state["global_step"] == 12  # the first measurement is the best, and two more do not better it
    assert state["best_model_checkpoint"].endswith("checkpoint-4")
    figures = next(entry for entry in state["log_history"] if "eval_topic.accuracy" in entry)
    monkeypatch.setattr(MixtureTrainer, "train", lambda *_, **__: pytest.fail("the run had stopped"))
    train(frozen)  # as if it had been broken off before the checkpoint was written
    assert {"eval_loss", "eval_mean", "eval_topic.macro_f1", "eval_entities.f1"} < set(figures)


def test_the_best_step_becomes_the_checkpoint(watched: TrainingConfig) -> None:
    """The watched loss falls, then the rate wrecks the weights: what is kept is from before."""
    train(replace(watched, watch="loss", learning_rate=5e-3, head_learning_rate=5e-2, warmup=0.9, patience=3))
    steps = watched.output.with_name("watched.steps")
    states = [json.loads(path.read_text("utf-8")) for path in steps.glob("checkpoint-*/trainer_state.json")]
    state = max(states, key=lambda each: each["global_step"])
    measured = {entry["step"]: entry["eval_loss"] for entry in state["log_history"] if "eval_loss" in entry}
    best = min(measured, key=measured.__getitem__)
    assert best < state["global_step"]
    kept = load_file(steps / f"checkpoint-{best}" / "model.safetensors")
    assert all(torch.equal(weight, kept[name]) for name, weight in weights(watched.output).items())


def test_nothing_to_watch(watched: TrainingConfig) -> None:
    with pytest.raises(ConfigError, match="no data are held out to watch; set held_out"):
        replace(watched, data=watched.data[:1])
    write_jsonl(Path(str(watched.data[1].path)), (replace(one, topics=()) for one in islice(samples.read("dev"), 20)))
    with pytest.raises(ConfigError, match="the data held out are labelled for entities; watch another figure"):
        train(watched)
    with pytest.raises(ConfigError, match=r"watch is 'topic.acuracy'; there are .* did you mean 'topic.accuracy'"):
        replace(watched, watch="topic.acuracy")


def test_losses_for_tensorboard(watched: TrainingConfig) -> None:
    train(replace(watched, tensorboard=True, watch=None, max_steps=2, log_steps=1))
    assert list(watched.output.with_name("watched.steps").rglob("events.out.tfevents.*"))
