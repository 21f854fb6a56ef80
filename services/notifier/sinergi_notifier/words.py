"""Words for people, Indonesian and English, beside those that the region pack brings along.

Terms follow ``glossary.csv``: an event is a suspicion, never a fact about a person.
"""

from typing import Final

from sinergi_shared.contracts.codes import AlertMsgType, LocationKind, Role, Severity, Urgency
from sinergi_shared.region.labels import Wording

TITLES: Final = {
    AlertMsgType.ALERT: Wording("Peringatan dini", "Early warning"),
    AlertMsgType.UPDATE: Wording("Pemutakhiran peringatan", "Update of an early warning"),
    AlertMsgType.ESCALATION: Wording("Eskalasi peringatan", "Escalated early warning"),
    AlertMsgType.CANCEL: Wording("DIBATALKAN", "CANCELLED"),
    AlertMsgType.FALSE_POSITIVE: Wording("DIBATALKAN: bukan ancaman", "CANCELLED: not a threat"),
    AlertMsgType.RECALL: Wording("DITARIK", "RECALLED"),
}

ENDING: Final = frozenset({AlertMsgType.CANCEL, AlertMsgType.FALSE_POSITIVE, AlertMsgType.RECALL})
"""Messages that end a task; they must never look like one that begins it."""

SEVERITY: Final = {
    Severity.KRITIS: Wording("KRITIS", "CRITICAL"),
    Severity.TINGGI: Wording("Tinggi", "High"),
    Severity.SEDANG: Wording("Sedang", "Medium"),
    Severity.RENDAH: Wording("Rendah", "Low"),
}

URGENCY: Final = {
    Urgency.SEGERA: Wording("Segera", "Immediate"),
    Urgency.CEPAT: Wording("Cepat", "Soon"),
    Urgency.TERJADWAL: Wording("Terjadwal", "Scheduled"),
}

ROLES: Final = {
    Role.PRIMARY: Wording("pelaksana utama", "primary"),
    Role.PROTECTION: Wording("pelindungan", "protection"),
    Role.SUPPORT: Wording("dukungan", "support"),
    Role.ESCALATION: Wording("eskalasi", "escalation"),
}
LEAD: Final = Wording("instansi penanggung jawab", "lead agency")

PLACES: Final = {
    LocationKind.POST: Wording("pos resmi", "official post"),
    LocationKind.LAND: Wording("darat", "land"),
    LocationKind.SEA: Wording("laut", "sea"),
    LocationKind.INLAND: Wording("pedalaman", "inland"),
    LocationKind.ABROAD: Wording("luar negeri", "abroad"),
}

EVENT: Final = Wording("Peristiwa", "Event")
UNMAPPED: Final = Wording("Belum terpetakan (tingkat provinsi)", "Not mapped yet (province level)")
EXERCISE: Final = Wording(
    "LATIHAN - bukan kejadian nyata. Jangan kerahkan petugas.",
    "EXERCISE - not a real event. Deploy nobody.",
)
REPEAT: Final = Wording(
    "Pesan ini mungkin berulang: kiriman sebelumnya mungkin sudah sampai.",
    "This message may be a repeat: an earlier one may have reached you.",
)
WHERE_MORE: Final = Wording(
    "Surel ini hanya memuat keterangan umum. Rincian untuk instansi Anda dikirim ke sistem instansi Anda; "
    "beri tanggapan di sana. Balasan ke surel ini tidak dibaca.",
    "This e-mail carries general facts only. The detail meant for your agency goes to your agency's own "
    "system; answer there. Replies to this e-mail are not read.",
)
