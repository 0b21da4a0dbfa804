"""The page: well-formed, whole in itself, safe, the same on every run."""

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from khabar_training.evaluation.measured import Marked, Overlap, Report, Threshold
from khabar_training.report.page import carried, few, write_page

HOSTILE = "<script>alert(1)</script></style>\"'&\x00\x0b\ud800"


def text_of(element: ElementTree.Element) -> str:
    return "".join(element.itertext())


@pytest.fixture(scope="session")
def page(report: Report, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of the report."""
    folder = tmp_path_factory.mktemp("page")
    write_page(report, folder)
    assert [path.name for path in folder.iterdir()] == ["report.html"]
    return (folder / "report.html").read_text("utf-8")


@pytest.fixture(scope="session")
def tree(page: str) -> ElementTree.Element:
    """The page read as XML, which takes no slip at all."""
    return ElementTree.fromstring(page)


def test_ids_are_unique_and_every_link_leads_somewhere(tree: ElementTree.Element) -> None:
    ids = [element.get("id") for element in tree.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    links = [value for element in tree.iter() for name, value in element.items() if name.endswith("href")]
    assert links
    assert {link.removeprefix("#") for link in links} <= set(ids)


def test_it_asks_for_nothing_from_elsewhere(page: str, tree: ElementTree.Element) -> None:
    addresses = set(re.findall(r"\w+://[^\s\"'<)]+", page))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert not {"script", "link", "iframe", "img", "object"} & {element.tag for element in tree.iter()}
    sources = re.findall(r"url\(([^)]{0,24})", page)
    assert all(source.startswith(('"data:font/woff2;', "#")) for source in sources)
    assert "@import" not in page


def test_it_is_small(page: str) -> None:
    assert len(page.encode()) < 2_000_000


def test_it_is_the_same_bytes_again(report: Report, page: str, tmp_path: Path) -> None:
    write_page(report, tmp_path)
    assert (tmp_path / "report.html").read_text("utf-8") == page


def test_texts_are_whole_and_run_from_right_to_left(report: Report, tree: ElementTree.Element) -> None:
    shown = [element for element in tree.iter("p") if element.get("class") == "text"]
    texts = [mistake.text for task in report.tasks for mistake in task.mistakes]
    assert {text_of(element) for element in shown} >= set(texts)
    assert all((element.get("dir"), element.get("lang")) == ("rtl", "fa") for element in shown)


def test_only_long_texts_are_folded(report: Report, tree: ElementTree.Element) -> None:
    assert report.tasks[1].entities
    texts = [mistake.text for task in report.tasks for mistake in task.mistakes]
    texts += [marked.text for marked in report.tasks[1].entities.texts]
    n_long = sum(len(text.split()) > 120 for text in texts)
    assert 0 < n_long < len(texts)
    assert len(list(tree.iter("details"))) == n_long


def test_every_entity_expected_and_found_can_be_seen(report: Report, tree: ElementTree.Element) -> None:
    assert report.tasks[1].entities
    cases = [element for element in tree.iter("article") if element.find(".//bdi[@class='tag t-right']") is not None]
    for case, marked in zip(cases, report.tasks[1].entities.texts, strict=True):
        for kind, sign, entities in (
            ("right", "", set(marked.gold) & set(marked.found)),
            ("missed", "−", set(marked.gold) - set(marked.found)),
            ("made-up", "+", set(marked.found) - set(marked.gold)),
        ):
            tags = [text_of(tag) for tag in case.iter("bdi") if tag.get("class") == f"tag t-{kind}"]
            assert sorted(tags) == sorted(sign + entity.label for entity in entities)
            covered = "".join(text_of(mark) for mark in case.iter("mark") if mark.get("class") == kind)
            assert entities
            assert all(marked.text[entity.start : entity.end] in covered for entity in entities if kind != "made-up")


def test_labels_have_both_names_and_pictures_have_words(report: Report, tree: ElementTree.Element) -> None:
    cells = {text_of(element) for element in tree.iter("td")}
    for task in report.tasks:
        assert set(task.labels.values()) <= cells
    pictures = [element for element in tree.iter() if element.get("role") == "img"]
    assert pictures
    assert all(element.get("aria-label") for element in pictures)


@pytest.mark.parametrize(
    ("overlap", "kind", "words"),
    [
        (Overlap(checked=True, exact=1, near=2, examples=("afg-002",)), "alarm", "trained on 3 of these"),
        (Overlap(checked=False), "caution", "could not be checked"),
        (Overlap(checked=True), None, "None of these records"),
        (Overlap(checked=True, unknown=4), "caution", "For 4 of these"),
    ],
)
def test_overlap_is_said_at_the_top(
    report: Report, tmp_path: Path, overlap: Overlap, kind: str | None, words: str
) -> None:
    write_page(replace(report, overlap=overlap, tasks=report.tasks[2:3]), tmp_path)
    tree = ElementTree.fromstring((tmp_path / "report.html").read_bytes())
    assert words in text_of(tree).partition("Main figures")[0]
    assert [element.get("class") for element in tree.iter() if element.get("class") in ("alarm", "caution")] == (
        [kind] if kind else []
    )


def test_text_from_the_data_stays_text(report: Report, tmp_path: Path) -> None:
    topic, words, target, _ = report.tasks
    assert words.entities
    labels = {**target.labels, "favor": HOSTILE.replace("\ud800", "")}
    mistake = replace(
        target.mistakes[0], id=HOSTILE, title=HOSTILE, text=HOSTILE * 40, query=HOSTILE, evidence=((3, 9),)
    )
    marked = Marked(id=HOSTILE, text=HOSTILE, gold=words.entities.texts[0].gold[:1], found=())
    hostile = replace(
        report,
        model=HOSTILE,
        data=(replace(report.data[0], name=HOSTILE),),
        notes=(HOSTILE,),
        overlap=Overlap(checked=True, exact=1, examples=(HOSTILE,)),
        tasks=(
            replace(topic, task=HOSTILE, units=HOSTILE, mistakes=(), notes=(HOSTILE,)),
            replace(words, entities=replace(words.entities, texts=(marked,))),
            replace(
                target,
                labels=labels,
                mistakes=(mistake,),
                systems=(replace(target.systems[0], name=HOSTILE), *target.systems[1:]),
                slices=(replace(target.slices[0], field=HOSTILE, value=HOSTILE),),
            ),
        ),
    )
    write_page(hostile, tmp_path)
    page = (tmp_path / "report.html").read_text("utf-8")
    tree = ElementTree.fromstring(page)
    assert page.count("</style>") == len([element for element in tree.iter() if element.tag.endswith("style")])
    assert "<script" not in page
    assert "<script>alert(1)</script></style>\"'&?" in text_of(tree)


def test_few_thresholds_keep_both_ends() -> None:
    for n in (0, 1, 2, 7, 8, 9, 15, 16, 101):
        thresholds = [Threshold(min_score=step / 100, coverage=1.0, risk=0.0) for step in range(n)]
        kept = few(thresholds)
        assert len(kept) <= 8
        assert kept[:1] == thresholds[:1]
        assert kept[-1:] == thresholds[-1:]
        assert len(kept) == len(set(map(id, kept)))


def test_words_are_as_strong_as_the_strongest(report: Report) -> None:
    mistake = replace(
        report.tasks[0].mistakes[0], text="abcdef", evidence=((0, 4),), words=((0, 2, 0.5), (2, 4, -0.25), (4, 6, 0.0))
    )
    assert [(piece.text, piece.over) for piece in carried(mistake)] == [
        ("ab", (("evidence", 1.0), ("for", 1.0))),
        ("cd", (("evidence", 1.0), ("against", 0.5))),
        ("ef", ()),
    ]
