"""Channels over real SMTP and HTTP: one kit of laws for both, then what each has of its own."""

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from sinergi_notifier.channels import email, webhook
from sinergi_notifier.channels.email import EmailChannel, MailServer
from sinergi_notifier.channels.result import Parcel, Trouble
from sinergi_notifier.channels.webhook import WebhookChannel, allowed, client
from sinergi_notifier.compose import composer, subject
from sinergi_notifier.forms import Full, Thin
from sinergi_shared.contracts.alert import AlertEvent
from sinergi_shared.contracts.base import WIB
from sinergi_shared.contracts.codes import AlertMsgType, DeliveryState
from sinergi_shared.contracts.ids import delivery_id
from sinergi_shared.directory import Contact
from sinergi_shared.region.labels import read_labels
from sinergi_shared.region.tables import read_tables
from tests.kit.jobs import KALBAR, NOW, SECRETS, alert, job, key_of
from tests.kit.mail import mail_sink
from tests.kit.webhook import receiver

SECRET = key_of("agency")
COMPOSER = composer(read_labels(KALBAR, read_tables(KALBAR)), None)
ADDRESS = "jaga@entikong.example"
ID = delivery_id("NTF-A", "email", "ent")


class ByMail:
    """The e-mail channel, its sink and a parcel for it."""

    def __init__(self, sink):
        self.other = sink
        self.channel = EmailChannel(server(sink.port), COMPOSER)
        self.contact = Contact(id="ent", channel="email", address=ADDRESS)

    def parcel(self, **more):
        entry = job(number=7).data.entries[0]
        return Parcel(ID, self.contact, Thin(entry.thin), **{"possible_repeat": False, "at": now()} | more)

    def answer(self, *script):
        named = {"busy": "451 4.3.0 later", "gone": "550 5.1.1 no such user"}
        self.other.script += [named.get(one, one) for one in script]

    def arrived(self):
        return [(mail["Message-ID"][1:27], mail["Sinergi-Possible-Repeat"]) for mail in self.other.mails]


class ByHook:
    """The webhook channel, an agency's endpoint and a parcel for it."""

    def __init__(self, endpoint, http):
        self.other = endpoint
        self.channel = WebhookChannel(http, loopback=True)
        self.contact = Contact(id="ent", channel="webhook", address=endpoint.url(), secret=SECRET)

    def parcel(self, **more):
        entry = job(number=7).data.entries[0]
        return Parcel(ID, self.contact, Full(entry.full), **{"possible_repeat": False, "at": now()} | more)

    def answer(self, *script):
        named = {"busy": 503, "gone": 410}
        self.other.scripts.setdefault("/hook", []).extend(named.get(one, one) for one in script)

    def arrived(self):
        calls = [call for call in self.other.calls if call.answer == 200]
        return [(c.headers["webhook-id"], c.headers.get("sinergi-possible-repeat")) for c in calls]


def now():
    return datetime.now(UTC)


def server(port):
    return MailServer("127.0.0.1", port, "none", "peringatan@sinergi.example")


@asynccontextmanager
async def by_mail():
    async with mail_sink() as sink:
        yield ByMail(sink)


@asynccontextmanager
async def by_hook():
    async with receiver(SECRET) as endpoint, client() as http:
        yield ByHook(endpoint, http)


@pytest.fixture(params=[by_mail, by_hook], ids=["email", "webhook"])
async def way(request):
    async with request.param() as made:
        yield made


@pytest.fixture
async def mail():
    async with by_mail() as made:
        yield made


@pytest.fixture
async def hook():
    async with by_hook() as made:
        yield made


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(email, "TIME_LIMIT_S", 0.4)
    monkeypatch.setattr(webhook, "TIME_LIMIT_S", 0.4)


# The kit that every channel passes.


async def test_a_parcel_that_is_taken_succeeds_and_carries_the_delivery_id(way):
    result = await way.channel.send(way.parcel())
    assert result.state in {DeliveryState.SENT, DeliveryState.DELIVERED}
    assert result.trouble is None
    assert way.arrived() == [(ID, None)]


async def test_a_repeat_keeps_its_id_and_is_marked(way):
    await way.channel.send(way.parcel())
    await way.channel.send(way.parcel(possible_repeat=True, at=now() + timedelta(minutes=1)))
    assert way.arrived() == [(ID, None), (ID, "true")]


async def test_a_busy_other_side_is_temporary_and_not_in_doubt(way):
    way.answer("busy")
    result = await way.channel.send(way.parcel())
    assert (result.state, result.trouble, result.in_doubt) == (DeliveryState.TEMPORARY, Trouble.BUSY, False)


async def test_a_refusal_is_permanent(way):
    way.answer("gone")
    result = await way.channel.send(way.parcel())
    assert (result.state, result.trouble) == (DeliveryState.PERMANENT, Trouble.REFUSED)


@pytest.mark.usefixtures("short")
async def test_one_that_never_answers_costs_no_more_than_the_time_limit_and_leaves_a_doubt(way):
    way.answer("hang")
    async with asyncio.timeout(5):
        result = await way.channel.send(way.parcel())
    assert (result.state, result.trouble) == (DeliveryState.TEMPORARY, Trouble.TIMEOUT)
    assert result.in_doubt


async def test_nobody_there_is_temporary_and_not_in_doubt(way):
    nobody = Contact(id="ent", channel="webhook", address="http://127.0.0.1:1/h", secret=SECRET)
    channel = EmailChannel(server(1), COMPOSER) if isinstance(way, ByMail) else way.channel
    parcel = way.parcel() if isinstance(way, ByMail) else replace(way.parcel(), contact=nobody)
    result = await channel.send(parcel)
    assert (result.state, result.trouble) == (DeliveryState.TEMPORARY, Trouble.UNREACHABLE)
    assert not result.in_doubt


async def test_a_failure_does_not_stop_the_next(way):
    way.answer("gone", "busy")
    results = [await way.channel.send(way.parcel()) for _ in range(3)]
    assert results[0].state is DeliveryState.PERMANENT
    assert results[1].state is DeliveryState.TEMPORARY
    assert len(way.arrived()) == 1


# E-mail.


async def test_no_value_that_only_the_full_alert_holds_is_in_the_raw_mail(mail):
    await mail.channel.send(mail.parcel())
    [(_, raw)] = mail.other.kept
    [parsed] = mail.other.mails
    whole = raw.decode() + "".join(part.get_content() for part in parsed.iter_parts())
    for canary in ("CANARY", *(value for value in SECRETS.values() if isinstance(value, str)), "POL-61.03"):
        assert canary not in whole


async def test_a_mail_is_plain_and_html_in_utf8_with_the_headers_of_an_automatic_message(mail):
    typed = "Dugaan é Ma'un > Entikong & Balai"
    thin = Thin(AlertEvent.model_validate(alert(action={"id": typed, "en": typed})))
    await mail.channel.send(replace(mail.parcel(at=NOW), form=thin))
    [parsed] = mail.other.mails
    assert parsed.get_content_type() == "multipart/alternative"
    plain, html = parsed.iter_parts()
    assert (plain.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert typed in plain.get_content()
    assert "Dugaan é Ma&#39;un &gt; Entikong &amp; Balai" in html.get_content()
    assert parsed["Auto-Submitted"] == "auto-generated"
    assert parsed["To"] == ADDRESS
    assert parsed["From"].addresses[0].addr_spec == "peringatan@sinergi.example"
    assert parsed["Date"].datetime == NOW.replace(microsecond=0)
    assert parsed["Subject"] == f"Peringatan dini {thin.alert.data.alertNumber} (Early warning)"
    [(_, raw)] = mail.other.kept
    assert max(map(len, raw.split(b"\r\n"))) < 998


@pytest.mark.parametrize(
    "address",
    [
        "a@x.example\r\nBcc: b@x.example",
        "a@x.example, b@x.example",
        "a@x.example\x00",
        "nobody",
        "<a@x.example>",
    ],
    ids=["line break", "two", "null", "no domain", "brackets"],
)
async def test_an_address_that_is_not_exactly_one_is_refused_and_reaches_nobody(mail, address):
    contact = Contact(id="ent", channel="email", address=address)
    result = await mail.channel.send(replace(mail.parcel(), contact=contact))
    assert (result.state, result.trouble) == (DeliveryState.PERMANENT, Trouble.ADDRESS_INVALID)
    assert mail.other.mails == []
    assert (await mail.channel.send(mail.parcel())).state is DeliveryState.SENT


@pytest.mark.parametrize("sign", ["\r\n", "\n", "\r", "\x00", "\u2028", "\x85"], ids=repr)
def test_a_break_in_a_header_text_becomes_one_clean_line(sign):
    assert email.header_line(f"Peringatan{sign}Bcc: x@y.example") == "Peringatan Bcc: x@y.example"


async def test_a_recipient_that_the_relay_refuses_is_permanent_and_one_it_defers_is_not(mail):
    mail.other.refuse_recipient[ADDRESS] = "550 5.1.1 no such user"
    assert (await mail.channel.send(mail.parcel())).state is DeliveryState.PERMANENT
    mail.other.refuse_recipient[ADDRESS] = "450 4.2.1 try later"
    assert (await mail.channel.send(mail.parcel())).state is DeliveryState.TEMPORARY


async def test_a_connection_that_is_cut_after_the_text_leaves_a_doubt(mail):
    mail.answer("drop")
    result = await mail.channel.send(mail.parcel())
    assert result.state is DeliveryState.TEMPORARY
    assert result.in_doubt


@pytest.mark.parametrize("repeat", [False, True], ids=["first", "repeat"])
@pytest.mark.parametrize("status", ["Actual", "Exercise"])
@pytest.mark.parametrize("msg_type", [one.value for one in AlertMsgType])
async def test_a_subject_is_read_back_as_it_was_written_however_long(mail, msg_type, status, repeat):
    form = Thin(AlertEvent.model_validate(alert(msgType=msg_type, status=status)))
    await mail.channel.send(replace(mail.parcel(possible_repeat=repeat), form=form))
    assert mail.other.mails[0]["Subject"] == subject(form.alert.data, possible_repeat=repeat)


async def test_mails_of_one_event_stay_together_and_those_of_another_recipient_apart(mail):
    for code, revision in (("IMI-ENT", 1), ("IMI-ENT", 2), ("POL-61.03", 1)):
        form = Thin(AlertEvent.model_validate(alert(code, revision=revision)))
        await mail.channel.send(replace(mail.parcel(), form=form))
    first, second, other = (sent["References"] for sent in mail.other.mails)
    assert first == second
    assert other != first


# Webhook.


async def test_the_body_is_the_full_alert_as_a_signed_structured_cloud_event(hook):
    parcel = hook.parcel()
    await hook.channel.send(parcel)
    [call] = hook.other.calls
    assert call.verified
    assert call.headers["content-type"] == "application/cloudevents+json; charset=UTF-8"
    body = json.loads(call.body)
    assert body["data"]["note"] == SECRETS["note"]
    assert AlertEvent.model_validate(body) == parcel.form.alert
    assert None not in body["data"].values()


async def test_a_retry_has_the_same_id_a_new_time_and_a_valid_signature(hook):
    hook.answer("busy")
    long_ago = now() - timedelta(minutes=20)
    await hook.channel.send(hook.parcel(at=long_ago))
    await hook.channel.send(hook.parcel(at=now()))
    first, second = hook.other.calls
    assert not first.verified  # too old by now, as the receiver must see it
    assert second.verified
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == ID
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) >= 1199


async def test_a_time_in_another_zone_is_signed_correctly(hook):
    await hook.channel.send(hook.parcel(at=now().astimezone(WIB)))
    assert hook.other.calls[0].verified


@pytest.mark.parametrize(
    ("answer", "state", "trouble"),
    [
        (204, DeliveryState.DELIVERED, None),
        (400, DeliveryState.PERMANENT, Trouble.REFUSED),
        (401, DeliveryState.PERMANENT, Trouble.REFUSED),
        (404, DeliveryState.PERMANENT, Trouble.REFUSED),
        (408, DeliveryState.TEMPORARY, Trouble.BUSY),
        ((429, "7"), DeliveryState.TEMPORARY, Trouble.BUSY),
        (500, DeliveryState.TEMPORARY, Trouble.BUSY),
        ("redirect", DeliveryState.PERMANENT, Trouble.REDIRECT),
    ],
    ids=str,
)
async def test_each_answer_has_its_meaning(hook, answer, state, trouble):
    hook.answer(answer)
    result = await hook.channel.send(hook.parcel())
    assert (result.state, result.trouble) == (state, trouble)
    assert result.retry_after == ("7" if isinstance(answer, tuple) else None)
    assert len(hook.other.calls) == 1


@pytest.mark.usefixtures("short")
async def test_an_endpoint_that_drips_its_answer_is_cut_at_the_time_limit(hook):
    async def drip(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 1000:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.05)

    slow = await asyncio.start_server(drip, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{slow.sockets[0].getsockname()[1]}/"
    contact = Contact(id="ent", channel="webhook", address=url, secret=SECRET)
    async with slow, asyncio.timeout(3):
        result = await hook.channel.send(replace(hook.parcel(), contact=contact))
        slow.close()
    assert result.trouble is Trouble.TIMEOUT


@pytest.mark.parametrize("secret", [None, "", "whsec_", "whsec_c2hvcnQ=", "whsec_!!!"], ids=repr)
async def test_without_a_strong_secret_nothing_is_sent(hook, secret):
    contact = Contact(id="ent", channel="webhook", address=hook.other.url(), secret=secret)
    result = await hook.channel.send(replace(hook.parcel(), contact=contact))
    assert (result.state, result.trouble) == (DeliveryState.PERMANENT, Trouble.SECRET_MISSING)
    assert hook.other.calls == []


@pytest.mark.parametrize(
    "url",
    [
        "http://agency.example/h",
        "https://10.0.0.5/h",
        "https://169.254.169.254/latest",
        "https://[::1]/h",
        "https://2130706433/",
        "https://127.1/",
        "https://localhost/h",
        "https://intranet/h",
        "https://user:pw@agency.example/h",
        "https://agency.example:99999/h",
        "file:///etc/passwd",
        "https://",
        "",
    ],
    ids=repr,
)
async def test_an_address_that_is_not_public_https_is_never_called(url):
    assert not allowed(url, loopback=False)
    async with httpx.AsyncClient() as http:
        contact = Contact(id="ent", channel="webhook", address=url, secret=SECRET)
        parcel = Parcel(ID, contact, Full(job().data.entries[0].full), possible_repeat=False, at=NOW)
        result = await WebhookChannel(http, loopback=False).send(parcel)
    assert result.trouble is Trouble.ADDRESS_NOT_ALLOWED


def test_public_https_is_called_and_loopback_in_the_demo_only():
    assert allowed("https://agency.example:8443/h?x=1", loopback=False)
    assert not allowed("http://127.0.0.1:9000/h", loopback=False)
    assert allowed("http://127.0.0.1:9000/h", loopback=True)
    assert not allowed("http://10.0.0.5/h", loopback=True)
