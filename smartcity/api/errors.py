# SPDX-License-Identifier: Apache-2.0
"""Errors as RFC 9457 problem details."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import APIException
from rest_framework.response import Response
from rest_framework.views import exception_handler


class Conflict(APIException):
    status_code = 409
    default_detail = "The request contradicts what stands."
    default_code = "conflict"


def as_problem(error: Exception, context: dict[str, Any]) -> Response | None:
    """What DRF would answer, as application/problem+json with the request's id."""
    response = exception_handler(error, context)
    if response is None:
        return None
    data = response.data
    fields = {} if not isinstance(data, dict) or "detail" in data else {"errors": data}
    response.data = {
        "type": "about:blank",
        "title": response.status_text,
        "status": response.status_code,
        "detail": str(data["detail"]) if isinstance(data, dict) and "detail" in data else "Some fields are not valid.",
        "request_id": getattr(context["request"]._request, "id", ""),
        **fields,
    }
    if isinstance(data, list):
        response.data["detail"] = " ".join(str(item) for item in data)
    response.content_type = "application/problem+json"
    return response
