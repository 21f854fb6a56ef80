"""How a supervised run looks on a terminal: one prefix a child, in colour only where one is seen."""

import os
import sys
from itertools import cycle
from typing import Final

COLOURS: Final = (36, 33, 32, 35, 34, 31)
WIDTH: Final = 8


class Console:
    """Prints log lines with their child's name."""

    def __init__(self) -> None:
        self.colours = cycle(COLOURS)
        self.prefixes: dict[str, str] = {}
        self.coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def line(self, name: str, text: str) -> None:
        """Print one log line of a child."""
        if name not in self.prefixes:
            self.prefixes[name] = self._prefix(name)
        print(f"{self.prefixes[name]} {text}", flush=True)

    def _prefix(self, name: str) -> str:
        plain = f"{name:<{WIDTH}} |"
        return f"\x1b[{next(self.colours)}m{plain}\x1b[0m" if self.coloured else plain


def say(text: str) -> None:
    """Tell the person what is being done."""
    print(f"[sinergi] {text}", flush=True)


def complain(text: str) -> None:
    """Tell the person what went wrong and what to do."""
    print(f"\n[sinergi] {text}\n", file=sys.stderr, flush=True)
