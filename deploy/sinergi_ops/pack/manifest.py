"""``pack.yaml`` as commands write it, and the seal that services look for."""

from pathlib import Path

import yaml

from sinergi_ops.pack.check import check_pack
from sinergi_ops.pack.findings import Finding, Rule
from sinergi_shared.region.pack import MANIFEST, Manifest, read_manifest
from sinergi_shared.region.tables import pack_hash


def write_manifest(directory: Path, manifest: Manifest) -> None:
    """Write ``pack.yaml``, in the order in which its model lists the fields."""
    text = yaml.safe_dump(
        manifest.model_dump(mode="json", exclude_none=True), sort_keys=False, allow_unicode=True, width=100
    )
    (directory / MANIFEST).write_text(text, encoding="utf-8")


def seal(directory: Path, version: str | None = None) -> tuple[Finding, ...]:
    """Record the files' hash when the check finds nothing; else return what it found, pack untouched.

    Raise ``PackError`` when ``pack.yaml`` cannot be read, ``ValueError`` for a version of another form.
    """
    findings = tuple(each for each in check_pack(directory) if each.rule != Rule.HASH)
    if findings:
        return findings
    recorded = read_manifest(directory).model_dump()
    changed = {**recorded, "version": version or recorded["version"], "hash": pack_hash(directory)}
    write_manifest(directory, Manifest.model_validate(changed))
    return ()
