"""Looking at processes from outside, and waiting for what must become true."""

import asyncio
import time
from pathlib import Path


def is_alive(pid: int) -> bool:
    """Tell whether this process runs; a zombie does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return not state.startswith(("Z", "X"))


async def eventually(holds, within_s: float = 30.0):
    """Return the first true answer; fail after ``within_s`` seconds."""
    deadline = time.monotonic() + within_s
    while not (answer := holds()):
        assert time.monotonic() < deadline, f"not true within {within_s:g} s"
        await asyncio.sleep(0.02)
    return answer
