"""``/openapi.json``: every request form, every status, every field of an event."""

from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from sinergi_ingest import problem
from sinergi_ingest.answers import EventState, Items, Problem, Taken
from sinergi_ingest.request_body import MAX_ITEMS, Form
from sinergi_shared.contracts.event import EXAMPLE, SuspiciousMovementEvent

ABOUT: Final[dict[str, Any]] = {
    "title": "Sinergi ingest",
    "version": "1",
    "description": (
        "Lapor dugaan pergerakan mencurigakan di perbatasan Kalbar-Sarawak. "
        "Report suspicious movements at the Kalbar-Sarawak border, as CloudEvents 1.0."
    ),
}

_SIGNATURE: Final = (
    "RFC 9421 with Signature-Input: Ed25519 or HMAC-SHA256 over @method, @path and content-digest "
    "(RFC 9530), with keyid and created, at most 300 seconds from our clock"
)
_SECURITY: Final[list[dict[str, list[str]]]] = [{"sourceKey": []}, {"signature": []}, {"certificate": []}]
_REF: Final = "#/components/schemas/{model}"
_REFUSALS: Final = {
    HTTPStatus.BAD_REQUEST: "The bytes are not strict JSON, or a CloudEvents attribute is wrong",
    HTTPStatus.UNAUTHORIZED: "No key, signature or certificate, or one that is not known or has ended",
    HTTPStatus.FORBIDDEN: "The source is not registered, or the key may not say or do this",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Over 64 KiB an event, 4 MiB or 1,000 events a request",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "Another media type, or another Content-Encoding than gzip",
    HTTPStatus.UNPROCESSABLE_ENTITY: "The event may not be carried or does not follow the contract",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many events at once; send the same again after Retry-After seconds",
    HTTPStatus.SERVICE_UNAVAILABLE: "Not stored; send the same again after Retry-After seconds",
}


def operation(good: HTTPStatus) -> dict[str, Any]:
    """Return what an operation documents: its forms, and every status that it answers with."""
    return {
        "response_model": None,
        "responses": {
            int(good): {
                "description": "One event was taken",
                "content": {"application/json": {"schema": _ref("Taken")}},
            },
            200: _accepted_many(good),
            **{int(status): _refusal(status, told) for status, told in _REFUSALS.items()},
        },
        "openapi_extra": {
            "requestBody": _REQUEST,
            "security": _SECURITY,
        },
    }


def describe(api: FastAPI) -> None:
    """Make the API answer ``/openapi.json`` with the schemas that its operations name."""

    def document() -> dict[str, Any]:
        if api.openapi_schema is None:
            told = get_openapi(routes=api.routes, **ABOUT)
            # FastAPI's own, for the parameters of the path: two texts, which cannot be at fault.
            del told["paths"]["/v1/events/{source}/{number}"]["get"]["responses"]["422"]
            components = told.setdefault("components", {})
            components["schemas"] = _schemas()
            components["securitySchemes"] = {
                "sourceKey": {"type": "http", "scheme": "bearer", "bearerFormat": "sng_<id>_<secret>"},
                "signature": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Signature",
                    "description": _SIGNATURE,
                },
                "certificate": {"type": "mutualTLS", "description": "On a port of its own"},
            }
            api.openapi_schema = told
        return api.openapi_schema

    api.openapi = document  # type: ignore[method-assign] # FastAPI's own way to extend the document


def _ref(model: str) -> dict[str, str]:
    return {"$ref": _REF.format(model=model)}


def _schemas() -> dict[str, Any]:
    _, found = models_json_schema(
        [
            (SuspiciousMovementEvent, "validation"),
            (Problem, "serialization"),
            (Taken, "serialization"),
            (Items, "serialization"),
            (EventState, "serialization"),
        ],
        ref_template=_REF,
    )
    schemas: dict[str, Any] = found["$defs"]
    return schemas


def _accepted_many(good: HTTPStatus) -> dict[str, Any]:
    schema = _ref("Items") if good is not HTTPStatus.OK else {"oneOf": [_ref("Taken"), _ref("Items")]}
    return {
        "description": "Many events: one answer each" + (", or one event" if good is HTTPStatus.OK else ""),
        "content": {"application/json": {"schema": schema}},
    }


def _refusal(status: HTTPStatus, told: str) -> dict[str, Any]:
    refusal: dict[str, Any] = {
        "description": told,
        "content": {problem.MEDIA_TYPE: {"schema": _ref("Problem")}},
    }
    if status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
        wait = {"schema": {"type": "integer"}, "description": "seconds", "required": True}
        refusal["headers"] = {"Retry-After": wait}
    if status is HTTPStatus.UNAUTHORIZED:
        refusal["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}, "required": True}}
    return refusal


_REQUEST: Final[dict[str, Any]] = {
    "required": True,
    "content": {
        Form.ONE.value: {"schema": _ref("SuspiciousMovementEvent"), "example": EXAMPLE},
        Form.BATCH.value: {
            "schema": {"type": "array", "items": _ref("SuspiciousMovementEvent"), "maxItems": MAX_ITEMS}
        },
        Form.LINES.value: {
            "schema": {"type": "string", "description": "one event a line, as JSON without line breaks"}
        },
        Form.BINARY.value: {
            "schema": _ref("SuspiciousMovement"),
            "example": EXAMPLE["data"],
        },
        Form.CAP.value: {
            "schema": {
                "type": "string",
                "description": "one CAP 1.2 alert, urn:oasis:names:tc:emergency:cap:1.2",
            }
        },
    },
}

STATE: Final[dict[str, Any]] = {
    "response_model": None,
    "responses": {
        200: {
            "description": "What became of the event's last message",
            "content": {"application/json": {"schema": _ref("EventState")}},
            "headers": {
                "Retry-After": {"schema": {"type": "integer"}, "description": "seconds, while `accepted`"}
            },
        },
        401: _refusal(HTTPStatus.UNAUTHORIZED, _REFUSALS[HTTPStatus.UNAUTHORIZED]),
        403: _refusal(HTTPStatus.FORBIDDEN, "The key's scopes do not hold `read`"),
        404: _refusal(HTTPStatus.NOT_FOUND, "Not known for this source; another's event is told alike"),
        429: _refusal(HTTPStatus.TOO_MANY_REQUESTS, "The source is over its rate; ask again"),
        503: _refusal(HTTPStatus.SERVICE_UNAVAILABLE, "Cannot be said yet; ask again"),
    },
    "openapi_extra": {"security": _SECURITY},
}

RECEIPT_KEYS: Final[dict[str, Any]] = {
    "response_model": None,
    "responses": {
        200: {
            "description": "A JWK set (RFC 7517): the key that signs now, then those of before",
            "content": {"application/json": {"schema": {"type": "object", "required": ["keys"]}}},
        }
    },
}
