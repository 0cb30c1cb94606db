"""A Django project with nothing in it but Django, as a server of Calls."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.serve.conftest import over_both_twins

from pie.state import RemoteStore, lookup_services

BOOTSTRAP = (
    "import settings\nfrom pie import serve\n"
    "application = serve.django('shop.settings', settings)\n"
)
SETTINGS = """
from pathlib import Path
BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = "x"
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "testserver"]
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = [
    "django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes",
    "django.contrib.sessions", "django.contrib.messages", "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [{
    "BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True,
    "OPTIONS": {"context_processors": [
        "django.template.context_processors.request",
        "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages",
    ]},
}]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}}
STATIC_URL = "static/"
USE_TZ = True
"""
URLS = """
from django.contrib import admin
from django.urls import include, path, re_path
from shop import views
urlpatterns = [
    path("", views.hello),
    path("admin/", admin.site.urls),
    path("api/v1/", include([path("items/<int:item_id>/", views.Item.as_view(), name="item")])),
    re_path(r"^old/(?P<year>[0-9]{4})/$", views.old),
    path("bug", views.bug), path("downstream", views.downstream), path("sold-out", views.sold_out),
    path("stream", views.stream), path("broken", views.broken), path("users", views.users),
    path("visits", views.visits), path("slow", views.slow),
]
"""
VIEWS = """
import logging
from django.contrib.auth.models import User
from django.core.cache import cache
from django.http import Http404, HttpResponse, JsonResponse, StreamingHttpResponse
from django.views import View
from pie.model import Failure, Kind, current_call

def hello(request):
    logging.getLogger(__name__).info("hello, %s", "世界")
    return HttpResponse("Hello world")

class Item(View):
    def get(self, request, item_id):
        if item_id == 404:
            raise Http404
        return JsonResponse({"id": item_id})
    def post(self, request, item_id):
        return HttpResponse(status=201)

def old(request, year):
    return HttpResponse(year)

def bug(request):
    return {}["missing"]

def downstream(request):
    raise Failure(Kind.DEADLINE, "d.e.f.Get did not end in time")

def sold_out(request):
    raise Failure(Kind.BUSINESS, "sold out", code=1234)

def stream(request):
    return StreamingHttpResponse(current_call.get().logid for _ in range(3))

def broken(request):
    def chunks():
        yield b"one"
        raise ValueError("in the middle")
    return StreamingHttpResponse(chunks())

def users(request):
    return JsonResponse({"names": [user.username for user in User.objects.all()]})

def visits(request):
    request.session["n"] = request.session.get("n", 0) + 1
    return HttpResponse(f"{request.session['n']} {cache.get_or_set('c', 7)}")

async def slow(request):
    return HttpResponse(current_call.get().logid)
"""
MANAGE = (
    "import os, sys\nfrom django.core.management import execute_from_command_line\n"
    "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n"
    "execute_from_command_line(sys.argv)\n"
)


def project(services, settings: str = "", django: str = "", **files: str) -> Path:
    return services.write(
        settings,
        **{
            "bootstrap": BOOTSTRAP, "manage": MANAGE, "shop/__init__": "", "shop/urls": URLS,
            "shop/views": VIEWS, "shop/settings": SETTINGS + django,
        } | files,
    )  # fmt: skip


def manage(folder: Path, *arguments: str, **environ: str) -> str:
    command = [sys.executable, "-W", "error", str(folder / "manage.py"), *arguments]
    done = subprocess.run(
        command, env=os.environ | environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def calls(running) -> list[dict]:
    facts = running.folder / "toutiao" / "log" / "facts"
    files = sorted(facts.glob("toutiao.my.api.calls.2*.ndjson"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


@over_both_twins
def test_every_request_is_a_call_and_django_stays_django(services) -> None:
    folder = project(services, "DEBUG = True\n")
    assert "no issues" in manage(folder, "check")
    manage(folder, "migrate")
    given = {"DJANGO_SUPERUSER_PASSWORD": "p", "DJANGO_SUPERUSER_USERNAME": "王敏"}
    manage(folder, "createsuperuser", "--noinput", "--email", "a@b.example", **given)
    running = services.start()
    port = running.port
    logid = "2017041721432901000304821652640c"
    asked = [
        ("/", 200), ("/api/v1/items/7/", 200), ("/api/v1/items/404/", 404), ("/nowhere", 404),
        ("/old/2017/", 200), ("/bug", 500), ("/downstream", 504), ("/sold-out", 200),
        ("/stream", 200), ("/users", 200), ("/visits", 200), ("/slow", 200),
        ("/admin/login/", 200), ("/admin/", 302),
    ]  # fmt: skip
    bodies = {}
    for path, status in asked:
        answered, body = running.get(port, path, **{"X-Tt-Logid": logid})
        assert (path, answered) == (path, status), body
        bodies[path] = body.decode()
    with pytest.raises(Exception, match=r"IncompleteRead|Remote end closed"):
        running.get(port, "/broken")
    printed, errors = running.stop()
    assert errors == ""
    found = calls(running)
    rows = {row["message"] or row["method"]: row for row in found}
    told = {  # Of all: two rows that say "404 Not Found" may come in either order.
        row["method"]: (row["route"], row["status"], row["outcome"], row["code"]) for row in found
    }
    expected = {
        "shop.views.hello": ("/", 200, "ok", 0),
        "shop.views.old": ("/old/(?P<year>[0-9]{4})/", 200, "ok", 0),
        "shop.views.bug": ("/bug", 500, "internal", 500),
        "shop.views.downstream": ("/downstream", 504, "deadline", 504),
        "shop.views.sold_out": ("/sold-out", 200, "business", 1234),
        "shop.views.broken": ("/broken", 200, "internal", 500),
        "shop.views.slow": ("/slow", 200, "ok", 0),
        "(unmatched)": ("", 404, "not_found", 404),
        "django.contrib.admin.sites.AdminSite.index": ("/admin/", 302, "ok", 0),
    }
    assert {method: told[method] for method in expected} == expected
    assert rows["shop.views.Item"]["route"] == "/api/v1/items/<int:item_id>/"
    assert "KeyError: 'missing'" in rows
    assert rows["shop.views.stream"]["response_bytes"] == 96
    assert bodies["/stream"] == logid * 3
    assert bodies["/slow"] == logid
    assert bodies["/visits"] == "1 7"
    assert json.loads(bodies["/users"]) == {"names": ["王敏"]}
    assert json.loads(bodies["/downstream"]) == {
        "code": 504, "message": "d.e.f.Get did not end in time", "logid": logid,
    }  # fmt: skip
    assert json.loads(bodies["/sold-out"])["code"] == 1234
    assert "missing" not in bodies["/bug"]
    assert f" {logid} " in next(line for line in printed.splitlines() if "hello, 世界" in line)
    assert printed.count("data=GET / 200 ok") == 1
    assert printed.count("data=Not Found: /nowhere") == 1
    assert printed.count("Internal Server Error: /bug") == 1
    assert printed.startswith("I will use in-memory cache\n")


@over_both_twins
def test_the_projects_own_middleware_and_cache_come_first(services) -> None:
    django = (
        "MIDDLEWARE = [*MIDDLEWARE, 'shop.middleware.Own']\n"
        "CACHES = {'default': {'BACKEND': 'django.core.cache.backends.dummy.DummyCache'}}\n"
    )
    own = (
        "from django.http import HttpResponse\nclass Own:\n"
        "    def __init__(self, get_response):\n        self.get_response = get_response\n"
        "    def __call__(self, request):\n        return self.get_response(request)\n"
        "    def process_exception(self, request, exception):\n"
        "        return HttpResponse('handled')\n"
    )
    project(services, django=django, **{"shop/middleware": own})
    running = services.start()
    assert running.get(running.port, "/downstream") == (200, b"handled")
    printed, _ = running.stop()
    assert "I will use the project's own cache\n" in printed
    assert calls(running)[0]["outcome"] == "ok"


def test_the_projects_logging_swallows_nothing(services) -> None:
    django = (
        "LOGGING = {'version': 1, 'handlers': {'console': {'class': 'logging.StreamHandler'}},\n"
        "  'root': {'handlers': ['console'], 'level': 'INFO'},\n"
        "  'loggers': {'django': {'handlers': ['console'], 'propagate': False}}}\n"
    )
    project(services, django=django)
    running = services.start()
    port = running.port
    for path in ("/", "/nowhere"):
        running.get(port, path)
    running.stop()
    assert running.log("app").count("data=hello, ") == 1
    assert running.log("python").count("data=Not Found: /nowhere") == 1
    assert "data=stopped" in running.log("python")
    assert running.log("uwsgi") == ""


def test_in_development_the_admin_has_its_styles(services) -> None:
    project(services, django="DEBUG = True\n")
    running = services.start()
    port = running.port
    assert running.get(port, "/static/admin/css/base.css")[0] == 200
    assert running.get(port)[0] == 200
    running.stop()
    assert running.log("uwsgi") == ""


def test_what_the_service_reports_of_itself(services, state) -> None:
    project(services, "OWNERS = ('me',)\n")
    running = services.start(PIE_PLATFORM=state, PIE_TOKEN="t")
    store = RemoteStore(state, "t")
    service = running.until(
        lambda: (found := lookup_services(store).get("toutiao.my.api")) and found.meta and found,
        "its registration",
    )
    running.stop()
    meta = service.meta
    assert (meta.framework, meta.protocol, meta.owners) == ("django", "http", ("me",))
    assert re.fullmatch(r"\d+\.\d+.*", meta.framework_version)
    known = {(each.method, each.route, each.verbs) for each in meta.interfaces}
    assert ("shop.views.Item", "/api/v1/items/<int:item_id>/", ("GET", "POST")) in known
    assert ("shop.views.hello", "/", ()) in known
    assert ("django.contrib.admin.sites.AdminSite.login", "/admin/login/", ()) in known


@over_both_twins
def test_the_test_client_needs_nothing_of_pie(services) -> None:
    tests = (
        "from django.test import TestCase\nclass HelloTest(TestCase):\n"
        "    def test_hello(self):\n"
        "        self.assertEqual(self.client.get('/').content, b'Hello world')\n"
        "        self.assertEqual(self.client.get('/users').json(), {'names': []})\n"
    )
    folder = project(services, **{"shop/tests": tests})
    command = [sys.executable, "-W", "error", "manage.py", "test"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Ran 1 test" in done.stderr


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("shop.setings", "'shop' is .*/shop/__init__.py"),
        ("site.settings", "'site' is .*/site.py"),
    ],
)
def test_settings_that_are_not_there_are_named(services, name: str, hint: str) -> None:
    project(services, bootstrap=BOOTSTRAP.replace("shop.settings", name))
    _, errors = services.start().wait()
    assert re.fullmatch(
        rf"pie: no Django settings '{name}' in {services.root} or installed \({hint}\); "
        r"write the settings module of the project: shop\.settings\n",
        errors,
    ), errors


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("shop", "'shop' is .*/shop/__init__.py, which holds no settings of Django"),
        ("json", "'json' is .*/json/__init__.py, which holds no settings of Django"),
        ("shop.wsgi", "'shop.wsgi' is not a Django settings module"),
        ("shop.wsgi:application", "'shop.wsgi:application' is no Django settings module"),
        ("shop/settings.py", "'shop/settings.py' is no Django settings module"),
    ],
)
def test_what_is_no_settings_module_is_named(services, name: str, words: str) -> None:
    project(services, bootstrap=BOOTSTRAP.replace("shop.settings", name))
    printed, errors = services.start().wait()
    advice = r"write the settings module of the project: shop\.settings"
    assert re.fullmatch(f"pie: {words}; {advice}\n", errors), errors
    assert "in-memory" not in printed


def test_settings_that_fail_are_shown_from_the_projects_code_on(services) -> None:
    project(services, django="1 / 0\n")
    _, errors = services.start().wait()
    shown = [line for line in errors.splitlines() if line.startswith("  File ")]
    assert len(shown) == 1, errors
    assert "/shop/settings.py" in shown[0]
    assert errors.endswith(
        "pie: shop.settings cannot be loaded: ZeroDivisionError: division by zero\n"
    )
    project(services, django="INSTALLED_APPS = ['nowhere']\n")
    _, errors = services.start().wait()
    assert errors.splitlines()[-1] == (
        "pie: shop.settings cannot be loaded: ModuleNotFoundError: No module named 'nowhere'"
    )
    assert "/django/" not in errors
