"""Garbage collection in a service: what is loaded stays for life, what a request makes dies young."""

import gc


def leave_loaded_alone() -> None:
    """Call once all is loaded: the default looks at all of it again and again.

    It took half of a batch's time (performance, 2).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
