"""Whose topics a deployment needs: read from the pack, alike by ``sinergi topics`` and the services."""

from typing import Final

from sinergi_shared.region.tables import Tables

DIGEST: Final = "digest"


def digest_kinds(tables: Tables) -> frozenset[str]:
    """Return the kinds that get a monthly summary and never an event: all their mandates say so."""
    scopes: dict[str, set[str]] = {}
    for mandate in tables.mandates:
        scopes.setdefault(mandate.kind, set()).add(mandate.scope)
    return frozenset(kind for kind, found in scopes.items() if found == {DIGEST})


def recipients_on_bus(tables: Tables) -> tuple[str, ...]:
    """Return the codes of active recipients that an event can reach, sorted: each has topics of its own."""
    summary_only = digest_kinds(tables)
    return tuple(
        sorted(
            recipient.code
            for recipient in tables.recipients.values()
            if recipient.active and recipient.kind not in summary_only
        )
    )
