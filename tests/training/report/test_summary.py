"""The summary."""

from dataclasses import replace
from pathlib import Path

from khabar_training.evaluation.measured import Overlap, Report
from khabar_training.report.summary import write_summary


def written(report: Report, folder: Path) -> str:
    write_summary(report, folder)
    return (folder / "summary.md").read_text("utf-8")


def test_figures_stand_beside_baselines(report: Report, tmp_path: Path) -> None:
    summary = written(report, tmp_path)
    assert "| topic | 1380 | macro_f1 | 0.810 (0.780-0.840) | 0.640 (0.590-0.690) | linear SVM |" in summary
    assert "| claim-only SVM (control) | 0.310 (0.250-0.370) | – |" in summary
    assert "| economy | اقتصاد | – | 0.845 | – | 181 | 0 |" in summary
    for task in report.tasks:
        assert all(f"- {note}" in summary for note in task.notes)


def test_a_model_without_rivals_has_none(report: Report, tmp_path: Path) -> None:
    task = replace(report.tasks[0], systems=report.tasks[0].systems[:1])
    assert "| – | – |\n" in written(replace(report, tasks=(task,)), tmp_path)


def test_overlap_is_said(report: Report, tmp_path: Path) -> None:
    assert "**The model was trained on 7 of these 147 records**" in written(report, tmp_path)
    assert "could not be checked" in written(replace(report, overlap=Overlap(checked=False)), tmp_path)
    assert "None of these records" in written(replace(report, overlap=Overlap(checked=True)), tmp_path)


def test_text_from_the_data_is_no_markup(report: Report, tmp_path: Path) -> None:
    system = replace(report.tasks[0].systems[0], name="<b>a|b\n# c_d _e_ [x](y)")
    task = replace(report.tasks[0], systems=(system,), notes=("*\x1b[2Jbold*",))
    summary = written(replace(report, tasks=(task,)), tmp_path)
    assert r"| \<b\>a\|b \# c_d \_e\_ \[x\](y) | 0.810" in summary
    assert "- \\*\\[2Jbold\\*\n" in summary


def test_it_is_the_same_bytes_again(report: Report, tmp_path: Path) -> None:
    assert written(report, tmp_path) == written(report, tmp_path)
