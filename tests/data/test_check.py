"""The check of data: what it counts, and each fault with its file and line."""

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("datasketch", reason="needs the extra 'data'")

from khabar_data import Record, Span, TargetStance, write_jsonl
from khabar_data.check import N_SHOWN, check
from khabar_data.findings import Finding, Findings, Lengths, Severity
from khabar_data.formats import Source
from khabar_data.records import ClaimStance
from khabar_data.ruler import WORD_RULER, Ruler

ERROR, NOTICE = Severity.ERROR, Severity.NOTICE
LONG = " ".join(f"واژه{number}" for number in range(80))


def checked(folder: Path, *files: list[Record], **settings: Any) -> Findings:
    """Check records as files a.jsonl, b.jsonl and so on."""
    sources = []
    for name, records in zip("abc", files, strict=False):
        write_jsonl(folder / f"{name}.jsonl", records)
        sources.append(Source(path=str(folder / f"{name}.jsonl")))
    return check(sources, **settings)


def listed(found: Findings, folder: Path) -> list[tuple[Severity, str, str, str]]:
    return [
        (one.severity, one.kind, one.place.replace(f"{folder}/", ""), one.message.replace(f"{folder}/", ""))
        for one in found.findings
    ]


def test_counts_labels_and_lengths(tmp_path: Path) -> None:
    records = [
        Record(
            text="بانک ملی بسته است.",
            topics=("economy",),
            entities=(Span(start=0, end=8, label="ORG"),),
            entity_types=("ORG",),
            target_stances=(TargetStance(target="بانک", labels=("favor", "neutral")),),
            claim_stances=(ClaimStance(claim="ادعا", labels=("agree",)),),
        ),
        Record(text="باران بارید", topics=("environment", "economy")),
        Record(text="دیگر خبری نیست"),
    ]
    found = checked(tmp_path, records)
    (file,) = found.files
    assert (file.n_records, file.lengths, found.unit) == (3, Lengths(2, 3, 5, 5), "words")
    assert file.labels == {
        "topic": {"economy": 2, "environment": 1},
        "entities": {"ORG": 1},
        "target_stance": {"favor": 1, "neutral": 1},
        "claim_stance": {"agree": 1},
    }
    assert list(file.labels["topic"]) == ["economy", "environment"]
    assert (found.findings, found.has_errors) == ((), False)


def test_lengths_in_what_the_ruler_measures(tmp_path: Path) -> None:
    found = checked(tmp_path, [Record(text="abc")], ruler=Ruler("letters", len))
    assert (found.unit, found.files[0].lengths) == ("letters", Lengths(3, 3, 3, 3))
    assert WORD_RULER.measure("می‌رود، خانه") == 3


def test_a_broken_file_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "x"}\n{"text"\n{"text": "\xc7"}\n{"text": "y"}\n')
    found = check([Source(path=str(path)), Source(path=str(tmp_path / "none.jsonl"))])
    assert [(severity, kind, place) for severity, kind, place, _ in listed(found, tmp_path)] == [
        (ERROR, "record", "a.jsonl:2"),
        (ERROR, "record", "a.jsonl:3"),
        (ERROR, "file", "none.jsonl"),
    ]
    assert [file.n_records for file in found.files] == [2, 0]
    assert found.has_errors


def test_a_file_without_records(tmp_path: Path) -> None:
    assert listed(checked(tmp_path, []), tmp_path) == [(ERROR, "file", "a.jsonl", "no records")]


def test_notices_of_readers_are_no_errors(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,url\nیک,x\n")
    found = check([Source(path=str(tmp_path / "a.csv"))])
    assert listed(found, tmp_path) == [(NOTICE, "reader", "a.csv:1", "columns that are not read: url")]
    assert not found.has_errors


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("خبر \ufffd", "a character that could not be read (U+FFFD)"),
        ("خبر\0", "a NUL character"),
        ("ایران".encode().decode("cp1252", "replace").replace("\ufffd", ""), "UTF-8 that was read as Windows-1252"),
        ("ایران".encode().decode("latin-1"), "UTF-8 that was read as Latin-1"),
        ("ایران".encode().decode("cp1256", "ignore"), "UTF-8 that was read as Windows-1256"),
        ("خبر جهان".encode("cp1256").decode("cp1252"), "Windows-1256 that was read as Windows-1252"),
        ("???? ??? ????? ??", "letters that were lost to question marks"),
    ],
)
def test_encoding_faults(tmp_path: Path, text: str, what: str) -> None:
    found = listed(checked(tmp_path, [Record(text="درست"), Record(text="خوب", title=text)]), tmp_path)
    assert (ERROR, "encoding", "a.jsonl:2") in [row[:3] for row in found]
    assert any(row[3].startswith(f"{what}: ") for row in found)


@pytest.mark.parametrize(
    "text",
    ["چرا؟؟؟ عکس غلط ظهر عید غروب طلا…", "Ünïcode café Ørsted", "واقعاً??? بله", "عکعک طغیان «ظلم» غلط، غلط؛ عطش"],
)
def test_sound_text_has_no_encoding_faults(tmp_path: Path, text: str) -> None:
    assert not checked(tmp_path, [Record(text=text)]).findings


def test_lone_surrogates_are_errors(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a\\ud800"}\n')
    (found, _) = listed(check([Source(path=str(tmp_path / "a.jsonl"))]), tmp_path)
    assert found[:3] == (ERROR, "record", "a.jsonl:1")
    assert "half a surrogate pair" in found[3]


def spanned(text: str, start: int, end: int) -> Record:
    return Record(text=text, entities=(Span(start=start, end=end, label="LOC"),), entity_types=("LOC",))


@pytest.mark.parametrize(
    ("start", "end", "kinds"),
    [
        (3, 7, []),
        (2, 7, ["blank border"]),
        (4, 7, ["inside a word"]),
        (3, 6, ["inside a word"]),
        (3, 8, ["blank border"]),
        (0, 15, []),
        (0, 12, ["inside a word"]),
        (15, 16, []),
    ],
)
def test_borders_of_spans(tmp_path: Path, start: int, end: int, kinds: list[str]) -> None:
    found = checked(tmp_path, [Record(text="یک"), spanned("از کابل کتاب‌ها.", start, end)])
    assert [one.kind for one in found.findings] == kinds
    assert all(one.place.endswith("a.jsonl:2") and f"LOC {start}-{end}" in one.message for one in found.findings)
    assert not found.has_errors


def test_borders_are_those_of_the_raw_text(tmp_path: Path) -> None:
    text = "\u202bکِتــاب\u202c کابل"
    at = text.index("کابل")
    assert not checked(tmp_path, [spanned(text, at, at + 4)]).findings
    assert [one.kind for one in checked(tmp_path, [spanned(text, 3, at + 4)]).findings] == ["inside a word"]


def test_many_spans_inside_words_are_shifted_offsets(tmp_path: Path) -> None:
    records = [spanned(f"از کابل {number}", 4, 7) for number in range(20)]
    found = checked(tmp_path, records)
    message = "20 of 20 spans start or end inside a word; their offsets seem to be shifted"
    assert listed(found, tmp_path)[0] == (ERROR, "shifted offsets", "a.jsonl", message)
    assert not checked(tmp_path, records[:19]).has_errors


@pytest.mark.parametrize(("n_inside", "shifted"), [(2, False), (3, True)])
def test_a_tenth_of_spans_inside_words_is_too_much(tmp_path: Path, n_inside: int, shifted: bool) -> None:
    records = [spanned(f"از کابل {number}", 4 if number < n_inside else 3, 7) for number in range(20)]
    assert checked(tmp_path, records).has_errors is shifted


def test_overlapping_spans_are_errors(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "abc def", "label": [[0, 7, "X"], [4, 7, "Y"]]}\n')
    found = check([Source(path=str(tmp_path / "a.jsonl"), format="doccano")])
    assert "got X 0-7 over Y 4-7" in found.findings[0].message


def test_unknown_labels(tmp_path: Path) -> None:
    records = [Record(text="یک", topics=("sports",)), Record(text="دو", topics=("sports",))]
    message = "none of Khabar's topic labels; did you mean 'sport'?: sports"
    assert listed(checked(tmp_path, records), tmp_path) == [(NOTICE, "unknown label", "a.jsonl:1", message)]
    assert not checked(tmp_path, records, labels={"topic": ("sports",)}).findings
    message = "none of the given topic labels: sports"
    found = checked(tmp_path, records, labels={"topic": ("اقتصاد",)})
    assert listed(found, tmp_path) == [(ERROR, "unknown label", "a.jsonl:1", message)]
    assert not checked(tmp_path, records, labels={"entities": ("X",)}).findings


def test_labels_that_only_spelling_parts(tmp_path: Path) -> None:
    topics = ["بین‌الملل", "بین‌الملل", "بين الملل", "ورزش"]
    records = [Record(text=f"خبر {number}", topics=(topic,)) for number, topic in enumerate(topics)]
    found = checked(tmp_path, records, labels={})
    assert [row[:3] for row in listed(found, tmp_path)] == [(ERROR, "label spelling", "a.jsonl:3")]


def test_duplicates_inside_a_file_are_notices(tmp_path: Path) -> None:
    records = [Record(text=LONG), Record(text="یک"), Record(text=LONG + " "), Record(text=LONG.replace("واژه40 ", ""))]
    assert listed(checked(tmp_path, records), tmp_path) == [
        (NOTICE, "duplicate", "a.jsonl:3", "the same text as in a.jsonl:1"),
        (NOTICE, "near duplicate", "a.jsonl:4", "nearly the same text as in a.jsonl:1"),
    ]


def test_duplicates_across_files_are_errors(tmp_path: Path) -> None:
    other = [Record(text=LONG.replace("واژه40 ", "")), Record(text="دو"), Record(text=LONG)]
    assert listed(checked(tmp_path, [Record(text="یک"), Record(text=LONG)], other), tmp_path) == [
        (ERROR, "near duplicate", "b.jsonl:1", "nearly the same text as in a.jsonl:2"),
        (ERROR, "duplicate", "b.jsonl:3", "the same text as in a.jsonl:2"),
    ]


def test_the_same_text_with_another_topic_is_an_error(tmp_path: Path) -> None:
    records = [Record(text="یک", topics=("sport",)), Record(text="یک", topics=("health",))]
    assert (ERROR, "contradiction", "a.jsonl:2") in [row[:3] for row in listed(checked(tmp_path, records), tmp_path)]
    assert not checked(tmp_path, [records[0], Record(text="یک")]).has_errors


def test_near_duplicates_are_sought_among_so_many_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("khabar_data.check.N_COMPARED", 1)
    near = Record(text=LONG.replace("واژه40 ", ""))
    found = checked(tmp_path, [Record(text="یک"), Record(text=LONG), near, near])
    assert [(one.kind, one.place[-1]) for one in found.findings] == [("duplicate", "4"), ("not compared", "l")]
    assert "among the first 1 texts, not in 2" in found.findings[-1].message


def test_a_group_in_two_files_is_a_notice(tmp_path: Path) -> None:
    found = checked(tmp_path, [Record(text="یک", group="g")], [Record(text="دو", group="g"), Record(text="سه")])
    message = "of the same group as a.jsonl:1, which stands in another file: g"
    assert listed(found, tmp_path) == [(NOTICE, "group in two files", "b.jsonl:1", message)]


def test_the_share_of_arabic_letters(tmp_path: Path) -> None:
    (row,) = listed(checked(tmp_path, [Record(text="علي در کیف كتاب")]), tmp_path)
    assert row == (
        NOTICE,
        "Arabic letters",
        "a.jsonl",
        "50.0% of the letters ye and kaf are Arabic ones; Khabar reads both alike",
    )


def test_findings_are_capped_and_all_are_counted(tmp_path: Path) -> None:
    n_records = N_SHOWN + 20
    found = checked(tmp_path, [Record(text=f"خبر {number}\0") for number in range(n_records)])
    assert len(found.findings) == N_SHOWN
    assert found.n_findings == {"encoding": n_records}


def test_errors_come_first_and_json_holds_all(tmp_path: Path) -> None:
    found = checked(tmp_path, [Record(text="یک", topics=("x",)), Record(text="\0")])
    assert [one.severity for one in found.findings] == [ERROR, NOTICE]
    values = found.to_dict()
    assert values["has_errors"] is True
    assert values["findings"][1]["place"].endswith("a.jsonl:1")
    assert Finding(**values["findings"][0]) == found.findings[0]
