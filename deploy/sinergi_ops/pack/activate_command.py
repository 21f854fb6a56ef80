"""``sinergi pack activate``: the one way by which a pack comes into force while everything runs."""

import asyncio
import getpass
import json
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from aiokafka.errors import KafkaError, ProducerFenced

from sinergi_ops.brokers import DEFAULT, Kafka, quiet_client, servers
from sinergi_ops.options import Json
from sinergi_ops.pack.activate import in_force, lay_down, leavers, publish
from sinergi_ops.pack.check import check_pack
from sinergi_ops.pack.findings import Finding
from sinergi_ops.pack.telling import document, refused, tell_findings
from sinergi_ops.places import DIRECTORY, PACK, PACKS
from sinergi_ops.topics import Change, apply, plan, replicas
from sinergi_shared.contracts.activation import Activation
from sinergi_shared.contracts.topics import CONTROLS, DEFAULT_LANES
from sinergi_shared.directory import DirectoryError, read_directory
from sinergi_shared.region.activated import Packs
from sinergi_shared.region.bus import recipients_on_bus
from sinergi_shared.region.pack import Pack, read_pack
from sinergi_shared.region.tables import PackError
from sinergi_shared.runtime.kafka import KafkaAwayError, TopicsWrongError, wait_for_kafka

WAIT_S: Final = 10.0
_NO_REASON: Final = "Tanpa keterangan / No reason given"
_PROBLEMS: Final = (
    DirectoryError,
    PackError,
    KafkaAwayError,
    TopicsWrongError,
    KafkaError,
    OSError,
)


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be activated, by whom and why, and where everything is."""

    pack: Path
    bootstrap: list[str]
    packs: Packs
    directory: Path
    lanes: int
    replication: int | None
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class Done:
    """What came of it: findings alone when it was refused; no new activation when it was in force."""

    findings: tuple[Finding, ...] = ()
    activation: Activation | None = None
    new: bool = False
    folder: Path | None = None
    changes: tuple[Change, ...] = ()


def activate_command(  # noqa: PLR0913 - one option a thing that differs between deployments
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Folder paket. / The pack's folder.")],
    *,
    reason: Annotated[
        str, typer.Option(help="Mengapa; tercatat. / Why; kept on record, so no names of people.")
    ] = _NO_REASON,
    actor: Annotated[
        str | None,
        typer.Option(envvar="SINERGI_ACTOR", help="Siapa; bawaan: akun ini. / Who; default: this account."),
    ] = None,
    packs: Annotated[
        Path,
        typer.Option(
            envvar="SINERGI_PACKS",
            help="Folder semua paket aktif, satu subfolder tiap versi. / Root of activated packs, "
            "one subfolder a version; every router and notifier reads it.",
        ),
    ] = PACKS,
    first: Annotated[
        Path,
        typer.Option(
            "--first", envvar="SINERGI_PACK", help="Paket pertama. / The first pack, of the settings."
        ),
    ] = PACK,
    kafka: Kafka = DEFAULT,
    sources: Annotated[
        Path, typer.Option("--directory", envvar="SINERGI_DIRECTORY", help="Direktori: sumber. / Sources.")
    ] = DIRECTORY,
    lanes: Annotated[
        int, typer.Option(envvar="SINERGI_LANES", min=1, max=64, help="Jumlah jalur. / Lanes.")
    ] = DEFAULT_LANES,
    replication: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=9,
            help="Salinan topik baru; bawaan: seperti yang lain. / Copies of new topics; default: as others",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Berlakukan paket tanpa menghentikan apa pun. / Bring a pack into force while everything runs.

    1. Memeriksa paket dan segelnya (`sinergi pack check`); ada temuan: selesai, kode 1.
       Checks pack and seal; with findings it ends here, exit code 1, nothing is published.

    2. Menyalinnya ke folder paket, satu subfolder tiap versi; di mesin lain salin lebih dahulu.
       Copies it below the packs' root; other machines must have it there before (decision 0005).

    3. Membuat topik penerima baru (`sinergi topics apply`). / Makes the topics of new recipients.

    4. Mencatat pengaktifan di sinergi.controls.v1; tiap jalur memakainya mulai kelompok berikutnya.
       Records the activation; every lane takes it at its next batch. Open events are not routed
       again, what comes next of them is decided by the new pack. A router that cannot apply it goes
       on with the old one and shows `sinergi_policy_pending 1`.

    Contoh / example, from a change to an activation:

        cp -r deploy/regions/kalbar paket && vi paket/recipients.csv

        sinergi pack seal paket --version 2026.12

        sinergi pack activate paket --reason "Kantor baru di Entikong"

    Kembali ke paket lama: aktifkan lagi foldernya. Penerima yang keluar: active=tidak, jangan dihapus.
    To go back, activate the old folder again. An office that leaves: active=tidak, keep its row.
    """
    quiet_client()
    order = Order(
        pack=directory,
        bootstrap=servers(kafka),
        packs=Packs(packs, first),
        directory=sources,
        lanes=lanes,
        replication=replication,
        actor=actor or _account(),
        reason=reason,
    )
    if findings := check_pack(directory):
        done = Done(findings)
    else:
        try:
            done = asyncio.run(_activate(order, read_pack(directory)))
        except ProducerFenced:
            raise refused(
                "Ada yang lain mengaktifkan paket saat ini; lihat hasilnya dahulu. / Somebody else is "
                "activating a pack at this moment: nothing was published; look at theirs, then try again"
            ) from None
        except _PROBLEMS as error:
            raise refused(f"{type(error).__name__}: {error}") from None
    _tell(done, as_json=as_json)
    raise typer.Exit(1 if done.findings else 0)


async def _activate(order: Order, pack: Pack) -> Done:
    await wait_for_kafka(order.bootstrap, WAIT_S)
    sources = [source.name for source in read_directory(order.directory).sources]
    copies = order.replication or await replicas(order.bootstrap)
    wanted = (order.bootstrap, sources, recipients_on_bus(pack.tables), order.lanes, copies)
    missing = {change.topic for change in await plan(*wanted) if change.action == "create"}
    before = None if CONTROLS in missing else await in_force(order.bootstrap)
    findings = tuple(leavers(pack, order.packs.pack_of(before)))
    if findings:
        return Done(findings)
    folder = lay_down(pack, order.packs.root)
    changes = tuple(await apply(*wanted))
    if before is not None and (before.policyVersion, before.hash) == (pack.policy_version, pack.hash):
        return Done(activation=before, folder=folder, changes=changes)
    activation = await publish(order.bootstrap, pack, order.actor, order.reason, datetime.now(UTC))
    return Done(activation=activation, new=True, folder=folder, changes=changes)


def _account() -> str:
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        return "operator"
    return re.sub(r"[^A-Za-z0-9._:-]", "-", name).strip("-._:") or "operator"


def _tell(done: Done, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(_document(done), ensure_ascii=False, indent=2))
    elif done.findings:
        tell_findings(done.findings)
        typer.echo("Tidak diaktifkan. / Not activated; nothing was published.")
    elif done.activation is not None:
        made = sum(change.action == "create" for change in done.changes)
        version, number = done.activation.policyVersion, done.activation.activation
        typer.echo(f"{done.folder}; {made} topik baru / new topics")
        typer.echo(
            f"Aktif / Active: {version}, pengaktifan / activation {number}"
            + ("" if done.new else " (sudah berlaku / in force already)")
        )


def _document(done: Done) -> dict[str, Any]:
    if done.activation is None:
        return {"activated": False, "findings": [document(each) for each in done.findings]}
    return {
        "activated": done.new,
        **done.activation.model_dump(),
        "folder": str(done.folder),
        "topics": [asdict(change) for change in done.changes],
        "findings": [],
    }
