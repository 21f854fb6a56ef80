"""The gate on real parts: rates in a real Valkey that dies, certificates of a CA of our own over real TLS."""

import asyncio
import contextlib
import datetime as dt
import hashlib
import ipaddress
import json
import os
import secrets
import signal
import ssl
import sys
import time
from dataclasses import dataclass

import httpx
import pytest
import redis.asyncio as redis
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID

from sinergi_ingest.budget import ANSWER_WITHIN_S, Budget
from sinergi_ops.parts import valkey as valkey_part
from sinergi_ops.ports import Ports
from sinergi_shared.contracts import topics
from sinergi_shared.directory import Rate, Source
from tests.kit.processes import eventually
from tests.real.test_ingest_service import ONE, Sender, make_topics, read_all, stored_ids, until


def source(per_second, burst):
    name = secrets.token_hex(6)
    return Source(urn=f"urn:sinergi:sumber:{name}:test", rate=Rate(perSecond=per_second, burst=burst))


def client(url):
    return redis.Redis.from_url(
        url, socket_timeout=ANSWER_WITHIN_S, socket_connect_timeout=ANSWER_WITHIN_S, retry=None
    )


@contextlib.asynccontextmanager
async def own_valkey(folder, port):
    child = valkey_part.child(folder, port)
    process = await asyncio.create_subprocess_exec(
        *child.command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        await until(child.ready, bool)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_two_processes_share_one_rate_in_valkey(valkey):
    first, second = (Budget(client(valkey), time.monotonic) for _ in range(2))
    one = source(0.01, 4)
    waits = [await budget.take(one, 1) for budget in (first, second) * 3]
    assert waits[:4] == [0, 0, 0, 0]
    assert all(90 < wait <= 100 for wait in waits[4:])
    assert await first.take(source(0.01, 4), 1) == 0
    assert first.shared
    assert second.shared


async def test_a_rate_in_valkey_fills_again_with_time(valkey):
    budget, one = Budget(client(valkey), time.monotonic), source(20, 1)
    assert await budget.take(one, 3) == 0
    assert 0 < await budget.take(one, 1) <= 0.15
    await eventually(lambda: budget.shut_for(one) == 0)
    assert await budget.take(one, 1) == 0


async def test_a_valkey_killed_or_frozen_holds_up_nobody_and_is_taken_up_again(tmp_path):
    port = Ports.free().valkey
    budget = Budget(client(f"redis://127.0.0.1:{port}/0"), time.monotonic)
    one = source(0.01, 3)
    async with own_valkey(tmp_path, port) as process:
        assert await budget.take(one, 1) == 0
        process.send_signal(signal.SIGSTOP)
        started = time.monotonic()
        assert await budget.take(one, 1) == 0
        assert time.monotonic() - started < 2
        assert not budget.shared
        process.send_signal(signal.SIGCONT)
    # Killed: the rate is kept here, and still holds.
    await eventually(lambda: budget.shared)
    waits = [await budget.take(one, 1) for _ in range(4)]
    assert waits[0] == 0
    assert waits[-1] > 0
    async with own_valkey(tmp_path / "again", port):
        await eventually(lambda: budget.shared)
        await budget.take(one, 1)
        assert budget.shared


def pem_of(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@dataclass
class Authority:
    """A certificate authority of our own, and what it issues, as PEM files."""

    folder: object

    def __post_init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"uji {secrets.token_hex(3)}")])
        self.file = self.folder / f"ca-{secrets.token_hex(3)}.pem"
        made = self._made(self.name, self.key.public_key(), is_authority=True)
        self.file.write_bytes(made.public_bytes(serialization.Encoding.PEM))

    def issue(self, name):
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        made = self._made(subject, key.public_key(), is_authority=False)
        cert, secret = (self.folder / f"{name}-{secrets.token_hex(3)}.{end}" for end in ("pem", "key"))
        cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        secret.write_bytes(pem_of(key))
        return cert, secret, hashlib.sha256(made.public_bytes(serialization.Encoding.DER)).hexdigest()

    def _made(self, subject, public, *, is_authority):
        now = dt.datetime.now(dt.UTC)
        alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False
            )
            .add_extension(alternative, critical=False)
            .sign(self.key, hashes.SHA256())
        )


def caller(authority, issued):
    """A client that trusts this authority and shows this certificate, or none."""
    context = ssl.create_default_context(cafile=str(authority.file))
    if issued:
        context.load_cert_chain(*issued[:2])
    return httpx.AsyncClient(verify=context, timeout=20)


def write_directory(path, sender, **more):
    part = path.with_suffix(".part")
    part.write_text(yaml.safe_dump({"sources": [{"urn": sender.urn} | more], "recipients": {}}))
    part.rename(path)


@contextlib.asynccontextmanager
async def service(kafka, folder, directory, **more):
    ports, log = Ports.free(), folder / "ingest.log"
    receipt_key = folder / "receipt.pem"
    receipt_key.write_bytes(pem_of(Ed25519PrivateKey.generate()))
    settings = {
        "SINERGI_KAFKA": kafka,
        "SINERGI_PORT": str(ports.ingest),
        "SINERGI_TLS_PORT": str(ports.router),
        "SINERGI_DIRECTORY": str(directory),
        "SINERGI_RECEIPT_KEY": str(receipt_key),
        **{f"SINERGI_{name.upper()}": str(value) for name, value in more.items()},
    }
    with log.open("w") as out:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "sinergi_ingest", env=os.environ | settings, stdout=out, stderr=out
        )
    plain, tls = f"http://127.0.0.1:{ports.ingest}", f"https://127.0.0.1:{ports.router}/v1/events"
    try:
        async with httpx.AsyncClient(base_url=plain, timeout=20) as probe:
            await until(lambda: answers(probe, process, log), lambda status: status == 200, 60)
            yield probe, tls, process
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


async def answers(probe, process, log):
    assert process.returncode is None, log.read_text()[-2000:]
    try:
        return (await probe.get("/readyz")).status_code
    except httpx.TransportError:
        return None


async def test_certificates_silence_and_a_changing_directory_in_one_running_service(kafka, tmp_path):
    """One process for all of it: each start costs seconds on a busy machine."""
    sender, ours, theirs = Sender(), Authority(tmp_path), Authority(tmp_path)
    await make_topics(kafka, sender)
    server, good, unknown = ours.issue("ingest"), ours.issue("pos"), ours.issue("lain")
    foreign = theirs.issue("pos")
    registered = {"certificates": [{"id": "pos", "sha256": good[2]}]}
    file = tmp_path / "directory.yaml"
    write_directory(file, sender, heartbeatS=10, **registered)
    settings = {"tls_cert": server[0], "tls_key": server[1], "tls_ca": ours.file}
    # No Valkey listens there: the service is ready and takes events all the same.
    settings["redis"] = f"redis://127.0.0.1:{Ports.free().valkey}/0"
    async with service(kafka, tmp_path, file, **settings) as (probe, tls, process):
        event = sender.event()
        body, media = json.dumps(event).encode(), {"content-type": ONE}
        async with caller(ours, good) as known:
            answer = await known.post(tls, content=body, headers=media)
            assert (answer.status_code, await stored_ids(kafka, sender)) == (202, [event["id"]])
        async with caller(ours, unknown) as stranger:
            assert (await stranger.post(tls, content=body, headers=media)).status_code == 401
        for shown in (None, foreign):
            async with caller(ours, shown) as nobody:
                with pytest.raises((httpx.TransportError, ssl.SSLError)):
                    await nobody.post(tls, content=body, headers=media)
        # Without TLS a header says nothing of who one is.
        forged = {**media, "x-forwarded-client-cert": good[2], "x-ssl-client-cert": good[2]}
        assert (await probe.post("/v1/events", content=body, headers=forged)).status_code == 401

        async def metric(line):
            return line in (await probe.get("/metrics")).text

        silent = f'sinergi_operator_alert{{kind="source_silent",source="{sender.urn}"}}'
        assert await until(lambda: metric(f"{silent} 1.0"), bool, 60)
        async with caller(ours, good) as known:
            await known.post(tls, content=body, headers=media)
        assert await until(lambda: metric(f"{silent} 0.0"), bool)
        kept = await until(
            lambda: alarms(kafka, "source_silent", source=sender.urn), lambda told: len(told) == 2
        )
        assert kept == [True, False]

        file.write_text("sources: [")
        wrong = 'sinergi_operator_alert{kind="directory",source="-"}'
        assert await until(lambda: metric(f"{wrong} 1.0"), bool)
        async with caller(ours, good) as known:
            assert (await known.post(tls, content=body, headers=media)).status_code == 202
        write_directory(file, sender)
        assert await until(lambda: metric(f"{wrong} 0.0"), bool)
        assert await until(lambda: alarms(kafka, "directory"), lambda told: len(told) > 1) == [True, False]
        async with caller(ours, good) as known:
            assert (await known.post(tls, content=body, headers=media)).status_code == 401
        assert (await probe.get("/readyz")).status_code == 200
        process.terminate()
        await asyncio.wait_for(process.wait(), 30)


async def test_renewed_certificates_are_taken_up_and_broken_ones_are_not(kafka, tmp_path):
    sender, ours, later = Sender(), Authority(tmp_path), Authority(tmp_path)
    await make_topics(kafka, sender)
    servers, client, newcomer = (
        [ours.issue("ingest") for _ in range(3)],
        ours.issue("pos"),
        later.issue("pos"),
    )
    registered = [{"id": name, "sha256": one[2]} for name, one in (("old", client), ("new", newcomer))]
    write_directory(tmp_path / "directory.yaml", sender, certificates=registered)
    cert, key, ca = files = [tmp_path / name for name in ("tls.pem", "tls.key", "ca.pem")]
    put(*zip((servers[0][0], servers[0][1], ours.file), files, strict=True))
    settings = {"tls_cert": cert, "tls_key": key, "tls_ca": ca}
    async with service(kafka, tmp_path, tmp_path / "directory.yaml", **settings) as (probe, tls, _process):

        async def taken(who):
            answer = await who.post(tls, content=json.dumps(sender.event()), headers={"content-type": ONE})
            assert answer.status_code == 202
            return answer.extensions["network_stream"]

        async def shown(authority=ours, issued=client):
            async with caller(authority, issued) as fresh:
                stream = await taken(fresh)
                return hashlib.sha256(
                    stream.get_extra_info("ssl_object").getpeercert(binary_form=True)
                ).hexdigest()

        async def alarm():
            told = 'sinergi_operator_alert{kind="certificates",source="-"} '
            return (await probe.get("/metrics")).text.split(told)[1].split()[0] == "1.0"

        async with caller(ours, client) as steady:
            before = await taken(steady)
            put((servers[1][0], cert), (servers[1][1], key))
            await until(shown, lambda found: found == servers[1][2])
            await until(alarm, lambda raised: not raised)
            for broken in (servers[2][1], ours.file):
                put((broken, key))
                assert await until(alarm, bool)
                assert await shown() == servers[1][2]
            assert "certificates are wrong" in (tmp_path / "ingest.log").read_text()
            put((servers[2][0], cert), (servers[2][1], key))
            await until(shown, lambda found: found == servers[2][2])
            await until(alarm, lambda raised: not raised)
            # Once when they became wrong, however often they still are; a look may fall between two files.
            kept = await until(
                lambda: alarms(kafka, "certificates"), lambda told: len(told) > 1 and not told[-1]
            )
            assert kept == [True, False] * (len(kept) // 2)
            put((later.file, ca))
            await until(lambda: refused(shown, issued=client), bool)
            assert await shown(issued=newcomer) == servers[2][2]
            # All the while the connection of before has been good, and was not made again.
            assert (await taken(steady)).get_extra_info("client_addr") == before.get_extra_info("client_addr")


async def refused(shown, issued):
    try:
        await shown(issued=issued)
    except (httpx.TransportError, ssl.SSLError):
        return True
    return False


def put(*pairs):
    """Put each content where it belongs at once, as whoever renews certificates should."""
    for content, place in pairs:
        part = place.with_suffix(".part")
        part.write_bytes(content.read_bytes())
        part.rename(place)


async def alarms(kafka, kind, **about):
    """What the audit says of this, oldest first."""
    found = [json.loads(record.value)["data"] for record in await read_all(kafka, topics.AUDIT)]
    told = {"kind": kind} | about
    return [data["active"] for data in found if told.items() <= data.items()]
