"""An alert as one CAP 1.2 message (contracts, section 8): ``Private``, in both languages.

Built from an allow-list out of the alert itself, which is already cut to its recipient's level; no
note, token, indicator or vehicle is ever read here. An absent field gives no element (B42), values
carry no blanks around them and the namespace is that of CAP 1.2 (B48).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from xml.etree import ElementTree as ET

from sinergi_shared.cap import words
from sinergi_shared.cap.words import CapWords
from sinergi_shared.contracts.alert import Alert, AlertEvent
from sinergi_shared.contracts.base import WIB
from sinergi_shared.contracts.codes import Level, Status

NAMESPACE: Final = "urn:oasis:names:tc:emergency:cap:1.2"
MEDIA_TYPE: Final = "application/cap+xml"
SOURCE: Final = "urn:sinergi:layanan:notifier"
SENDER_NAME: Final = "Sinergi Kalbar"
SENDER: Final = "sinergi.kalbar@"
LANGUAGES: Final = ("id", "en")


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier alert to the same recipient, as ``references`` names it."""

    number: str
    sent: datetime


def write_cap(
    alert: AlertEvent, pack_words: CapWords, domain: str, earlier: tuple[Earlier, ...] = ()
) -> bytes:
    """Return the alert as a CAP message in UTF-8; ``domain`` is the sender's registered domain.

    ``earlier`` are the alerts before this one in its thread, to the same recipient, the first one first.
    """
    data = alert.data
    root = ET.Element("alert", {"xmlns": NAMESPACE})
    for name, text in (
        ("identifier", data.alertNumber),
        ("sender", SENDER + domain),
        ("sent", _time(alert.time)),
        ("status", data.status.value),
        ("msgType", words.MSG_TYPE[data.msgType]),
        ("source", SOURCE),
        ("scope", "Private"),
        ("addresses", data.recipient.code),
        ("code", f"sinergi:{data.disclosureLevel}"),
        ("code", f"sinergi:role={data.recipient.role}"),
        ("note", words.NOTES.get(data.msgType)),
        ("references", " ".join(f"{SENDER}{domain},{one.number},{_time(one.sent)}" for one in earlier)),
        ("incidents", data.eventNumber),
    ):
        _put(root, name, text)
    for language in LANGUAGES:
        _info(root, alert, pack_words, language)
    ET.indent(root)
    message: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return message


def _info(root: ET.Element, alert: AlertEvent, pack_words: CapWords, language: str) -> None:
    data = alert.data
    kind = pack_words.kind(data.situation)
    info = ET.SubElement(root, "info")
    for name, text in (
        ("language", language),
        ("category", kind.category),
        ("event", kind.event.said(language)),
        ("responseType", kind.response),
        ("urgency", words.URGENCY[data.urgency]),
        ("severity", words.SEVERITY[data.severity]),
        ("certainty", words.CERTAINTY[data.certainty]),
    ):
        _put(info, name, text)
    _pair(info, "eventCode", "sinergi.situation", data.situation)
    expires = alert.expirytime if alert.expirytime and alert.expirytime > alert.time else None
    for name, text in (
        ("onset", _time(data.observedAt)),
        ("expires", _time(expires) if expires else None),  # B46
        ("senderName", SENDER_NAME),
        ("headline", _headline(data, pack_words, language)),
        ("instruction", data.action.en if language == "en" else data.action.id),
    ):
        _put(info, name, text)
    _parameters(info, data)
    _area(info, data, pack_words, language)


def _headline(data: Alert, pack_words: CapWords, language: str) -> str:
    if language != "en":
        return data.headline
    title = f"{words.TITLE_EN[data.msgType]}: {pack_words.kind(data.situation).event.en}"
    whole = f"{title} - {_area_name(data, pack_words, language)}"
    return f"{words.EXERCISE_EN} {whole}" if data.status is Status.EXERCISE else whole


def _parameters(info: ET.Element, data: Alert) -> None:
    if data.ackDueAt is not None:
        _pair(info, "parameter", "ackDueAt", _time(data.ackDueAt))
    _pair(info, "parameter", "disclosureLevel", data.disclosureLevel)
    if data.people is not None and data.people.count is not None:
        _pair(info, "parameter", "peopleCount", str(data.people.count))


def _area(info: ET.Element, data: Alert, pack_words: CapWords, language: str) -> None:
    area = ET.SubElement(info, "area")
    _put(area, "areaDesc", _area_name(data, pack_words, language))
    _put(area, "circle", _circle(data))
    if data.routing.adminCode is not None:
        _pair(area, "geocode", "kemendagri", data.routing.adminCode)
    _pair(area, "geocode", "ISO3166-2", pack_words.subdivision)


def _area_name(data: Alert, pack_words: CapWords, language: str) -> str:
    found = pack_words.labels.area(data.routing.adminCode)
    return found.said(language) if found else pack_words.province


def _circle(data: Alert) -> str | None:
    """Return ``lat,lon radius`` with the radius in km; the point is for L3 only, whatever the alert has."""
    place = data.location
    if data.disclosureLevel != Level.L3 or place is None or place.lat is None or place.lon is None:
        return None
    return f"{place.lat:.5f},{place.lon:.5f} {(place.accuracyM or 0) / 1000:.3f}"


def _time(moment: datetime) -> str:
    """Return WIB in whole seconds: CAP knows neither fractions nor ``Z``."""
    return moment.astimezone(WIB).isoformat(timespec="seconds")


def _pair(parent: ET.Element, element: str, name: str, value: str) -> None:
    pair = ET.SubElement(parent, element)
    _put(pair, "valueName", name)
    _put(pair, "value", value)


def _put(parent: ET.Element, name: str, text: str | None) -> None:
    if text and text.strip():
        ET.SubElement(parent, name).text = text.strip()
