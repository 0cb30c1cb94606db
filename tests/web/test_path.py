"""The path of a request in records and access lines."""

import pytest

from pie.web.path import MAX_PATH, QueryRule, path_of


def shown(path: str, query: str = "", rule: QueryRule = "keys", prefix: str = "") -> str:
    environ = {"SCRIPT_NAME": prefix, "PATH_INFO": path, "QUERY_STRING": query}
    return path_of(environ, rule)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", "/"),
        ("", ""),
        ("/a/b.c~d-e_f/1,2;3=4", "/a/b.c~d-e_f/1,2%3B3%3D4"),
        ("/a b", "/a%20b"),
        ("/商品".encode().decode("latin-1"), "/%E5%95%86%E5%93%81"),
        ("/a\r\nINFO forged\x1b[31m", "/a%0D%0AINFO%20forged%1B%5B31m"),
        ("/a\\nb%2e?x=1#y\"'", "/a%5Cnb%252e%3Fx%3D1%23y%22'"),
        ("/\u4e2d", "/%3F"),  # No server gives this.
    ],
)
def test_it_needs_no_escape_anywhere(path: str, expected: str) -> None:
    assert shown(path) == expected


def test_it_is_bounded() -> None:
    assert shown("/" + "x" * 10_000) == "/" + "x" * (MAX_PATH - 1)
    assert len(shown("/" + "\x00" * 10_000)) == MAX_PATH
    assert len(shown("/", "&".join(f"key{number}=v" for number in range(10_000)))) <= MAX_PATH
    assert len(shown("/", "k" * 10_000 + "=v")) < 100


def test_the_prefix_of_the_application_belongs_to_it() -> None:
    assert shown("/x", prefix="/shop") == "/shop/x"
    assert path_of({}, "keys") == ""


@pytest.mark.parametrize(
    ("query", "keys", "values"),
    [
        ("page=2&sort=up", "page=*&sort=*", "page=2&sort=up"),
        ("token=hunter2", "token=*", "token=*"),
        ("Access_Token=hunter2", "Access_Token=*", "Access_Token=*"),
        ("%70assword=hunter2", "%70assword=*", "%70assword=*"),
        ("X-Amz-Signature=hunter2", "X-Amz-Signature=*", "X-Amz-Signature=*"),
        ("hunter2", "*", "*"),
        ("q=" + "x" * 65, "q=*", "q=*"),
        ("a=1;token=hunter2", "a=*", "a=1%3Btoken%3Dhunter2"),
        ("a=%E4%B8%AD b", "a=*", "a=%E4%B8%AD%20b"),
        ("a\n=\x1b", "a%0A=*", "a%0A=%1B"),
        ("a=", "a=*", "a="),
        ("=x", "=*", "=x"),
        ("&", "*&*", "*&*"),
    ],
)
def test_values_of_the_query_are_hidden(query: str, keys: str, values: str) -> None:
    assert shown("/p", query) == f"/p?{keys}"
    assert shown("/p", query, "values") == f"/p?{values}"
    assert shown("/p", query, "none") == "/p"
