"""A name without instances: whether it was ever registered, and which names are like it."""

import difflib
from collections.abc import Iterator

from pie.model import PSM
from pie.state.registry.instances import PREFIX, meta_key
from pie.state.store.interface import Store, StoreError

MAX_NAMES = 3
_CLOSE = 0.7


def describe_absent(store: Store, psm: str) -> str:
    """A sentence on a PSM without instances; empty if the store does not answer."""
    try:
        known = store.get(meta_key(psm)) is not None
        names = () if known else nearest(store, psm)
    except StoreError:
        return ""
    if known:
        return "It was registered before, and none of its instances is left."
    if names:
        return f"The registry does not know this name. Did you mean {' or '.join(names)}?"
    return "The registry does not know this name."


def nearest(store: Store, psm: str) -> tuple[str, ...]:
    """Registered names most like one that is not, the most like first; may be empty.

    Asks for the neighbourhood of the name only, the likeliest part first: a whole registry may be
    large.

    Raises:
        StoreError: the store does not answer.
    """
    for prefix in _neighbourhoods(psm):
        keys = (entry.key for entry in store.range(PREFIX + prefix).entries)
        names = {key.removeprefix(PREFIX).partition("/")[0] for key in keys}
        found = difflib.get_close_matches(psm, sorted(names - {psm}), MAX_NAMES, _CLOSE)
        if found:
            return tuple(found)
    return ()


def _neighbourhoods(psm: str) -> Iterator[str]:
    product, subsystem, _ = PSM.parse(psm)
    yield f"{product}.{subsystem}."
    yield f"{product}.{subsystem[:2]}"
    yield f"{product}."
    yield product[:2]
