"""How the service runs: frozen, checked when made, handed to worker processes as JSON."""

import json
import os
from dataclasses import asdict, dataclass
from math import inf
from pathlib import Path
from typing import Final, Self

from khabar.errors import ConfigError

TOKEN_VARIABLE: Final = "KHABAR_TOKEN"


@dataclass(frozen=True, kw_only=True)
class ServingSettings:
    """The settings of one service; ConfigError where one is out of range. The token is not among them."""

    model: str | None = None
    """A checkpoint folder; None is the bundled model."""
    threads: int | None = None
    """Cores that one worker's model may use; None is all that its share allows."""
    max_batch_tokens: int = 4096
    """Word pieces, pairs included, that are worked on together at most; a longer document goes alone."""
    max_wait_ms: float = 4.0
    """How long, in milliseconds, a batch that is not full waits for other clients' requests."""
    max_queue: int = 128
    """Documents of one worker that may be accepted and not yet answered."""
    max_body_bytes: int = 2 * 1024 * 1024
    """The largest body of a request."""
    time_limit: float = 60.0
    """Seconds to receive a body, and seconds to answer a document."""
    token_file: str | None = None
    """A file that holds the bearer token; without it, the environment variable KHABAR_TOKEN."""

    def __post_init__(self) -> None:
        for name in ("threads", "max_batch_tokens", "max_queue", "max_body_bytes"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigError(f"{name} is {value}; it takes a whole number from 1")
        if not 0 <= self.max_wait_ms < inf:
            raise ConfigError(f"max_wait_ms is {self.max_wait_ms}; it takes 0 or more milliseconds")
        if not 0 < self.time_limit < inf:
            raise ConfigError(f"time_limit is {self.time_limit}; it takes a number of seconds above 0")

    def token(self) -> str | None:
        """Return the bearer token, or None where everybody may ask; ConfigError where its file is no use."""
        if self.token_file is None:
            return os.environ.get(TOKEN_VARIABLE) or None
        try:
            token = Path(self.token_file).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"the token file {self.token_file} cannot be read ({error}); check its path") from None
        if not token:
            raise ConfigError(f"the token file {self.token_file} is empty; write the token into it")
        return token

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what :meth:`to_json` wrote."""
        return cls(**json.loads(text))
