"""Reports to and from JSON, and the folder that they are written into."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from khabar_training.evaluation.measured import LabelOutcome, Report, ReportError, SpanOutcome
from khabar_training.evaluation.rounding import rounded
from khabar_training.report.archive import FILES, check_place, dump, load, read_report, write_report


@pytest.fixture
def whole(report: Report) -> Report:
    """The made-up report with outcomes, as an evaluation leaves it."""
    labels = (LabelOutcome(id="a", unit=0, gold=("sport", "health"), found="sport"),)
    spans = (SpanOutcome(id="a", unit=0, n_found=3, right="101", exact=2, partial=2.5, type=3),)
    tasks = tuple(
        replace(task, entities=replace(task.entities, outcomes=spans))
        if task.entities
        else replace(task, outcomes=labels)
        for task in report.tasks
    )
    return rounded(replace(report, tasks=tasks))


def test_what_is_dumped_is_loaded(whole: Report) -> None:
    assert load(dump(whole)) == whole
    assert dump(load(dump(whole))) == dump(whole)
    assert list(load(dump(whole)).tasks[0].systems[0].figures) == list(whole.tasks[0].systems[0].figures)


def test_floats_are_rounded(report: Report) -> None:
    assert rounded((1 / 3, {"a": (0.123456789, 7)}, "text", None)) == (0.333333, {"a": (0.123457, 7)}, "text", None)
    assert load(dump(rounded(report))) == rounded(report)


def _changed(change: Callable[[dict[str, Any]], object]) -> Callable[[str], str]:
    def apply(text: str) -> str:
        values: dict[str, Any] = json.loads(text)
        change(values)
        return json.dumps(values)

    return apply


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text[:-9], "r.json: it is not JSON ("),
        (lambda _: "[]", "r.json: it is not a report of format 1 but of None; evaluate again"),
        (_changed(lambda values: values.update(format=2)), "r.json: it is not a report of format 1 but of 2"),
        (_changed(lambda values: values.pop("model")), "r.json: it is damaged (missing in report: model)"),
        (_changed(lambda values: values.update(x=1)), "r.json: it is damaged (unknown in report: x)"),
        (
            _changed(lambda values: values.update(n_records="7")),
            "r.json: it is damaged (report.n_records is a str, not a int)",
        ),
        (
            _changed(lambda values: values["tasks"][0]["systems"][0]["figures"].update(f1=3)),
            "r.json: it is damaged (report.tasks[0].systems[0].figures.f1 is a int, not a dict)",
        ),
        (
            _changed(lambda values: values["tasks"][0]["mistakes"][0].update(evidence=[[1, 2, 3]])),
            "r.json: it is damaged (report.tasks[0].mistakes[0].evidence[0] has 3 parts, not 2)",
        ),
    ],
)
def test_what_is_no_report_is_refused(report: Report, damage: Callable[[str], str], message: str) -> None:
    with pytest.raises(ReportError) as refusal:
        load(damage(dump(report)), "r.json")
    assert str(refusal.value).startswith(message)


def test_a_report_is_written_whole_and_read_again(whole: Report, tmp_path: Path) -> None:
    folder = write_report(whole, tmp_path / "new" / "report")
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    assert [path.name for path in folder.parent.iterdir()] == ["report"]
    assert read_report(folder) == read_report(folder / "report.json") == whole
    write_report(replace(whole, seed=5), folder)
    assert read_report(folder).seed == 5


def test_a_folder_of_other_things_stays_as_it_is(whole: Report, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    (tmp_path / "report.json").write_text("{}")
    with pytest.raises(ReportError, match=r"it holds other things \(thesis.txt\); name a new folder"):
        write_report(whole, tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "mine"
    with pytest.raises(ReportError, match="it is a file"):
        check_place(tmp_path / "thesis.txt")


def test_a_report_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"report.json: it cannot be read \(No such file or directory\)"):
        read_report(tmp_path)
