"""Persian and Dari news as records: the schema, the labels, files of any format, the public corpora.

>>> from khabar_data import Record, read_corpus, read_jsonl
>>> Record(text="باران در هرات بارید.", topics=("environment",)).to_dict()
{'text': 'باران در هرات بارید.', 'topic': 'environment'}
"""

from khabar_data.corpora import CORPORA, Corpus, CorpusError, read_corpus
from khabar_data.formats import Source
from khabar_data.label_map import LabelMap
from khabar_data.records import (
    ClaimStance,
    Record,
    RecordError,
    Span,
    TargetStance,
    read_jsonl,
    write_jsonl,
)

__all__ = [
    "CORPORA",
    "ClaimStance",
    "Corpus",
    "CorpusError",
    "LabelMap",
    "Record",
    "RecordError",
    "Source",
    "Span",
    "TargetStance",
    "read_corpus",
    "read_jsonl",
    "write_jsonl",
]
