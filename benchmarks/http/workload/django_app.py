"""The Django project as a WSGI application, as a project's wsgi.py makes it."""

import os

from django.core.wsgi import get_wsgi_application

os.environ["DJANGO_SETTINGS_MODULE"] = "workload.django_project"
application = get_wsgi_application()
