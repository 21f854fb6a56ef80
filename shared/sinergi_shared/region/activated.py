"""Where an activated pack lies: in a folder of its own, named as its policy version, below one root.

Every machine that runs a service has this root; how packs get there is the deployment's affair
(deploy/decisions/0005). A folder never changes: its name holds the hash of what is in it.
"""

from dataclasses import dataclass
from pathlib import Path

from sinergi_shared.contracts.activation import Activation
from sinergi_shared.region.pack import Pack, read_pack
from sinergi_shared.region.tables import PackError


class PackMissingError(PackError):
    """The activated pack is not on this machine."""


@dataclass(frozen=True, slots=True)
class Packs:
    """Where packs are: each activated one below ``root``; ``first`` decides until one is activated."""

    root: Path
    first: Path

    def pack_of(self, activation: Activation | None) -> Pack:
        """Return the pack that is in force by this activation; raise ``PackError`` when it cannot be read."""
        return read_activated(self.root, activation) if activation else read_pack(self.first)


def folder_of(root: Path, policy_version: str) -> Path:
    """Return where the pack of this version lies."""
    return root / policy_version


def read_activated(root: Path, activation: Activation) -> Pack:
    """Return the pack that an activation names.

    Raise ``PackMissingError`` when it is not below ``root``, ``PackError`` when it is not the one
    that was activated.
    """
    folder = folder_of(root, activation.policyVersion)
    if not folder.is_dir():
        raise PackMissingError(f"{folder}: not on this machine; copy the activated pack there")
    pack = read_pack(folder)
    if (pack.policy_version, pack.hash) != (activation.policyVersion, activation.hash):
        raise PackError(
            f"{folder}: holds {pack.policy_version}, which is not the pack that was activated; "
            "copy that one there"
        )
    return pack
