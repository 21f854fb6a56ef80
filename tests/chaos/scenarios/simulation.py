"""Ten thousand courses of events on a model of Kafka: a crash or delay between any two of the lanes' calls.

``SEED=<n>`` begins with schedule ``n``: a failing one names the seed that shows it again at once.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from multiprocessing import get_context
from pathlib import Path
from time import monotonic

from tests.chaos.broken import OF_LANES
from tests.chaos.checker import Findings
from tests.chaos.result import Result, judged
from tests.chaos.sim.schedule import MOST_FAILING, run_many
from tests.chaos.sim.works import Verdict
from tests.chaos.world import Options

FULL, QUICK = 10_000, 300
AT_ONCE = 10
TELL_EVERY_S = 2.0
TRACE_LINES = 60


@asynccontextmanager
async def no_world(options: Options, _place: Path) -> AsyncIterator[Options]:
    """Give a scenario that needs no Kafka its options."""
    yield options


async def run(options: Options) -> Result:
    """Run schedule after schedule on every processor; stop when some have failed."""
    wanted = QUICK if options.quick else FULL
    fault = options.fault if options.fault in OF_LANES else None
    seeds = [range(options.seed + at, options.seed + at + AT_ONCE) for at in range(0, wanted, AT_ONCE)]
    verdicts: list[Verdict] = []
    start = told = monotonic()
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        loop = asyncio.get_running_loop()
        todo = {loop.run_in_executor(pool, run_many, some, fault) for some in seeds}
        while todo:
            done, todo = await asyncio.wait(todo, timeout=TELL_EVERY_S, return_when=asyncio.FIRST_COMPLETED)
            verdicts += [verdict for some in done for verdict in some.result()]
            if monotonic() - told > TELL_EVERY_S:
                told = monotonic()
                options.told(f"jadwal / schedules {len(verdicts):,} of {wanted:,}")
            if sum(not verdict.ok for verdict in verdicts) >= MOST_FAILING:
                pool.shutdown(cancel_futures=True)
                break
    return _result(sorted(verdicts, key=lambda one: one.seed), options, monotonic() - start)


def _result(verdicts: list[Verdict], options: Options, took_s: float) -> Result:
    failing = [verdict for verdict in verdicts if not verdict.ok]
    events = sum(verdict.events for verdict in verdicts)
    result = judged(
        "simulation",
        events,
        Findings(expected=sum(verdict.expected for verdict in verdicts)),
        sum(verdict.faults for verdict in verdicts),
        [verdict.recovery_s for verdict in verdicts if verdict.lost == 0],
    )
    result.lost = sum(verdict.lost for verdict in verdicts)
    result.duplicated = sum(verdict.duplicated for verdict in verdicts)
    result.figures |= {
        "schedules": len(verdicts),
        "schedules_per_s": round(len(verdicts) / took_s),
        "failing_seeds": [verdict.seed for verdict in failing],
    }
    for verdict in failing[:1]:
        for line in verdict.trace[-TRACE_LINES:]:
            options.told(line)
    for verdict in failing:
        again = (
            f"SEED={verdict.seed} {f'BREAK={options.fault} ' if options.fault else ''}make chaos S=simulation"
        )
        result.require(
            False,  # noqa: FBT003 - that is what failing means
            f"seed {verdict.seed}: {verdict.lost} lost, {verdict.duplicated} twice, "
            f"{verdict.wrong} wrong; again: {again}",
        )
    return result
