"""``sinergi topics``: makes the topics that a pack and a directory need; the broker makes none itself.

Changes what can be changed without harm: a missing topic is made, a setting that differs is set. A
partition count is never changed, because that moves keys to other lanes (B05).
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from sinergi_ops.places import DIRECTORY, PACK
from sinergi_shared.contracts.topics import DEFAULT_LANES, EVENTS, WantedTopic, wanted
from sinergi_shared.directory import DirectoryError, read_directory
from sinergi_shared.region.bus import recipients_on_bus
from sinergi_shared.region.tables import PackError, read_tables
from sinergi_shared.runtime.kafka import KafkaAwayError, TopicsWrongError, wait_for_kafka

REQUEST_TIMEOUT_MS: Final = 30_000
LEADERS_WITHIN_S: Final = 30.0
WAIT_S: Final = 60.0
# The controller takes at most 10,000 records in one operation; a topic is some ten of them.
TOPICS_AT_ONCE: Final = 200
_SET_ON_THE_TOPIC: Final = 1  # Kafka's ConfigSource TOPIC_CONFIG, told from defaults


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs from the declaration, and is or would be put right."""

    topic: str
    action: Literal["create", "configure"]
    partitions: int
    config: dict[str, str]  # all settings of a new topic, only the differing ones of another


async def plan(
    bootstrap: list[str], sources: Iterable[str], recipients: Iterable[str], lanes: int, replication: int = 1
) -> list[Change]:
    """Return what ``apply`` would change, sorted by topic; changes nothing.

    Raise ``TopicsWrongError`` for a topic that cannot be put right.
    """
    async with _admin(bootstrap) as admin:
        return await _plan(admin, _declared(sources, recipients, lanes, replication), replication)


async def apply(
    bootstrap: list[str], sources: Iterable[str], recipients: Iterable[str], lanes: int, replication: int = 1
) -> list[Change]:
    """Make and configure every topic, and return what was changed once all partitions have a leader.

    ``sources`` are ``<system>.<channel>``, ``recipients`` are codes. Running it again changes nothing.
    With more than one replica, a write needs all but one of them. Raise ``TopicsWrongError`` before
    any change when a topic cannot be put right.
    """
    declared = _declared(sources, recipients, lanes, replication)
    async with _admin(bootstrap) as admin:
        changes = await _plan(admin, declared, replication)
        await _create(admin, [change for change in changes if change.action == "create"], replication)
        await _configure(admin, [change for change in changes if change.action == "configure"])
        await _leaders(admin, {topic.name for topic in declared})
    return changes


async def replicas(bootstrap: list[str]) -> int:
    """Return how many copies this deployment's topics have: those of its events, 1 before there are any."""
    async with _admin(bootstrap) as admin:
        found = {topic["topic"]: topic["partitions"] for topic in await admin.describe_topics()}
    return min((len(part["replicas"]) for part in found.get(EVENTS, ())), default=1)


def _declared(
    sources: Iterable[str], recipients: Iterable[str], lanes: int, replication: int
) -> list[WantedTopic]:
    safety = {"min.insync.replicas": str(replication - 1)} if replication > 1 else {}
    return [
        WantedTopic(topic.name, topic.partitions, topic.config | safety)
        for topic in wanted(sources, recipients, lanes)
    ]


@asynccontextmanager
async def _admin(bootstrap: list[str]) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=REQUEST_TIMEOUT_MS)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def _plan(admin: AIOKafkaAdminClient, declared: list[WantedTopic], replication: int) -> list[Change]:
    found = {topic["topic"]: topic["partitions"] for topic in await admin.describe_topics()}
    _refuse_misshapen(declared, found, replication)
    settings = await _settings(admin, [topic.name for topic in declared if topic.name in found])
    changes = []
    for topic in declared:
        if topic.name not in found:
            changes.append(Change(topic.name, "create", topic.partitions, topic.config))
        elif differing := dict(topic.config.items() - _values(settings[topic.name]).items()):
            changes.append(Change(topic.name, "configure", topic.partitions, differing))
    return changes


def _refuse_misshapen(
    declared: list[WantedTopic], found: Mapping[str, list[dict[str, Any]]], replication: int
) -> None:
    there = [(topic, found[topic.name]) for topic in declared if topic.name in found]
    faults = [
        f"{topic.name} has {len(partitions)} partitions, {topic.partitions} are declared"
        for topic, partitions in there
        if len(partitions) != topic.partitions
    ]
    if faults:
        raise TopicsWrongError(
            f"{_some(faults)}. A partition count is fixed for a deployment's life, because keys would move "
            "to other lanes: start with the --lanes it was made with, or move to new topics"
        )
    thin = [
        f"{topic.name} has {min(len(part['replicas']) for part in partitions)} replicas"
        for topic, partitions in there
        if any(len(part["replicas"]) < replication for part in partitions)
    ]
    if thin:
        raise TopicsWrongError(
            f"{_some(thin)}, {replication} are asked for: give them more with kafka-reassign-partitions.sh, "
            "then run this again"
        )


def _some(faults: list[str]) -> str:
    return "; ".join(faults[:5]) + (f" and {len(faults) - 5} more" if len(faults) > 5 else "")  # noqa: PLR2004 - as cut


_Setting = tuple[str, int]  # value, and where it comes from


async def _settings(admin: AIOKafkaAdminClient, topics: list[str]) -> dict[str, dict[str, _Setting]]:
    if not topics:
        return {}
    told = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in topics])
    found: dict[str, dict[str, _Setting]] = {}
    for response in told:
        for resource in response.to_object()["resources"]:
            _ok(resource["error_code"], resource["resource_name"])
            found[resource["resource_name"]] = {
                entry["config_names"]: (entry["config_value"], entry["config_source"])
                for entry in resource["config_entries"]
            }
    return found


def _values(settings: dict[str, _Setting]) -> dict[str, str]:
    return {name: value for name, (value, _source) in settings.items()}


async def _create(admin: AIOKafkaAdminClient, changes: list[Change], replication: int) -> None:
    for start in range(0, len(changes), TOPICS_AT_ONCE):
        response = await admin.create_topics(
            [
                NewTopic(change.topic, change.partitions, replication, topic_configs=change.config)
                for change in changes[start : start + TOPICS_AT_ONCE]
            ]
        )
        for topic in response.to_object()["topic_errors"]:
            # Another `apply` at the same time may have been first.
            if topic["error_code"] != TopicAlreadyExistsError.errno:
                _ok(topic["error_code"], topic["topic"])


async def _configure(admin: AIOKafkaAdminClient, changes: list[Change]) -> None:
    if not changes:
        return
    # This request replaces all settings of a topic, so what others have set there goes along.
    present = await _settings(admin, [change.topic for change in changes])
    responses = await admin.alter_configs(
        [
            ConfigResource(
                ConfigResourceType.TOPIC, change.topic, _own(present[change.topic]) | change.config
            )
            for change in changes
        ]
    )
    for response in responses:
        for resource in response.to_object()["resources"]:
            _ok(resource["error_code"], resource["resource_name"])


def _own(settings: dict[str, _Setting]) -> dict[str, str]:
    return {name: value for name, (value, source) in settings.items() if source == _SET_ON_THE_TOPIC}


async def _leaders(admin: AIOKafkaAdminClient, topics: set[str]) -> None:
    # A first record to a topic without a leader would cost its sender a round of retries.
    loop = asyncio.get_running_loop()
    start = loop.time()
    while leaderless := topics - await _led(admin):
        if loop.time() - start > LEADERS_WITHIN_S:
            raise TopicsWrongError(
                f"no leader after {LEADERS_WITHIN_S:.0f} s for {_some(sorted(leaderless))}: "
                "look at the brokers' state"
            )
        await asyncio.sleep(0.05)


async def _led(admin: AIOKafkaAdminClient) -> set[str]:
    return {
        topic["topic"]
        for topic in await admin.describe_topics()
        if topic["partitions"] and all(part["leader"] >= 0 for part in topic["partitions"])
    }


def _ok(code: int, topic: str) -> None:
    if code:
        raise TopicsWrongError(f"{topic}: Kafka refuses it with {for_code(code).__name__}")


app = typer.Typer(
    no_args_is_help=True,
    help="Buat dan periksa topik Kafka. / Make and check the Kafka topics that the services need.",
)

_Kafka = Annotated[
    str,
    typer.Option(envvar="SINERGI_KAFKA", help="Alamat broker, dipisah koma. / Brokers, comma separated."),
]
_Pack = Annotated[
    Path,
    typer.Option(
        envvar="SINERGI_PACK", help="Paket wilayah: penerima. / Region pack, which names the recipients."
    ),
]
_Directory = Annotated[
    Path,
    typer.Option(
        envvar="SINERGI_DIRECTORY", help="Direktori: sumber. / Directory file, which names the sources."
    ),
]
_Lanes = Annotated[
    int,
    typer.Option(
        envvar="SINERGI_LANES",
        min=1,
        max=64,
        help="Jumlah jalur, tetap selamanya. / Lanes, fixed for a deployment's life.",
    ),
]
_Replication = Annotated[
    int,
    typer.Option(
        min=1,
        max=9,
        help="Salinan tiap partisi; 3 untuk produksi. / Copies of each partition; 3 in production, "
        "then a write needs 2 of them.",
    ),
]
_Json = Annotated[
    bool, typer.Option("--json", help="Satu larik JSON. / One JSON array, for programs to read.")
]


@app.command("plan")
def plan_command(
    kafka: _Kafka = "127.0.0.1:19092",
    pack: _Pack = PACK,
    directory: _Directory = DIRECTORY,
    lanes: _Lanes = DEFAULT_LANES,
    replication: _Replication = 1,
    as_json: _Json = False,
) -> None:
    """Tunjukkan yang akan diubah; tidak mengubah apa pun. / Show what would change; change nothing."""
    _tell(_run(plan, kafka, pack, directory, lanes, replication), as_json=as_json, done=False)


@app.command("apply")
def apply_command(
    kafka: _Kafka = "127.0.0.1:19092",
    pack: _Pack = PACK,
    directory: _Directory = DIRECTORY,
    lanes: _Lanes = DEFAULT_LANES,
    replication: _Replication = 1,
    as_json: _Json = False,
) -> None:
    """Buat yang belum ada, betulkan setelan. / Make what is missing, set what differs; safe to repeat."""
    _tell(_run(apply, kafka, pack, directory, lanes, replication), as_json=as_json, done=True)


def _run(
    act: Callable[[list[str], Iterable[str], Iterable[str], int, int], Awaitable[list[Change]]],
    kafka: str,
    pack: Path,
    directory: Path,
    lanes: int,
    replication: int,
) -> list[Change]:
    async def connected() -> list[Change]:
        await wait_for_kafka(bootstrap, WAIT_S)
        return await act(bootstrap, sources, recipients, lanes, replication)

    bootstrap = [server.strip() for server in kafka.split(",") if server.strip()]
    try:
        sources = [source.name for source in read_directory(directory).sources]
        recipients = recipients_on_bus(read_tables(pack))
        return asyncio.run(connected())
    except (DirectoryError, PackError, KafkaAwayError, TopicsWrongError, KafkaError) as error:
        typer.echo(f"{type(error).__name__}: {error}", err=True)
        raise typer.Exit(1) from None


def _tell(changes: list[Change], *, as_json: bool, done: bool) -> None:
    if as_json:
        print(json.dumps([asdict(change) for change in changes]))
        return
    for change in changes:
        settings = " ".join(f"{name}={value}" for name, value in sorted(change.config.items()))
        print(f"{change.action:9} {change.topic} ({change.partitions}) {settings}")
    count = len(changes)
    if done:
        print(f"{count} perubahan dilakukan; semua topik siap. / {count} changes made; every topic is ready.")
    else:
        print(f"{count} perubahan akan dilakukan. / {count} changes to make: sinergi topics apply")
