"""The command line, with an analyzer that finds what the test puts into it, and with the bundled model."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import khabar
from khabar import Article, CheckpointError, Entity, Explanation, InputError, Stance, Topic, Weight
from khabar.checkpoint import bundled
from khabar.config import Kind, Label, ModelConfig, TaskSpec
from khabar_training.cli import app
from khabar_training.config import TrainingConfig

TEXT = "زنان کابل از یونیسف ستایش کردند.\r\nطالبان خاموش است."
TASKS = (
    TaskSpec(
        name="topic",
        kind=Kind.TEXT,
        labels=(
            Label("society", "جامعه"),
            Label("sport", "ورزش"),
            Label("health", "سلامت"),
            Label("crime", "جرم"),
        ),
    ),
    TaskSpec(name="entities", kind=Kind.WORDS, labels=(Label("ORG", "سازمان"), Label("LOC", "مکان"))),
    TaskSpec(name="target_stance", kind=Kind.PAIR, labels=(Label("favor", "موافق"), Label("against", "مخالف"))),
    TaskSpec(name="claim_stance", kind=Kind.PAIR, labels=(Label("agree", "تأیید"), Label("discuss", "طرح"))),
)


class FakeAnalyzer:
    """Finds a few known words, and answers every target and claim alike."""

    def __init__(self, tasks: tuple[TaskSpec, ...] = TASKS) -> None:
        self.config = ModelConfig(name="fake", tasks=tasks, cls_token="<s>", sep_token="</s>", pad_token="<pad>")
        self.folder = Path("fake")
        self.threads = 3
        self.asked: list[dict[str, Any]] = []

    def predict(self, text: str, **asked: Any) -> Article:
        self.asked.append(asked)
        if asked["targets"] == [""]:
            raise InputError("target", "empty", "a name", "leave it out")
        if not text.strip():
            return Article(text, None, (), ())
        words = (("کابل", "LOC"), ("یونیسف", "ORG"), ("طالبان", "ORG"))
        found = sorted((text.find(word), word, label) for word, label in words if word in text)
        entities = [Entity(word, label, at, at + len(word), 0.9) for at, word, label in found]
        targets = ["یونیسف"] if asked["targets"] is None else asked["targets"]
        evidence = ((0, text.find(".") + 1),)
        stances = [
            Stance(name, "target", "favor", 0.81, {"favor": 0.81, "against": 0.19}, evidence) for name in targets
        ]
        stances += [Stance(name, "claim", "discuss", 0.6, {"agree": 0.4, "discuss": 0.6}) for name in asked["claims"]]
        scores = {"society": 0.7, "sport": 0.1, "health": 0.15, "crime": 0.05}
        least = asked["min_score"]
        topic = Topic("society", "جامعه", None, 0.7, scores, sure=least <= 0.7)
        stances = [replace(stance, sure=stance.score >= least) for stance in stances]
        return Article(text, topic, tuple(entities), tuple(stances))

    def explain(self, text: str, **asked: Any) -> tuple[Explanation, ...]:
        self.asked.append(asked)
        if not text.strip():
            return ()
        at = text.find("کابل")
        weights = (Weight(0, 4, -0.3, "title"), Weight(at, at + 4, 1.5), Weight(at + 5, at + 7, 0.01))
        topic = Explanation("topic", None, "society", 0.7, weights)
        light = (Weight(0, len(text), 0.2),)
        return (topic, *(Explanation("target", name, "favor", 0.81, light) for name in asked["targets"]))


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeAnalyzer:
    analyzer = FakeAnalyzer()
    monkeypatch.setattr(khabar, "load", lambda path=None: analyzer)
    return analyzer


@pytest.fixture
def article(tmp_path: Path) -> str:
    return written(tmp_path / "article.txt", TEXT.encode())


def written(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return str(path)


def run(*arguments: str, stdin: bytes | None = None, **environment: str) -> Result:
    return CliRunner().invoke(app, arguments, input=stdin, env=environment)


def test_people_see_topic_entities_and_stances(fake: FakeAnalyzer, article: str) -> None:
    result = run("predict", article, "--title", "سرخط", "--claim", "طالبان خاموش است")
    assert (result.exit_code, result.stderr) == (0, "")
    assert fake.asked == [{"title": "سرخط", "targets": None, "claims": ["طالبان خاموش است"], "min_score": 0.0}]
    lines = [line.strip() for line in result.stdout.splitlines()]
    assert lines == [
        "Topic",
        "70%  society  جامعه",
        "15%  health   سلامت",
        "10%  sport    ورزش",
        "",
        "سرخط",
        "زنان کابل [مکان] از یونیسف [سازمان] ستایش کردند.",
        "طالبان [سازمان] خاموش است.",
        "",
        "2  ORG  سازمان",
        "1  LOC  مکان",
        "",
        "Stance",
        "81%  favor     target  یونیسف: موافق",
        "زنان کابل از یونیسف ستایش کردند.",
        "60%  discuss   claim   طالبان خاموش است: طرح",
        "",
    ]


def test_what_is_not_sure_says_so(fake: FakeAnalyzer, article: str) -> None:
    result = run("predict", article, "--min-score", "0.75", "--claim", "طالبان خاموش است")
    assert fake.asked[0]["min_score"] == 0.75
    lines = [line.strip() for line in result.stdout.splitlines()]
    assert lines[1:3] == ["70%  society  not sure  جامعه", "15%  health   سلامت"]
    assert "81%  favor     target  یونیسف: موافق" in lines
    assert "60%  discuss   claim   not sure  طالبان خاموش است: طرح" in lines
    values = json.loads(run("predict", article, "--min-score", "0.75", "--json").stdout)
    assert (values["topic"]["sure"], values["stances"][0]["sure"]) == (False, True)


@pytest.mark.parametrize("least", ["-0.1", "1.1", "nan", "much"])
def test_a_least_score_out_of_range(fake: FakeAnalyzer, article: str, least: str) -> None:
    assert run("predict", article, "--min-score", least).exit_code == 2
    assert not fake.asked


def test_people_see_what_carried_an_answer(fake: FakeAnalyzer, article: str) -> None:
    result = run("explain", article, "--title", "سرخط", "--target", "یونیسف")
    assert (result.exit_code, result.stderr) == (0, "")
    assert fake.asked == [{"title": "سرخط", "targets": ["یونیسف"], "claims": ()}]
    assert [line.strip() for line in result.stdout.splitlines()] == [
        "topic  70%  society  جامعه",
        "سرخط",
        "زنان کابل از یونیسف ستایش کردند.",
        "طالبان خاموش است.",
        "",
        "+1.50  کابل",
        "-0.30  سرخط",
        "",
        "target  81%  favor  یونیسف: موافق",
        "سرخط",
        "زنان کابل از یونیسف ستایش کردند.",
        "طالبان خاموش است.",
        "",
        "+0.20  زنان کابل از یونیسف ستایش کردند. طالبان خاموش است.",
        "It hangs on no single word or sentence: the others say the same.",
        "",
        "for and against the label, by how far its log-odds fall without the words",
    ]


def test_a_terminal_marks_the_words_that_carried_an_answer(fake: FakeAnalyzer, article: str) -> None:
    result = run("explain", article, "--title", "سرخط", FORCE_COLOR="1", TERM="xterm-256color")
    assert "زنان \x1b[1;30;46mکابل\x1b[0m از یونیسف" in result.stdout
    assert "\x1b[1;30;46m   +1.50  \x1b[0mکابل" in result.stdout


def test_an_explanation_as_json_is_one_line(fake: FakeAnalyzer, article: str) -> None:
    (line,) = run("explain", "--json", article, "--title", "سرخط \udcff").stdout.splitlines()
    values = json.loads(line)
    assert (values["title"], values["text"], len(values["explanations"])) == ("سرخط \udcff", TEXT, 1)
    assert values["explanations"][0]["weights"][1] == {"start": 5, "end": 9, "weight": 1.5, "part": "text"}


def test_nothing_to_explain_says_so(fake: FakeAnalyzer, tmp_path: Path) -> None:
    result = run("explain", "-", stdin=b" ")
    assert (result.exit_code, result.stdout) == (0, "There is nothing to explain in this text.\n")
    none = run("explain", str(tmp_path / "none.txt"))
    assert (none.exit_code, none.stdout) == (1, "")
    assert "is not readable" in none.stderr


def test_a_pipe_gets_no_colours_and_no_line_breaks_of_ours(fake: FakeAnalyzer, tmp_path: Path) -> None:
    text = "واژه " * 100 + "کابل"
    result = run("predict", written(tmp_path / "long.txt", text.encode()))
    assert f"{text} [مکان]\n" in result.stdout
    assert "\x1b" not in result.stdout


def test_a_terminal_gets_colours_and_whole_words(fake: FakeAnalyzer, tmp_path: Path) -> None:
    name = written(tmp_path / "long.txt", ("واژه " * 100 + "کابل").encode())
    result = run("predict", name, FORCE_COLOR="1", TERM="xterm-256color", COLUMNS="43")
    assert "\x1b[1;33mکابل\x1b[0m\x1b[2m [مکان]\x1b[0m" in result.stdout
    assert set(result.stdout.split("\n\n")[1].split()) >= {"واژه"}
    assert max(map(len, result.stdout.split("\n\n")[1].splitlines())) <= 43 + len("\x1b[1;33m\x1b[0m\x1b[2m\x1b[0m")


def test_control_characters_of_the_text_do_not_reach_the_terminal(fake: FakeAnalyzer, tmp_path: Path) -> None:
    result = run("predict", written(tmp_path / "a.txt", "\x1b[2J\x07کابل\x9b31m. پایان".encode()))
    assert "[2Jکابل [مکان]31m. پایان" in result.stdout
    assert not {"\x1b", "\x07", "\x9b"} & set(result.stdout)


def test_json_is_one_line_an_article_and_nothing_else(fake: FakeAnalyzer, article: str, tmp_path: Path) -> None:
    other = written(tmp_path / "other.txt", "\ufeffکابل".encode())
    result = run("predict", "--json", article, other)
    first, second = map(json.loads, result.stdout.splitlines())
    assert (first["id"], first["text"], first["topic"]["label"]) == (article, TEXT, "society")
    assert [TEXT[entity["start"] : entity["end"]] for entity in first["entities"]] == [
        "کابل",
        "یونیسف",
        "طالبان",
    ]
    assert (second["id"], second["text"]) == (other, "کابل")


def test_one_bad_file_does_not_stop_the_others(fake: FakeAnalyzer, article: str, tmp_path: Path) -> None:
    arabic = written(tmp_path / "arabic.txt", "\ufeffاب".encode() + "کابل".encode("cp1256"))
    wide = written(tmp_path / "wide.txt", "کابل".encode("utf-16"))
    result = run("predict", arabic, str(tmp_path / "none.txt"), str(tmp_path), wide, article)
    assert result.exit_code == 1
    assert f"{article} ──" in result.stdout
    assert "طالبان [سازمان]" in result.stdout
    assert result.stderr.splitlines() == [
        f"file {arabic} is not in UTF-8 (byte 0x98 at position 7); it takes text in UTF-8; "
        "convert it, as with: iconv -f WINDOWS-1256 -t UTF-8",
        *(
            f"file {name} is not readable ({reason}); it takes the path of a text file, "
            "or - for standard input; check the path"
            for name, reason in (
                (tmp_path / "none.txt", "No such file or directory"),
                (tmp_path, "Is a directory"),
            )
        ),
        f"file {wide} is not in UTF-8 (byte 0xff at position 0); it takes text in UTF-8; "
        "convert it, as with: iconv -f UTF-16 -t UTF-8",
    ]


def test_standard_input(fake: FakeAnalyzer) -> None:
    result = run("predict", "--json", "-", stdin=TEXT.encode())
    assert json.loads(result.stdout)["text"] == TEXT
    assert json.loads(result.stdout)["id"] is None


def test_a_text_without_words_says_so(fake: FakeAnalyzer) -> None:
    result = run("predict", "-", stdin=b" \n")
    assert (result.exit_code, result.stdout.split("\n")[0]) == (0, "There is no word to read in this text.")


def test_a_lone_surrogate_is_shown_escaped(fake: FakeAnalyzer, article: str) -> None:
    assert "\\udcff: موافق" in run("predict", article, "--target", "\udcff").stdout
    assert (
        json.loads(run("predict", "--json", article, "--target", "\udcff").stdout)["stances"][0]["target"] == "\udcff"
    )


def test_parts_that_the_model_lacks_are_left_out(article: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class TopicOnly(FakeAnalyzer):
        def predict(self, text: str, **asked: Any) -> Article:
            return Article(text, super().predict(text, **asked).topic, (), ())

    monkeypatch.setattr(khabar, "load", lambda path=None: TopicOnly(TASKS[:1]))
    result = run("predict", article)
    assert result.exit_code == 0
    assert not {"[مکان]", "Stance"} & set(result.stdout.split())


@pytest.mark.parametrize(
    ("arguments", "targets"),
    [((), None), (("--target", "کابل", "--target", "یونیسف"), ["کابل", "یونیسف"]), (("--no-targets",), ())],
)
def test_targets(fake: FakeAnalyzer, article: str, arguments: tuple[str, ...], targets: object) -> None:
    assert run("predict", article, *arguments).exit_code == 0
    assert fake.asked[0]["targets"] == targets


@pytest.mark.parametrize("arguments", [("{0}", "{0}", "--title", "سرخط"), ("{0}", "--target", "ک", "--no-targets"), ()])
def test_what_does_not_go_together(fake: FakeAnalyzer, article: str, arguments: tuple[str, ...]) -> None:
    result = run("predict", *(argument.format(article) for argument in arguments))
    assert (result.exit_code, result.stdout) == (2, "")
    assert not fake.asked


def test_errors_raised_on_purpose_are_one_line(article: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(path: Path | None = None) -> FakeAnalyzer:
        if path is not None:
            raise CheckpointError(path, "there is no such\nfolder", "name another")
        return FakeAnalyzer()

    monkeypatch.setattr(khabar, "load", load)
    for result in (run("predict", article, "--model", "no"), run("info", "--model", "no")):
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr == "checkpoint no: there is no such folder; name another\n"
    assert run("predict", article, "--target", "").stderr == "target is empty; it takes a name; leave it out\n"


def test_info(fake: FakeAnalyzer) -> None:
    facts = json.loads(run("info", "--json").stdout)
    assert (facts["model"], facts["folder"], facts["threads"]) == ("fake", "fake", 3)
    assert [label["key"] for label in facts["tasks"][1]["labels"]] == ["ORG", "LOC"]
    assert "society, sport, health, crime" in run("info").stdout


def test_training_settings_are_checked(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs the extra 'train'")
    result = run("train", str(tmp_path / "none.toml"))
    assert result.exit_code == 1
    assert "none.toml cannot be read as TOML" in result.stderr


def test_training_without_its_packages_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "khabar_training.trainer", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    result = run("train", str(tmp_path / "none.toml"))
    assert result.exit_code == 1
    assert result.stderr == (
        "training needs the package 'torch', which is not installed; run: pip install 'khabar[train]'\n"
    )


def test_help_imports_nothing_heavy() -> None:
    heavy = "{'onnxruntime', 'torch', 'transformers', 'datasets', 'hazm', 'sklearn'}"
    code = f"import sys, khabar_training.cli; sys.exit(', '.join({heavy} & set(sys.modules)) or None)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("arguments", [["info", "--json"], ["info"], ["predict", "-"], ["predict", "-", "--json"]])
def test_a_reader_that_leaves_is_no_error(arguments: list[str]) -> None:
    code = f"import test_cli as t; t.khabar.load = lambda path: t.FakeAnalyzer(); t.app({arguments})"
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=Path(__file__).parent,
            input=TEXT.encode(),
            stdout=writing,
            stderr=subprocess.PIPE,
            check=False,
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


needs_model = pytest.mark.skipif(not bundled().is_dir(), reason="the bundled model is not in this tree")
SAMPLE = str(Path(khabar.__file__).parent / "samples" / "article.txt")


@needs_model
def test_the_sample_article() -> None:
    result = run("predict", SAMPLE, "--json")
    article = json.loads(result.stdout)
    assert article["topic"]["label"] == "environment"
    assert {"کابل", "اداره ملی حفاظت محیط زیست"} <= {entity["text"] for entity in article["entities"]}
    assert all(article["text"][e["start"] : e["end"]] == e["text"] for e in article["entities"])
    assert article["stances"]


@needs_model
def test_the_sample_article_for_people() -> None:
    result = run("predict", SAMPLE, "--title", "شاخص آلودگی هوای کابل به ۲۸۶ رسید")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "کابل [" in result.stdout


@needs_model
def test_info_on_the_bundled_model() -> None:
    assert json.loads(run("info", "--json").stdout)["folder"] == str(bundled())


def test_init_writes_a_configuration_once(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    assert run("train", str(path), "--init").exit_code == 0
    assert TrainingConfig.from_toml(path).tasks == ("topic",)
    again = run("train", str(path), "--init")
    assert again.exit_code == 1
    assert "choose another name" in again.stderr
