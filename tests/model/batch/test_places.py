"""What a batch reads and writes by URI is what it reads and writes by path."""

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow.fs
import pyarrow.parquet
import pytest

from khabar.batch import BatchSettings, run_batch
from khabar.batch.inputs import Input, find_inputs
from khabar.batch.places import drafted_file, file_names, has_file, opened_file, path_in, remove_file
from khabar.batch.rows import read_rows
from khabar.errors import SourceError


@pytest.fixture
def archive(tmp_path: Path, articles: list[dict[str, Any]]) -> Path:
    """A folder and files with names that a URI must quote."""
    folder = tmp_path / "بایگانی 50%"
    folder.mkdir()
    lines = "".join(json.dumps(one) + "\n" for one in articles).encode()
    (folder / "الف #1.jsonl.gz").write_bytes(gzip.compress(lines))
    (folder / "notes.txt").write_text("x", "utf-8")
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(articles), folder / "b?.parquet")
    return folder


def rows_of(inputs: list[Input]) -> list[tuple[int, Any, int]]:
    return [(row.number, row.values, row.position) for one in inputs for row in read_rows(one)]


def test_a_uri_gives_what_a_path_gives(archive: Path) -> None:
    by_path = find_inputs([str(archive)])
    by_uri = find_inputs([archive.as_uri() + "/"])
    assert [one.path for one in by_uri] == [Path(one.path).as_uri() for one in by_path]
    assert [(one.size, one.modified) for one in by_uri] == [(one.size, one.modified) for one in by_path]
    assert rows_of(by_uri) == rows_of(by_path)
    assert find_inputs([by_uri[1].path]) == by_uri[1:]


def test_what_lies_under_the_output_is_left_out(archive: Path) -> None:
    assert len(find_inputs([archive.parent.as_uri()], "/nowhere")) == 2
    with pytest.raises(SourceError, match="no such file"):
        find_inputs([archive.parent.as_uri()], archive.as_uri())
    with pytest.raises(SourceError, match="no such file"):
        find_inputs([archive.parent.as_uri()], str(archive))
    with pytest.raises(SourceError, match="no such file"):
        find_inputs([str(archive.parent)], archive.as_uri())


def test_names_in_uris() -> None:
    assert path_in("s3://bucket/a/%D8%AE%20b.csv.gz?region=eu-west-1") == Path("/a/خ b.csv.gz")
    assert Input("s3://bucket/b.csv.gz?region=eu-west-1", 0, 0).suffix == ".csv"
    assert Input("s3://bucket/b.csv.gz?region=eu-west-1", 0, 0).packing == ".gz"


@pytest.mark.parametrize("uri", ["nothing://x/a.csv", "file:///no/such/a.csv", "file://a b"])
def test_what_cannot_be_reached_is_refused(uri: str) -> None:
    with pytest.raises(SourceError, match=r"cannot be reached|no such file"):
        find_inputs([uri])


@pytest.mark.parametrize("as_uri", [True, False])
def test_a_draft_gets_its_name_when_it_is_whole(as_uri: bool, tmp_path: Path) -> None:
    place = (tmp_path / "in here").as_uri() if as_uri else str(tmp_path / "in here")
    assert file_names(place) == []
    with pytest.raises(ZeroDivisionError), drafted_file(place, "a") as file:
        file.write(bytes(1 // 0))
    (draft,) = file_names(place)
    assert draft.startswith(".a.")
    remove_file(place, draft)
    assert not has_file(place, "a")
    with drafted_file(place, "a") as file:
        file.write(b"whole")
    assert file_names(place) == ["a"]
    assert has_file(place, "a")
    with pytest.raises(SourceError, match="it cannot be written"), drafted_file(place + "/none", "a") as file:
        file.write(b"whole")


def test_a_network_that_fails_is_no_damaged_file(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = find_inputs([archive.as_uri()])[1]

    class Failing:
        def readinto(self, buffer: Any) -> int:
            raise OSError("the connection is gone")

        def seek(self, offset: int, whence: int) -> int:
            raise OSError("the connection is gone")

        def close(self) -> None:
            pass

    class System:
        def open_input_file(self, path: str) -> Failing:
            return Failing()

    monkeypatch.setattr("khabar.batch.places._reached", lambda uri: (System(), uri))
    with pytest.raises(SourceError, match="reading it broke off"):
        list(read_rows(source))
    with pytest.raises(SourceError, match="reading it broke off"):
        opened_file(source.path).read()
    with pytest.raises(SourceError, match="reading it broke off"):
        opened_file(source.path).seek(7)


def test_a_file_that_cannot_be_opened_is_no_damaged_file(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class System:
        def open_input_file(self, path: str) -> None:
            raise OSError("access denied")  # as S3 raises it, without a number

    sources = find_inputs([archive.as_uri()])
    monkeypatch.setattr("khabar.batch.places._reached", lambda uri: (System(), uri))
    for source in sources:
        with pytest.raises(SourceError, match=r"it cannot be opened \(access denied\); check the address"):
            list(read_rows(source))


def test_a_remote_file_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    file = pyarrow.BufferReader(b"text")

    class System:
        def open_input_file(self, path: str) -> pyarrow.BufferReader:
            return file

    monkeypatch.setattr("khabar.batch.places._reached", lambda uri: (System(), uri))
    with opened_file("s3://bucket/a") as opened:
        assert opened.read() == b"text"
    assert file.closed


@pytest.mark.parametrize("as_uri", [True, False])
def test_a_place_of_the_parts_that_fails_is_named(as_uri: bool, archive: Path, tmp_path: Path, model: Path) -> None:
    taken = tmp_path / "taken"
    taken.touch()
    place = (taken / "in").as_uri() if as_uri else str(taken / "in")
    with pytest.raises(SourceError) as caught:
        list(run_batch([str(archive)], tmp_path / "out", BatchSettings(articles=place), model=model))
    assert caught.value.args[0] == place
    with pytest.raises(SourceError, match=r"a cannot be removed"):
        remove_file(place, "a")


def test_parts_in_another_place(archive: Path, tmp_path: Path, model: Path) -> None:
    place = tmp_path / "there"
    settings = BatchSettings(part_rows=7, articles=place.as_uri())
    steps = run_batch([archive.as_uri()], tmp_path / "out", settings, model=model)
    assert any(step.n_articles > 7 for step in steps)
    steps.close()  # type: ignore[attr-defined]
    (place / ".part-000000-000003.parquet.a.1.draft").write_bytes(b"half")
    assert list(run_batch([archive.as_uri()], tmp_path / "out", settings, model=model))[-1].n_articles == 46
    list(run_batch([str(archive)], tmp_path / "other", BatchSettings(part_rows=7), model=model))
    assert sorted(path.name for path in place.iterdir()) == sorted(
        path.name for path in (tmp_path / "other" / "articles").iterdir()
    )
    for path in place.iterdir():
        table = pyarrow.parquet.read_table(path)
        assert table.equals(pyarrow.parquet.read_table(tmp_path / "other" / "articles" / path.name))
    with pytest.raises(SourceError, match="begun with articles"):
        list(run_batch([archive.as_uri()], tmp_path / "out", BatchSettings(part_rows=7), model=model))
    with pytest.raises(SourceError, match=r"there is a file part-.* already"):
        list(run_batch([archive.as_uri()], tmp_path / "new", settings, model=model))
    assert len(list(place.iterdir())) == 8
