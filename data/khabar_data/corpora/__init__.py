"""The public corpora: one row each, and one function that reads any of them.

The corpora are not part of Khabar and are not shipped with it; the table says where each can be got.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from khabar.errors import near_miss
from khabar_data.corpora import entities, stances, topics
from khabar_data.corpora.corpus import Corpus, CorpusError
from khabar_data.records import Record, read_jsonl

__all__ = ["CORPORA", "Corpus", "CorpusError", "read_corpus"]

TRAIN_DEV = ("train", "dev")
ARTICLES = ("all", "read", "unread", "tagged", "claimed")

ROWS = (
    Corpus(
        name="peyma",
        tasks=("entities",),
        path="ner/peyma/{part}.txt",
        parts=TRAIN_DEV,
        licence="free for research, says the paper",
        where="PEYMA, Shahshahani et al. 2018; from its authors",
        defects="ZWNJ became a space inside tokens; hamza letters are gone; both رئیس and رییس",
        read=entities.read_peyma,
    ),
    Corpus(
        name="nsurl",
        tasks=("entities",),
        path="ner/nsurl600k",
        parts=("train",),
        licence="none stated",
        where="NSURL-2019 shared task 7, second part, Taghizadeh et al. 2019",
        defects="Arabic letters; lines without a TAB; sentences of up to 883 tokens; entities missed",
        read=entities.read_nsurl,
    ),
    Corpus(
        name="arman",
        tasks=("entities",),
        path="ner/arman/{part}.txt",
        parts=TRAIN_DEV,
        licence="academic research only",
        where="ArmanPersoNERCorpus, Poostchi et al. 2016, train part of fold 1",
        defects="every number is 0; countries that act are organizations; no dates or amounts",
        read=entities.read_arman,
    ),
    Corpus(
        name="parstwiner",
        tasks=("entities",),
        path="ner/parstwiner/{part}.txt",
        parts=TRAIN_DEV,
        licence="MIT",
        where="ParsTwiNER, Aghajani et al. 2021; its repository",
        defects="tweets: informal, no place for dates and amounts",
        read=entities.read_parstwiner,
    ),
    Corpus(
        name="isna5",
        tasks=("topic", "entities", "claim_stance"),
        path="topic/isna5.jsonl",
        parts=ARTICLES,
        licence="none stated",
        where="ISNA articles of 2019 in five classes, on public data hubs",
        defects="arts is cinema only; no society, world or health",
        read=topics.read_isna5,
    ),
    Corpus(
        name="aut_ir1401",
        tasks=("topic", "entities", "claim_stance"),
        path="topic/aut_ir1401.jsonl",
        parts=ARTICLES,
        licence="Apache-2.0 (repository)",
        where="ISNA articles of 2020, from a course at Amirkabir University",
        defects="the COVID year; lines broken at 80 characters; several labels joined with +",
        read=topics.read_aut_ir1401,
    ),
    Corpus(
        name="khabaryaab",
        tasks=("topic",),
        path="topic/khabaryaab.jsonl",
        parts=("all", "read"),
        licence="none stated",
        where="Khabaryaab, 2019, 17 of its 33 agencies",
        defects="about 80 % of the labels are right",
        read=topics.read_khabaryaab,
    ),
    Corpus(
        name="farsnews",
        tasks=("topic", "entities", "claim_stance"),
        path="topic/farsnews.jsonl",
        parts=ARTICLES,
        licence="Apache-2.0 (repository)",
        where="Fars News Agency, 2003 to 2021",
        defects="older labels are noisy; half are provinces or magazine; Arabic letters",
        read=topics.read_farsnews,
    ),
    Corpus(
        name="hamshahri_rss",
        tasks=("topic", "entities", "claim_stance"),
        path="topic/hamshahri_rss.jsonl",
        parts=ARTICLES,
        licence="none stated",
        where="titles and leads of Hamshahri Online's feed, 2020",
        defects="زندگی and ایران > قوای سه‌گانه are noisy",
        read=topics.read_hamshahri_rss,
    ),
    Corpus(
        name="varzesh3",
        tasks=("topic",),
        path="topic/varzesh3.jsonl",
        licence="Apache-2.0 (repository)",
        where="the sport site Varzesh3",
        defects="one site, one class: a model can learn the site; sample few",
        read=topics.read_varzesh3,
    ),
    Corpus(
        name="namnak",
        tasks=("topic",),
        path="topic/namnak.jsonl",
        licence="Apache-2.0 (repository)",
        where="the health pages of the magazine Namnak",
        defects="one site, one class: a model can learn the site; sample few",
        read=topics.read_namnak,
    ),
    Corpus(
        name="sib200_pes",
        tasks=("topic",),
        path="topic/sib200/pes_Arab/{part}.tsv",
        parts=TRAIN_DEV,
        licence="Apache-2.0",
        where="SIB-200, Adelani et al. 2024, Iranian Persian",
        defects="single translated sentences; the same as sib200_prs",
        read=topics.read_sib200_pes,
    ),
    Corpus(
        name="sib200_prs",
        tasks=("topic",),
        path="topic/sib200/prs_Arab/{part}.tsv",
        parts=TRAIN_DEV,
        licence="Apache-2.0",
        where="SIB-200, Adelani et al. 2024, Dari",
        defects="single translated sentences; the same as sib200_pes",
        read=topics.read_sib200_prs,
    ),
    Corpus(
        name="farexstance_article",
        tasks=("claim_stance", "entities"),
        path="stance/claim/farexstance_article.jsonl",
        parts=("all", "tagged"),
        licence="none stated",
        where="FarExStance, Zarharan et al. 2025, articles",
        defects="leaks unless split by claim and article together",
        read=stances.read_farexstance_article,
    ),
    Corpus(
        name="farexstance_headline",
        tasks=("claim_stance",),
        path="stance/claim/farexstance_headline.jsonl",
        licence="none stated",
        where="FarExStance, Zarharan et al. 2025, headlines",
        defects="label noise; discuss holds contradictions; leaks unless split by claim and article together",
        read=stances.read_farexstance_headline,
    ),
    Corpus(
        name="farstail",
        tasks=("claim_stance",),
        path="stance/nli/farstail_{part}.jsonl",
        parts=TRAIN_DEV,
        licence="Apache-2.0",
        where="FarsTail, Amirkhani et al. 2023; its repository",
        defects="inference, not news",
        read=stances.read_farstail,
    ),
    Corpus(
        name="newsmtsc",
        tasks=("target_stance",),
        path="stance/target/newsmtsc_{part}.jsonl",
        parts=TRAIN_DEV,
        licence="MIT",
        where="NewsMTSC, Hamborg and Donnay 2021; its repository",
        defects="sentiment taken as stance",
        language="en",
        read=stances.read_newsmtsc,
    ),
    Corpus(
        name="rusentne",
        tasks=("target_stance",),
        path="stance/target/rusentne_{part}.jsonl",
        parts=TRAIN_DEV,
        licence="MIT",
        where="RuSentNE-2023, Golubev et al. 2023; its repository",
        defects="72 % neutral; 70 % of the dev rows have a sentence of train, other targets",
        language="ru",
        read=stances.read_rusentne,
    ),
    Corpus(
        name="real_silver",
        tasks=("target_stance",),
        path="stance/target/real_silver.jsonl",
        licence="texts as their corpora",
        where="articles of the Persian corpora above, read for stance by a language model for Khabar",
        defects="read once; mostly neutral",
        read=stances.read_real_silver,
    ),
    Corpus(
        name="own",
        tasks=("topic", "entities", "target_stance", "claim_stance"),
        path="own/{part}.jsonl",
        parts=TRAIN_DEV,
        licence="Khabar's own",
        where="written for Khabar",
        defects="model-written fiction: for training and samples, never a benchmark",
        read=lambda path, part, seed: read_jsonl(path),
    ),
)

CORPORA: Mapping[str, Corpus] = MappingProxyType({corpus.name: corpus for corpus in ROWS})
"""The corpora by name."""


def read_corpus(name: str, folder: Path | str, part: str = "train", seed: int = 0) -> Iterator[Record]:
    """Return the records of one part of a corpus that lies under *folder*, in the order of its files.

    *seed* drives what has to be invented (ARMAN's numbers). CorpusError names what is not there at once,
    and a bad line when it is reached.
    """
    if name not in CORPORA:
        names = tuple(CORPORA)
        remedy = f"there are {', '.join(names)}{near_miss(name, names)}"
        raise CorpusError(f"corpus {name!r}", "no such corpus", remedy)
    corpus = CORPORA[name]
    return corpus.read(corpus.locate(Path(folder), part), part, seed)
