"""Khabar's own articles: fiction written for it by a language model, with every label; README.md is the data card.

>>> next(read("dev")).id
'afg-002'
"""

from collections.abc import Iterator
from importlib.resources import as_file, files
from typing import Literal

from khabar_data.records import Record, read_jsonl

__all__ = ["read"]


def read(part: Literal["train", "dev"]) -> Iterator[Record]:
    """Yield the articles of one part."""
    with as_file(files(__name__) / f"{part}.jsonl") as path:
        yield from read_jsonl(path)
