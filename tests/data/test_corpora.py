"""Every corpus format, on lines written for the tests, and every corpus where it is at hand."""

import doctest
import json
import os
import pickle
import random
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

import khabar_data
from khabar_data import CORPORA, CorpusError, Record, labels, read_corpus, records
from khabar_data.corpora import entities, topics
from khabar_data.corpora.entities import detokenize, invent_number, split_long

SHARED = Path(os.environ.get("KHABAR_SHARED", Path(__file__).resolve().parents[2].parent / "shared" / "data"))
ZWNJ = "\u200c"


def put(folder: Path, path: str, content: str) -> None:
    """Write a file under *folder*, and its folders."""
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(content, encoding="utf-8")


def put_rows(folder: Path, path: str, rows: Iterable[dict[str, Any]]) -> None:
    """Write a JSON Lines file under *folder*."""
    put(folder, path, "".join(json.dumps(row) + "\n" for row in rows))


def named(record: Record) -> list[tuple[str, str]]:
    """Return the entities of a record as their text and label."""
    return [(record.text[span.start : span.end], span.label) for span in record.entities]


@pytest.mark.parametrize("module", [khabar_data, records, entities, topics])
def test_examples_run(module: Any) -> None:
    result = doctest.testmod(module)
    assert result.failed == 0 < result.attempted


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        (["او", "(", "علی", ")", "آمد", "،", "دید", "؛", "رفت", "."], "او (علی) آمد، دید؛ رفت."),
        (["گفت", ":", '"', "نه", '"', "و", '"', "بله", '"', "!"], 'گفت: "نه" و "بله"!'),
        (["اخیرا" + '"', "گفت", ":", '"', "نه", '"'], 'اخیرا" گفت: "نه"'),
        (["۲", "/", "۵", "٪", "یا", "این", "/", "آن"], "۲/۵٪ یا این / آن"),
        (["خانه", ZWNJ + "ها", "شده" + ZWNJ, "بود", "رفته" + ZWNJ, "."], f"خانه{ZWNJ}ها شده{ZWNJ}بود رفته."),
        (["21", ".", "7", "درصد", "."], "21.7 درصد."),
        (["/", "یک", "/"], "/ یک /"),
        ([ZWNJ], ZWNJ),
        ([], ""),
    ],
)
def test_detokenize(tokens: list[str], text: str) -> None:
    joined, offsets = detokenize(tokens)
    assert joined == text
    assert [joined[start:end] for start, end in offsets] == [token.strip(ZWNJ) or token for token in tokens]


def test_peyma(tmp_path: Path) -> None:
    content = "در|O\nشرکت|B_ORG\nفولاد سازان|I_ORG\n،|O\nتهران|I_LOC\nبود |O\n\n\nبله|O\n"
    put(tmp_path, "ner/peyma/dev.txt", content)
    first, second = read_corpus("peyma", tmp_path, "dev")
    assert first.text == f"در شرکت فولاد{ZWNJ}سازان، تهران بود"
    assert named(first) == [(f"شرکت فولاد{ZWNJ}سازان", "ORG"), ("تهران", "LOC")]
    assert set(first.entity_types) == set(labels.DATES_AND_NUMBERS)
    assert (second.id, second.source, second.group, second.text) == (
        "peyma-dev-1",
        "peyma",
        "peyma-dev-0",
        "بله",
    )


def test_nsurl(tmp_path: Path) -> None:
    put(tmp_path, "ner/nsurl600k/b", "دو\tO\n")
    put(tmp_path, "ner/nsurl600k/a", "علي\tB-PER\nO\nشدO\nكرد\n\u200c\tO\nديد\tO\n\nO\n\n")
    first, second = read_corpus("nsurl", tmp_path)
    assert first.text == "علی شد کرد دید"
    assert named(first) == [("علی", "PER")]
    assert [first.group, second.group] == ["nsurl-a", "nsurl-b"]
    assert [first.id, second.id] == ["nsurl-train-0", "nsurl-train-1"]


@pytest.mark.parametrize("mark", [".", "،", "و"])
def test_long_sentences_are_split_outside_entities(mark: str) -> None:
    sentence = [("کلمه", "O")] * 90 + [(mark, "O")] + [("شهر", "B-LOC")] + [("بزرگ", "I-LOC")] * 60
    sentence += [("پایان", "O")] * 80
    pieces = list(split_long(sentence))
    assert [token for piece in pieces for token in piece] == sentence
    assert max(map(len, pieces)) <= entities.N_LONGEST
    assert len(pieces[0]) == 91
    assert not any(piece[0][1].startswith("I") for piece in pieces)


def test_arman(tmp_path: Path) -> None:
    put(
        tmp_path,
        "ner/arman/train.txt",
        "سال O\n0 O\nدر O\nجام B-event\n0 I-event\n\nرشد O\n0 O\n/ O\n0 O\nبود O\n",
    )
    first, second = read_corpus("arman", tmp_path, seed=3)
    assert re.fullmatch(r"سال [\d.]+ در جام [\d.]+", first.text)
    assert named(first)[0][1] == "EVE"
    assert re.fullmatch(r"رشد \d+/\d+ بود", second.text)
    assert set(first.entity_types) == {"PER", "ORG", "LOC", "FAC", "PRO", "EVE"}
    assert list(read_corpus("arman", tmp_path, seed=3)) == [first, second]
    assert list(read_corpus("arman", tmp_path, seed=4)) != [first, second]


def test_invented_numbers_are_varied() -> None:
    chance = random.Random(0)
    numbers = {invent_number(chance) for _ in range(200)}
    assert len(numbers) > 100
    assert any("." in number for number in numbers)
    assert any(number.isascii() for number in numbers)
    assert any(not number.isascii() for number in numbers)
    assert all(invent_number(chance, whole=True).isdigit() for _ in range(50))


def test_parstwiner(tmp_path: Path) -> None:
    put(tmp_path, "ner/parstwiner/dev.txt", "ایرانی\tB-NAT\nحزب\tB-POG\nسبز\tI-POG\nعلی\tI-PER\n")
    (record,) = read_corpus("parstwiner", tmp_path, "dev")
    assert named(record) == [("حزب سبز", "ORG"), ("علی", "PER")]
    assert set(record.entity_types) == {"PER", "LOC", "ORG", "EVE"}


def test_bad_tag_names_the_line(tmp_path: Path) -> None:
    put(tmp_path, "ner/peyma/dev.txt", "یک|O\nدو|PER\n")
    with pytest.raises(CorpusError, match=r"dev\.txt:2: tag 'PER'"):
        list(read_corpus("peyma", tmp_path, "dev"))


def test_articles(tmp_path: Path) -> None:
    row = {"title": " تیتر ", "text": " متن ", "label": "cinema", "url": None}
    put_rows(tmp_path, "topic/isna5.jsonl", [row, {**row, "label": "weather"}, {**row, "text": " "}])
    (record,) = read_corpus("isna5", tmp_path, "all")
    assert record == Record(
        title="تیتر",
        text="متن",
        topics=("arts_culture",),
        id="isna5-all-0",
        source="isna5",
        group="isna5-all-0",
    )


def test_hard_wrapped_articles_are_unwrapped(tmp_path: Path) -> None:
    text = "**یک** \nدو\n\n[سه](http://a.ir/b) و\nچهار 5\\. \n\n"
    row = {"title": "ت", "text": text, "label": "sport+health", "url": "u"}
    put_rows(tmp_path, "topic/aut_ir1401.jsonl", [row])
    (record,) = read_corpus("aut_ir1401", tmp_path, "all")
    assert (record.text, record.topics, record.group) == ("یک دو\nسه و چهار 5.", ("sport", "health"), "u")


@pytest.mark.parametrize(
    ("name", "label", "topic"),
    [
        ("khabaryaab", "culture-art", "arts_culture"),
        ("farsnews", "economy/stock", "economy"),
        ("hamshahri_rss", "ورزش > فوتبال", "sport"),
        ("varzesh3", "x", "sport"),
        ("namnak", "x", "health"),
    ],
)
def test_sites(tmp_path: Path, name: str, label: str, topic: str) -> None:
    put_rows(tmp_path, f"topic/{name}.jsonl", [{"title": "", "text": "متن", "label": label, "url": "u"}])
    (record,) = read_corpus(name, tmp_path, "all")
    assert (record.topics[0], record.title, record.source) == (topic, None, name)


def test_sib200_languages_share_groups(tmp_path: Path) -> None:
    for language in ("pes", "prs"):
        put(
            tmp_path,
            f"topic/sib200/{language}_Arab/dev.tsv",
            'index_id\tcategory\ttext\n7\tsports\tاو "دوید.\n',
        )
    (iranian,) = read_corpus("sib200_pes", tmp_path, "dev")
    (dari,) = read_corpus("sib200_prs", tmp_path, "dev")
    assert iranian.text == 'او "دوید.'
    assert iranian.topics == ("sport",)
    assert (iranian.group, iranian.variety) == (dari.group, "iranian")
    assert dari.variety == "dari"


def test_farexstance_groups_run_over_both_files(tmp_path: Path) -> None:
    def row(claim: str, news: str) -> dict[str, str]:
        return {
            "claim": f"ادعا {claim}",
            "text": f"خبر {news}   دو \xa0سه\r\n\r\n",
            "label": "agree",
            "claim_id": claim,
            "news_id": news,
        }

    put_rows(tmp_path, "stance/claim/farexstance_article.jsonl", [row("1", "1"), row("2", "2"), row("3", "3")])
    put_rows(tmp_path, "stance/claim/farexstance_headline.jsonl", [row("1", "9"), row("2", "9")])
    articles = list(read_corpus("farexstance_article", tmp_path, "all"))
    headlines = list(read_corpus("farexstance_headline", tmp_path, "all"))
    assert articles[0].text == "خبر 1\nدو سه"
    assert articles[0].group == articles[1].group == headlines[0].group == headlines[1].group
    assert articles[2].group != articles[0].group
    assert articles[0].claim_stances[0].labels == ("agree",)


def test_farstail(tmp_path: Path) -> None:
    rows = [{"premise": "الف", "hypothesis": "ب", "label": label} for label in "ecn"]
    put_rows(tmp_path, "stance/nli/farstail_train.jsonl", rows)
    found = list(read_corpus("farstail", tmp_path))
    assert [record.claim_stances[0].labels for record in found] == [
        ("agree",),
        ("disagree",),
        ("discuss", "unrelated"),
    ]
    assert len({record.group for record in found}) == 1


@pytest.mark.parametrize("name", ["newsmtsc", "rusentne"])
def test_targets(tmp_path: Path, name: str) -> None:
    rows = [{"text": "A met B.", "target": target, "label": "favor"} for target in "AB"]
    put_rows(tmp_path, f"stance/target/{name}_dev.jsonl", rows)
    put_rows(tmp_path, f"stance/target/{name}_train.jsonl", rows[:1])
    first, second = read_corpus(name, tmp_path, "dev")
    assert next(read_corpus(name, tmp_path)).group == first.group
    assert (first.target_stances[0].target, second.target_stances[0].target) == ("A", "B")
    assert first.group == second.group
    assert first.id != second.id


def test_real_silver_joins_an_article(tmp_path: Path) -> None:
    row = {
        "article": "s-1",
        "text": "متن",
        "target": "الف",
        "label": "favor",
        "confidence": 3,
        "source": "isna5",
    }
    rows = [row, {**row, "article": "s-2"}, {**row, "target": "ب", "confidence": 1}]
    put_rows(tmp_path, "stance/target/real_silver.jsonl", rows)
    everything = list(read_corpus("real_silver", tmp_path, "all"))
    assert [len(record.target_stances) for record in everything] == [2, 1]
    assert (everything[0].group, everything[0].source) == ("s-1", "isna5")


@pytest.mark.parametrize(("line", "problem"), [("{", "broken JSON"), ('{"text": "a"}', "no title, label")])
def test_bad_row_names_the_line(tmp_path: Path, line: str, problem: str) -> None:
    put(tmp_path, "topic/namnak.jsonl", line + "\n")
    with pytest.raises(CorpusError, match=rf"namnak\.jsonl:1: {problem}"):
        list(read_corpus("namnak", tmp_path, "all"))


@pytest.mark.parametrize(
    ("name", "part", "message"),
    [
        ("payma", "train", "did you mean 'peyma'?"),
        ("peyma", "test", "no part 'test'; it has train, dev"),
        ("isna5", "train", "it has all"),
        ("peyma", "dev", "nothing at .*put it there"),
    ],
)
def test_what_is_not_there_is_named_at_once(tmp_path: Path, name: str, part: str, message: str) -> None:
    with pytest.raises(CorpusError, match=message) as caught:
        read_corpus(name, tmp_path, part)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_table() -> None:
    assert len(CORPORA) == 20
    for name, corpus in CORPORA.items():
        assert corpus.name == name
        assert ("{part}" in corpus.path) == (corpus.parts == ("train", "dev"))
        assert set(corpus.tasks) <= {"topic", "entities", "target_stance", "claim_stance"}


COUNTS = {
    ("peyma", "train"): 8028,
    ("peyma", "dev"): 925,
    ("nsurl", "train"): 17705,
    ("arman", "train"): 4608,
    ("arman", "dev"): 513,
    ("parstwiner", "train"): 6417,
    ("parstwiner", "dev"): 446,
    ("isna5", "all"): 7500,
    ("isna5", "read"): 477,
    ("isna5", "unread"): 7023,
    ("isna5", "claimed"): 130,
    ("isna5", "tagged"): 894,
    ("aut_ir1401", "all"): 3781,
    ("aut_ir1401", "read"): 626,
    ("aut_ir1401", "unread"): 3155,
    ("aut_ir1401", "claimed"): 64,
    ("aut_ir1401", "tagged"): 416,
    ("khabaryaab", "all"): 477,
    ("khabaryaab", "read"): 476,
    ("farsnews", "all"): 821,
    ("farsnews", "read"): 919,
    ("farsnews", "unread"): 458,
    ("farsnews", "claimed"): 114,
    ("farsnews", "tagged"): 488,
    ("hamshahri_rss", "all"): 1887,
    ("hamshahri_rss", "read"): 860,
    ("hamshahri_rss", "unread"): 1303,
    ("hamshahri_rss", "claimed"): 112,
    ("hamshahri_rss", "tagged"): 277,
    ("varzesh3", "all"): 2442,
    ("namnak", "all"): 175,
    ("sib200_pes", "train"): 701,
    ("sib200_pes", "dev"): 99,
    ("sib200_prs", "train"): 701,
    ("sib200_prs", "dev"): 99,
    ("farexstance_article", "all"): 2004,
    ("farexstance_article", "tagged"): 604,
    ("farexstance_headline", "all"): 16158,
    ("farstail", "train"): 7266,
    ("farstail", "dev"): 1537,
    ("newsmtsc", "train"): 8739,
    ("newsmtsc", "dev"): 785,
    ("rusentne", "train"): 6637,
    ("rusentne", "dev"): 2845,
    ("real_silver", "all"): 471,
    ("own", "train"): 552,
    ("own", "dev"): 138,
}
KEYS = {
    "topic": {label.key for label in labels.TOPICS},
    "entities": {label.key for label in labels.ENTITY_TYPES},
    "target_stance": {label.key for label in labels.TARGET_STANCES},
    "claim_stance": {label.key for label in labels.CLAIM_STANCES},
}


def labels_of(record: Record) -> dict[str, set[str]]:
    """Return the labels that a record has, by task."""
    return {
        "topic": set(record.topics),
        "entities": {*record.entity_types, *(span.label for span in record.entities + record.title_entities)},
        "target_stance": {label for stance in record.target_stances for label in stance.labels},
        "claim_stance": {label for stance in record.claim_stances for label in stance.labels},
    }


def test_every_part_is_counted() -> None:
    assert set(COUNTS) == {(name, part) for name, corpus in CORPORA.items() for part in corpus.parts}


@pytest.mark.skipif(not SHARED.is_dir(), reason="the public corpora are not at hand; set KHABAR_SHARED to their folder")
@pytest.mark.parametrize(("name", "part"), COUNTS)
def test_corpus_at_hand(name: str, part: str) -> None:
    found = list(read_corpus(name, SHARED, part))
    assert len(found) == pytest.approx(COUNTS[name, part], rel=0.01)
    assert len({record.id for record in found}) == len(found)
    for record in found:
        assert record.group
        assert record.source
        for task, used in labels_of(record).items():
            assert used <= KEYS[task]
            assert not used or task in CORPORA[name].tasks
        for entity, _ in named(record):
            assert entity == entity.strip().strip(ZWNJ)
        assert Record.from_dict(record.to_dict()) == record
