"""Khabar reads Persian and Dari news: topic, stance, named entities.

>>> import khabar
>>> article = khabar.predict("وزارت صحت عامه در کابل از آغاز واکسین پولیو خبر داد.")
>>> article.topic.name
'سلامت'
"""

from khabar.analyzer import Analyzer, load, predict
from khabar.errors import CheckpointError, ConfigError, InputError, KhabarError
from khabar.results import Article, Document, Entity, Explanation, Stance, Topic, Weight

__all__ = [
    "Analyzer",
    "Article",
    "CheckpointError",
    "ConfigError",
    "Document",
    "Entity",
    "Explanation",
    "InputError",
    "KhabarError",
    "Stance",
    "Topic",
    "Weight",
    "load",
    "predict",
]
