"""What one recipient is to be told, before its fields are chosen."""

from dataclasses import dataclass
from functools import cached_property

import orjson

from sinergi_shared.contracts.codes import Level, Role
from sinergi_shared.region.tables import Recipient


@dataclass(frozen=True)
class Notice:
    """Who is told, as what, how much, why, and what to do by when.

    Notices of a first message are made once for all events of a kind, so what every alert of a
    notice says is written once too. Codes need no escape; text for people goes through the encoder.
    """

    recipient: Recipient
    role: Role
    level: Level
    rule: str
    action_id: str
    action_en: str
    ack_minutes: int | None
    alert_revision: int
    lead: bool = False

    @cached_property
    def words(self) -> str:
        """Members of an alert's ``data``, each behind a comma; ``routing`` is left open behind its rule."""
        recipient = self.recipient
        action = orjson.dumps({"id": self.action_id, "en": self.action_en}).decode()
        return (
            f',"recipient":{{"code":"{recipient.code}","kind":"{recipient.kind}","role":"{self.role}"}},'
            f'"action":{action},"alertRevision":{self.alert_revision},'
            f'"lead":{"true" if self.lead else "false"},"routing":{{"rule":"{self.rule}",'
        )

    @cached_property
    def audited(self) -> str:
        """What the audit says of it: a JSON object without its closing brace."""
        return (
            f'{{"recipient":"{self.recipient.code}","role":"{self.role}","level":"{self.level}",'
            f'"rule":"{self.rule}","alertRevision":{self.alert_revision}'
        )
