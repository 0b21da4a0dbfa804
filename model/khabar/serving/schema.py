"""The bodies that the service takes and gives."""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from khabar.errors import InputError
from khabar.results import Document, Explanation

_LONGEST_TEXT: Final = 300_000
_LONGEST_LINE: Final = 2_000
_MOST_QUESTIONS: Final = 32
_LONGEST_EXPLAINED: Final = 10_000
_MOST_EXPLAINED: Final = 4
"""One request may hold up the model for a minute or so, and not for longer."""

type Line = Annotated[str, StringConstraints(max_length=_LONGEST_LINE)]

_EXAMPLE: Final[dict[str, Any]] = {
    "text": "وزارت صحت عامه در کابل از آغاز واکسین پولیو خبر داد.",
    "title": "آغاز واکسین پولیو",
    "claims": ["واکسین پولیو در کابل آغاز شده است"],
}


class _ArticleRequest(BaseModel):
    """An article, and how offsets into it are counted."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: str = Field(max_length=_LONGEST_TEXT)
    title: Line | None = None
    offsets: Literal["codepoints", "utf16"] = Field(
        default="codepoints", description="What offsets count; browsers count in utf16."
    )


class AnalyzeRequest(_ArticleRequest):
    """One article, with what is asked of it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    targets: list[Line] | None = Field(
        default=None,
        max_length=_MOST_QUESTIONS,
        description="Whom to judge the stance toward, each with a word at least; null is the article's main entities.",
    )
    claims: list[Line] = Field(
        default=[],
        max_length=_MOST_QUESTIONS,
        description="Statements to check against the article, each with a word at least.",
    )
    min_score: float = Field(
        default=0.0, ge=0, le=1, description="Below it a topic or stance is not sure, and entities are left out."
    )
    id: Line | None = Field(default=None, description="Given back with the answer.")

    def document(self) -> Document:
        return Document(self.text, self.title, self.targets, self.claims, self.id)


class ExplainRequest(_ArticleRequest):
    """One article, with what is to be explained. Each stance costs seconds, and the topic grows with the text."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    targets: list[Line] | None = Field(
        default=[],
        max_length=_MOST_EXPLAINED,
        description="Toward whom the stance is explained, as in /v1/analyze; null is the article's main entities.",
    )
    claims: list[Line] = Field(default=[], max_length=_MOST_EXPLAINED)
    topic: bool = Field(
        default=True, description=f"Explain the topic too; this takes a text of up to {_LONGEST_EXPLAINED} characters."
    )

    def document(self) -> Document:
        """Return the document; InputError where its topic would take too long to explain."""
        if self.topic and len(self.text) > _LONGEST_EXPLAINED:
            got, takes = f"{len(self.text)} characters long", f"up to {_LONGEST_EXPLAINED} where the topic is explained"
            raise InputError("text", got, takes, "send less of it, or topic: false")
        return Document(self.text, self.title, self.targets, self.claims)


class Explained(BaseModel):
    """The topic first, then targets and claims as they were asked for."""

    explanations: list[Explanation]


class BatchRequest(BaseModel):
    """Many articles. Each is checked at its turn, so a bad one spoils no other."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"documents": [_EXAMPLE]}]})

    documents: list[Any] = Field(
        max_length=10_000,
        description="Each is as the body of /v1/analyze.",
        json_schema_extra={"items": {"$ref": "#/components/schemas/AnalyzeRequest"}},
    )


class Problem(BaseModel):
    """One thing that is wrong; *field* names the part of the request at fault, where there is one."""

    field: str | None = Field(default=None, examples=["targets.0"])
    message: str = Field(examples=["Input should be a valid string"])


class Failure(BaseModel):
    """Why a request was refused."""

    errors: list[Problem]
