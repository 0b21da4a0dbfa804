"""schemathesis asks for what the OpenAPI document allows and for what it forbids; every answer must be documented."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
import schemathesis
from fastapi import FastAPI
from schemathesis import Case

from khabar import Analyzer
from khabar.serving.app import create_app
from khabar.serving.settings import ServingSettings

CONFIG: dict[str, Any] = {
    "seed": 5,
    "generation": {"max-examples": 40, "deterministic": True},
    "checks": {
        # 413: the body has a limit of its own; 422: a target or claim may hold no word
        "positive_data_acceptance": {"expected-statuses": ["200", "413", "422"]},
        "negative_data_rejection": {"expected-statuses": ["400", "413", "422"]},
    },
    "operations": [  # a bad document gets a line, not a status
        {"include-path": "/v1/analyze/batch", "checks": {"negative_data_rejection": {"enabled": False}}}
    ],
}
DOCUMENT = create_app(cast(Analyzer, None), ServingSettings()).openapi()  # it is the same whatever the model
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT, config=schemathesis.Config.from_dict(CONFIG))


@pytest.fixture(scope="module")
def app(tiny_checkpoint: Callable[[str], Path]) -> FastAPI:
    return create_app(Analyzer.load(tiny_checkpoint("wordpiece"), threads=1), ServingSettings())


@SCHEMA.parametrize()
def test_every_answer_is_documented(case: Case[Any], app: FastAPI) -> None:
    case.call_and_validate(app=app)
