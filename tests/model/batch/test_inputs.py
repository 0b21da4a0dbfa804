"""Files, folders and globs."""

from pathlib import Path

import pytest

from khabar.batch.inputs import Input, find_inputs
from khabar.errors import SourceError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.csv", "a.jsonl.gz", "in/c.parquet", "in/d.txt", "in/.e.csv", "out/f.parquet"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


def found(folder: Path, *names: str) -> list[str]:
    inputs = find_inputs([str(folder / name) for name in names], str(folder / "out"))
    return [str(Path(one.path).relative_to(folder)) for one in inputs]


def test_what_names_stand_for(folder: Path) -> None:
    assert found(folder, "") == ["a.jsonl.gz", "b.csv", "in/c.parquet"]
    assert found(folder, "b.csv", "*.gz", "b.csv", "*.csv") == ["b.csv", "a.jsonl.gz"]
    assert found(folder, "**/*.parquet") == ["in/c.parquet"]


def test_hidden_folders_are_not_searched_unless_they_are_named(folder: Path) -> None:
    for name in ("_temporary/0/g.csv", ".old/h.csv"):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_bytes(b"x")
    for name in (str(folder), str(folder / "**/*"), folder.as_uri()):
        names = [Path(one.path).name for one in find_inputs([name], str(folder / "out"))]
        assert sorted(names) == ["a.jsonl.gz", "b.csv", "c.parquet"]
    assert found(folder, "_temporary", ".old/*.csv", "in/.e.csv") == ["_temporary/0/g.csv", ".old/h.csv", "in/.e.csv"]
    assert len(find_inputs([(folder / "_temporary").as_uri()])) == 1


def test_a_file_may_be_called_like_a_glob(folder: Path) -> None:
    (folder / "g[1].csv").write_bytes(b"x")
    assert found(folder, "g[1].csv") == ["g[1].csv"]


@pytest.mark.parametrize("name", ["nothing.csv", "*.tsv", "in/d.txt", "out"])
def test_nothing_to_read_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(SourceError, match=r"\.jsonl, .*\.parquet"):
        found(folder, name)


def test_suffixes() -> None:
    assert Input("x/A.CSV.GZ", 0, 0).suffix == ".csv"
    assert Input("x/A.CSV.GZ", 0, 0).packing == ".gz"
    assert Input("x/a.parquet", 0, 0).packing == ""
    assert Input("a.ndjson.zst", 0, 0).is_json
