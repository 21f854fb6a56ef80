"""What a refused sender is told: what is wrong and what to do, Indonesian first, English beside.

RFC 9457 problem documents; the same advice goes into ``action`` of a rejected record.
"""

from dataclasses import dataclass
from math import ceil
from typing import Final

from sinergi_ingest.admit import Claim, Refused
from sinergi_ingest.answers import Problem
from sinergi_shared.contracts.envelope import SCHEMA_BASE
from sinergi_shared.contracts.reasons import Reason, Rule, Stage
from sinergi_shared.directory import Scope

MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER_S: Final = 5
MAX_WAIT_S: Final = 60


@dataclass(frozen=True, slots=True)
class Advice:
    """A title and what to do, in both languages."""

    title: str
    title_en: str
    do: str
    do_en: str


_ADVICE: Final[dict[Reason, Advice]] = {
    Reason.TOO_LARGE: Advice(
        "Pesan terlalu besar",
        "The message is too large",
        "Kirim peristiwa paling besar 64 KiB, dan permintaan paling besar 4 MiB atau 1.000 peristiwa",
        "Send events of at most 64 KiB, and requests of at most 4 MiB or 1,000 events",
    ),
    Reason.ENVELOPE_INVALID: Advice(
        "Atribut CloudEvents kurang atau keliru",
        "A CloudEvents attribute is missing or malformed",
        "Perbaiki atribut yang ditunjuk pointers, lalu kirim ulang",
        "Mend the attributes named by the pointers, then send again",
    ),
    Reason.SOURCE_UNKNOWN: Advice(
        "Sumber tidak terdaftar",
        "The source is not registered",
        "Pakai nilai source yang terdaftar untuk sistem Anda, atau minta pendaftaran",
        "Use the source value registered for your system, or ask for registration",
    ),
    Reason.TYPE_UNSUPPORTED: Advice(
        "Jenis peristiwa tidak didukung",
        "The event type is not supported",
        "Pakai type id.sinergi.movement.suspicious.v1",
        "Use type id.sinergi.movement.suspicious.v1",
    ),
    Reason.VERSION_UNKNOWN: Advice(
        "Versi skema belum dikenal",
        "The schema version is not known yet",
        "Pakai dataschema versi mayor 1; versi ini dapat diputar ulang setelah pemutakhiran",
        "Use dataschema major 1; this version can be replayed after an upgrade",
    ),
    Reason.PII_DETECTED: Advice(
        "Ada data pribadi di tempat yang ditunjuk pointers",
        "Personal data stands where the pointers say",
        "Hapus data pribadi, atau ganti dengan token, lalu kirim ulang dengan id baru",
        "Remove the personal data or replace it by a token, then send again with a new id",
    ),
    Reason.PROFILE_FORBIDDEN: Advice(
        "Alasan kecurigaan menyebut siapa orangnya, bukan apa yang terlihat",
        "The suspicion names who somebody is, not what was seen",
        "Hapus indikator itu; sebutkan perilaku yang terlihat, lalu kirim ulang dengan id baru",
        "Remove that indicator; tell the behaviour that was seen, then send again with a new id",
    ),
    Reason.SCHEMA_INVALID: Advice(
        "Isi peristiwa tidak sesuai kontrak",
        "The event does not follow the contract",
        "Perbaiki isian yang ditunjuk pointers, lalu kirim ulang dengan id baru",
        "Mend the fields named by the pointers, then send again with a new id",
    ),
    Reason.TIME_OUT_OF_RANGE: Advice(
        "Waktu kejadian mendahului jam kami lebih dari 10 menit",
        "The event's time is more than 10 minutes ahead of our clock",
        "Setel jam sistem Anda, lalu kirim ulang dengan id baru",
        "Set your system's clock, then send again with a new id",
    ),
    Reason.UNAUTHENTICATED: Advice(
        "Kunci tidak diterima",
        "The key was not accepted",
        "Kirim kunci sumber Anda: Authorization: Bearer sng_…",
        "Send your source's key: Authorization: Bearer sng_…",
    ),
    Reason.SIGNATURE_INVALID: Advice(
        "Tanda tangan tidak diterima",
        "The signature was not accepted",
        "Tanda tangani @method, @path dan content-digest (RFC 9421); created terpaut paling jauh 300 detik",
        "Sign @method, @path and content-digest (RFC 9421), with created at most 300 seconds from our clock",
    ),
    Reason.RATE_LIMITED: Advice(
        "Terlalu banyak peristiwa sekaligus dari sumber ini",
        "Too many events at once from this source",
        "Kirim ulang isi yang sama setelah Retry-After detik; yang kritis lebih dahulu",
        "Send the same content again after Retry-After seconds; critical ones first",
    ),
    Reason.NOT_ALLOWED: Advice(
        "Kunci ini bukan untuk sumber itu",
        "This key does not speak for that source",
        "Pakai kunci milik source yang tertulis di peristiwa",
        "Use the key of the source that the event names",
    ),
    Reason.MEDIA_UNSUPPORTED: Advice(
        "Jenis isi tidak didukung",
        "The content type is not supported",
        "Pakai application/cloudevents+json, application/cloudevents-batch+json, application/x-ndjson, "
        "application/cap+xml, atau application/json dengan tajuk ce-; tanpa Content-Encoding, atau gzip",
        "Use application/cloudevents+json, application/cloudevents-batch+json, application/x-ndjson, "
        "application/cap+xml, or application/json with ce- headers; without Content-Encoding, or gzip",
    ),
    Reason.UNAVAILABLE: Advice(
        "Belum tersimpan; penyimpanan sedang tidak menjawab",
        "Not stored yet; the store does not answer",
        "Kirim ulang isi yang sama dengan id yang sama; kiriman ganda digabung",
        "Send the same content again with the same id; repeats are merged",
    ),
}

_UNREADABLE: Final = Advice(
    "Isi bukan satu objek JSON yang ketat",
    "The body is not one strict JSON object",
    "Kirim JSON UTF-8 tanpa kunci ganda, NaN, tanda kendali, atau lebih dari 32 tingkat dan 512 kunci",
    "Send UTF-8 JSON without duplicate keys, NaN, control marks, or more than 32 levels and 512 keys",
)

_NOT_WITH_A_TEST_KEY: Final = Advice(
    "Kunci uji hanya untuk peristiwa dengan status Test",
    "A test key is only for events whose status is Test",
    "Ini tidak disalurkan. Laporan sungguhan: kirim dengan kunci Anda yang sungguhan. Uji: isi status Test",
    "This was not passed on. A real report: send it with your real key. A test: set status to Test",
)

_OUTSIDE: Final = Advice(
    "Di luar wilayah, tempat atau situasi yang terdaftar bagi sumber ini",
    "Outside the areas, places or situations registered for this source",
    "Perbaiki isian yang ditunjuk pointers, atau minta pendaftaran diperluas; kabari petugas lewat telepon",
    "Mend the fields named by the pointers, or ask for a wider registration; tell the officers by phone",
)

_NOT_CAP: Final = Advice(
    "Isi bukan satu pesan CAP 1.2",
    "The body is not one CAP 1.2 message",
    "Kirim XML UTF-8 tanpa DOCTYPE, satu alert dari urn:oasis:names:tc:emergency:cap:1.2 per kiriman",
    "Send UTF-8 XML without a DOCTYPE, one alert of urn:oasis:names:tc:emergency:cap:1.2 at a time",
)

_BY_RULE: Final[dict[Rule, Advice]] = {
    Rule.XML: _NOT_CAP,
    Rule.DOCTYPE: _NOT_CAP,
    Rule.ENCODING: Advice(
        "Isi bukan satu aliran gzip yang utuh",
        "The body is not one whole gzip stream",
        "Kirim ulang sebagai satu aliran gzip, atau tanpa Content-Encoding",
        "Send again as one gzip stream, or without Content-Encoding",
    ),
    Rule.REFERENCES: Advice(
        "references tidak menunjuk pesan pertama",
        "references do not lead to the first message",
        "Sebut setiap pesan terdahulu sebagai sender,identifier,sent, yang pertama juga, semua lebih awal",
        "Name each earlier message as sender,identifier,sent, the first one too, all of them sent before",
    ),
    Rule.PAST_TIME: Advice(
        "Pesan sudah kedaluwarsa menurut expires",
        "The message has expired by its own expires",
        "Bila masih berlaku, kirim sebagai pesan baru dengan expires yang baru",
        "If it still holds, send it as a new message with a new expires",
    ),
}


def advice(verdict: Refused) -> Advice:
    """Return what the sender of a refused event is told."""
    if verdict.rule in _BY_RULE:
        return _BY_RULE[verdict.rule]
    return _UNREADABLE if verdict.unreadable else _ADVICE[verdict.reason]


def refused(verdict: Refused) -> Problem:
    """Return the problem document of a refused event."""
    told = advice(verdict)
    return Problem(
        type=_uri(verdict.reason),
        title=told.title,
        titleEn=told.title_en,
        status=400 if verdict.unreadable else verdict.reason.http_status,
        detail=told.do,
        detailEn=told.do_en,
        reason=verdict.reason,
        rule=verdict.rule,
        pointers=verdict.fields,
        id=verdict.claim.id,
        eventNumber=verdict.claim.event_number,
        retryable=verdict.retryable,
    )


def at_the_door(reason: Reason) -> Problem:
    """Return the problem document of a request that was not even read."""
    told = _ADVICE[reason]
    return Problem(
        type=_uri(reason),
        title=told.title,
        titleEn=told.title_en,
        status=reason.http_status,
        detail=told.do,
        detailEn=told.do_en,
        reason=reason,
        retryable=reason in (Reason.UNAVAILABLE, Reason.RATE_LIMITED),
        retryAfterS=RETRY_AFTER_S if reason is Reason.UNAVAILABLE else None,
    )


def no_such_event() -> Problem:
    """Return the problem document of an event that is unknown, or of another source: both alike."""
    return Problem(
        type="about:blank",
        title="Nomor peristiwa tidak dikenal untuk sumber Anda",
        titleEn="The event number is not known for your source",
        status=404,
        detail="Periksa nomor dan source di alamat; yang belum pernah diterima tidak punya status",
        detailEn="Check number and source in the address; what was never accepted has no status",
    )


def forbidden(claim: Claim, pointers: tuple[str, ...]) -> Problem:
    """Return the problem document of an event that this source or key may not send."""
    told = at_the_door(Reason.NOT_ALLOWED)
    if "/source" in pointers:
        return of_another(claim)
    by = _NOT_WITH_A_TEST_KEY if "/data/status" in pointers else _OUTSIDE
    about = {
        "title": by.title,
        "titleEn": by.title_en,
        "detail": by.do,
        "detailEn": by.do_en,
        "pointers": pointers,
        "id": claim.id,
        "eventNumber": claim.event_number,
    }
    return told.model_copy(update=about)


def of_another(claim: Claim) -> Problem:
    """Return the problem document of a message of another source than the key's."""
    about = {"pointers": ("/source",), "id": claim.id, "eventNumber": claim.event_number}
    return at_the_door(Reason.NOT_ALLOWED).model_copy(update=about)


def out_of_scope(scope: Scope) -> Problem:
    """Return the problem document of a known key that may not be used for this."""
    about = {
        "title": f"Kunci ini tidak boleh dipakai untuk {scope}",
        "titleEn": f"This key may not be used for {scope}",
        "detail": "Minta kunci dengan hak itu kepada pengelola",
        "detailEn": "Ask the operators for a key with that scope",
    }
    return at_the_door(Reason.NOT_ALLOWED).model_copy(update=about)


def too_fast(wait_s: float) -> Problem:
    """Return the problem document of a source that must wait; whole seconds, at least one."""
    wait = min(max(1, ceil(wait_s)), MAX_WAIT_S)
    return at_the_door(Reason.RATE_LIMITED).model_copy(update={"retryAfterS": wait})


def not_a_batch() -> Problem:
    """Return the problem document of a batch that cannot be cut into its events."""
    return refused(Refused(Reason.SCHEMA_INVALID, Rule.JSON, Stage.ENVELOPE))


def not_gzip() -> Problem:
    """Return the problem document of a body that is not what its ``Content-Encoding`` says."""
    return refused(Refused(Reason.SCHEMA_INVALID, Rule.ENCODING, Stage.ENVELOPE))


def _uri(reason: Reason) -> str:
    return f"{SCHEMA_BASE}/problem/{reason}"
