"""The topics as one AsyncAPI 3.0 document: channels, keys, retention, who writes and who reads."""

from collections.abc import Mapping
from typing import Any, Final

import yaml

from sinergi_shared.contracts.envelope import CONTENT_TYPE
from sinergi_shared.contracts.topics import DAY_MS, DEFAULT_LANES, TOPICS, Topic

SERVICES: Final = ("ingest", "router", "notifier")
_MEMBERS: Final = {
    "source": ("An upstream system's channel, `<system>.<channel>`.", ["imi-ent.tpi"]),
    "recipient": ("A recipient's code, as in the region pack.", ["IMI-ENT"]),
}

Told = tuple[str, tuple[str, ...], tuple[dict[str, Any], ...]]
"""A message's title, the topics on which it travels, and its examples."""


def document(messages: Mapping[str, Told]) -> str:
    """Return the document as YAML; payloads refer to ``./<message>.json`` beside it."""
    made = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Sinergi",
            "version": "1.0.0",
            "description": (
                "Suspicions of trafficking and smuggling at the Kalbar-Sarawak border, from those who "
                "see something to those who can act. Every topic and every message; made from the models."
            ),
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": {_name(topic): _channel(topic, messages) for topic in TOPICS},
        "operations": {
            f"{service}-{action}-{_name(topic)}": {
                "action": action,
                "channel": {"$ref": f"#/channels/{_name(topic)}"},
                "summary": f"{service} {'writes' if action == 'send' else 'reads'} {topic.name}",
            }
            for topic in TOPICS
            for action, whom in (("send", topic.writers), ("receive", topic.readers))
            for service in _services(whom)
        },
        "components": {"messages": {name: _message(name, told) for name, told in messages.items()}},
    }
    return yaml.dump(made, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=110)


class _Plain(yaml.SafeDumper):
    """Writes every value where it stands: anchors would be noise to a reader."""

    def ignore_aliases(self, data: object) -> bool:
        del data
        return True


def _name(topic: Topic) -> str:
    parts = topic.name.split(".")
    return parts[1] if topic.per is None else f"{parts[1]}-of-{topic.per}"


def _services(whom: str) -> list[str]:
    words = {word.strip() for word in whom.replace(";", ",").split(",")}
    return [service for service in SERVICES if "all" in words or service in words]


def _channel(topic: Topic, messages: Mapping[str, Told]) -> dict[str, Any]:
    carried = [name for name, (_title, topics, _examples) in messages.items() if topic.name in topics]
    made: dict[str, Any] = {
        "address": topic.name,
        "title": topic.purpose,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in carried},
        "bindings": {"kafka": _binding(topic)},
        "x-key": topic.key,
        "x-partitions": "lanes" if topic.width == "lanes" else 1,
        "x-retention": "compacted" if topic.retention_days is None else f"{topic.retention_days} days",
        "x-writers": topic.writers,
        "x-readers": topic.readers,
    }
    if topic.per is not None:
        described, told = _MEMBERS[topic.per]
        made["parameters"] = {topic.per: {"description": described, "examples": told}}
    return made


def _binding(topic: Topic) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "cleanup.policy": ["compact" if topic.retention_days is None else "delete"],
        "max.message.bytes": topic.max_message_bytes,
    }
    if topic.retention_days is not None:
        settings["retention.ms"] = topic.retention_days * DAY_MS
    return {
        "partitions": topic.partitions(DEFAULT_LANES),
        "topicConfiguration": settings,
        "bindingVersion": "0.5.0",
    }


def _message(name: str, told: Told) -> dict[str, Any]:
    title, _topics, examples = told
    made: dict[str, Any] = {
        "name": name,
        "title": title,
        "payload": {"$ref": f"./{name}.json"},
        "examples": [{"payload": example} for example in examples],
    }
    if "specversion" in examples[0]:
        made["contentType"] = CONTENT_TYPE
        made["headers"] = {
            "type": "object",
            "properties": {"content-type": {"type": "string", "const": CONTENT_TYPE}},
        }
        made["correlationId"] = {"location": "$message.payload#/correlationid"}
    else:
        made["contentType"] = "application/json"
    return made
