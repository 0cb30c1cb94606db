"""Tokens of single services, made from the service token."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pie.state.tokens import bound_token, service_of

MASTER = "m" * 43
PSM = "toutiao.my.server"


def test_a_bound_token_says_whose_it_is() -> None:
    token = bound_token(MASTER, PSM)
    assert service_of(token, MASTER) == PSM
    assert service_of(token, "n" * 43) is None
    assert service_of(token.replace("server", "serves"), MASTER) is None
    assert bound_token(token, "toutiao.my.other") == token
    assert bound_token("", PSM) == ""
    assert token.isascii() and token.isprintable() and " " not in token


@pytest.mark.parametrize("text", ["", "pie1.", "pie1..", "pie1.a.b.c", f"pie1.{PSM}.", MASTER])
def test_what_nobody_made_is_of_no_service(text: str) -> None:
    assert service_of(text, MASTER) is None


@given(st.text(max_size=600))
def test_any_text_is_looked_at(text: str) -> None:
    assert service_of(text, MASTER) is None
    assert service_of("pie1." + text, MASTER) is None


def test_a_name_that_is_none_gets_no_token() -> None:
    with pytest.raises(ValueError, match="is not a PSM"):
        bound_token(MASTER, "a b")
