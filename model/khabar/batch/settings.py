"""What decides the output of a batch: columns, limits, the form of what is written."""

from dataclasses import dataclass, field, fields
from typing import Final

from khabar.errors import ConfigError, near_miss
from khabar.reading import check_score

ADDED: Final = ("topic", "topic_score", "topic_sure", "entities", "stances")
"""The columns that the analysis adds, without their prefix."""
FORMS: Final = ("parquet", "jsonl")


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Which columns of the input hold what; all but *text* may be missing under the names given here."""

    text: str = "text"
    title: str = "title"
    id: str = "id"
    targets: str = "targets"
    """A list of strings, or a string for a single target; blank for the article's main entities."""
    claims: str = "claims"
    """A list of strings, or a string for a single claim."""

    @property
    def required(self) -> dict[str, str]:
        """What must be there, with its column: the text, and whatever has a name other than its own."""
        named = {one.name: str(getattr(self, one.name)) for one in fields(self)}
        return {name: column for name, column in named.items() if name == "text" or column != name}

    @classmethod
    def named(cls, names: dict[str, str]) -> "Columns":
        """Return columns from what holds what, as ``{"text": "متن"}``; ConfigError where nothing is called so."""
        known = tuple(one.name for one in fields(cls))
        for name in names:
            if name not in known:
                raise ConfigError(f"no column is for {name!r}; there are {', '.join(known)}{near_miss(name, known)}")
        return cls(**names)


@dataclass(frozen=True, kw_only=True)
class BatchSettings:
    """What decides the output, checked when made; a batch goes on only with the settings it was begun with."""

    columns: Columns = field(default_factory=Columns)
    to: str = "parquet"
    prefix: str = ""
    """Stands before the names of the added columns."""
    part_rows: int = 1000
    """How many rows one file of the output covers, and at most how many are done again after a kill."""
    min_score: float = 0.0
    judge_targets: bool = True
    """False: no stance is judged for rows that name no targets themselves."""
    providers: tuple[str, ...] = ("cpu",)
    articles: str | None = None
    """Where the parts go: a folder or a URI, as ``s3://bucket/read``; None for ``articles`` in the batch's folder."""

    def __post_init__(self) -> None:
        check_score(self.min_score)
        if self.to not in FORMS:
            raise ConfigError(f"the output's form is {self.to!r}; it takes {', '.join(FORMS)}")
        if self.part_rows < 1:
            raise ConfigError(f"part_rows is {self.part_rows}; it takes a whole number from 1")

    @property
    def added(self) -> tuple[str, ...]:
        """The names of the columns that the analysis adds."""
        return tuple(self.prefix + name for name in ADDED)
