"""The policy in force in this process, and its place in the order of activations; it only goes forward."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sinergi_router.policy.book import Policy
from sinergi_shared.contracts.activation import Activation
from sinergi_shared.runtime.activations import Activations


@dataclass(frozen=True, slots=True)
class InForce:
    """A policy, and the activation that brought it; none for the pack of the settings, which is the first."""

    policy: Policy
    activation: Activation | None = None

    @property
    def number(self) -> int:
        """Place in the order of activations; 0 for the first."""
        return self.activation.activation if self.activation is not None else 0


async def _nowhere(activation: Activation) -> Policy:
    raise LookupError(f"no place to load {activation.policyVersion} from")


class Rules:
    """What every lane of this process decides by, from its next batch on.

    ``load`` returns the policy of an activation, ready to decide by, or raises; ``changed`` hears of
    each new one. ``activations`` are those that are named to it, by the topic or by a lane.
    """

    def __init__(
        self,
        first: Policy,
        load: Callable[[Activation], Awaitable[Policy]] = _nowhere,
        changed: Callable[[InForce], None] = lambda _in_force: None,
    ) -> None:
        self.activations = Activations(self.bring)
        self._current = InForce(first)
        self._load = load
        self._changed = changed
        self._moved = asyncio.Condition()
        changed(self._current)

    @property
    def current(self) -> InForce:
        """What is in force now."""
        return self._current

    async def bring(self, activation: Activation | None) -> None:
        """Bring an activation into force unless a later one is; what ``load`` raises changes nothing."""
        if activation is None or activation.activation <= self._current.number:
            return
        policy = await self._load(activation)
        async with self._moved:
            if activation.activation > self._current.number:  # nobody else was faster
                self._current = InForce(policy, activation)
                self._changed(self._current)
                self._moved.notify_all()

    async def reached(self, activation: Activation) -> None:
        """Return once this activation, or a later one, is in force, however long that takes."""
        self.activations.want(activation)
        async with self._moved:
            await self._moved.wait_for(lambda: self._current.number >= activation.activation)
