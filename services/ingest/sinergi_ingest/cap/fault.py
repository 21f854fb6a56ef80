"""What is wrong with a CAP message, and where; never what stands there."""

from sinergi_shared.contracts.reasons import Reason, Rule


class CapFaultError(Exception):
    """A CAP message that is no event: reason, rule and place, such as ``/alert/info[1]/severity``."""

    def __init__(self, rule: Rule, *places: str, reason: Reason = Reason.SCHEMA_INVALID) -> None:
        super().__init__(f"{reason} {rule}")
        self.reason = reason
        self.rule = rule
        self.places = places
