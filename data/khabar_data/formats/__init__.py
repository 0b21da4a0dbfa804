"""The formats that records come in, and the one way to read any of them.

>>> from khabar_data.formats import Source
>>> Source(path="export.csv", options={"columns": {"text": "متن", "topic": "موضوع"}}).format is None
True
"""

from khabar_data.formats.entry import Entry, FormatError, Notice
from khabar_data.formats.format import Format
from khabar_data.formats.rows import Columns
from khabar_data.formats.source import FORMATS, Source, named_format
from khabar_data.formats.tags import Scheme

__all__ = [
    "FORMATS",
    "Columns",
    "Entry",
    "Format",
    "FormatError",
    "Notice",
    "Scheme",
    "Source",
    "named_format",
]
