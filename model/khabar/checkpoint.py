"""A checkpoint is a folder: JSON, a tokenizer, ONNX and safetensors; data, never code.

config.json        what the model predicts and how it reads
tokenizer.json     word pieces (Hugging Face tokenizers)
model.onnx         the graph to predict with
encoder.json       the encoder's shape, to go on training
model.safetensors  the weights, to go on training
training_data.safetensors  fingerprints of the texts it was trained on
manifest.json      the SHA-256 of every file above
"""

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import file_digest, sha256
from importlib.resources import as_file, files
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

from tokenizers import Tokenizer

from khabar.config import ModelConfig
from khabar.errors import CheckpointError, ConfigError
from khabar.graph import check_graph

BUNDLED: Final = "khabar-small"
"""The name of the model that ships in the package."""

CONFIG: Final = "config.json"
TOKENIZER: Final = "tokenizer.json"
GRAPH: Final = "model.onnx"
ENCODER: Final = "encoder.json"
WEIGHTS: Final = "model.safetensors"
TRAINING_DATA: Final = "training_data.safetensors"
MANIFEST: Final = "manifest.json"
_LISTED: Final = (CONFIG, TOKENIZER, GRAPH, ENCODER, WEIGHTS, TRAINING_DATA)
_DIGEST: Final = re.compile("[0-9a-f]{64}")
_LARGEST_JSON: Final = 1 << 20
"""Bytes of a configuration or manifest; those that khabar writes have some thousands."""
_TRIAL: Final = "خبر \uffff"
"""A word, and what no tokenizer knows."""


def bundled() -> Path:
    """Return the folder of the model that ships in the package."""
    with as_file(files("khabar") / "weights" / BUNDLED) as folder:
        return folder


def located(model: str | Path | None) -> Path:
    """Return the folder of a checkpoint; the bundled one's for its name, or None."""
    return bundled() if model is None or str(model) == BUNDLED else Path(model)


def portable(folder: Path) -> str | None:
    """Return what :func:`located` finds a checkpoint by elsewhere; the bundled one is in each installation."""
    return None if folder == bundled() else str(folder.resolve())


def check_place(folder: Path) -> None:
    """Refuse to write a checkpoint where anything but a checkpoint stands, or where nothing can be written."""
    if folder.exists() and not (folder / MANIFEST).exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CheckpointError(folder, "something other than a checkpoint stands there", "name a new folder")
    home = next(parent for parent in Path(os.path.abspath(folder)).parents if parent.exists())
    if not os.access(home, os.W_OK):
        raise CheckpointError(folder, f"it cannot be written: {home} is read-only", "name another folder")


class Checkpoint:
    """A checkpoint folder whose files are what its manifest says.

    A file is checked when it is asked for, so that predicting never reads the training weights.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not folder.is_dir():
            raise CheckpointError(folder, "there is no such folder", "name a folder that khabar wrote")
        self._digests = self._read_manifest()

    def _read_manifest(self) -> dict[str, str]:
        try:
            values = json.loads(self._small(self.folder / MANIFEST))
        except FileNotFoundError:
            raise CheckpointError(
                self.folder, f"it has no {MANIFEST}, so it is not a finished checkpoint", "write it again"
            ) from None
        except (OSError, ValueError, RecursionError) as error:
            raise CheckpointError(self.folder, f"{MANIFEST} cannot be read ({error})", "write it again") from None
        digests = values.get("sha256") if isinstance(values, dict) else None
        if not isinstance(digests, dict):
            raise CheckpointError(self.folder, f"{MANIFEST} lists no digests", "write it again")
        for name, digest in digests.items():
            if (
                name in ("", "..")
                or Path(name).name != name
                or not _DIGEST.fullmatch(digest if isinstance(digest, str) else "")
            ):
                problem = f"{MANIFEST} lists {name[:80]!r}, which is no file of a checkpoint with its SHA-256"
                raise CheckpointError(self.folder, problem, "use one that khabar wrote")
        return digests

    def _small(self, path: Path) -> str:
        """Return what a JSON file holds; CheckpointError where it is far larger than khabar writes it."""
        if path.stat().st_size > _LARGEST_JSON or not path.is_file():
            raise CheckpointError(self.folder, f"{path.name} is no file of at most 1 MB", "use one that khabar wrote")
        return path.read_text("utf-8")

    @property
    def names(self) -> tuple[str, ...]:
        """The files that the manifest lists."""
        return tuple(self._digests)

    @property
    def digest(self) -> str:
        """One SHA-256 over those of the files that decide what is predicted."""
        listed = "".join(self._digests.get(name, "") for name in (CONFIG, TOKENIZER, GRAPH))
        return sha256(listed.encode()).hexdigest()

    def path(self, name: str) -> Path:
        """Return the path of one file after checking its digest."""
        path = self.folder / name
        if name not in self._digests:
            raise CheckpointError(self.folder, f"it has no {name}", "use a checkpoint that has it, or export it")
        if path.exists() and not path.is_file():  # a pipe or a device would never end
            raise CheckpointError(self.folder, f"{name} is no file", "copy it again, whole")
        try:
            with path.open("rb") as file:
                digest = file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise CheckpointError(self.folder, f"{name} cannot be read ({error.strerror})", "write it again") from None
        if digest != self._digests[name]:
            raise CheckpointError(self.folder, f"{name} is damaged or from another checkpoint", "copy it again, whole")
        return path

    def config(self) -> ModelConfig:
        """Return what the model predicts and how it reads."""
        path = self.path(CONFIG)
        try:
            return ModelConfig.from_json(self._small(path))
        except (ConfigError, UnicodeDecodeError) as error:
            raise CheckpointError(self.folder, f"{CONFIG}: {error}", "write it again") from None

    def tokenizer(self) -> Tokenizer:
        """Return the tokenizer, with neither padding nor truncation."""
        path = self.path(TOKENIZER)
        try:
            tokenizer = Tokenizer.from_file(str(path))
            tokenizer.no_padding()
            tokenizer.no_truncation()
            tokenizer.encode(_TRIAL, add_special_tokens=False)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # tokenizers raises plain Exception, and what is none where its Rust panics
            raise CheckpointError(self.folder, f"{TOKENIZER} cannot be read ({error})", "write it again") from None
        return tokenizer

    def graph(self) -> Path:
        """Return the path of the graph, which holds standard operators and its own weights alone."""
        path = self.path(GRAPH)
        try:
            check_graph(path.read_bytes())
        except ConfigError as error:
            raise CheckpointError(self.folder, f"{GRAPH}: {error}", "use one that khabar exported") from None
        return path

    def check_unchanged(self) -> None:
        """Refuse a folder that has got other files since it was opened."""
        if self._read_manifest() != self._digests:
            raise CheckpointError(self.folder, "it was replaced while it was read", "load it again")


@contextmanager
def drafted(folder: Path) -> Iterator[Path]:
    """Give an empty folder to write a checkpoint into; on success it gets its manifest and its name.

    A checkpoint that stood there before is replaced only then, so no half-written one is ever loadable.
    CheckpointError where something else stands there, or the disk fails.
    """
    check_place(folder)
    try:
        with replaced(folder) as draft:
            yield draft
            digests = {}
            for name in _LISTED:
                if (draft / name).exists():
                    (draft / name).chmod(0o644)
                    with (draft / name).open("rb") as file:
                        digests[name] = file_digest(file, "sha256").hexdigest()
            (draft / MANIFEST).write_text(json.dumps({"sha256": digests}, indent=1) + "\n", "utf-8")
    except OSError as error:
        reason = f"it cannot be written ({error.strerror or error})"
        raise CheckpointError(folder, reason, "check the disk and your rights, or name another folder") from error


@contextmanager
def replaced(folder: Path) -> Iterator[Path]:
    """Give an empty folder to write into; on success it takes the place of *folder*, else it goes."""
    folder = Path(os.path.abspath(folder))  # "." has no name
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(mkdtemp(prefix=f".{folder.name}-draft-", dir=folder.parent))
    try:
        yield draft
        draft.chmod(0o755)
        _swap(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _swap(draft: Path, folder: Path) -> None:
    """Put *draft* where *folder* stands; what stood there goes once the new one is in place."""
    if not folder.exists():
        os.replace(draft, folder)
        return
    old = Path(mkdtemp(prefix=f".{folder.name}-old-", dir=folder.parent))
    os.replace(folder, old / folder.name)
    os.replace(draft, folder)
    shutil.rmtree(old)
