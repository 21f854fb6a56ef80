"""What do we say? A thin alert becomes the texts of a message; pure.

The only fields read are those that L1 may carry, each named here: a field that is added to the
alert stays out of a mailbox until somebody writes it down below. Nothing of an event is ever used
as a template; values are only filled in (B66), escaped once and only in HTML (B97).
"""

from dataclasses import dataclass
from datetime import timezone
from importlib.resources import files
from typing import Final

from jinja2 import StrictUndefined, Template
from jinja2.sandbox import ImmutableSandboxedEnvironment

from sinergi_notifier import words
from sinergi_notifier.clock import clocks, quarter_hour, told
from sinergi_notifier.forms import Thin
from sinergi_shared.contracts.alert import Alert
from sinergi_shared.contracts.codes import LocationKind, Status
from sinergi_shared.region.labels import Labels, Office, Wording

Row = tuple[Wording, Wording]

_HOME: Final = "Asia/Pontianak"
_LANGUAGES: Final = ("id", "en")
_TONES: Final = {
    "exercise": "#1d4ed8",
    "ended": "#4b5563",
    "kritis": "#991b1b",
    "tinggi": "#b45309",
    "sedang": "#854d0e",
    "rendah": "#166534",
}


@dataclass(frozen=True, slots=True)
class Letter:
    """A message: the subject tells no detail, plain text and HTML say the same."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Composer:
    """Writes letters in the words of one region pack.

    ``base_url`` is where alerts can be opened after sign-in; without it no link is promised.
    """

    labels: Labels
    plain: Template
    html: Template
    base_url: str | None

    def letter(self, thin: Thin, *, possible_repeat: bool) -> Letter:
        """Return the letter for a thin alert; the same alert always gives the same letter."""
        alert = thin.alert.data
        facts = {
            "sides": self._sides(alert, words.REPEAT if possible_repeat else None),
            "tone": _TONES[_tone(alert)],
            "exercise": alert.status is Status.EXERCISE,
            "link": f"{self.base_url}/a/{alert.alertNumber}" if self.base_url else None,
        }
        return Letter(
            subject(alert, possible_repeat=possible_repeat),
            self.plain.render(facts).strip() + "\n",
            self.html.render(facts),
        )

    def _sides(self, alert: Alert, repeat: Wording | None) -> list[dict[str, object]]:
        office = self.labels.offices.get(alert.recipient.code)
        shown = clocks(office.timezone if office else _HOME, abroad=_kind(alert) is LocationKind.ABROAD)
        due = told(alert.ackDueAt, shown) if alert.ackDueAt else None
        severity = None if alert.msgType in words.ENDING else words.SEVERITY[alert.severity]
        rows = [*self._about_event(alert, shown), *_numbers(alert), (_TO, _addressee(alert, office))]
        return [
            {
                "language": language,
                "title": words.TITLES[alert.msgType].said(language),
                "severity": severity and severity.said(language),
                "action": Wording(alert.action.id, alert.action.en).said(language),
                "due": due and due.said(language),
                "exercise": words.EXERCISE.said(language),
                "repeat": repeat and repeat.said(language),
                "where_more": words.WHERE_MORE.said(language),
                "rows": [(name.said(language), value.said(language)) for name, value in rows],
            }
            for language in _LANGUAGES
        ]

    def _about_event(self, alert: Alert, shown: tuple[timezone, ...]) -> list[Row]:
        place_and_time = [(_WHERE, self._where(alert)), (_WHEN, _when(alert, shown))]
        category = (_CATEGORY, self.labels.categories.get(alert.situation, words.EVENT))
        if alert.msgType in words.ENDING:
            return [category, *place_and_time]
        return [
            category,
            (_SEVERITY, words.SEVERITY[alert.severity]),
            (_URGENCY, words.URGENCY[alert.urgency]),
            *place_and_time,
            *_people(alert),
        ]

    def _where(self, alert: Alert) -> Wording:
        location = alert.location
        code = location.adminCode if location and location.adminCode else alert.routing.adminCode
        area = self.labels.area(code) or words.UNMAPPED
        post = self.labels.posts.get(location.placeCode or "") if location else None
        kind = words.PLACES[location.kind] if location and location.kind else None
        place = Wording(post, post) if post else kind
        if place is None:
            return area
        return Wording(f"{area.id} ({place.id})", f"{area.en} ({place.en})")


def composer(labels: Labels, base_url: str | None) -> Composer:
    """Return a composer with the templates of this package."""
    plain = ImmutableSandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    html = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=True
    )
    folder = files("sinergi_notifier") / "templates"
    return Composer(
        labels=labels,
        plain=plain.from_string((folder / "alert.txt.jinja").read_text(encoding="utf-8")),
        html=html.from_string((folder / "alert.html.jinja").read_text(encoding="utf-8")),
        base_url=base_url,
    )


def subject(alert: Alert, *, possible_repeat: bool) -> str:
    """Return one line that tells what kind of message it is and its number: no place, no detail (law 7)."""
    title = words.TITLES[alert.msgType]
    repeat = "[mungkin berulang] " if possible_repeat else ""
    line = f"{repeat}{title.id} {alert.alertNumber} ({title.en})"
    return f"LATIHAN / EXERCISE: {line}" if alert.status is Status.EXERCISE else line


_CATEGORY: Final = Wording("Kategori", "Category")
_SEVERITY: Final = Wording("Tingkat keparahan", "Severity")
_URGENCY: Final = Wording("Tingkat kedesakan", "Urgency")
_WHERE: Final = Wording("Lokasi", "Location")
_WHEN: Final = Wording("Waktu kejadian", "Time of occurrence")
_PEOPLE: Final = Wording("Jumlah orang", "Head count")
_NUMBER: Final = Wording("Nomor notifikasi", "Notification number")
_EVENT_NUMBER: Final = Wording("Nomor peristiwa", "Event number")
_TO: Final = Wording("Untuk", "For")


def _tone(alert: Alert) -> str:
    if alert.status is Status.EXERCISE:
        return "exercise"
    return "ended" if alert.msgType in words.ENDING else str(alert.severity)


def _kind(alert: Alert) -> LocationKind | None:
    return alert.location.kind if alert.location else None


def _numbers(alert: Alert) -> list[Row]:
    rows = [(_NUMBER, Wording(alert.alertNumber, alert.alertNumber))]
    if alert.eventNumber:  # absent for a recipient abroad
        rows.append((_EVENT_NUMBER, Wording(alert.eventNumber, alert.eventNumber)))
    return rows


def _when(alert: Alert, shown: tuple[timezone, ...]) -> Wording:
    time = told(quarter_hour(alert.observedAt), shown)
    return Wording(f"sekitar {time.id} (dibulatkan 15 menit)", f"about {time.en} (rounded to 15 minutes)")


def _people(alert: Alert) -> list[Row]:
    people = alert.people
    if people is None or people.count is None:
        return []
    about = ("sekitar ", "about ") if people.countEstimated else ("", "")
    noun = "person" if people.count == 1 else "people"
    return [(_PEOPLE, Wording(f"{about[0]}{people.count} orang", f"{about[1]}{people.count} {noun}"))]


def _addressee(alert: Alert, office: Office | None) -> Wording:
    name = office.name if office else Wording(alert.recipient.code, alert.recipient.code)
    role = words.LEAD if alert.lead else words.ROLES[alert.recipient.role]
    return Wording(f"{name.id} ({role.id})", f"{name.en} ({role.en})")
