"""``pie login`` and ``pie people``, against a real platform."""

import json

import pytest
from click.testing import CliRunner

from pie.tool.pie import main


class User:
    """Somebody at a terminal of their own: what they log in to is kept in their own folder."""

    def __init__(self, fleet, home, workspace=None) -> None:
        self._environ = {
            "PIE_PLATFORM": f"http://127.0.0.1:{fleet.port}",
            "XDG_CONFIG_HOME": str(home),
            "USER": "wangdi", "LOGNAME": "wangdi",
        }  # fmt: skip
        if workspace is not None:
            self._environ["RUNTIME_ROOT"] = str(workspace)
        self.file = home / "pie" / "logins.json"

    def __call__(self, *arguments, code=0, stdin="", **environ):
        done = CliRunner().invoke(main, arguments, input=stdin, env=self._environ | environ)
        assert done.exit_code == code, done.output
        return done

    def json(self, *arguments):
        return json.loads(self(*arguments, "--json").stdout)


@pytest.fixture
def admin(fleet, tmp_path, monkeypatch):
    """Works in the platform's workspace, where admin.token is."""
    monkeypatch.chdir(tmp_path)
    return User(fleet, tmp_path / "admin", fleet.directory.parent)


@pytest.fixture
def lihua(fleet, tmp_path):
    """Sits at another machine, without a token in a file."""
    return User(fleet, tmp_path / "lihua")


def test_a_person_from_the_first_token_to_the_last(admin, lihua):
    token = admin("people", "add", "cli.lihua", "--token").stdout.strip()
    said = lihua("login", stdin=f"{token}\n")
    assert "as cli.lihua, no admin" in said.output
    assert token not in said.output
    assert lihua.file.stat().st_mode & 0o777 == 0o600
    assert lihua.file.parent.stat().st_mode & 0o777 == 0o700
    who = lihua("whoami").output
    assert "cli.lihua, no admin, on http" in who
    assert f"token {token.split('_')[1]} from `pie login`, good until" in who
    assert "toutiao.article.article" in lihua("ls").output
    assert "toutiao.article.article" in lihua("sd", "list").output
    # What others own is refused, and says what to do.
    refused = lihua("psm", "set", "toutiao.article.article", "--tier", "1", code=1).output
    assert "cli.lihua does not own toutiao.article.article. Its owners may do this: 邓波" in refused
    assert "admin.token" not in refused
    assert "is no admin" in lihua("people", "add", "x", code=1).output
    # Tokens of one's own.
    soon = lihua("people", "token", "--days", "3", "--note", "ci", PIE_TOKEN=token)
    second = soon.stdout.strip()
    assert "it expires in 2 d" in lihua("whoami", PIE_TOKEN=second).output
    assert "ci" in lihua("people", "list", "cli.").output
    lihua("people", "revoke", "cli.lihua", second.split("_")[1], "--reason", "not needed")
    assert "does not know the token from $PIE_TOKEN" in lihua("ls", code=1, PIE_TOKEN=second).output
    admin("people", "disable", "cli.lihua", "--reason", "left")
    assert "it is expired or revoked. Log in again" in lihua("ls", code=1).output
    admin("people", "enable", "cli.lihua")
    assert admin.json("people", "admin", "cli.lihua")["admin"] is True
    assert "cli.lihua, an admin" in lihua("whoami").output
    assert "logged out" in lihua("logout").output
    assert "no token" in lihua("ls", code=1).output
    assert "there was no login" in lihua("logout").output


def test_what_is_no_login(admin, lihua, fleet):
    assert "does not know this token" in lihua("login", stdin="pie_wrong\n", code=1).output
    assert "that is not a token" in lihua("login", stdin="\n", code=1).output
    service = (fleet.directory / "service.token").read_text()
    assert "the token of services" in lihua("login", stdin=service, code=1).output
    assert not lihua.file.exists()


def test_a_login_file_that_cannot_be_trusted(admin, lihua, fleet):
    lihua("login", stdin=(fleet.directory / "admin.token").read_text())
    assert "an admin" in lihua("whoami").output
    lihua.file.chmod(0o644)
    assert "run `chmod 600" in lihua("whoami", code=1).output
    lihua.file.chmod(0o600)
    lihua.file.write_text("{broken")
    assert "is damaged: delete it" in lihua("whoami", code=1).output
    # The workspace's own token needs no login.
    assert "an admin" in admin("whoami").output
