"""A Django project in one module: settings and URLs."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from workload.data import HELLO

SECRET_KEY = "for a benchmark on this machine only"
DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = __name__
USE_TZ = True
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
]


def hello(request: HttpRequest) -> HttpResponse:
    return HttpResponse(HELLO)


urlpatterns = [path("hello", hello)]
