"""``sinergi status``: what runs on this machine, and whether it is ready."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from sinergi_ops import probes
from sinergi_ops.options import Json, RunDir
from sinergi_ops.parts.mail import files
from sinergi_ops.places import RUN
from sinergi_ops.ports import HOST, Ports
from sinergi_ops.stack import read_state
from sinergi_ops.supervisor import Probe


def status(run_dir: RunDir = RUN, as_json: Json = False) -> None:
    """Apa yang berjalan, dan siapkah? / What runs, and is it ready? Exits 1 unless all is ready.

    Contoh / examples:

        sinergi status

        sinergi status --json | jq .parts.router.ready
    """
    told = asyncio.run(_look(run_dir))
    if as_json:
        print(json.dumps(told))
    else:
        _show(told)
    raise typer.Exit(0 if told["ready"] else 1)


async def _look(run_dir: Path) -> dict[str, Any]:
    state: Mapping[str, Any] = read_state(run_dir)
    if not state:
        return {"running": False, "ready": False, "parts": {}, "mails": len(files(run_dir / "mail"))}
    asks = _questions(Ports(**state["ports"]))
    answers = await asyncio.gather(*(ask() for ask in asks.values()))
    parts = {
        name: {"ready": ready, "port": state["ports"][_port_name(name)], **state["children"].get(name, {})}
        for name, ready in zip(asks, answers, strict=True)
    }
    return {
        "running": True,
        "ready": all(answers),
        "pid": state["pid"],
        "parts": parts,
        "mails": len(files(run_dir / "mail")),
    }


def _questions(ports: Ports) -> dict[str, Probe]:
    return {
        "kafka": probes.kafka(ports.kafka),
        "valkey": probes.tcp(ports.valkey),
        "mail": probes.tcp(ports.smtp),
        "hooks": probes.tcp(ports.hooks),
        "router": probes.http(ports.router, "/readyz"),
        "notifier": probes.http(ports.notifier, "/readyz"),
        "ingest": probes.http(ports.ingest, "/readyz"),
    }


def _port_name(part: str) -> str:
    return "smtp" if part == "mail" else part


def _show(told: Mapping[str, Any]) -> None:
    if not told["running"]:
        print("tidak berjalan / not running: `sinergi up` or `make up` starts it")
        return
    print(f"{'':<10}{'siap/ready':<12}{'alamat/address':<24}{'pid':<9}{'mulai ulang/restarts'}")
    for name, part in told["parts"].items():
        ready = "ya/yes" if part["ready"] else "TIDAK/NO"
        address = f"{HOST}:{part['port']}"
        print(f"{name:<10}{ready:<12}{address:<24}{part.get('pid') or '-'!s:<9}{part.get('restarts', 0)}")
    print(f"surat / mails: {told['mails']}")
