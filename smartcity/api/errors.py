# SPDX-License-Identifier: Apache-2.0
"""Errors as RFC 9457 problem details."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from rest_framework.exceptions import APIException
from rest_framework.response import Response
from rest_framework.views import exception_handler

CONTENT_TYPE: Final = "application/problem+json"


class Conflict(APIException):
    status_code = 409
    default_detail = "The request contradicts what stands."
    default_code = "conflict"


def problem(status: int, detail: str, request_id: str, **fields: Any) -> dict[str, Any]:
    """The members of RFC 9457, and the id under which the log and the audit know the request."""
    title = HTTPStatus(status).phrase
    return {
        "type": "about:blank", "title": title, "status": status, "detail": detail, "request_id": request_id, **fields,
    }  # fmt: skip


def as_problem(error: Exception, context: dict[str, Any]) -> Response | None:
    """What DRF would answer, as application/problem+json with the request's id."""
    response = exception_handler(error, context)
    if response is None:
        return None
    data = response.data
    fields = {} if not isinstance(data, dict) or "detail" in data else {"errors": data}
    detail = str(data["detail"]) if isinstance(data, dict) and "detail" in data else "Some fields are not valid."
    if isinstance(data, list):
        detail = " ".join(str(item) for item in data)
    request_id = getattr(context["request"]._request, "id", "")
    response.data = problem(response.status_code, detail, request_id, **fields)
    response.content_type = CONTENT_TYPE
    return response
