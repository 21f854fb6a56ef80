"""``sinergi send``: events of a file to ingest, each with its answer; nothing is dropped silently."""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import typer

from sinergi_ops import brokers
from sinergi_ops.explain import split
from sinergi_ops.places import KEYS
from sinergi_ops.sending import options
from sinergi_ops.sending.fresh import freshened
from sinergi_ops.sending.options import Via
from sinergi_ops.sending.patience import Patience
from sinergi_ops.sending.receipt import Answer, Receipt, stopped
from sinergi_ops.sending.senders import (
    CHECK,
    EVENTS,
    PATIENCE_S,
    HttpSender,
    KafkaSender,
    KeysError,
    read_keys,
)
from sinergi_ops.sending.sequence import Message, cancel, read, send_all
from sinergi_ops.sending.spool import CANNOT, CannotSendError, Ingest, Spool, alone, finish, put_all
from sinergi_ops.sending.spool import send_all as send_all_kept

Json = dict[str, Any]

TELL_EVERY_S: Final = 2.0
EXIT_STOPPED: Final = 130
_WORDS: Final = {
    Answer.ACCEPTED: "diterima / accepted",
    Answer.REFUSED: "DITOLAK / REFUSED",
    Answer.UNAVAILABLE: "TANPA JAWABAN / NO ANSWER",
}


def command(  # noqa: PLR0913 - one parameter an option
    file: options.File,
    *,
    via: options.Way = Via.HTTP,
    url: options.Url = "http://127.0.0.1:8080",
    kafka: brokers.Kafka = brokers.DEFAULT,
    key: options.Key = None,
    keys: options.Keys = KEYS,
    fresh: options.Fresh = False,
    dry_run: options.DryRun = False,
    wait: options.Wait = PATIENCE_S,
    spool: options.SpoolFile = None,
    as_json: options.AsJson = False,
) -> None:
    """Kirim kejadian dan lihat jawabannya. / Send events and see what became of each.

    Berurutan per nomor peristiwa; yang tidak diterima didaftar di akhir, dan perintah berakhir 1.
    Lewat Kafka jawabannya datang dari router; lewat HTTP, diterima berarti tersimpan.

    In order per event number; what was not accepted is listed at the end and the exit status is 1.
    By Kafka the answer is the router's; by HTTP, accepted means stored.

    Kirim ulang digabung; dengan --fresh isinya lain, jadi kali kedua ditolak sebagai ID_REUSED.

    Repeats are merged; with --fresh they say something else, so a second time is ID_REUSED.

    Contoh / examples:

      sinergi send --fresh deploy/samples/01_tppo_pos_entikong.json

      sinergi send --via kafka --fresh deploy/samples/day_events.jsonl

      sinergi send --dry-run peristiwa.json      # diterimakah? / would it be accepted?

      SINERGI_KEY=sng_… sinergi send --url https://sinergi.example - < peristiwa.json

      SINERGI_KEY=sng_… sinergi send --spool pos.db --wait 32400 peristiwa.json   # 9 jam / hours

    Tanpa Sinergi di mesin pos: salin satu berkas, deploy/sinergi_ops/sending/spool.py.

    Without Sinergi on the post's machine: copy that one file; Python 3.11 is enough.
    """
    if dry_run and via is Via.KAFKA:
        raise typer.BadParameter("--dry-run bertanya lewat HTTP / asks over HTTP: --via http")
    if spool is not None and (dry_run or as_json or via is Via.KAFKA or not key):
        raise typer.BadParameter("--spool: lewat HTTP dengan --key / over HTTP with --key, without --json")
    brokers.quiet_client()
    try:
        messages = _messages(file, fresh=fresh)
        if spool is not None and key:
            raise typer.Exit(_by_spool(spool, messages, url, key, wait))
        patience = Patience(wait, _tell_of_waiting)
        sender: HttpSender | KafkaSender
        if via is Via.KAFKA:
            sender = KafkaSender(kafka, patience=patience)
        else:
            known = {} if key else read_keys(keys)
            sender = HttpSender(url, known, key=key, path=CHECK if dry_run else EVENTS, patience=patience)
    except (OSError, KeysError, _NoEventError) as error:
        _aside(f"sinergi send: {error}")
        raise typer.Exit(2) from None
    raise typer.Exit(_by_sender(sender, messages, as_json=as_json))


def _by_sender(sender: HttpSender | KafkaSender, messages: Sequence[Message], *, as_json: bool) -> int:
    receipts: list[Receipt] = []
    try:
        asyncio.run(_send(messages, sender, receipts, as_json=as_json))
    except KeyboardInterrupt:
        _finish(messages, receipts, as_json=as_json)
        return EXIT_STOPPED
    _sum_up(messages, receipts)
    return 0 if all(receipt.accepted for receipt in receipts) else 1


def _by_spool(path: Path, messages: Sequence[Message], url: str, key: str, wait: float) -> int:
    kept = Spool(path)
    put_all(kept, (message.body for message in messages), print)
    try:
        with alone(path):
            send_all_kept(kept, Ingest(urlsplit(url), key), patience_s=wait, say=_aside)
    except CannotSendError as error:
        _aside(str(error))
        return CANNOT
    except KeyboardInterrupt:
        finish(kept, _aside)
        return EXIT_STOPPED
    return finish(kept, _aside)


class _NoEventError(Exception):
    """A file without any event."""


def _messages(file: Path, *, fresh: bool) -> list[Message]:
    text = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    messages = [read(body) for body in split(text) if body]
    if not messages:
        raise _NoEventError(f"{file}: tidak ada peristiwa / holds no event")
    return _freshened(messages, datetime.now(UTC)) if fresh else messages


def _freshened(messages: list[Message], now: datetime) -> list[Message]:
    # What is no JSON object has no times to move, and goes as it stands.
    documents = [message.document for message in messages if message.document is not None]
    moved = iter(freshened(documents, now))
    return [
        message if message.document is None else read(json.dumps(next(moved), ensure_ascii=False).encode())
        for message in messages
    ]


async def _send(
    messages: Sequence[Message], sender: HttpSender | KafkaSender, receipts: list[Receipt], *, as_json: bool
) -> None:
    async with sender:
        tasks = send_all(messages, sender.send)
        try:
            for message, task in zip(messages, tasks, strict=True):
                while not (await asyncio.wait([task], timeout=TELL_EVERY_S))[0]:
                    done = sum(one.done() for one in tasks)
                    _aside(f"… {done}/{len(tasks)} dijawab / answered")
                receipts.append(task.result())
                _show(len(receipts), message, receipts[-1], as_json=as_json)
        finally:
            await cancel(tasks)


def _finish(messages: Sequence[Message], receipts: list[Receipt], *, as_json: bool) -> None:
    for message in messages[len(receipts) :]:
        receipts.append(stopped())
        if as_json:
            _show(len(receipts), message, receipts[-1], as_json=True)
    _sum_up(messages, receipts)


def _show(number: int, message: Message, receipt: Receipt, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(_as_json(number, message, receipt), ensure_ascii=False), flush=True)
        return
    print(_line(number, message, receipt), flush=True)
    for line in _advice(receipt):
        print(f"      {line}", flush=True)


def _as_json(number: int, message: Message, receipt: Receipt) -> Json:
    advice = receipt.advice
    return {
        "number": number,
        "id": message.claim.id,
        "eventNumber": message.claim.event_number,
        "revision": message.claim.revision,
        "answer": receipt.answer.value,
        "outcome": receipt.outcome,
        "reason": receipt.reason,
        "rule": receipt.rule,
        "fields": list(receipt.fields),
        "noteWithheld": receipt.note_withheld,
        "what": {"id": advice.title, "en": advice.title_en} if advice else None,
        "do": {"id": advice.do, "en": advice.do_en} if advice else None,
    }


def _line(number: int, message: Message, receipt: Receipt) -> str:
    claim = message.claim
    revision = f" r{claim.revision}" if claim.revision else ""
    why = " ".join(filter(None, (receipt.outcome, receipt.reason, receipt.rule)))
    return f"{number:>4}  {claim.event_number or '?'}{revision}  {_WORDS[receipt.answer]}{why and f'  {why}'}"


def _advice(receipt: Receipt) -> list[str]:
    if receipt.note_withheld:
        return [
            "catatan ditahan: ada data pribadi di dalamnya / the note was left out: it held personal data"
        ]
    if receipt.advice is None:
        return []
    places = [f"di / at {', '.join(receipt.fields)}"] if receipt.fields else []
    told = receipt.advice
    return [*places, f"{told.title}. {told.do}.", f"{told.title_en}. {told.do_en}."]


def _sum_up(messages: Sequence[Message], receipts: Sequence[Receipt]) -> None:
    count = Counter(receipt.answer for receipt in receipts)
    _aside("  ".join(f"{_WORDS[answer]}: {count[answer]}" for answer in Answer))
    missing = [
        _line(number, message, receipt)
        for number, (message, receipt) in enumerate(zip(messages, receipts, strict=True), start=1)
        if not receipt.accepted
    ]
    if missing and len(messages) > 1:
        _aside("\n".join(["Tidak diterima / not accepted:", *missing]))


def _tell_of_waiting(seconds: int) -> None:
    if seconds:
        _aside(f"… tidak ada jawaban, dicoba lagi / no answer, trying again ({seconds} s)")


def _aside(text: str) -> None:
    # Beside the answers, which a program may read.
    print(text, file=sys.stderr, flush=True)
