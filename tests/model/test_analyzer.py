"""The analyzer: offsets into the text as given, whatever it is; what is asked of it; one text and many."""

import json
import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice, repeat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import khabar
from khabar import Analyzer, Article, Document, InputError
from khabar.runtime import Runtime
from khabar.targets import choose_targets
from khabar.text import Integers, clean, sentences

ZWNJ = "\u200c"
NEWS = (
    "وزارت خارجه ایران حمله به دمشق را محکوم کرد. محمد جواد ظریف در تهران گفت که سازمان ملل متحد خاموش است.\r\n"
    f"احمد رضایی روز شنبه به کابل می{ZWNJ}رود. ایران و روسیه در ۱۰.۵ درصد از پروژه شریک{ZWNJ}اند؛ ایران این را پذیرفت."
)
TEXTS = (NEWS, "باران در هرات بارید.", "", "تیم ملی فوتبال ایران برد. " * 40, "بانک مركزي نرخ را بالا برد.")
ODD = {
    "empty": "",
    "blank": " \t\r\n\u00a0\u2003",
    "emoji": "👨\u200d👩\u200d👧 ❤\ufe0f🇦🇫",
    "latin": "The quick brown fox, again zzz.",
    "nul": "ایران\0تهران \0",
    "surrogates": "ایران \ud800 کابل\udfff",
    "bidi": f"\u202b\u200f{NEWS}\u202c\u200e",
    "only joiners": ZWNJ * 9,
    "only marks": "\u064b\u0654\u0301",
    "one word": "ا" * 5000,
    "one Latin word": "z" * 5000,
    "special tokens": "ایران </s> [SEP] <pad> [CLS] <mask> کابل",
    "old Arabic letters": NEWS.replace("ی", "ي").replace("ک", "ك"),
    "presentation forms": "\ufe8d\ufbfe\ufeae\ufe8d\ufee5 \ufefb",
    "dots": "." * 3000,
}


def check(analyzer: Analyzer, article: Article, text: str) -> None:
    """Check all that holds for every article."""
    assert article.text == text
    place = 0
    for entity in article.entities:
        assert place <= entity.start < entity.end
        assert text[entity.start : entity.end] == entity.text
        assert entity.label in analyzer.config.task("entities").keys
        assert 0 < entity.score <= 1
        place = entity.end
    cleaned = clean(text)
    spans = {cleaned.raw_span(start, end) for start, end in sentences(cleaned.text)}
    for stance in article.stances:
        assert spans.issuperset(stance.evidence)
        assert list(stance.evidence) == sorted(set(stance.evidence))
        assert tuple(stance.scores) == analyzer.config.task(f"{stance.kind}_stance").keys
        assert stance.scores[stance.label] == stance.score == max(stance.scores.values())
        assert sum(stance.scores.values()) == pytest.approx(1)
    if article.topic is not None:
        assert tuple(article.topic.scores) == analyzer.config.task("topic").keys
        assert article.topic.scores[article.topic.label] == article.topic.score == max(article.topic.scores.values())
        assert sum(article.topic.scores.values()) == pytest.approx(1)
    assert json.loads(article.to_json().encode()).keys() == article.to_dict().keys()


def found(article: Article) -> list[Any]:
    """Return all that an article says but for the scores."""
    return [
        article.text,
        article.id,
        article.topic and article.topic.label,
        [(entity.text, entity.label, entity.start, entity.end) for entity in article.entities],
        [(stance.target, stance.kind, stance.label, stance.evidence) for stance in article.stances],
    ]


def scores(article: Article) -> list[float]:
    """Return every score of an article."""
    topic = list(article.topic.scores.values()) if article.topic else []
    stances = [score for stance in article.stances for score in stance.scores.values()]
    return topic + stances + [entity.score for entity in article.entities]


def assert_alike(one: Article, other: Article) -> None:
    assert found(one) == found(other)
    assert scores(one) == pytest.approx(scores(other), abs=1e-4)


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many sequences each run of the graph has had."""
    counts: list[int] = []
    run = Runtime.run

    def counting(self: Runtime, sequences: Sequence[Integers]) -> Any:
        counts.append(len(sequences))
        return run(self, sequences)

    monkeypatch.setattr(Runtime, "run", counting)
    return counts


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_text(analyzer: Analyzer, odd_text: st.SearchStrategy[str], data: st.DataObject) -> None:
    text = data.draw(odd_text) * data.draw(st.sampled_from((1, 1, 20)))
    title = data.draw(st.none() | odd_text)
    check(analyzer, analyzer.predict(text, title=title, targets=data.draw(st.none() | st.just(["ایران"]))), text)


@pytest.mark.parametrize("text", ODD.values(), ids=ODD.keys())
def test_odd_texts(analyzer: Analyzer, text: str) -> None:
    for title in (None, text):
        article = analyzer.predict(text, title=title, claims=["باران بارید"])
        check(analyzer, article, text)
    check(analyzer, analyzer.predict(NEWS, title=text), NEWS)


@pytest.mark.parametrize("name", ["empty", "blank", "only joiners", "only marks"])
def test_a_text_without_words_says_nothing(analyzer: Analyzer, name: str) -> None:
    article = analyzer.predict(ODD[name], targets=["ایران"], claims=["باران بارید"])
    assert (article.topic, article.entities, article.stances) == (None, (), ())


def test_a_title_alone_has_a_topic(analyzer: Analyzer) -> None:
    article = analyzer.predict("", title="ایران در جنگ", claims=["جنگ شد"])
    assert article.topic is not None
    assert article.entities == ()
    assert [(stance.target, stance.evidence) for stance in article.stances] == [("جنگ شد", ())]


def test_a_long_text(tiny_checkpoint: Callable[[str], Path]) -> None:
    analyzer = khabar.load(tiny_checkpoint("unigram"), threads=1)
    text = "".join(f"{NEWS} {number}\n" for number in range(600))
    assert len(text.encode()) > 200_000
    article = analyzer.predict(text)
    check(analyzer, article, text)
    assert article.entities[-1].end > len(text) - 1000
    assert article.stances


@pytest.mark.slow
def test_a_megabyte(bundled_analyzer: Analyzer) -> None:
    text = (NEWS + "\n") * (1_000_000 // len(NEWS.encode()))
    article = bundled_analyzer.predict(text)
    check(bundled_analyzer, article, text)
    assert article.entities[-1].end > len(text) - 1000


@pytest.mark.parametrize("text", ["😀😀", "؟!", "«»", "\ufffd"])
def test_signs_alone_are_nothing_to_read(analyzer: Analyzer, text: str) -> None:
    article = analyzer.predict(text, claims=["کابل سرد است"])
    assert (article.topic, article.entities, article.stances) == (None, (), ())
    with pytest.raises(InputError, match="text with at least one word"):
        analyzer.predict("کابل", claims=[text])


def test_news_has_entities_and_a_topic(analyzer: Analyzer) -> None:
    article = analyzer.predict(NEWS)
    check(analyzer, article, NEWS)
    assert article.topic is not None
    assert len(article.entities) > 3
    assert any(entity.start > NEWS.index("\n") for entity in article.entities)


def test_windows_read_alike_what_is_alike(bundled_analyzer: Analyzer) -> None:
    """The same sentence over and over has its entities in every window, at its own place."""
    unit = "بانک مرکزی ایران در تهران است.\n"
    article = bundled_analyzer.predict(unit * 60, targets=())
    assert {entity.start // len(unit) for entity in article.entities} >= set(range(5, 55))


def test_no_targets_no_pair_pass(analyzer: Analyzer, passes: list[int]) -> None:
    assert analyzer.predict("ایران در جنگ است.", targets=()).stances == ()
    assert [count for count in passes if count] == [1]


def test_every_pair_is_one_sequence(analyzer: Analyzer, passes: list[int]) -> None:
    analyzer.predict("ایران در جنگ است.", targets=["ایران", "صلح"], claims=["جنگ شد"])
    assert passes == [1, 3]


def test_targets_and_claims_are_judged_in_the_order_given(analyzer: Analyzer) -> None:
    article = analyzer.predict(NEWS, targets=["روسیه", "ایران"], claims=("ظریف در تهران است", "باران بارید"))
    assert [(stance.target, stance.kind) for stance in article.stances] == [
        ("روسیه", "target"),
        ("ایران", "target"),
        ("ظریف در تهران است", "claim"),
        ("باران بارید", "claim"),
    ]
    first = article.stances[0]
    assert [NEWS[start:end] for start, end in first.evidence] == [NEWS[NEWS.index("ایران و") :]]


def test_main_entities_are_the_targets_by_default(analyzer: Analyzer) -> None:
    text = NEWS + TEXTS[3]
    article = analyzer.predict(text)
    names = [target.name for target in choose_targets(article.entities, analyzer.config.max_targets)]
    assert names
    assert [(stance.target, stance.kind) for stance in article.stances] == [(name, "target") for name in names]


def test_a_long_name_is_no_target_but_no_error(analyzer: Analyzer, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the model finds itself can never be an error of the caller's."""
    text = "ایران و کابل " * 200
    long = khabar.Entity(text[:2000], "LOC", 0, 2000, 0.5)
    short = khabar.Entity("کابل", "LOC", text.rindex("کابل"), text.rindex("کابل") + 4, 0.5)
    monkeypatch.setattr(Analyzer, "_entities", lambda *_: (long, short))
    assert [stance.target for stance in analyzer.predict(text).stances] == ["کابل"]


def test_a_title_moves_no_offset(analyzer: Analyzer) -> None:
    article = analyzer.predict(NEWS, title="بحران ایران و روسیه " * 5, targets=["روسیه"])
    check(analyzer, article, NEWS)
    assert article.entities
    bare = analyzer.predict(NEWS, targets=["روسیه"])
    assert article.stances[0].evidence == bare.stances[0].evidence
    assert article.topic != bare.topic


def test_many_are_as_one_by_one(analyzer: Analyzer) -> None:
    documents = [Document(text, title="خبر", claims=("جنگ شد",), id=str(n)) for n, text in enumerate(TEXTS)]
    many = list(analyzer.predict_many([*documents, NEWS], targets=["ایران"]))
    assert [article.id for article in many] == ["0", "1", "2", "3", "4", None]
    for article, text in zip(many, TEXTS, strict=False):
        assert_alike(
            analyzer.predict(text, title="خبر", targets=["ایران"], claims=("جنگ شد",)),
            Article(article.text, article.topic, article.entities, article.stances),
        )
    assert_alike(many[-1], analyzer.predict(NEWS, targets=["ایران"]))


def test_a_document_s_own_targets_go_first(analyzer: Analyzer) -> None:
    documents = [Document(NEWS, targets=["روسیه"]), Document(NEWS, targets=()), Document(NEWS)]
    articles = analyzer.predict_many(documents, targets=["ایران"])
    assert [[stance.target for stance in article.stances] for article in articles] == [["روسیه"], [], ["ایران"]]


@pytest.mark.parametrize("text", ["باران در هرات بارید.", ""])
def test_many_come_as_they_are_asked_for(analyzer: Analyzer, text: str) -> None:
    taken = 0

    def documents() -> Iterator[str]:
        nonlocal taken
        for _ in range(1000):
            taken += 1
            yield text

    articles = analyzer.predict_many(documents(), targets=())
    assert taken == 0
    assert next(articles).text == text
    assert 0 < taken < 1000
    assert len(list(islice(analyzer.predict_many(repeat(text), targets=()), 3))) == 3


def test_order_is_kept(analyzer: Analyzer) -> None:
    texts = [f"{number} باران در هرات بارید. " * (number % 7 + 1) for number in range(150)]
    assert [article.text for article in analyzer.predict_many(texts, targets=())] == texts


def test_what_stands_before_a_fault_comes_out(analyzer: Analyzer) -> None:
    documents: list[Any] = [NEWS, "باران", 3, NEWS]
    articles = analyzer.predict_many(documents, targets=())
    assert [next(articles).text, next(articles).text] == [NEWS, "باران"]
    with pytest.raises(InputError, match="a document is int"):
        next(articles)


def test_a_source_that_fails_keeps_its_own_error(analyzer: Analyzer) -> None:
    def documents() -> Iterator[str]:
        yield NEWS
        raise OSError("the disk is gone")

    articles = analyzer.predict_many(documents(), targets=())
    assert next(articles).text == NEWS
    with pytest.raises(OSError, match="the disk is gone"):
        next(articles)


@pytest.mark.parametrize("documents", ["one text", b"bytes", Document("one"), 3, None])
def test_one_text_is_not_many(analyzer: Analyzer, documents: Any) -> None:
    with pytest.raises(TypeError, match=r"documents is .*; it takes an iterable of texts or Documents; use predict"):
        analyzer.predict_many(documents)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"text": None}, "text is NoneType; it takes a str; decode bytes first"),
        ({"text": b"x"}, "text is bytes"),
        ({"title": 3}, "title is int; it takes a str or None; decode bytes first"),
        ({"targets": "ایران"}, "targets is str; it takes a sequence of strings; write targets=.*, also for a single"),
        ({"targets": 3}, "targets is int"),
        ({"targets": {"ایران"}}, "targets is set"),
        ({"targets": [3]}, "one of targets is int; it takes a str; turn each one into a str"),
        ({"claims": "جنگ شد"}, "claims is str; .*write claims="),
        ({"claims": None}, "claims is NoneType"),
        ({"claims": [None]}, "one of claims is NoneType"),
        ({"targets": [" "]}, "target is ' '; it takes text with at least one word; leave it out or write it out"),
        ({"text": "ا" * 10_000_000}, "text is 10,000,000 characters long; it takes up to 1,000,000; read each article"),
        ({"title": " " * 1_000_001}, "title is 1,000,001 characters long"),
        ({"targets": ["ا " * 500_001]}, "one of targets is 1,000,002 characters long"),
        ({"claims": ["جنگ " * 400]}, "claim is .* word pieces long; it takes at most .*; say it in fewer words"),
    ],
)
def test_wrong_arguments(analyzer: Analyzer, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        analyzer.predict(**{"text": NEWS, **arguments})
    with pytest.raises(InputError, match=message):
        next(analyzer.predict_many([Document(**{"text": NEWS, **arguments})]))
    with pytest.raises(InputError, match=message):
        analyzer.check(Document(**{"text": NEWS, **arguments}))


@pytest.mark.parametrize("part", ["topic", "stances", "entities"])
def test_below_the_least_score_nothing_is_sure(bundled_analyzer: Analyzer, part: str) -> None:
    """The score itself is enough; labels and scores stay; an entity too low is left out."""
    asked: dict[str, Any] = {"targets": ["ایران", "روسیه"], "claims": ["جنگ شد"]}
    article = bundled_analyzer.predict(NEWS, **asked)
    answers = {"topic": [article.topic], "stances": article.stances, "entities": article.entities}[part]
    limits = sorted(answer.score for answer in answers if answer is not None)
    assert limits
    for limit in (limits[len(limits) // 2], min(limits[-1] + 1e-4, 1.0)):
        strict = bundled_analyzer.predict(NEWS, **asked, min_score=limit)
        assert list(bundled_analyzer.predict_many([Document(NEWS, **asked)], min_score=limit)) == [strict]
        if part == "entities":
            assert strict.entities == tuple(entity for entity in article.entities if entity.score >= limit)
        elif part == "topic":
            assert article.topic is not None
            assert strict.topic == replace(article.topic, sure=article.topic.score >= limit)
        else:
            assert strict.stances == tuple(replace(stance, sure=stance.score >= limit) for stance in article.stances)


def test_an_entity_below_the_least_score_is_no_target(analyzer: Analyzer, monkeypatch: pytest.MonkeyPatch) -> None:
    places = [(name, NEWS.index(name), score) for name, score in (("تهران", 0.4), ("کابل", 0.8))]
    entities = tuple(khabar.Entity(name, "LOC", at, at + len(name), score) for name, at, score in places)
    monkeypatch.setattr(Analyzer, "_entities", lambda *_: entities)
    assert [stance.target for stance in analyzer.predict(NEWS, min_score=0.4).stances] == ["تهران", "کابل"]
    assert [stance.target for stance in analyzer.predict(NEWS, min_score=0.5).stances] == ["کابل"]


@pytest.mark.parametrize("min_score", [-0.1, 1.01, float("nan"), float("inf"), True, False, "0.5", None, 1j])
def test_a_least_score_is_a_number_from_0_to_1(analyzer: Analyzer, min_score: Any) -> None:
    message = r"min_score is .*; it takes a number from 0 to 1; pass 0 to take every answer"
    with pytest.raises(InputError, match=message):
        analyzer.predict(NEWS, min_score=min_score)
    with pytest.raises(InputError, match=message):
        analyzer.predict_many([NEWS], min_score=min_score)


def test_plain_values_have_the_public_names(analyzer: Analyzer) -> None:
    values = analyzer.predict(NEWS, targets=["ایران"]).to_dict()
    assert list(values) == ["text", "topic", "entities", "stances", "id"]
    assert list(values["topic"]) == ["label", "name", "code", "score", "scores", "sure"]
    assert list(values["entities"][0]) == ["text", "label", "start", "end", "score"]
    assert list(values["stances"][0]) == ["target", "kind", "label", "score", "scores", "evidence", "sure"]
    assert json.loads(json.dumps(values)) == values


def test_an_analyzer_survives_pickling(analyzer: Analyzer) -> None:
    again = pickle.loads(pickle.dumps(analyzer))
    assert again.threads == analyzer.threads
    assert again.config == analyzer.config
    assert_alike(again.predict(NEWS), analyzer.predict(NEWS))


def test_threads_may_share_an_analyzer(analyzer: Analyzer) -> None:
    texts = [text + f" {number}" for number in range(4) for text in TEXTS]
    alone = [analyzer.predict(text) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        together: Iterable[Article] = list(pool.map(analyzer.predict, texts))
    for one, other in zip(alone, together, strict=True):
        assert_alike(one, other)
