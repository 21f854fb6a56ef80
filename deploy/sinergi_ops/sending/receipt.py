"""What the sender of one event is told, by either way."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from sinergi_ingest.admit import Refused
from sinergi_ingest.problem import Advice, advice
from sinergi_shared.contracts.reasons import Outcome, Reason, Rule, Stage


class Answer(Enum):
    """Taken, refused for good, or not known to be stored and judged."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer to one event; ``advice`` says in both languages what is wrong and what to do.

    ``outcome`` is the router's where it is known (on the Kafka way). ``fields`` are JSON pointers.
    """

    answer: Answer
    outcome: Outcome | None = None
    reason: str | None = None
    rule: str | None = None
    fields: tuple[str, ...] = ()
    advice: Advice | None = None
    note_withheld: bool = False

    @property
    def accepted(self) -> bool:
        """Whether the event is stored and was not refused."""
        return self.answer is Answer.ACCEPTED

    @property
    def refused(self) -> bool:
        """Whether it was judged and turned away; the same bytes will not pass."""
        return self.answer is Answer.REFUSED

    @property
    def unavailable(self) -> bool:
        """Whether nobody gave an answer in time; the same event may be sent again, repeats are merged."""
        return self.answer is Answer.UNAVAILABLE


def refused(reason: Reason, rule: Rule | None = None, fields: tuple[str, ...] = ()) -> Receipt:
    """Return the receipt of a refusal, with the advice that goes with its reason."""
    told = _ROUTERS.get(reason) or advice(Refused(reason, rule or Rule.FIELD, Stage.ENVELOPE))
    return Receipt(Answer.REFUSED, reason=reason, rule=rule, fields=fields, advice=told)


_NO_KEY: Final = Advice(
    "Tidak ada kunci untuk source peristiwa ini; tidak dikirim",
    "There is no key for this event's source; it was not sent",
    "Tambahkan kunci source itu ke berkas --keys, atau berikan dengan --key",
    "Add the key of that source to the --keys file, or give it with --key",
)


def without_key() -> Receipt:
    """Return the receipt of an event that was not sent for want of its source's key."""
    return Receipt(Answer.REFUSED, reason=Reason.UNAUTHENTICATED, fields=("/source",), advice=_NO_KEY)


_NO_TOPICS: Final = Advice(
    "Topik untuk source ini tidak ada: source tidak terdaftar, atau topik belum dibuat; tidak dikirim",
    "There are no topics for this source: it is not registered, or they were not made; it was not sent",
    "Periksa source dan --kafka; `sinergi topics plan` menunjukkan yang kurang",
    "Check the source and --kafka; `sinergi topics plan` shows what is missing",
)


def without_topics() -> Receipt:
    """Return the receipt of an event that was not sent for want of its source's topics."""
    return Receipt(
        Answer.REFUSED,
        reason=Reason.SOURCE_UNKNOWN,
        rule=Rule.SOURCE,
        fields=("/source",),
        advice=_NO_TOPICS,
    )


def unavailable(what: Advice) -> Receipt:
    """Return the receipt of an event of which it is not known that it was stored and judged."""
    return Receipt(Answer.UNAVAILABLE, reason=Reason.UNAVAILABLE, advice=what)


_AGAIN: Final = (
    "Kirim ulang berkas yang sama nanti; kiriman ganda digabung",
    "Send the same file again later; repeats are merged",
)


def nobody_answers(where: str) -> Receipt:
    """Return the receipt when ``where`` (an address, never a value of the event) did not answer."""
    return unavailable(Advice(f"{where} tidak menjawab", f"{where} does not answer", *_AGAIN))


_NOT_JUDGED: Final = Advice(
    "Tersimpan di Kafka, tetapi belum dinilai: layanan ingest atau router tidak menjawab",
    "Stored on Kafka but not judged yet: ingest or router does not answer",
    "Periksa layanan dengan `sinergi status`; peristiwa ini akan diproses begitu layanan hidup lagi",
    "Look at the services with `sinergi status`; this event goes on as soon as they run again",
)


def not_judged() -> Receipt:
    """Return the receipt when Kafka has the event but no status came back."""
    return unavailable(_NOT_JUDGED)


_HELD_BACK: Final = Advice(
    "Ditahan: pesan sebelumnya dari peristiwa ini belum dijawab; tidak dikirim",
    "Held back: the message before it of this event has no answer yet; it was not sent",
    *_AGAIN,
)


def held_back() -> Receipt:
    """Return the receipt of a message that was not sent, because it must not overtake the one before it."""
    return unavailable(_HELD_BACK)


_STOPPED: Final = Advice(
    "Dihentikan sebelum ada jawaban; mungkin belum terkirim",
    "Stopped before there was an answer; it may not have been sent",
    *_AGAIN,
)


def stopped() -> Receipt:
    """Return the receipt of a message that was under way, or not yet, when the person stopped."""
    return unavailable(_STOPPED)


_OPERATOR: Final = Advice(
    "Peristiwa diterima, tetapi tidak dapat disalurkan",
    "The event was admitted but could not be routed",
    "Beri tahu operator Sinergi; peristiwa ini disimpan dan dapat diputar ulang",
    "Tell Sinergi's operators; the event is kept and can be replayed",
)
_ROUTERS: Final = {
    Reason.ID_REUSED: Advice(
        "Id ini sudah dipakai untuk isi lain",
        "This id was used for other content",
        "Kirim isi yang berubah dengan id baru dan revision berikutnya",
        "Send changed content with a new id and the next revision",
    ),
    Reason.POLICY_MISSING: _OPERATOR,
    Reason.ROUTE_FAILED: _OPERATOR,
    Reason.CRASH_LOOP: _OPERATOR,
}
