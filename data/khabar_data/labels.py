"""The labels that Khabar knows, and what the labels of other corpora mean in them.

A corpus's label means a *set* of ours: ISNA's ``politics`` holds politics, international and conflict
alike. A label that is in no map means nothing to us, and its rows are dropped.
"""

from collections.abc import Mapping
from typing import Final

from khabar.config import Kind, Label, TaskSpec

TOPICS = (
    Label("politics", "سیاست", "medtop:11000000"),
    Label("international", "بین‌الملل", "medtop:20000638"),
    Label("conflict", "جنگ و درگیری", "medtop:16000000"),
    Label("economy", "اقتصاد", "medtop:04000000"),
    Label("society", "جامعه", "medtop:14000000"),
    Label("education", "آموزش", "medtop:05000000"),
    Label("religion", "دین", "medtop:12000000"),
    Label("crime", "جرم و قضا", "medtop:02000000"),
    Label("disaster", "بلایا و سوانح", "medtop:03000000"),
    Label("health", "سلامت", "medtop:07000000"),
    Label("environment", "محیط زیست", "medtop:06000000"),
    Label("science_tech", "علم و فناوری", "medtop:13000000"),
    Label("arts_culture", "فرهنگ و هنر", "medtop:01000000"),
    Label("sport", "ورزش", "medtop:15000000"),
)
"""The topics with their IPTC Media Topic; ``international`` has none of its own, the code is its nearest."""

ENTITY_TYPES = (
    Label("PER", "شخص"),
    Label("ORG", "سازمان"),
    Label("LOC", "مکان"),
    Label("FAC", "بنا و تأسیسات"),
    Label("EVE", "رویداد"),
    Label("PRO", "محصول"),
    Label("DAT", "تاریخ"),
    Label("TIM", "زمان"),
    Label("MON", "مبلغ"),
    Label("PCT", "درصد"),
)

TARGET_STANCES = (Label("favor", "موافق"), Label("against", "مخالف"), Label("neutral", "بی‌طرف"))
"""The attitude that a text conveys toward a target."""

CLAIM_STANCES = (
    Label("agree", "تأیید"),
    Label("disagree", "رد"),
    Label("discuss", "طرح بدون داوری"),
    Label("unrelated", "بی‌ارتباط"),
)
"""Whether a text supports a statement as fact."""

TASKS: Final = (
    TaskSpec(name="topic", kind=Kind.TEXT, labels=TOPICS),
    TaskSpec(name="entities", kind=Kind.WORDS, labels=ENTITY_TYPES),
    TaskSpec(name="target_stance", kind=Kind.PAIR, labels=TARGET_STANCES),
    TaskSpec(name="claim_stance", kind=Kind.PAIR, labels=CLAIM_STANCES),
)
"""The table of heads."""

type LabelSets = Mapping[str, tuple[str, ...]]

POLITICS = ("politics", "international", "conflict")
"""What an Iranian agency files under politics."""
WORLD = ("international", "conflict", "politics", "disaster")
"""What an Iranian agency files under world."""
SOCIAL = ("society", "education", "crime", "disaster", "health", "environment", "religion")
"""What an Iranian agency files under society."""

ISNA5_TOPICS: LabelSets = {
    "cinema": ("arts_culture",),
    "economics": ("economy",),
    "politics": POLITICS,
    "sport": ("sport",),
    "tech": ("science_tech",),
}

AUT_IR1401_TOPICS: LabelSets = {
    "political": POLITICS,
    "culture": ("arts_culture", "religion", "education"),
    "health": ("health",),
    "economy": ("economy",),
    "sport": ("sport",),
}

KHABARYAAB_TOPICS: LabelSets = {
    "politics": POLITICS,
    "international": WORLD,
    "social": SOCIAL,
    "science": ("science_tech", "health", "education", "environment"),
    "culture-art": ("arts_culture", "religion"),
    "economy": ("economy",),
    "sport": ("sport",),
}

FARSNEWS_TOPICS: LabelSets = {
    "politics": POLITICS,
    "world": WORLD,
    "foreign-policy": ("international", "conflict", "politics"),
    "regional-offices": WORLD,
    "economy": ("economy",),
    "social": SOCIAL,
    "social/police-events": ("crime",),
    "social/legal-judicial": ("crime",),
    "social/medicine-spirituality": ("health",),
    "social/education": ("education",),
    "social/environment-tourism": ("environment", "society"),
    "scientific-academic": ("science_tech", "education", "health", "environment"),
    "scientific-academic/it": ("science_tech",),
    "scientific-academic/education": ("education",),
    "education": ("education",),
    "arts-media": ("arts_culture",),
    "culture": ("arts_culture", "religion"),
    "sports": ("sport",),
}
"""By section/subsection, else by section; province, magazine, viewpoint and the empty label are left out."""

HAMSHAHRI_TOPICS: LabelSets = {
    "جهان": ("international", "conflict"),
    "ایران": ("politics",),
    "ایران>سیاستخارجی": ("international", "conflict"),
    "اقتصاد": ("economy",),
    "بازار": ("economy",),
    "اجتماع": ("society", "education", "crime", "disaster"),
    "زیستبوم": ("environment",),
    "سینما": ("arts_culture",),
    "فرهنگ": ("arts_culture",),
    "دانش": ("science_tech",),
    "دانش>پزشکی": ("health",),
    "ارتباطات": ("science_tech",),
    "ارتباطات>رسانهوروزنامهنگاری": ("science_tech", "arts_culture"),
    "زندگی>سلامت": ("health",),
    "ورزش": ("sport",),
}
"""By section>subsection, else by section, written without spaces and ZWNJ, which the feed strews at will."""

SIB200_TOPICS: LabelSets = {
    "politics": POLITICS,
    "science/technology": ("science_tech",),
    "health": ("health",),
    "entertainment": ("arts_culture",),
    "sports": ("sport",),
    "geography": ("environment", "society"),
    "travel": ("society",),
}

DATES_AND_NUMBERS = ("PER", "LOC", "ORG", "DAT", "TIM", "MON", "PCT")
"""What PEYMA and NSURL annotate."""

ARMAN_TYPES: Mapping[str, str] = {
    "pers": "PER",
    "org": "ORG",
    "loc": "LOC",
    "fac": "FAC",
    "pro": "PRO",
    "event": "EVE",
}

PARSTWINER_TYPES: Mapping[str, str] = {"PER": "PER", "LOC": "LOC", "ORG": "ORG", "POG": "ORG", "EVE": "EVE"}
"""Political groups are organizations; NAT (nationalities) is nothing of ours."""

FARSTAIL_STANCES: LabelSets = {"e": ("agree",), "c": ("disagree",), "n": ("discuss", "unrelated")}
"""Entailment, contradiction, neutral: what leaves a hypothesis open may discuss it or not touch it."""


def farsnews_topics(label: str) -> tuple[str, ...]:
    """Return what a ``section/subsection`` of Fars means; nothing where it is unusable."""
    section, _, _ = label.partition("/")
    return FARSNEWS_TOPICS.get(label, FARSNEWS_TOPICS.get(section, ()))


def hamshahri_topics(label: str) -> tuple[str, ...]:
    """Return what a ``section > subsection`` of Hamshahri means; nothing where it is unusable."""
    label = label.replace(" ", "").replace("\u200c", "")
    section, _, _ = label.partition(">")
    return HAMSHAHRI_TOPICS.get(label, HAMSHAHRI_TOPICS.get(section, ()))


def joined_topics(label: str) -> tuple[str, ...]:
    """Return what labels joined with ``+`` mean in AUT-IR1401: any topic of any part."""
    parts = [AUT_IR1401_TOPICS.get(part, ()) for part in label.split("+")]
    return tuple(dict.fromkeys(topic for part in parts for topic in part))
