"""Checkpoint folders: whole or refused, and replaced only by a whole one."""

import json
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

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
        (b'{"sha256": {}}', "it has no config.json"),
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
        (GRAPH, "model.onnx does not load"),
    ],
)
def test_a_file_that_is_whole_but_wrong(folder: Path, name: str, message: str) -> None:
    with drafted(folder.with_name("other")) as draft:
        for file in FILES:
            shutil.copy(folder / file, draft)
        (draft / name).write_text("nonsense", "utf-8")
    with pytest.raises(CheckpointError, match=message):
        khabar.load(folder.with_name("other"))


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
