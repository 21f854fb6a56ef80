"""Every code word on the wire, spelled once.

Sources: the field table of the contracts, the Indonesian administration as in ``glossary.csv``,
CAP 1.2 for message types and status. Codes that a region brings along (recipients, kinds, places,
areas, indicators) live in its pack, not here.
"""

from enum import StrEnum
from typing import Final


class MsgType(StrEnum):
    """What a message does to the event it belongs to (CAP ``msgType``, extended)."""

    ALERT = "Alert"
    UPDATE = "Update"
    CANCEL = "Cancel"
    FALSE_POSITIVE = "FalsePositive"


class AlertMsgType(StrEnum):
    """``MsgType`` as agencies see it: also the copy that an overdue answer causes, and a recall."""

    ALERT = "Alert"
    UPDATE = "Update"
    CANCEL = "Cancel"
    FALSE_POSITIVE = "FalsePositive"
    ESCALATION = "Escalation"
    RECALL = "Recall"


class Status(StrEnum):
    """CAP ``status``: a ``Test`` stops at the router, an ``Exercise`` goes to drill topics only."""

    ACTUAL = "Actual"
    EXERCISE = "Exercise"
    TEST = "Test"


class Situation(StrEnum):
    """What kind of suspicious movement was seen; labels and CAP categories are in the pack."""

    TPPO_AT_POST = "TPPO_AT_POST"
    TPPO_OFF_POST = "TPPO_OFF_POST"
    TPPM_OFF_POST_LAND = "TPPM_OFF_POST_LAND"
    SEA_LANDING = "SEA_LANDING"
    MINOR_AT_RISK = "MINOR_AT_RISK"
    VICTIM_DISCLOSURE = "VICTIM_DISCLOSURE"
    DOCUMENT_FRAUD_TPI = "DOCUMENT_FRAUD_TPI"
    NONPROC_DEPARTURE = "NONPROC_DEPARTURE"
    RECRUITER_MATCH = "RECRUITER_MATCH"
    CONVOY_NEAR_BORDER = "CONVOY_NEAR_BORDER"
    HARBOURING_SITE = "HARBOURING_SITE"
    RETURNEE_ARRIVAL = "RETURNEE_ARRIVAL"
    CONSULATE_REQUEST = "CONSULATE_REQUEST"
    INLAND_TRANSIT = "INLAND_TRANSIT"


class Suspicion(StrEnum):
    """Trafficking in persons (TPPO), migrant smuggling (TPPM), or both; always only suspected."""

    TPPO = "TPPO"
    TPPM = "TPPM"
    BOTH = "both"


class Severity(StrEnum):
    """The source's own word, used as it is for routing and deadlines."""

    RENDAH = "rendah"
    SEDANG = "sedang"
    TINGGI = "tinggi"
    KRITIS = "kritis"

    @property
    def rank(self) -> int:
        """0 for the mildest, 3 for the gravest."""
        return tuple(Severity).index(self)


class Urgency(StrEnum):
    """How soon somebody should act."""

    SEGERA = "segera"
    CEPAT = "cepat"
    TERJADWAL = "terjadwal"


class Certainty(StrEnum):
    """How sure the source is."""

    TERPANTAU = "terpantau"
    KEMUNGKINAN_BESAR = "kemungkinan_besar"
    MUNGKIN = "mungkin"


class ReportChannel(StrEnum):
    """The way a report came in; the reporter is never carried."""

    PETUGAS_TPI = "petugas_tpi"
    PETUGAS_POS = "petugas_pos"
    PATROLI = "patroli"
    DESA = "desa"
    HOTLINE = "hotline"
    KONSULAT = "konsulat"
    SISTEM = "sistem"


class LocationKind(StrEnum):
    """Where the event took place, in the broadest terms."""

    POST = "post"
    LAND = "land"
    SEA = "sea"
    INLAND = "inland"
    ABROAD = "abroad"


class Direction(StrEnum):
    """Movement as seen from the border line."""

    MENUJU_SARAWAK = "menuju_sarawak"
    DARI_SARAWAK = "dari_sarawak"
    DALAM_NEGERI = "dalam_negeri"
    TIDAK_DIKETAHUI = "tidak_diketahui"


class Mode(StrEnum):
    """Means of travel. A word we do not know is kept and ignored."""

    JALAN_KAKI = "jalan_kaki"
    MOTOR = "motor"
    MOBIL = "mobil"
    BUS = "bus"
    KAPAL = "kapal"
    PESAWAT = "pesawat"


class VehicleKind(StrEnum):
    """Kind of vehicle. A word we do not know is kept and ignored."""

    MOTOR = "motor"
    MOBIL = "mobil"
    MINIBUS = "minibus"
    BUS = "bus"
    TRUK = "truk"
    KAPAL = "kapal"


class Need(StrEnum):
    """Help that the people need. A word we do not know is kept and ignored."""

    PPA = "ppa"
    SHELTER = "shelter"
    MEDICAL = "medical"
    PMI = "pmi"
    FOREIGN_CUSTODY = "foreign_custody"
    LPSK_REQUEST = "lpsk_request"


class Onward(StrEnum):
    """Originator control: whether an alert may be referred or widened without asking."""

    FREE = "free"
    ASK = "ask"


class Basis(StrEnum):
    """Legal basis for handling data on a potential victim (UU 27/2022, article 20)."""

    CONSENT = "consent"
    VITAL_INTEREST = "vital_interest"
    LEGAL_DUTY = "legal_duty"


class Pass(StrEnum):
    """Border pass (PLB) seen inside or beyond its zone."""

    IN_ZONE = "plb_in_zone"
    BEYOND_ZONE = "plb_beyond_zone"


class Level(StrEnum):
    """Disclosure level. L0 is only in digests, L4 never on the bus; order is by name."""

    L0 = "L0"
    L1 = "L1"
    L2 = "L2"
    L3 = "L3"
    L4 = "L4"


class Role(StrEnum):
    """What an agency is asked to be, strongest first."""

    PRIMARY = "primary"
    PROTECTION = "protection"
    ESCALATION = "escalation"
    SUPPORT = "support"

    @property
    def strength(self) -> int:
        """0 for the strongest; one recipient gets one notice, in the strongest role."""
        return _STRENGTH[self]


_STRENGTH: Final = {role: place for place, role in enumerate(Role)}


class AreaSource(StrEnum):
    """What settled the area, in the order in which it is tried (``GEO_ORDER`` of the pack)."""

    POST = "post"
    HANDOVER = "handover"
    POLYGON = "polygon"
    ADMIN_CODE = "admin_code"
    LAND_SNAP = "land_snap"
    SEA_SNAP = "sea_snap"
    PROVINCE = "province"


class Precision(StrEnum):
    """How exactly ``observedAt`` is told."""

    SECOND = "second"
    QUARTER_HOUR = "15min"


class WithheldGroup(StrEnum):
    """Kinds of detail that a level does not carry; fixed per level, so it tells nothing of the event."""

    IDENTITY_REFS = "identity_refs"
    EXACT_PLACE = "exact_place"
    ROUTE = "route"
    VEHICLES = "vehicles"
    INDICATORS = "indicators"
    NOTE = "note"
    PROTECTION_NEEDS = "protection_needs"


class Channel(StrEnum):
    """Ways by which an alert reaches an agency."""

    KAFKA = "kafka"
    WEBHOOK = "webhook"
    EMAIL = "email"
    SMS = "sms"
    TELEGRAM = "telegram"
    WHATSAPP = "whatsapp"
    APPRISE = "apprise"
    FEED = "feed"
    STREAM = "stream"
    PAGE = "page"


class DeliveryState(StrEnum):
    """Where a delivery stands. ``cancelled`` and ``expired`` are kept apart on purpose."""

    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    TEMPORARY = "temporary"
    PERMANENT = "permanent"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Answer(StrEnum):
    """What an agency may answer to an alert."""

    ACK = "ack"
    OWN = "own"
    DECLINE = "decline"
    REFER = "refer"
    RESOLVE = "resolve"
    FALSE_POSITIVE = "false_positive"
    NOTE = "note"


class Resolution(StrEnum):
    """How an owned event ended, told with ``resolve``."""

    RESCUED = "rescued"
    INTERCEPTED = "intercepted"
    NO_CONTACT = "no_contact"
    HANDED_OVER = "handed_over"
    ASSISTED = "assisted"
    NOT_CONFIRMED = "not_confirmed"


class ThreadState(StrEnum):
    """Whether an event is still somebody's task."""

    OPEN = "open"
    CLOSED = "closed"
    EXPIRED = "expired"


class Standing(StrEnum):
    """What a holder of an alert has made of it, as far as it moves the lead or who knows."""

    OWNED = "owned"
    ASSISTING = "assisting"
    DECLINED = "declined"
    RECALLED = "recalled"


class RequestVerb(StrEnum):
    """What the notifier or an operator may ask of the router."""

    ESCALATE = "escalate"
    OWNED = "owned"
    DECLINED = "declined"
    REFER = "refer"
    RECALL = "recall"
    RESOLVED = "resolved"
    FALSE_POSITIVE = "false_positive"
    ASK = "ask"


class ControlKind(StrEnum):
    """Kinds of entry on the controls topic."""

    MUTE = "mute"
    GRANT = "grant"
    APPROVAL = "approval"
    ROSTER = "roster"
    PASSKEY = "passkey"
    INVITATION = "invitation"
    SESSION = "session"
    PACK = "pack"
