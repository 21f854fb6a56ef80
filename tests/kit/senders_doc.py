"""The page for senders, taken apart: its examples by language, its table of reasons."""

import re

from sinergi_ops.places import ROOT

DOC = ROOT / "deploy/docs/senders.md"
EXAMPLES = ROOT / "deploy/examples"


def blocks(language):
    """Code blocks of this language, in their order."""
    return re.findall(rf"```{language}\n(.*?)```", DOC.read_text(encoding="utf-8"), re.DOTALL)


def reasons():
    """Reason and HTTP status of each row of the table."""
    return dict(re.findall(r"^\| `([A-Z_]+)` \| ([^|]+?) \|", DOC.read_text(encoding="utf-8"), re.MULTILINE))
