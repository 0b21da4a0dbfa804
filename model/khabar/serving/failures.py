"""Errors as answers: always a list of problems, never a piece of a text that was sent."""

from collections.abc import Sequence
from typing import Any, Final

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from khabar.errors import InputError, KhabarError
from khabar.serving.batcher import BusyError, ModelFailureError
from khabar.serving.schema import Failure, Problem

_HEAD: Final = {"WWW-Authenticate": "Bearer"}
_FIELDS: Final = {"target": "targets", "claim": "claims"}
"""What the analyzer calls a part of the request, where its name there is another."""


def response(status: int, *problems: Problem, headers: dict[str, str] | None = None) -> JSONResponse:
    """Return an answer that says what is wrong."""
    return JSONResponse(Failure(errors=list(problems)).model_dump(), status, headers)


def refused(status: int, message: str) -> JSONResponse:
    """Return an answer about the request as a whole."""
    return response(status, Problem(message=message), headers=_HEAD if status == 401 else None)


def of_validation(errors: Sequence[Any]) -> list[Problem]:
    """Return what pydantic found, without the input that it would quote."""
    return [_problem(error["type"], tuple(error["loc"]), error["msg"]) for error in errors]


def _problem(kind: str, place: tuple[str | int, ...], message: str) -> Problem:
    if place[:1] == ("body",):
        place = place[1:]
    if kind == "json_invalid":
        return Problem(message=f"the body is no JSON, from character {place[0]} on")
    if not place:
        return Problem(message="this is no JSON object; send one, with Content-Type: application/json")
    return Problem(field=".".join(map(str, place)), message=message)


def of_error(error: KhabarError) -> tuple[int, Problem]:
    """Return the status and the problem of an error that the analyzer or the queue raised."""
    if isinstance(error, BusyError):
        return 503, Problem(message=str(error))
    if isinstance(error, ModelFailureError):
        return 500, Problem(message=str(error))
    field = _FIELDS.get(error.args[0], error.args[0]) if isinstance(error, InputError) else None
    return 422, Problem(field=field, message=str(error))


async def on_khabar_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, KhabarError)
    status, problem = of_error(error)
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, BusyError) else None
    return response(status, problem, headers=headers)


async def on_invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return response(422, *of_validation(error.errors()))


async def on_http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return response(error.status_code, Problem(message=str(error.detail)), headers=dict(error.headers or {}))
