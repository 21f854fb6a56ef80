"""Activating a pack: checked, laid down where services look, its topics made, then told to everybody.

Nothing is told unless everything before has gone well. Activations are numbered without gaps: one
transactional id for all who activate fences whoever is slower, so two of them never share a number.
"""

import shutil
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from sinergi_ops.pack.findings import Finding, Rule, Words
from sinergi_shared.contracts.activation import PACK_ID, PACK_KEY, Activation, read_activation
from sinergi_shared.contracts.base import WIB
from sinergi_shared.contracts.codes import ControlKind
from sinergi_shared.contracts.control import Control, ControlEvent, control_type
from sinergi_shared.contracts.envelope import CONTENT_TYPE, schema_uri
from sinergi_shared.contracts.ids import derived_uuid
from sinergi_shared.contracts.topics import CONTROLS
from sinergi_shared.region.activated import folder_of
from sinergi_shared.region.pack import Pack, read_pack
from sinergi_shared.region.tables import PackError
from sinergi_shared.runtime import kafka
from sinergi_shared.runtime.controls import Controls
from sinergi_shared.runtime.lanes import Record

WRITER: Final = "sinergi-pack-activate"
"""Transactional id of every writer of activations."""


def leavers(new: Pack, old: Pack) -> Iterator[Finding]:
    """Report recipients of the pack in force that the new one does not know any more.

    Who holds an alert is owed its cancel and its recall; a row that is not active keeps the office's
    kind, level and time zone for that, and gets nothing else.
    """
    for code in sorted(old.tables.recipients.keys() - new.tables.recipients.keys()):
        yield Finding(
            Rule.RECIPIENT_GONE,
            "recipients.csv",
            None,
            Words(
                f"{code} ada di paket yang berlaku ({old.policy_version}), tetapi tidak ada di sini",
                f"{code} is in the pack in force ({old.policy_version}) and not in this one",
            ),
        )


def lay_down(pack: Pack, root: Path) -> Path:
    """Return the pack's folder below ``root``, copied there at once and whole unless it is there already.

    Raise ``PackError`` when the folder that is there has been changed.
    """
    folder = folder_of(root, pack.policy_version)
    if not folder.exists():
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".", dir=root) as beside:
            copy = Path(shutil.copytree(pack.directory, Path(beside) / folder.name))
            copy.rename(folder)
    if read_pack(folder).hash != pack.hash:
        raise PackError(f"{folder}: another pack under the same version; seal with a new --version")
    return folder


async def in_force(bootstrap: list[str]) -> Activation | None:
    """Return the last activation, none when no pack was ever activated.

    Raise ``PackError`` when the last one cannot be read: a newer ``sinergi`` may have written it.
    """
    found: list[Record] = []
    controls = Controls(bootstrap, found.append)
    await controls.start()
    await controls.stop()
    told = [record.value for record in found if record.key == PACK_KEY and record.value is not None]
    try:
        return read_activation(told[-1]) if told else None
    except ValidationError:
        raise PackError(f"{CONTROLS}: the last activation cannot be read; use the newest sinergi") from None


async def publish(bootstrap: list[str], pack: Pack, actor: str, reason: str, now: datetime) -> Activation:
    """Publish the activation under the next number, and return it.

    Raise ``KafkaError`` when somebody else activates at the same time: then nothing was published.
    """
    producer = kafka.producer(
        bootstrap, transactional_id=WRITER, transaction_timeout_ms=kafka.TRANSACTION_TIMEOUT_MS
    )
    await producer.start()  # from here on, whoever started before cannot commit any more
    try:
        before = await in_force(bootstrap)
        activation = Activation(
            activation=before.activation + 1 if before else 1,
            policyVersion=pack.policy_version,
            hash=pack.hash,
        )
        async with producer.transaction():
            await producer.send_and_wait(
                CONTROLS,
                _entry(activation, actor, reason, now),
                key=PACK_KEY,
                partition=0,
                headers=[("content-type", CONTENT_TYPE.encode())],
            )
    finally:
        await producer.stop()
    return activation


def _entry(activation: Activation, actor: str, reason: str, now: datetime) -> bytes:
    at, key = now.astimezone(WIB), PACK_KEY.decode()
    event = ControlEvent(
        id=derived_uuid("control", key, str(activation.activation), activation.hash),
        source="urn:sinergi:layanan:ops",
        type=control_type(ControlKind.PACK),
        subject=key,
        time=at,
        dataschema=schema_uri("control"),
        partitionkey=key,
        data=Control(
            kind=ControlKind.PACK,
            id=PACK_ID,
            actor=actor,
            reason=reason,
            value=activation.as_control(),
            startsAt=at,
        ),
    )
    return event.model_dump_json(exclude_none=True).encode()
