"""Which format a file is read in, and settings that do not fit."""

import sys
from collections.abc import Mapping
from pathlib import Path
from subprocess import run
from typing import Any

import pytest

from khabar.errors import MissingExtraError
from khabar_data import Record, RecordError
from khabar_data.formats import FORMATS, FormatError, Scheme, Source, named_format
from khabar_data.formats.settings import configured
from khabar_data.label_map import LabelMap


def test_no_suffix_names_two_formats() -> None:
    suffixes = [suffix for row in FORMATS.values() for suffix in row.suffixes]
    assert len(set(suffixes)) == len(suffixes)
    assert {".json", ".txt"}.isdisjoint(suffixes)


@pytest.mark.parametrize("name", ["a.json", "a.txt", "a", "a.json.gz"])
def test_an_unclear_suffix_needs_a_format(name: str) -> None:
    with pytest.raises(FormatError, match="name the format: jsonl, csv"):
        Source(path=name)
    Source(path=name, format="jsonl")


@pytest.mark.parametrize("name", ["a.JSONL", "b.csv.gz", "c.tsv", "d.parquet", "e.conll.xz"])
def test_a_clear_suffix_is_enough(name: str) -> None:
    Source(path=name)


def test_an_unknown_format_gets_a_hint() -> None:
    with pytest.raises(FormatError, match=r"no such format; there are .*; did you mean 'doccano'\?"):
        named_format("docano")


BAD: list[tuple[str, Mapping[str, Any], str]] = [
    ("csv", {"seperator": ";"}, "format csv: no setting 'seperator'; .*did you mean 'separator'"),
    ("csv", {"separator": ";;"}, "separator is ';;'; it takes one character"),
    ("csv", {"columns": {"txt": "متن"}}, "format csv, columns: no setting 'txt'; .*did you mean 'text'"),
    ("csv", {"columns": "متن"}, "columns is 'متن'; it does not fit"),
    ("csv", {"encoding": 3}, "encoding is 3; it does not fit .it takes a string"),
    ("conll", {"tag": "last"}, "tag is 'last'; it does not fit"),
    ("conll", {"tag": True}, "tag is True; it does not fit .it takes a whole number"),
    ("conll", {"scheme": "IO"}, "scheme is 'IO'; it takes BIO, IOB1, BIOES"),
    ("conll", {"documents": "perhaps"}, "documents is 'perhaps'; it does not fit .it takes true or false"),
    (
        "label-studio",
        {"choices": {"mood": "target_stanc"}},
        "choices 'mood' go to 'target_stanc'; .*did you mean 'target_stance'",
    ),
]


@pytest.mark.parametrize(("name", "options", "message"), BAD)
def test_settings_are_checked_before_anything_is_read(name: str, options: Mapping[str, Any], message: str) -> None:
    with pytest.raises(FormatError, match=message):
        Source(path="none", format=name, options=options)


def test_settings_come_typed_or_as_strings() -> None:
    defaults = FORMATS["conll"].options
    typed = {"tag": 3, "documents": True, "entity_types": ["PER", "LOC"], "scheme": Scheme.IOB1}
    written = {"tag": "3", "documents": "true", "entity_types": "PER, LOC", "scheme": "iob1"}
    assert configured(defaults, typed, "") == configured(defaults, written, "")
    assert configured(defaults, written, "").entity_types == ("PER", "LOC")


def test_labels_are_mapped_and_an_unknown_one_names_its_line(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,topic\nیک,سینما\nدو,سینماا\n")
    maps = (LabelMap("topic", {"سینما": ("arts_culture", "society")}),)
    records = Source(path=str(tmp_path / "a.csv"), maps=maps).records()
    assert next(records) == Record(text="یک", topics=("arts_culture", "society"))
    with pytest.raises(RecordError, match=r"a\.csv:3: row 2: got the topic label 'سینماا'.*did you mean 'سینما'"):
        next(records)


@pytest.mark.parametrize(
    ("name", "module", "extra"),
    [("parquet", "pyarrow", "data"), ("hugging-face", "datasets", "train")],
)
def test_what_a_format_needs_is_named(name: str, module: str, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=rf"'{module}'.*khabar\[{extra}\]"):
        list(Source(path="none", format=name).records())


def test_importing_needs_no_extra() -> None:
    modules = "khabar_data.formats, khabar_data.check, khabar_data.partition, khabar_data.samples"
    heavy = "{'torch', 'datasets', 'pyarrow', 'datasketch', 'scipy', 'hazm'}"
    code = f"import sys, {modules}; sys.exit(', '.join({heavy} & set(sys.modules)) or None)"
    done = run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
