"""Baselines on a handful of sentences."""

from khabar_data.records import Record, Span
from khabar_training.baselines import LinearSvm, NameDictionary, majority


def test_majority() -> None:
    assert majority(["a", "b", "b"]) == "b"


def test_linear_svm_learns_words() -> None:
    sport = ["تیم فوتبال بازی را برد", "تیم والیبال بازی را باخت", "بازی تیم ملی"]
    money = ["نرخ دالر بالا رفت", "نرخ طلا پایین آمد", "نرخ نفت"]
    svm = LinearSvm([*sport, *money], ["sport"] * 3 + ["economy"] * 3)
    assert svm.predict(["بازی تیم هندبال", "نرخ نان"]) == ["sport", "economy"]


def test_name_dictionary_takes_the_longest_name_and_its_usual_label() -> None:
    def record(text: str, *names: tuple[str, str]) -> Record:
        entities = (Span(start=text.index(n), end=text.index(n) + len(n), label=label) for n, label in names)
        return Record(text=text, entities=tuple(entities), entity_types=("LOC", "ORG"))

    dictionary = NameDictionary(
        [
            record("کابل سرد است", ("کابل", "LOC")),
            record("در کابل باران است", ("کابل", "LOC")),
            record("کابل گفت", ("کابل", "ORG")),
            record("دانشگاه کابل باز شد", ("دانشگاه کابل", "ORG")),
        ]
    )
    text = "دانشگاه کابل در کابل است، نه در کابلستان"
    found = [(text[span.start : span.end], span.label) for span in dictionary.predict(text)]
    assert found == [("دانشگاه کابل", "ORG"), ("کابل", "LOC")]
