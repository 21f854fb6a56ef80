"""May this source say that? Its own name, and where it is limited its own areas, places, situations.

Only what the message itself names is looked at: a point is not, because ingest has no map. A message
that names no area passes, for no report is lost for want of a field.
"""

from sinergi_ingest.admit import Admitted, Claim
from sinergi_shared.contracts.codes import Status
from sinergi_shared.contracts.event import SuspiciousMovement
from sinergi_shared.directory import Source


def forbidden(verdict: Admitted, source: Source, *, only_tests: bool) -> tuple[str, ...]:
    """Return JSON pointers to what this source may not say, nothing when it may say all of it."""
    data = verdict.event.data
    found = {
        "/source": verdict.event.source != source.urn,
        "/data/status": only_tests and data.status is not Status.TEST,
        "/data/situation": bool(source.situations) and data.situation not in source.situations,
        "/data/location/adminCode": not _own_area(data, source),
        "/data/location/placeCode": bool(source.places)
        and data.location.placeCode is not None
        and data.location.placeCode not in source.places,
    }
    return tuple(pointer for pointer, is_so in found.items() if is_so)


def of_another(claim: Claim, source: Source, registered: frozenset[str]) -> bool:
    """Return whether a message claims to come from another registered source."""
    return claim.source in registered and claim.source != source.urn


def _own_area(data: SuspiciousMovement, source: Source) -> bool:
    code = data.location.adminCode
    if code is None or not source.areas:
        return True
    return any(code == area or code.startswith(f"{area}.") for area in source.areas)
