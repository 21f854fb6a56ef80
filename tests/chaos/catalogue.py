"""Every scenario, in the order in which ``make chaos`` runs them."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.chaos.ingest_world import ingest_node
from tests.chaos.nodes import behind_proxy, three_nodes
from tests.chaos.result import Result
from tests.chaos.scenarios import (
    broker_fault,
    ingest_hostile,
    ingest_kill,
    kafka_away,
    late_end_txn,
    pack_reload,
    poison,
    redis_loss,
    router_freeze,
    router_kill,
    router_scale,
    simulation,
)
from tests.chaos.valkey_world import valkey_node
from tests.chaos.world import Options, one_node


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is done, and the world it is done in."""

    run: Callable[[Any], Awaitable[Result]]
    world: Callable[[Options, Path], AbstractAsyncContextManager[Any]]


SCENARIOS: Final = {
    "router-kill": Scenario(router_kill.run, one_node),
    "router-freeze": Scenario(router_freeze.run, one_node),
    "router-scale": Scenario(router_scale.run, one_node),
    "late-end-txn": Scenario(late_end_txn.run, behind_proxy),
    "broker-kill": Scenario(broker_fault.killed, three_nodes),
    "broker-freeze": Scenario(broker_fault.frozen, three_nodes),
    "poison": Scenario(poison.run, one_node),
    "pack-reload": Scenario(pack_reload.run, one_node),
    "simulation": Scenario(simulation.run, simulation.no_world),
    "ingest-hostile": Scenario(ingest_hostile.run, ingest_node),
    "ingest-kill": Scenario(ingest_kill.run, ingest_node),
    "kafka-away": Scenario(kafka_away.run, ingest_node),
    "redis-loss": Scenario(redis_loss.run, valkey_node),
}
