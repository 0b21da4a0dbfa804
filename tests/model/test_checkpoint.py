"""Checkpoint folders: whole or refused, and replaced only by a whole one."""

import json
import os
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

import khabar
from khabar import CheckpointError
from khabar.checkpoint import CONFIG, ENCODER, GRAPH, MANIFEST, TOKENIZER, WEIGHTS, Checkpoint, drafted
from khabar_training.weights import load_network, save_network

FILES = (CONFIG, TOKENIZER, GRAPH, ENCODER, WEIGHTS)


@pytest.fixture
def folder(tiny_checkpoint: Callable[[str], Path], tmp_path: Path) -> Path:
    """A copy to do damage to."""
    return Path(shutil.copytree(tiny_checkpoint("unigram"), tmp_path / "copy"))


def write(folder: Path, config: str) -> None:
    """Write a checkpoint that has only a configuration."""
    with drafted(folder) as draft:
        (draft / CONFIG).write_text(config, "utf-8")


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_the_manifest_lists_every_file(folder: Path) -> None:
    digests = json.loads((folder / MANIFEST).read_text("utf-8"))["sha256"]
    assert digests == {name: sha256((folder / name).read_bytes()).hexdigest() for name in FILES}
    assert names(folder) == {*FILES, MANIFEST}


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="there is no such folder; name a folder that khabar wrote"):
        khabar.load(tmp_path / "nowhere")


def test_a_file_is_no_folder(folder: Path) -> None:
    with pytest.raises(CheckpointError, match="there is no such folder"):
        khabar.load(folder / CONFIG)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "it has no manifest.json, so it is not a finished checkpoint"),
        (b"", "manifest.json cannot be read"),
        (b"\xff", "manifest.json cannot be read"),
        (b"[" * 100_000, "manifest.json cannot be read"),
        (b"[]", "manifest.json lists no digests"),
        (b'{"sha256": 3}', "manifest.json lists no digests"),
        (b'{"sha256": {}}', "it has no model.onnx"),
        (b'{"sha256": {"../config.json": "%s"}}' % (b"0" * 64), "'../config.json', which is no file of a checkpoint"),
        (b'{"sha256": {"config.json": "%s"}}' % (b"x" * 64), "'config.json', which is no file of a checkpoint with"),
        (b'{"sha256": {"config.json": {"a": 1}}}', "'config.json', which is no file of a checkpoint with"),
        (b" " * (1 << 20) + b"{}", "manifest.json is no file of at most 1 MB"),
    ],
)
def test_a_bad_manifest(folder: Path, content: bytes | None, message: str) -> None:
    (folder / MANIFEST).unlink()
    if content is not None:
        (folder / MANIFEST).write_bytes(content)
    with pytest.raises(CheckpointError, match=message):
        khabar.load(folder)


@pytest.mark.parametrize("name", [CONFIG, TOKENIZER, GRAPH])
def test_a_damaged_file(folder: Path, name: str) -> None:
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
    with pytest.raises(CheckpointError, match=f"{name} is damaged or from another checkpoint; copy it again, whole"):
        khabar.load(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_truncated_file(folder: Path, name: str) -> None:
    (folder / name).write_bytes((folder / name).read_bytes()[:-1])
    with pytest.raises(CheckpointError, match=f"{name} is damaged"):
        Checkpoint(folder).path(name)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(CheckpointError, match=f"{name} cannot be read .*; write it again"):
        Checkpoint(folder).path(name)


def test_predicting_needs_no_training_weights(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    (folder / ENCODER).unlink()
    assert khabar.load(folder).predict("ایران").topic is not None


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (CONFIG, "config.json: the configuration is not JSON"),
        (TOKENIZER, "tokenizer.json cannot be read"),
        (GRAPH, "model.onnx: it is no whole ONNX file"),
    ],
)
def test_a_file_that_is_whole_but_wrong(folder: Path, name: str, message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        khabar.load(changed(folder, name, b"nonsense"))


def changed(folder: Path, name: str, content: bytes) -> Path:
    """Return a copy of a checkpoint with another file in it, which its manifest lists."""
    with drafted(folder.with_name("other")) as draft:
        for file in FILES:
            shutil.copy(folder / file, draft)
        (draft / name).write_bytes(content)
    return folder.with_name("other")


def of_json(folder: Path, name: str, change: Callable[[dict[str, Any]], object]) -> Path:
    """Return a copy of a checkpoint with something changed in one of its JSON files."""
    values = json.loads((folder / name).read_text("utf-8"))
    change(values)
    return changed(folder, name, json.dumps(values).encode())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda values: values["tasks"][0]["labels"].pop(), r"gives .*topic.* and its configuration has"),
        (lambda values: values["tasks"].pop(), "gives .* and its configuration has"),
        (lambda values: values["tasks"][0].update(kind="words"), "gives .* and its configuration has"),
        (lambda values: values["tasks"][0].update(name="topics"), "gives .* and its configuration has"),
        (lambda values: values.update(window=10**9), "window is 1000000000; it takes a whole number"),
        (lambda values: values["tasks"][0].update(name="../topic"), "a task is called '../topic'"),
        (lambda values: values["tasks"][0]["labels"][0].update(key="/etc/passwd"), "a label is called '/etc/passwd'"),
    ],
)
def test_a_configuration_of_another_graph(
    folder: Path, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    with pytest.raises(CheckpointError, match=message):
        khabar.load(of_json(folder, CONFIG, change))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda values: values["model"].update(vocab=[["<s>", 0.0]]), "tokenizer.json cannot be read"),
        (lambda values: values["model"].update(unk_id=10**9), "tokenizer.json cannot be read"),
        (lambda values: values["model"].update(unk_id=None), "tokenizer.json cannot be read"),
        (lambda values: values["model"]["vocab"].append(["one more", -3.0]), "model.onnx fails on 4 word pieces"),
    ],
)
def test_a_tokenizer_of_another_graph(folder: Path, change: Callable[[dict[str, Any]], object], message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        khabar.load(of_json(folder, TOKENIZER, change))


@pytest.mark.parametrize("name", [CONFIG, TOKENIZER, ENCODER])
@pytest.mark.parametrize("content", [b"[" * 10_000, b'{"a":' * 10_000, b"\xff", b"", b"[]", b"3", b"1" * 10_000])
def test_json_that_is_no_settings(folder: Path, name: str, content: bytes) -> None:
    load = load_network if name == ENCODER else khabar.load
    with pytest.raises(CheckpointError, match=name):
        load(changed(folder, name, content))


@pytest.mark.parametrize(
    "change",
    [
        {"hidden_size": 10**9},
        {"vocab_size": 10**12},
        {"num_hidden_layers": 10**9},
        {"num_hidden_layers": -1},
        {"hidden_size": "32"},
        {"num_attention_heads": 0},
        {"model_type": "../evil"},
        {"model_type": "gpt2"},
        {"auto_map": {"AutoModel": "evil--code.Model"}},
        {"hidden_act": "exec"},
        {"trust_remote_code": True},
        {"_attn_implementation_internal": "evil/kernel"},
    ],
)
def test_an_encoder_of_other_weights(folder: Path, change: dict[str, Any]) -> None:
    with pytest.raises(CheckpointError, match=r"encoder.json"):
        load_network(of_json(folder, ENCODER, lambda values: values.update(change)))


def test_a_configuration_of_many_megabytes(folder: Path) -> None:
    with pytest.raises(CheckpointError, match=r"config.json is no file of at most 1 MB"):
        khabar.load(changed(folder, CONFIG, b" " * (2 << 20)))


@pytest.mark.parametrize("name", [MANIFEST, CONFIG, TOKENIZER, GRAPH])
def test_a_pipe_is_no_file(folder: Path, name: str) -> None:
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(CheckpointError, match=f"{name} is no file"):
        khabar.load(folder)


def test_a_checkpoint_replaced_while_it_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = of_json(folder, CONFIG, lambda values: values.update(name="newer"))
    graph = Checkpoint.graph

    def slow(self: Checkpoint) -> Path:
        path = graph(self)
        shutil.copy(other / MANIFEST, folder)
        return path

    monkeypatch.setattr(Checkpoint, "graph", slow)
    with pytest.raises(CheckpointError, match="it was replaced while it was read; load it again"):
        khabar.load(folder)


def test_load_gives_what_was_saved(folder: Path, tmp_path: Path) -> None:
    network, tokenizer, model = load_network(folder)
    weights = load_file(folder / WEIGHTS)
    with drafted(tmp_path / "again") as draft:
        save_network(draft, network, tokenizer, model, next(iter(weights.values())).dtype)
    for name in (CONFIG, ENCODER):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()
    again = load_file(tmp_path / "again" / WEIGHTS)
    assert again.keys() == weights.keys()
    assert all(again[name].equal(weights[name]) for name in weights)
    reloaded = Checkpoint(tmp_path / "again")
    assert reloaded.config() == model == Checkpoint(folder).config()
    assert reloaded.tokenizer().encode("در کابل").ids == Checkpoint(folder).tokenizer().encode("در کابل").ids


def test_a_new_checkpoint_replaces_the_old_one_whole(tmp_path: Path) -> None:
    write(tmp_path / "model", "{}")
    (tmp_path / "model" / "stray.txt").write_text("left over", "utf-8")
    write(tmp_path / "model", "[]")
    assert Checkpoint(tmp_path / "model").path(CONFIG).read_text("utf-8") == "[]"
    assert names(tmp_path / "model") == {CONFIG, MANIFEST}
    assert names(tmp_path) == {"model"}


def test_folders_above_are_made(tmp_path: Path) -> None:
    write(tmp_path / "a" / "b" / "model", "{}")
    assert Checkpoint(tmp_path / "a" / "b" / "model").path(CONFIG).exists()


def test_a_draft_that_fails_leaves_the_old_checkpoint(tmp_path: Path) -> None:
    write(tmp_path / "model", "{}")

    def fail() -> None:
        with drafted(tmp_path / "model") as draft:
            (draft / CONFIG).write_text("[]", "utf-8")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert Checkpoint(tmp_path / "model").path(CONFIG).read_text("utf-8") == "{}"
    assert names(tmp_path) == {"model"}


def test_a_draft_that_fails_leaves_nothing_new(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no"), drafted(tmp_path / "model"):
        raise ValueError("no")
    assert names(tmp_path) == set()


def test_a_draft_has_no_manifest_until_it_is_done(tmp_path: Path) -> None:
    with drafted(tmp_path / "model") as draft:
        (draft / CONFIG).write_text("{}", "utf-8")
        assert not (tmp_path / "model").exists()
        with pytest.raises(CheckpointError, match="not a finished checkpoint"):
            Checkpoint(draft)


def test_a_folder_of_other_things_stays(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("کار", "utf-8")
    with pytest.raises(CheckpointError, match="something other than a checkpoint"), drafted(tmp_path):
        pytest.fail("there is nothing to write")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(CheckpointError, match=r"it cannot be written"), drafted(tmp_path / "file" / "checkpoint"):
        pytest.fail("there is nothing to write")


def test_the_folder_where_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with drafted(tmp_path / "one") as draft:
        (draft / CONFIG).write_text("{}", "utf-8")
    monkeypatch.chdir(tmp_path / "one")
    with drafted(Path(".")) as draft:
        (draft / CONFIG).write_text("{ }", "utf-8")
    assert (tmp_path / "one" / CONFIG).read_text("utf-8") == "{ }"
