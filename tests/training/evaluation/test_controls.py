"""Baselines and controls of each task, and what each of them sees."""

from khabar_data.records import ClaimStance, Record, Span, TargetStance
from khabar_training.evaluation.controls import learnt

SPORT = ("تیم فوتبال بازی را برد", "تیم والیبال بازی را باخت", "بازی تیم ملی فوتبال")
MONEY = ("نرخ دالر بالا رفت", "نرخ طلا بالا رفت", "نرخ نفت بالا ماند")


def toward(target: str, label: str, text: str = "متن") -> Record:
    return Record(text=text, target_stances=(TargetStance(target=target, labels=(label,)),))


def about(claim: str, label: str, text: str) -> Record:
    return Record(text=text, claim_stances=(ClaimStance(claim=claim, labels=(label,)),))


def test_topics_from_titles_and_texts() -> None:
    records = [Record(text="خبر", title=text, topics=("sport",)) for text in SPORT]
    records += [Record(text=text, topics=("economy", "politics")) for text in (*MONEY, "نرخ نان بالا رفت")]
    controls = learnt(records, ("topic",)).controls["topic"]
    new = Record(text="بازی تیم")
    assert {name: control(new, "") for name, control in controls.items()} == {
        "majority": "economy",
        "TF-IDF SVM": "sport",
    }


def test_each_target_has_its_majority() -> None:
    records = [toward("الف", "against"), toward("الف", "against"), toward("ب", "favor"), toward("پ", "favor")]
    lessons = learnt([*records, toward("ت", "favor")], ("target_stance",))
    control = lessons.controls["target_stance"]["target majority"]
    assert [control(records[0], target) for target in ("الف", "ب", "نو")] == ["against", "favor", "favor"]
    assert lessons.targets == {"الف", "ب", "پ", "ت"}


def test_a_masked_target_cannot_be_told() -> None:
    """Only the name decides: with it the SVM is right, without it there is nothing to go by."""
    texts = ("{} دیروز به کابل رفت", "{} دیروز از هرات آمد")
    labels = {"طالبان": "against", "یونیسف": "favor"}
    records = [
        toward(name, label, text.format(name)) for name, label in labels.items() for text in texts for _ in range(3)
    ]
    controls = learnt(records, ("target_stance",)).controls["target_stance"]
    new = {name: Record(text=f"{name} دیروز آمد") for name in labels}
    assert {name: controls["TF-IDF SVM"](record, name) for name, record in new.items()} == labels
    assert len({controls["SVM, target masked"](record, name) for name, record in new.items()}) == 1


def test_claim_controls_see_only_their_part() -> None:
    records = [about("نرخ بالا رفت", "agree", text) for text in MONEY]
    records += [about("هرگز نرخ پایین نیامد", "disagree", text) for text in MONEY]
    controls = learnt(records, ("claim_stance",)).controls["claim_stance"]
    new = Record(text="بازی تیم")
    assert controls["SVM, claim only"](new, "نرخ بالا رفت") == "agree"
    assert controls["SVM, claim only"](new, "هرگز نرخ پایین نیامد") == "disagree"
    text_only = controls["SVM, text only"]
    assert text_only(records[0], "نرخ بالا رفت") == text_only(records[0], "هرگز نرخ پایین نیامد")


def test_what_cannot_be_learnt_is_left_out() -> None:
    one_label = learnt([Record(text=text, topics=("sport",)) for text in SPORT], ("topic", "claim_stance"))
    assert list(one_label.controls["topic"]) == ["majority"]
    assert one_label.controls["claim_stance"] == {}
    assert one_label.dictionary is None


def test_names_of_the_training_part() -> None:
    record = Record(text="کابل سرد است", entities=(Span(start=0, end=4, label="LOC"),), entity_types=("LOC",))
    lessons = learnt([record], ())
    assert lessons.names == {"کابل"}
    assert lessons.dictionary is not None
    assert lessons.dictionary.predict("در کابل") == [Span(start=3, end=7, label="LOC")]
