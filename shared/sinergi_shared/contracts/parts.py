"""Parts that an event and an alert have in common; the alert must not know the whole event."""

from typing import Annotated

from pydantic import Field, StringConstraints

from sinergi_shared.contracts.base import Contract, Count, HttpsUri, LanguageTag, OpenWord, Sha256, token
from sinergi_shared.contracts.codes import Basis, Onward


class AgeBands(Contract):
    """Head count by age band; never a birth date."""

    anak_0_12: Count | None = None
    anak_13_17: Count | None = None
    dewasa: Count | None = None


class DocumentRef(Contract):
    """A document by the source's token; no document number."""

    ref: token("doc") | None = None  # type: ignore[valid-type]


class RecruiterRef(Contract):
    """A recruiter by the list owner's reference; the one token that may repeat."""

    listId: (
        Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$", strict=True)] | None
    ) = None
    ref: token("rec") | None = None  # type: ignore[valid-type]


class Note(Contract):
    """Short free text, told to L3 only, and only when the source has screened it."""

    text: Annotated[str, StringConstraints(max_length=280, strict=True)]
    lang: LanguageTag
    screened: Annotated[bool, Field(strict=True)]


class Handling(Contract):
    """What the originator allows others to do with the event."""

    onward: Onward = Onward.FREE
    basis: Basis | None = None


class Group(Contract):
    """A returning group by counts; no row per person."""

    homeProvinces: (
        dict[Annotated[str, StringConstraints(pattern=r"^[0-9]{2}$", strict=True)], Count] | None
    ) = None
    needCounts: dict[OpenWord, Count] | None = None


class Evidence(Contract):
    """A file that stays in the source system, with its hash."""

    uri: HttpsUri | None = None
    sha256: Sha256 | None = None
