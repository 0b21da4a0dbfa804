"""What a check of data finds: facts of each file, and errors and notices with their places."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """An error must be mended; a notice should be known."""

    ERROR = "error"
    NOTICE = "notice"


@dataclass(frozen=True)
class Finding:
    """One thing that was found, and where."""

    severity: Severity
    kind: str
    place: str
    """File and line."""
    message: str


@dataclass(frozen=True)
class Lengths:
    """How long the texts are."""

    least: int
    median: int
    percentile_95: int
    most: int


@dataclass(frozen=True, kw_only=True)
class FileSummary:
    """What one file holds."""

    path: str
    n_records: int
    labels: Mapping[str, Mapping[str, int]]
    """How often each label occurs, by task; the commonest first."""
    lengths: Lengths | None
    """None where there are no records."""


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What a check found."""

    files: tuple[FileSummary, ...]
    findings: tuple[Finding, ...]
    n_findings: Mapping[str, int]
    """How many there are by kind, also those that are not listed."""
    unit: str
    """What lengths are counted in."""

    @property
    def has_errors(self) -> bool:
        """Say whether anything must be mended."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"has_errors": self.has_errors, **asdict(self)}
