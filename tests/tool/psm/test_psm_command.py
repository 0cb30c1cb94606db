"""``pie psm``: who owns what, in the terminal."""

import getpass
import json

from pie.state.tokens import service_of

USER = getpass.getuser()


def test_list_of_all_and_of_the_unowned(pie) -> None:
    done = pie("psm", "ls")
    assert done.returncode == 0, done.stderr
    article = next(row for row in done.stdout.splitlines() if "toutiao.article.article" in row)
    assert article.startswith("●")
    assert "邓波" in article
    assert "as it registered" in article
    unowned = pie("psm", "ls", "--unowned").stdout
    assert "toutiao.article.article" not in unowned
    assert "never.started" in unowned
    assert "nobody" in unowned


def test_set_show_and_claim(pie) -> None:
    done = pie(
        "psm", "set", "new.shop.cart", "--owner", "lihua", "--tier", "1", "--on-call", "rota"
    )
    assert done.returncode == 0, done.stderr
    done = pie("psm", "set", "new.shop.cart", "--description", "the cart", "--tier", "none")
    assert done.returncode == 0, done.stderr
    shown = pie("psm", "show", "new.shop.cart").stdout
    for text in ("lihua", "the cart", "rota", "never registered", "tier: 1 → -", USER):
        assert text in shown
    found = json.loads(pie("psm", "show", "new.shop.cart", "--json").stdout)
    assert (found["version"], found["declared"]["owners"]) == (2, ["lihua"])
    assert pie("psm", "set", "new.shop.cart", "--owner", "").returncode == 0
    claimed = json.loads(pie("psm", "claim", "new.shop.cart", "--json").stdout)
    assert claimed["owners"] == [USER]
    again = pie("psm", "claim", "new.shop.cart")
    assert again.returncode == 1
    assert f"owned by {USER}" in again.stderr
    assert "new.shop.cart" in pie("psm", "ls", "--mine").stdout


def test_what_is_wrong_is_reported(pie) -> None:
    assert "docs: give an address" in pie("psm", "set", "a.b.c", "--docs", "nowhere").stderr
    assert "nothing to change" in pie("psm", "set", "a.b.c").stderr
    done = pie("psm", "show", "no.such.name")
    assert (done.returncode, "check the name" in done.stderr) == (1, True)


def test_the_token_of_one_service(pie, tmp_path) -> None:
    file = tmp_path / "service.token"
    file.write_text("m" * 43 + "\n")
    done = pie("psm", "token", "new.shop.cart", str(file))
    assert service_of(done.stdout.strip(), "m" * 43) == "new.shop.cart"
    file.write_text(done.stdout)
    wrong = pie("psm", "token", "new.shop.other", str(file))
    assert "does not hold the platform's service token" in wrong.stderr
