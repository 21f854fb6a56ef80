"""What CAP calls our words (contracts, section 8), and the words of a region pack that CAP needs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sinergi_shared.contracts.codes import AlertMsgType, Certainty, Severity, Urgency
from sinergi_shared.region.labels import Labels, Wording, read_labels
from sinergi_shared.region.tables import SituationRow, Tables, read_rows

MSG_TYPE: Final = {
    AlertMsgType.ALERT: "Alert",
    AlertMsgType.ESCALATION: "Alert",
    AlertMsgType.UPDATE: "Update",
    AlertMsgType.CANCEL: "Cancel",
    AlertMsgType.FALSE_POSITIVE: "Cancel",
    AlertMsgType.RECALL: "Cancel",
}
URGENCY: Final = {Urgency.SEGERA: "Immediate", Urgency.CEPAT: "Expected", Urgency.TERJADWAL: "Future"}
SEVERITY: Final = {
    Severity.KRITIS: "Extreme",
    Severity.TINGGI: "Severe",
    Severity.SEDANG: "Moderate",
    Severity.RENDAH: "Minor",
}
CERTAINTY: Final = {
    Certainty.TERPANTAU: "Observed",
    Certainty.KEMUNGKINAN_BESAR: "Likely",
    Certainty.MUNGKIN: "Possible",
    None: "Unknown",  # not told at this level, but CAP demands a value
}
TITLE_EN: Final = {
    AlertMsgType.ALERT: "Early warning",
    AlertMsgType.ESCALATION: "Escalated early warning",
    AlertMsgType.UPDATE: "Update of an early warning",
    AlertMsgType.CANCEL: "CANCELLED",
    AlertMsgType.FALSE_POSITIVE: "CANCELLED: not a threat",
    AlertMsgType.RECALL: "RECALLED",
}
NOTES: Final = {
    AlertMsgType.CANCEL: "Dibatalkan oleh sumber / Cancelled by the source",
    AlertMsgType.FALSE_POSITIVE: "Bukan ancaman / Not a threat",
    AlertMsgType.RECALL: "Ditarik dari penerima ini / Recalled from this recipient",
}
EXERCISE_EN: Final = "EXERCISE"


@dataclass(frozen=True, slots=True)
class Kind:
    """How CAP classes a situation; no ``response`` where a coarse category has several."""

    event: Wording
    category: str
    response: str | None


UNNAMED: Final = Kind(Wording("Peringatan", "Alert"), "Other", None)
"""For a recall, which carries no situation, and for a code that the pack does not know."""


@dataclass(frozen=True, slots=True)
class CapWords:
    """A region pack's words for CAP; ``subdivision`` is an ISO 3166-2 code, such as ``ID-KB``."""

    labels: Labels
    kinds: dict[str, Kind]
    province: str
    subdivision: str

    def kind(self, situation: str) -> Kind:
        """Return how CAP classes a situation or coarse category."""
        return self.kinds.get(situation, UNNAMED)


def read_words(directory: Path, tables: Tables, province: str) -> CapWords:
    """Return a pack's words; raise ``PackError`` when a table cannot be read."""
    rows = tables.situations.values()
    whole = {row.code: Kind(Wording(row.label_id, row.label_en), *_classes([row])) for row in rows}
    coarse = {
        row.l1_category: Kind(
            Wording(row.l1_label_id, row.l1_label_en),
            *_classes([other for other in rows if other.l1_category == row.l1_category]),
        )
        for row in rows
    }
    subdivision = read_rows(directory, "admin_kabkota")[0]["iso_3166_2"]
    return CapWords(read_labels(directory, tables), coarse | whole, province, subdivision)


def _classes(rows: list[SituationRow]) -> tuple[str, str | None]:
    # A coarse category must not tell by its class which of its situations it stands for.
    categories = {row.cap_category for row in rows}
    responses = {row.cap_response_type for row in rows}
    return (
        categories.pop() if len(categories) == 1 else "Other",
        responses.pop() if len(responses) == 1 else None,
    )
