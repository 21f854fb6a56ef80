"""``python -m sinergi_ops.schemas``: the contracts as JSON Schema and AsyncAPI, made from the models.

The models are the only source: the files in ``deploy/schemas`` are generated, committed, and checked
for drift with ``--check``. The same models give the same bytes.
"""

import argparse
import difflib
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from sinergi_ops import asyncapi
from sinergi_shared.contracts import examples, topics
from sinergi_shared.contracts.activation import Activation
from sinergi_shared.contracts.alert import ALERT_TYPES, AlertEvent
from sinergi_shared.contracts.audit import AUDIT_TYPE, POLICY_AUDIT_TYPE, AuditEvent, PolicyAuditEvent
from sinergi_shared.contracts.codes import ControlKind, RequestVerb
from sinergi_shared.contracts.control import ControlEvent, control_type
from sinergi_shared.contracts.envelope import SCHEMA_BASE, schema_uri
from sinergi_shared.contracts.event import EVENT_TYPE, KNOWN_MAJOR, KNOWN_MINOR, SuspiciousMovementEvent
from sinergi_shared.contracts.followup import RECEIPT_TYPE, FollowUpEvent, ReceiptEvent
from sinergi_shared.contracts.job import JOB_TYPE, JobEvent
from sinergi_shared.contracts.rejected import REJECTED_TYPE, RejectedEvent
from sinergi_shared.contracts.request import RequestEvent, request_type
from sinergi_shared.contracts.response import RESPONSE_TYPE, ResponseEvent
from sinergi_shared.contracts.status import STATUS_TYPE, StatusEvent
from sinergi_shared.contracts.thread import Thread, Totals

DIRECTORY: Final = Path(__file__).resolve().parents[1] / "schemas"
MOST_LINES: Final = 20


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it is published: its model, where it travels, and examples that validate."""

    name: str
    title: str
    model: type[BaseModel]
    uri: str
    types: tuple[str, ...]  # CloudEvents types; none for what is not a CloudEvent
    topics: tuple[str, ...]
    examples: tuple[dict[str, Any], ...]


def _message(
    name: str,
    title: str,
    model: type[BaseModel],
    types: Iterable[str],
    on: tuple[str, ...],
    *told: dict[str, Any],
) -> Message:
    return Message(name, title, model, schema_uri(name), tuple(dict.fromkeys(types)), on, told)


MESSAGES: Final = (
    Message(
        name="event",
        title="Suspicious movement, as an upstream system tells it",
        model=SuspiciousMovementEvent,
        uri=f"{SCHEMA_BASE}/movement/suspicious/{KNOWN_MAJOR}-{KNOWN_MINOR}-0.json",
        types=(EVENT_TYPE,),
        topics=(topics.submitted("{source}"), topics.EVENTS),
        examples=(examples.EVENT,),
    ),
    _message(
        "alert",
        "Alert, as one agency may know it",
        AlertEvent,
        ALERT_TYPES.values(),
        (topics.alerts("{recipient}"), topics.drills("{recipient}")),
        examples.ALERT,
        examples.ALERT_L1,
    ),
    _message("job", "What to deliver for one decision", JobEvent, (JOB_TYPE,), (topics.JOBS,), examples.JOB),
    _message(
        "request",
        "Asks the router to decide again",
        RequestEvent,
        map(request_type, RequestVerb),
        (topics.REQUESTS,),
        examples.REQUEST,
    ),
    _message("thread", "What one event has become", Thread, (), (topics.THREADS,), examples.THREAD),
    _message(
        "totals",
        "Running totals of a lane, beside its threads",
        Totals,
        (),
        (topics.THREADS,),
        examples.TOTALS,
    ),
    _message(
        "followup",
        "Where a delivery stands",
        FollowUpEvent,
        (RECEIPT_TYPE,),
        (topics.FOLLOWUP,),
        examples.FOLLOWUP,
    ),
    _message(
        "receipt",
        "What became of one attempt to deliver",
        ReceiptEvent,
        (RECEIPT_TYPE,),
        (),
        examples.RECEIPT,
    ),
    _message(
        "response",
        "An agency's answer",
        ResponseEvent,
        (RESPONSE_TYPE,),
        (topics.responses("{recipient}"), topics.RESPONSES),
        examples.RESPONSE,
    ),
    _message(
        "status",
        "What became of a message, told to its source",
        StatusEvent,
        (STATUS_TYPE,),
        (topics.status("{source}"),),
        examples.STATUS,
    ),
    _message(
        "policy",
        "The activation by which a lane decides, beside its threads",
        Activation,
        (),
        (topics.THREADS,),
        examples.ACTIVATION,
    ),
    _message(
        "audit",
        "One decision, for the record",
        AuditEvent,
        (AUDIT_TYPE,),
        (topics.AUDIT,),
        examples.AUDIT,
    ),
    _message(
        "audit-policy",
        "What has become of an activated pack, for the record",
        PolicyAuditEvent,
        (POLICY_AUDIT_TYPE,),
        (topics.AUDIT,),
        examples.AUDIT_POLICY,
    ),
    _message(
        "control",
        "A switch with its own end",
        ControlEvent,
        map(control_type, ControlKind),
        (topics.CONTROLS,),
        examples.CONTROL,
        examples.CONTROL_PACK,
    ),
    _message(
        "rejected",
        "A refused message, kept for replay",
        RejectedEvent,
        (REJECTED_TYPE,),
        (topics.REJECTED,),
        examples.REJECTED,
    ),
)


class WireSchema(GenerateJsonSchema):
    """JSON Schema as a reader needs it: no made-up titles, an optional field is absent and never null."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401 - pydantic's own union
        """Leave out titles that only repeat a field's name."""
        del schema
        return False

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """Return the value's own schema: on the wire a field without a value is left out."""
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Leave out a default of null, which only means absent."""
        found = super().default_schema(schema)
        return {key: value for key, value in found.items() if (key, value) != ("default", None)}


def json_schema(message: Message) -> dict[str, Any]:
    """Return a message's JSON Schema (2020-12) with its examples."""
    made: dict[str, Any] = _mended(
        message.model.model_json_schema(schema_generator=WireSchema, by_alias=True)
    )
    if message.types:
        made["properties"]["type"] = {"type": "string", "enum": list(message.types)}
    made |= {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": message.uri,
        "title": message.title,
        "examples": list(message.examples),
    }
    return {key: made[key] for key in sorted(made, key=_place)}


def _place(key: str) -> tuple[bool, int]:
    # What a reader asks first; parts and examples come last.
    last = ("$defs", "examples")
    first = ("$schema", "$id", "title", "description", "type", "properties", "required")
    return (key in last, first.index(key) if key in first else len(first))


def _mended(schema: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(schema, list):
        return [_mended(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _mended(value) for key, value in schema.items()}
    if "patternProperties" in found:  # a map refuses a key that does not fit
        found["additionalProperties"] = False
    if found.get("anyOf") == [{"type": "number"}, {"type": "integer"}]:
        del found["anyOf"]
        found = {"type": "number"} | found
    for ours, theirs in (("ge", "minimum"), ("le", "maximum")):
        if ours in found and found.get("type") == "number":
            found[theirs] = found.pop(ours)
    if "const" in found:
        found.pop("default", None)
    fixed = [name for name, value in _properties(found).items() if "const" in value]
    if fixed:  # written always, though the model knows it without being told
        found["required"] = list(dict.fromkeys([*fixed, *found.get("required", [])]))
    return found


def _properties(schema: dict[str, Any]) -> dict[str, Any]:
    properties = schema.get("properties")
    return properties if isinstance(properties, dict) and schema.get("type") == "object" else {}


def generated() -> dict[str, str]:
    """Return every published file by name."""
    files = {
        f"{message.name}.json": json.dumps(json_schema(message), ensure_ascii=False, indent=2) + "\n"
        for message in MESSAGES
    }
    channels = {message.name: (message.title, message.topics, message.examples) for message in MESSAGES}
    return files | {"asyncapi.yaml": asyncapi.document(channels)}


def drift(directory: Path) -> list[str]:
    """Return what in a directory differs from the models, as lines to read; nothing when all is fresh."""
    wanted = generated()
    there = {path.name: path.read_text(encoding="utf-8") for path in directory.glob("*") if path.is_file()}
    told = [f"missing: {name}" for name in wanted if name not in there]
    told += [f"not made from a model: {name}" for name in sorted(there) if name not in wanted]
    for name, text in wanted.items():
        if there.get(name, text) != text:
            lines = difflib.unified_diff(there[name].splitlines(), text.splitlines(), name, "models", n=0)
            told += list(lines)[:MOST_LINES]
    return told


def write(directory: Path) -> None:
    """Write every published file; others in the directory are removed."""
    directory.mkdir(parents=True, exist_ok=True)
    wanted = generated()
    for path in directory.glob("*"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (directory / name).write_text(text, encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Generate, or compare with ``--check``; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m sinergi_ops.schemas", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file differs")
    parser.add_argument("--directory", type=Path, default=DIRECTORY, help="default: deploy/schemas")
    options = parser.parse_args(arguments)
    if not options.check:
        write(options.directory)
        print(f"{len(generated())} files in {options.directory}")
        return 0
    told = drift(options.directory)
    for line in told:
        print(line)
    if told:
        print("The published contracts differ from the models; run: python -m sinergi_ops.schemas")
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main())
