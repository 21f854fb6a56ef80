"""CAP 1.2 messages as a careful sender would write them; people and cases are invented."""

from datetime import UTC, datetime

from sinergi_ingest.cap.admission import admit_cap

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
SOURCE = "urn:sinergi:sumber:bpbd-kalbar:cap"
NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"

AREA = """<area><areaDesc>Entikong, Sanggau</areaDesc><circle>0.9835,110.348 0.1</circle>
<geocode><valueName>kemendagri</valueName><value>61.03.21</value></geocode></area>"""


def parameter(name, value):
    return f"<parameter><valueName>{name}</valueName><value>{value}</value></parameter>"


FACTS = {
    "sinergi.suspicion": "TPPO",
    "sinergi.locationKind": "post",
    "sinergi.placeCode": "PLBN-ENT",
    "peopleCount": "4",
    "sinergi.minors": "0",
    "sinergi.indicatorCorroborated": "COACHED_ANSWERS",
}


def parameters(changed):
    """The facts as parameters, some of them changed or added."""
    return "".join(parameter(name, value) for name, value in (FACTS | changed).items())


PARAMETERS = parameters({})


def info(language="id", severity="Severe", urgency="Immediate", certainty="Likely", **more):
    given = {
        "situation": "TPPO_AT_POST",
        "times": "<onset>2026-03-10T08:12:30+07:00</onset>",
        "parameters": PARAMETERS,
        "area": AREA,
        "texts": "<headline>Dugaan TPPO di pos</headline>",
    } | more
    return (
        f"<info><language>{language}</language><category>Security</category><event>Dugaan TPPO</event>"
        f"<urgency>{urgency}</urgency><severity>{severity}</severity><certainty>{certainty}</certainty>"
        f"<eventCode><valueName>sinergi.situation</valueName><value>{given['situation']}</value></eventCode>"
        f"{given['times']}{given['texts']}{given['parameters']}{given['area']}</info>"
    )


def message(infos=None, **given):
    """A whole message; elements in the order of the schema, ``None`` leaves one out."""
    told = {
        "identifier": "lapor-17",
        "sender": "cap@bpbd.kalbar.example",
        "sent": "2026-03-10T08:15:30+07:00",
        "status": "Actual",
        "msgType": "Alert",
        "source": None,
        "scope": "Private",
        "restriction": None,
        "addresses": "sinergi",
        "references": None,
        "incidents": None,
    } | given
    head = "".join(f"<{name}>{text}</{name}>" for name, text in told.items() if text is not None)
    body = "".join([info(), info("en-US")] if infos is None else infos)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<alert xmlns="{NAMESPACE}">{head}{body}</alert>'.encode()


def judged(body, now=NOW, source=SOURCE):
    return admit_cap(body, source, {source}, now)
