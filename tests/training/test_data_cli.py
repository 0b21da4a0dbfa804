"""``khabar data``: what people and programs see, exit codes, and files that appear whole or not at all."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

pytest.importorskip("datasketch", reason="needs the extra 'data'")

import khabar_training.data_cli
from khabar_data import CORPORA, Record, Span, read_jsonl, write_jsonl
from khabar_training.cli import app

PERSIAN = ("--option", "columns.text=متن", "--option", "columns.topic=موضوع")


@pytest.fixture(autouse=True)
def _no_bundle(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(khabar_training.data_cli, "bundled", lambda: tmp_path / "no-model")


def run(*arguments: object, **environment: str) -> Result:
    return CliRunner().invoke(app, ["data", *map(str, arguments)], env=environment)


def written(path: Path, content: str) -> Path:
    path.write_text(content, "utf-8", newline="")
    return path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rows = ["متن;موضوع;نشانی", "بانک بسته است;اقتصاد;x", "باران بارید;هوا;y", "برف بارید;هوا;z"]
    return written(tmp_path / "in.csv", "\ufeff" + "\r\n".join(rows) + "\r\n")


def test_check_shows_counts_and_notices(table: Path) -> None:
    result = run("check", table, *PERSIAN)
    assert (result.exit_code, result.stderr) == (0, "")
    assert [line.rstrip() for line in result.stdout.splitlines()] == [
        f"{table}",
        "  3 records; 2 to 3 words, half of them up to 2, 95 % up to 3",
        "  topic",
        f"     2  66.7% {'█' * 24} هوا",
        f"     1  33.3% {'█' * 12}{' ' * 12} اقتصاد",
        f"notice {table}:1: columns that are not read: نشانی",
        f"notice {table}:2: row 1: none of Khabar's topic labels: اقتصاد",
        f"notice {table}:3: row 2: none of Khabar's topic labels: هوا",
    ]


def test_persian_stands_at_the_end_of_a_line_and_once(table: Path) -> None:
    for line in run("check", table, *PERSIAN).stdout.splitlines():
        if "█" in line:
            assert line.rstrip().split(" ")[-1].isalpha()
            assert line.isascii() is False
            assert not any("\u0600" <= mark <= "\u06ff" for mark in line.rstrip().rpartition(" ")[0])


def test_check_exits_with_1_where_something_must_be_mended(table: Path, tmp_path: Path) -> None:
    labels = ("--labels", "topic=اقتصاد,ورزش")
    result = run("check", table, *PERSIAN, *labels)
    assert result.exit_code == 1
    assert f"error  {table}:3: row 2: none of the given topic labels: هوا" in result.stdout
    broken = written(tmp_path / "in.jsonl", '{"text": "یک"}\n{"txt": "دو"}\n')
    result = run("check", broken)
    assert result.exit_code == 1
    assert f"error  {broken}:2: got the key 'txt' in the record" in result.stdout


def test_check_of_a_sound_file(tmp_path: Path) -> None:
    result = run("check", written(tmp_path / "in.jsonl", '{"text": "باران", "topic": "environment"}\n'))
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "Nothing is wrong."


def test_check_as_json(table: Path) -> None:
    result = run("check", table, *PERSIAN, "--json")
    values = json.loads(result.stdout)
    assert values["has_errors"] is False
    assert values["files"][0]["labels"] == {"topic": {"هوا": 2, "اقتصاد": 1}}
    assert values["findings"][0] == {
        "severity": "notice",
        "kind": "reader",
        "place": f"{table}:1",
        "message": "columns that are not read: نشانی",
    }


def test_check_counts_what_it_does_not_list(tmp_path: Path) -> None:
    lines = "".join(json.dumps({"text": f"خبر {number}\0"}) + "\n" for number in range(70))
    result = run("check", written(tmp_path / "in.jsonl", lines))
    assert result.stdout.count("a NUL character") == 50
    assert "and 20 more of kind encoding" in result.stdout
    assert "\0" not in result.stdout


def test_check_measures_in_word_pieces_of_a_model(table: Path, tiny_checkpoint: object) -> None:
    assert callable(tiny_checkpoint)
    result = run("check", table, *PERSIAN, "--model", tiny_checkpoint("wordpiece"))
    assert " word pieces, half of them" in result.stdout
    result = run("check", table, *PERSIAN, "--model", "none")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("checkpoint none: there is no such folder")


def test_convert_maps_labels_and_writes_records(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "out.jsonl"
    maps = ("--map", "topic.هوا=environment,disaster", "--map", "topic.اقتصاد=")
    result = run("convert", table, table, out, *PERSIAN, *maps)
    assert (result.exit_code, result.stdout) == (0, f"{out}: 6 records\n")
    records = list(read_jsonl(out))
    assert records[:3] == records[3:]
    assert records[:2] == [
        Record(text="بانک بسته است"),
        Record(text="باران بارید", topics=("environment", "disaster")),
    ]


def test_convert_of_tagged_words(tmp_path: Path) -> None:
    source = written(tmp_path / "in.txt", "بانک\tB-ORG\r\nملی\tI-ORG\r\n")
    result = run("convert", source, tmp_path / "out.jsonl", "--format", "conll", "--option", "separator=\\t")
    assert result.exit_code == 0, result.stderr
    (record,) = read_jsonl(tmp_path / "out.jsonl")
    assert record.entities == (Span(start=0, end=8, label="ORG"),)


def test_a_failed_conversion_leaves_the_old_file(tmp_path: Path) -> None:
    out = written(tmp_path / "out.jsonl", "old")
    source = written(tmp_path / "in.jsonl", '{"text": "یک"}\n{"text": ""}\n')
    result = run("convert", source, out)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"{source}:2: got a blank text")
    assert out.read_text() == "old"
    assert {path.name for path in tmp_path.iterdir()} == {"in.jsonl", "out.jsonl"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("in.jsonl", "in.csv"), "in.csv: it is not named as JSON Lines; the last name is the file to write"),
        (("in.json", "out.jsonl"), "in.json: '.json' does not say what is in it; name the format: jsonl, csv"),
        (("in.csv", "out.jsonl", "--format", "cvs"), "format 'cvs': no such format"),
        (("in.csv", "out.jsonl", "--option", "separator"), "--option: 'separator' has no =; write it as KEY=VALUE"),
        (("in.csv", "out.jsonl", "--option", "seperator=;"), "format csv: no setting 'seperator'"),
        (("in.csv", "out.jsonl", "--map", "topics.x=y"), "a label map is for task 'topics'"),
        (("none.csv", "out.jsonl"), "none.csv: it cannot be read (No such file or directory)"),
    ],
)
def test_refusals_are_one_line(
    arguments: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("convert", *arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(message)
    assert result.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    source = written(tmp_path / "in.jsonl", '{"text": "یک"}\n')
    result = run("convert", source, source / "out.jsonl")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"{source}/out.jsonl: it cannot be written (")


def test_unknown_tasks_of_labels(table: Path) -> None:
    result = run("check", table, "--labels", "topics=a")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no task 'topics'; there are topic, entities" in result.stderr
    assert "did you mean 'topic'?" in result.stderr


def test_split_parts_all_records_once(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    records = [Record(text=f"خبر {number}", group=f"g{number // 2}") for number in range(40)]
    write_jsonl(source, records)
    shares = ("--train", "0.5", "--dev", "0.5", "--test", "0", "--seed", "3")
    result = run("split", source, "--out", tmp_path / "parts", *shares)
    parts = {path.stem: list(read_jsonl(path)) for path in sorted((tmp_path / "parts").iterdir())}
    assert result.stdout == "".join(f"{tmp_path}/parts/{name}.jsonl: 20 records\n" for name in ("train", "dev"))
    assert sorted((record for part in parts.values() for record in part), key=records.index) == records
    assert not {record.group for record in parts["train"]} & {record.group for record in parts["dev"]}
    first = (tmp_path / "parts" / "dev.jsonl").read_bytes()
    run("split", source, "--out", tmp_path / "parts", *shares)
    assert (tmp_path / "parts" / "dev.jsonl").read_bytes() == first


def test_split_refuses_shares_that_do_not_make_one(tmp_path: Path) -> None:
    source = written(tmp_path / "in.jsonl", '{"text": "یک"}\n')
    result = run("split", source, "--out", tmp_path / "parts", "--train", "0.9")
    assert result.exit_code == 1
    assert result.stderr.startswith("the shares are train 0.9, dev 0.1, test 0.1")
    assert not (tmp_path / "parts").exists()


def test_list_names_every_corpus_with_what_is_known_of_it(tmp_path: Path) -> None:
    (tmp_path / "ner" / "nsurl600k").mkdir(parents=True)
    (tmp_path / "ner" / "nsurl600k" / "a").write_bytes(b"x" * 250_000)
    rows = json.loads(run("list", "--folder", tmp_path, "--json").stdout)
    assert [row["name"] for row in rows] == list(CORPORA)
    assert all(row["licence"] and row["where"] and row["defects"] and row["tasks"] for row in rows)
    assert {row["name"]: row["size"] for row in rows if row["size"] != "not there"} == {"nsurl": "0.2 MB"}
    shown = run("list").stdout
    assert "peyma\n  tasks    entities\n" in shown
    assert "size" not in shown
