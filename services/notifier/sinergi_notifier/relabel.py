"""Follows activations of region packs, so that letters use the names of the pack in force.

Nothing waits for it: until the words are there, an office that the old pack does not know is called
by its code, and its times are those of Pontianak.
"""

import asyncio
from collections.abc import Callable

from sinergi_shared.contracts.activation import Activation
from sinergi_shared.region.labels import Labels
from sinergi_shared.runtime import logs
from sinergi_shared.runtime.activations import Activations, Pending


def relabel(
    read: Callable[[Activation | None], Labels],
    use: Callable[[Labels], None],
    pending: Callable[[bool], None],
) -> Activations:
    """Return what reads each activated pack's labels and hands them on.

    ``read`` returns the labels of an activation's pack or raises why it cannot; ``use`` takes them;
    ``pending`` hears whether the newest ones are still to come.
    """

    async def bring(activation: Activation | None) -> None:
        use(await asyncio.to_thread(read, activation))

    def tell(missed: Pending | None) -> None:
        pending(missed is not None)
        if missed is not None:
            version = missed.wanted.policyVersion if missed.wanted else None
            logs.logger().warning(
                "letters use the words of the old pack", policy_version=version, problem=missed.told
            )

    return Activations(bring, tell)
