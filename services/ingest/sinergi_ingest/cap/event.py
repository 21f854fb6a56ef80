"""A CAP 1.2 message to the CloudEvent that it stands for (contracts, section 8, read backwards).

Only structured facts are carried over. Headline, description, instruction, contact, sender and
addresses stay behind: they are free text, and nobody has screened it; a note that its source has
screened comes as the parameter ``sinergi.note``.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sinergi_ingest.cap import words
from sinergi_ingest.cap.area import read_place
from sinergi_ingest.cap.chain import Chain, cap_time, read_chain
from sinergi_ingest.cap.fault import CapFaultError
from sinergi_ingest.cap.info import language_of, parameters, situation, spoken_info, word
from sinergi_ingest.cap.tree import ROOT, Node
from sinergi_shared.contracts.base import WIB, format_time
from sinergi_shared.contracts.codes import MsgType, ReportChannel
from sinergi_shared.contracts.envelope import SCHEMA_BASE
from sinergi_shared.contracts.event import EVENT_TYPE
from sinergi_shared.contracts.reasons import Reason, Rule

DATASCHEMA: Final = f"{SCHEMA_BASE}/movement/suspicious/1-1-0.json"

_WHOLE: Final = re.compile(r"[0-9]{1,3}")
_FLAGS: Final = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class CapEvent:
    """The event in structured mode, and where in the CAP message its fields stood, by JSON pointer."""

    document: dict[str, Any]
    places: dict[str, str]


def event_of(alert: Node, source: str, now: datetime) -> CapEvent:
    """Return the event that a message of this source stands for; raise ``CapFaultError``."""
    status = word(alert, "status", words.STATUS)
    kind = words.KIND.get(alert.required("msgType"))
    if kind is None:
        raise CapFaultError(Rule.FIELD, f"{ROOT}/msgType")
    _check_scope(alert)
    chain = read_chain(alert, kind)
    info = spoken_info(alert)
    if kind is not MsgType.CANCEL:
        _check_expiry(info, now)
    builder = _Builder(info)
    builder.put("eventNumber", chain.event_number, f"{ROOT}/incidents")
    builder.put("revision", chain.revision, f"{ROOT}/sent")
    builder.put("msgType", builder.kind(kind).value, f"{ROOT}/msgType")
    builder.put("status", status, f"{ROOT}/status")
    builder.facts(chain)
    return CapEvent(_enveloped(builder.data, chain, source), builder.places)


def _check_scope(alert: Node) -> None:
    scope = alert.required("scope")
    if scope not in words.SCOPES:
        raise CapFaultError(Rule.FIELD, f"{ROOT}/scope")
    demanded = words.SCOPES[scope]
    if demanded is not None:
        alert.required(demanded)


def _check_expiry(info: Node, now: datetime) -> None:
    # Its author has said until when it holds; a Cancel is heard at any time.
    told = info.told("expires")
    if told is not None and cap_time(told, f"{info.place}/expires") <= now:
        raise CapFaultError(Rule.PAST_TIME, f"{info.place}/expires", reason=Reason.TIME_OUT_OF_RANGE)


def _enveloped(data: dict[str, Any], chain: Chain, source: str) -> dict[str, Any]:
    sent = _wib(chain.message.sent)
    follow_up = data["msgType"] != MsgType.ALERT
    return {
        "specversion": "1.0",
        "id": chain.message.event_id(source),
        "source": source,
        "type": EVENT_TYPE,
        "subject": chain.event_number,
        "time": sent if follow_up else data["observedAt"],
        "datacontenttype": "application/json",
        "dataschema": DATASCHEMA,
        "partitionkey": chain.event_number,
        "recordedtime": sent,
        "data": data | ({"references": [one.event_id(source) for one in chain.earlier]} if follow_up else {}),
    }


class _Builder:
    """Fills ``data`` from one info block, and remembers where each field stood."""

    def __init__(self, info: Node) -> None:
        self._info = info
        self._parameters = parameters(info)
        self.data: dict[str, Any] = {}
        self.places: dict[str, str] = {}

    def kind(self, told: MsgType) -> MsgType:
        """Return the message's kind: a cancel may say that the suspicion was wrong, nothing else may."""
        for value, place in self._parameters.get(words.FALSE_POSITIVE, ()):
            if value not in _FLAGS or (_FLAGS[value] and told is not MsgType.CANCEL):
                raise CapFaultError(Rule.FIELD, place)
            if _FLAGS[value]:
                return MsgType.FALSE_POSITIVE
        return told

    def put(self, path: str, value: object, place: str) -> None:
        *parents, last = path.split("/")
        here = self.data
        for parent in parents:
            here = here.setdefault(parent, {})
        here[last] = value
        self.places[f"/data/{path}"] = place

    def facts(self, chain: Chain) -> None:
        info = self._info
        self.put("situation", *situation(info))
        for name, known in (
            ("severity", words.SEVERITY),
            ("urgency", words.URGENCY),
            ("certainty", words.CERTAINTY),
        ):
            self.put(name, word(info, name, known), f"{info.place}/{name}")
        self._times(chain)
        self._place()
        self._given()
        self._lists()

    def _times(self, chain: Chain) -> None:
        name = next((name for name in ("onset", "effective") if self._info.told(name)), None)
        place = f"{ROOT}/sent" if name is None else f"{self._info.place}/{name}"
        observed = chain.message.sent if name is None else cap_time(self._info.required(name), place)
        self.put("observedAt", _wib(observed), place)
        self.put("reportedAt", _wib(chain.message.sent), f"{ROOT}/sent")
        self.put("reportChannel", ReportChannel.SISTEM.value, f"{ROOT}/sender")

    def _place(self) -> None:
        for name, value in read_place(self._info).items():
            self.put(f"location/{name}", value, f"{self._info.place}/area")

    def _given(self) -> None:
        for name, path in words.TEXTS.items():
            for value, place in self._parameters.get(name, ()):
                self.put(path, value, place)
        for name, path in words.NUMBERS.items():
            for value, place in self._parameters.get(name, ()):
                if _WHOLE.fullmatch(value) is None:
                    raise CapFaultError(Rule.FIELD, place)
                self.put(path, int(value), place)
        for name, path in words.FLAGS.items():
            for value, place in self._parameters.get(name, ()):
                if value not in _FLAGS:
                    raise CapFaultError(Rule.FIELD, place)
                self.put(path, _FLAGS[value], place)

    def _lists(self) -> None:
        for number, (need, place) in enumerate(self._parameters.get(words.NEED, ())):
            self.data.setdefault("needs", []).append(need)
            self.places[f"/data/needs/{number}"] = place
        for name, corroborated in ((words.CORROBORATED, True), (words.INDICATOR, False)):
            for code, place in self._parameters.get(name, ()):
                listed = self.data.setdefault("indicators", [])
                self.places[f"/data/indicators/{len(listed)}"] = place
                listed.append({"code": code, "corroborated": corroborated})
        for text, place in self._parameters.get(words.NOTE, ()):
            note = {"text": text, "lang": language_of(self._info), "screened": True}
            self.put("note", note, place)


def _wib(moment: datetime) -> str:
    return format_time(moment.astimezone(WIB))
