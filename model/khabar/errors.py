"""Every error that Khabar raises on purpose.

Each one says what it got, what it can take, and what to do. All of them derive from
:class:`KhabarError`, hand every fact to ``Exception.__init__`` and so survive pickling.
"""

from difflib import get_close_matches
from pathlib import Path


def near_miss(got: str, known: tuple[str, ...]) -> str:
    """Return ``"; did you mean 'x'?"`` for the known name closest to *got*, or an empty string."""
    close = get_close_matches(got, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


class KhabarError(Exception):
    """The root of all errors raised on purpose."""


class InputError(KhabarError, TypeError):
    """An argument is not of a kind that Khabar reads."""

    def __init__(self, argument: str, got: str, takes: str, remedy: str) -> None:
        super().__init__(argument, got, takes, remedy)

    def __str__(self) -> str:
        argument, got, takes, remedy = self.args
        return f"{argument} is {got}; it takes {takes}; {remedy}"


class ConfigError(KhabarError, ValueError):
    """A setting is wrong, alone or beside the others."""


class SourceError(KhabarError, ValueError):
    """Data cannot be read: what it is, what is wrong with it, what to do."""

    def __init__(self, what: str, problem: str, remedy: str) -> None:
        super().__init__(what, problem, remedy)

    def __str__(self) -> str:
        what, problem, remedy = self.args
        return f"{what}: {problem}; {remedy}"


class CheckpointError(KhabarError):
    """A checkpoint folder cannot be loaded or written."""

    def __init__(self, folder: Path | str, problem: str, remedy: str) -> None:
        super().__init__(str(folder), problem, remedy)

    def __str__(self) -> str:
        folder, problem, remedy = self.args
        return f"checkpoint {folder}: {problem}; {remedy}"


class MissingExtraError(KhabarError, ImportError):
    """A part of Khabar needs packages that a plain install does not bring."""

    def __init__(self, part: str, extra: str, missing: str) -> None:
        super().__init__(part, extra, missing)

    def __str__(self) -> str:
        part, extra, missing = self.args
        return f"{part} needs the package {missing!r}, which is not installed; run: pip install 'khabar[{extra}]'"


class WorkerError(KhabarError):
    """A process of a batch has ended before its work."""

    def __init__(self, how: str) -> None:
        super().__init__(how)

    def __str__(self) -> str:
        remedy = "run it again to go on, with fewer workers if memory is short"
        return f"a worker has ended before its work ({self.args[0]}); {remedy}"
