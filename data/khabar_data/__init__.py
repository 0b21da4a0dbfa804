"""Persian and Dari news as records: the schema, the labels, the public corpora.

>>> from khabar_data import Record, read_corpus, read_jsonl
>>> Record(text="باران در هرات بارید.", topics=("environment",)).to_dict()
{'text': 'باران در هرات بارید.', 'topic': 'environment'}
"""

from khabar_data.corpora import CORPORA, Corpus, CorpusError, read_corpus
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
    "Record",
    "RecordError",
    "Span",
    "TargetStance",
    "read_corpus",
    "read_jsonl",
    "write_jsonl",
]
