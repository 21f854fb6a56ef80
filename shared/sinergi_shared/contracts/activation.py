"""Activation of a region pack: an entry on ``sinergi.controls.v1``, and what each lane remembers of it.

Activations are numbered without gaps by their one writer (``sinergi pack activate``). A higher
number replaces a lower one, and no lane ever goes back: the pack of an earlier activation comes
back only as the pack of a later one.
"""

from typing import Annotated, Final

from pydantic import Field, StringConstraints

from sinergi_shared.contracts.base import Contract, Sha256
from sinergi_shared.contracts.codes import ControlKind
from sinergi_shared.contracts.control import Control, ControlEvent

PACK_ID: Final = "active"
PACK_KEY: Final = f"{ControlKind.PACK}/{PACK_ID}".encode()
"""The one key of all activations: the topic's compaction keeps the last."""

PolicyVersion = Annotated[
    str,
    # Also the name of the pack's folder under the packs' root, so nothing else may stand in it.
    StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}-[0-9]{4}\.[0-9]{2}(\.[0-9]{1,3})?-[0-9a-f]{8}$"),
    Field(description="name, version and first eight digits of the hash"),
]


class Activation(Contract):
    """Which pack decides from now on, sealed by which hash; known to a lane once it decided by it."""

    activation: Annotated[int, Field(ge=1, description="place in the order of activations")]
    policyVersion: PolicyVersion
    hash: Sha256

    def as_control(self) -> dict[str, str]:
        """Return the entry's ``value``: text only, as every control's."""
        return {
            "activation": str(self.activation),
            "policyVersion": self.policyVersion,
            "hash": self.hash,
        }


def read_activation(value: bytes) -> Activation:
    """Return the activation in a record of ``sinergi.controls.v1``.

    Raise ``ValidationError`` when the record holds none.
    """
    return activation_of(ControlEvent.model_validate_json(value).data)


def activation_of(control: Control) -> Activation:
    """Return the activation in a control entry; raise ``ValidationError`` when it holds none."""
    return Activation.model_validate(control.value)
