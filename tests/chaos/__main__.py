"""``python -m tests.chaos [SCENARIO]``: break things on purpose, and hold Sinergi to its promises.

``QUICK=1`` runs short forms, ``BREAK=<fault>`` plants a fault that must turn a scenario red,
``SEED=<n>`` repeats the pauses of a run. Ends with 1 when a law was broken.
"""

import os
import random
import shutil
import sys
import tempfile
from pathlib import Path
from time import monotonic

from sinergi_ops.parts.missing import PartMissingError
from sinergi_ops.supervisor import ChildFailedError, foreground
from tests.chaos.broken import FAULTS
from tests.chaos.catalogue import SCENARIOS
from tests.chaos.result import Result, show, write
from tests.chaos.world import Options

_START = monotonic()


def main() -> int:
    """Run what is asked for and return the exit code."""
    names = sys.argv[1:] or list(SCENARIOS)
    fault = os.environ.get("BREAK") or None
    if unknown := [name for name in names if name not in SCENARIOS]:
        return _refuse(f"tidak ada / no scenario {unknown}: {', '.join(SCENARIOS)}")
    if fault is not None and fault not in FAULTS:
        return _refuse(f"tidak ada / no fault {fault}: {', '.join(FAULTS)}")
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(1_000_000))
    options = Options(os.environ.get("QUICK") == "1", fault, seed, _told)
    return foreground(_all(names, options))


async def _all(names: list[str], options: Options) -> int:
    results = []
    for name in names:
        _told(f"--- {name}, SEED={options.seed}{f', BREAK={options.fault}' if options.fault else ''}")
        try:
            results.append(await _one(name, options))
        except (ChildFailedError, PartMissingError) as problem:
            return _refuse(str(problem))
        write(results[-1])
    show(results)
    return 0 if all(result.ok for result in results) else 1


async def _one(name: str, options: Options) -> Result:
    place = Path(tempfile.mkdtemp(prefix=f"chaos-{name}-"))
    scenario = SCENARIOS[name]
    start = monotonic()
    async with scenario.world(options, place) as world:
        result = await scenario.run(world)
    result.quick, result.broken, result.seed = options.quick, options.fault, options.seed
    result.seconds = round(monotonic() - start, 1)
    if result.ok:
        shutil.rmtree(place)
    else:
        result.figures["logs"] = str(place / "log")
    return result


def _told(text: str) -> None:
    sys.stdout.write(f"[chaos {monotonic() - _START:4.0f} s] {text}\n")
    sys.stdout.flush()


def _refuse(problem: str) -> int:
    sys.stderr.write(f"[chaos] {problem}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
