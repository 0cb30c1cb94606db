"""Bounds that cannot be are refused where they are written."""

import pytest

from pie.rpc import ServerOptions


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_threads": 0},
        {"max_connections": 1 << 31},
        {"max_in_flight": 0},
        {"frame_limit": -1},
        {"idle_timeout": float("inf")},
        {"transfer_timeout": float("nan")},
        {"overload_timeout": -0.1},
    ],
)
def test_each_is_named_with_what_it_may_be(wrong) -> None:
    (name,) = wrong
    with pytest.raises(ValueError, match=rf"{name} is .*: choose \d to \d+"):
        ServerOptions(**wrong)
