"""The crash-loop breaker: a record that kills its reader is found out, and no other is blamed.

The notes stand beside the committed offsets of the lane, so they outlive the process and end with
the next success. After two deaths on the same first offset a lane takes one record at a time and
notes the one in hand before it is worked on; a record in hand at three deaths in a row is
convicted. A death while waiting for Kafka blames nobody: the hand is empty again by then, or
emptied. While any lane does so, no other works at the same time: it could die in that one's hand.

A note whose answer is lost ends no process. It joins the group anew, so that the note can arrive
no more, and remembers what is true, for the note may say of a record that it was in hand though
it never was. That memory is all that Kafka cannot hold, and so the limit is (``test_crash_loop``):
three times in a row a process is ended from outside while a record is in hand, or between a note
without an answer and the next that has one, and no other process remembers better.
"""

import re
from dataclasses import dataclass, replace
from typing import Final, Self

SUSPICIOUS_DEATHS: Final = 2
CONVICTING_DEATHS: Final = 3

_FORM: Final = re.compile(r"begun=([0-9]{1,6});hand=([0-9]{1,6})")


@dataclass(frozen=True, slots=True)
class Note:
    """How often work began at this offset of one input without coming to an end.

    ``begun`` counts starts of a whole batch, ``hand`` those with just this record in hand.
    """

    begun: int = 0
    hand: int = 0

    @classmethod
    def read(cls, metadata: str) -> Self:
        """Return the note in a committed offset's metadata; anything else is an empty one."""
        match = _FORM.fullmatch(metadata)
        return cls(int(match[1]), int(match[2])) if match else cls()

    def __str__(self) -> str:
        return f"begun={self.begun};hand={self.hand}"

    @property
    def careful(self) -> bool:
        """Whether the lane must take one record at a time."""
        return self.begun >= SUSPICIOUS_DEATHS

    @property
    def convicts(self) -> bool:
        """Whether the record at this offset is proved guilty."""
        return self.hand >= CONVICTING_DEATHS

    def beginning(self) -> Self:
        """Return the note to be written before a batch is begun."""
        return replace(self, begun=self.begun + 1)

    def taking(self) -> Self:
        """Return the note to be written before this one record is worked on."""
        return replace(self, hand=self.hand + 1)

    def milder(self, other: Self) -> Self:
        """Return what blames less of both: true when one is known to be, and the other may be."""
        return replace(self, begun=min(self.begun, other.begun), hand=min(self.hand, other.hand))

    def worked(self) -> Self:
        """Return the note to be written when the record has been worked on and Kafka comes next."""
        return replace(self, hand=0)
