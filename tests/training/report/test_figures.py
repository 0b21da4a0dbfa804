"""Figures as SVG: what stands in them, and that they come out the same."""

from xml.etree import ElementTree

import matplotlib

from khabar_training.evaluation.measured import Calibration, Matrix, Report
from khabar_training.report import figures

SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_a_matrix_shows_every_count_and_both_names_of_every_label(report: Report) -> None:
    topic = report.tasks[0]
    shown = texts(figures.confusion(topic.confusion, topic.labels, "f"))
    for key, name in topic.labels.items():
        assert shown.count(f"{key}  {name}") == 2
    counts = [count for row in topic.confusion.counts for count in row]
    assert [text for text in shown if text.isdigit() or text == "·"] == [
        str(count) if count else "·" for count in counts
    ]


def test_cells_are_as_dark_as_their_share_of_the_row() -> None:
    svg = figures.confusion(Matrix(rows=("a", "b"), columns=("a", "b"), counts=((1, 9), (10, 90))), {}, "f")
    (mesh,) = (group for group in ElementTree.fromstring(svg).iter(f"{SVG}g") if "QuadMesh" in group.get("id", ""))
    fills = [path.get("style", "").partition(";")[0] for path in mesh.iter(f"{SVG}path")]
    assert len(fills) == 4
    assert fills[:2] == fills[2:]
    assert fills[0] != fills[1]


def test_borders_have_a_row_for_each_type() -> None:
    matrix = Matrix(rows=("right", "missed"), columns=("PER", "ORG", "LOC"), counts=((1, 2, 3), (4, 5, 6)))
    shown = texts(figures.borders(matrix, {"PER": "شخص"}, "f"))
    assert [text for text in shown if text.isdigit()] == ["1", "4", "2", "5", "3", "6"]
    assert shown.count("PER  شخص") == 1


def test_a_reliability_curve_counts_its_answers(report: Report) -> None:
    calibration = report.tasks[0].calibration
    shown = texts(figures.reliability(calibration, "f"))
    assert {str(bin_.n) for bin_ in calibration.bins} <= set(shown)


def test_there_is_a_curve_of_a_single_threshold(report: Report) -> None:
    calibration = report.tasks[0].calibration
    one = Calibration(temperature=1.0, error=0.0, bins=(), thresholds=calibration.thresholds[:1])
    assert texts(figures.risk_coverage(one, "f"))


def test_a_figure_is_the_same_bytes_whatever_the_settings_of_matplotlib(report: Report) -> None:
    topic = report.tasks[0]
    first = figures.confusion(topic.confusion, topic.labels, "f")
    with matplotlib.rc_context({"font.size": 30, "svg.fonttype": "path", "axes.facecolor": "red"}):
        assert figures.confusion(topic.confusion, topic.labels, "f") == first
        assert matplotlib.rcParams["font.size"] == 30


def test_labels_are_escaped_and_are_no_formulas() -> None:
    label = "<script>$x^2$</style>"
    svg = figures.confusion(Matrix(rows=(label,), columns=("a",), counts=((1,),)), {}, "f")
    assert label in texts(svg)
    assert "<script" not in svg
