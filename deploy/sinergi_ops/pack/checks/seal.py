"""The recorded hash is that of the files (B38: no change goes unseen)."""

from collections.abc import Iterator

from sinergi_ops.pack.files import PackFiles
from sinergi_ops.pack.findings import Finding, Rule, Words
from sinergi_shared.region.pack import MANIFEST
from sinergi_shared.region.tables import pack_hash


def check(files: PackFiles) -> Iterator[Finding]:
    """Report a pack that services would refuse because its files changed since it was sealed."""
    if pack_hash(files.directory) != files.manifest.hash:
        yield Finding(
            Rule.HASH,
            MANIFEST,
            None,
            Words(
                "Hash yang tercatat bukan milik berkas-berkas ini; layanan akan menolak paket ini",
                "The recorded hash is not that of these files; services will refuse this pack",
            ),
        )
