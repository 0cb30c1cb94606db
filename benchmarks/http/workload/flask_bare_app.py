"""The bare WSGI application inside of a Flask application, which ``pie.serve`` has a face for: no
part of Flask but its ``__call__`` runs.
"""

from flask import Flask

from workload import bare_app

application = Flask(__name__)
application.wsgi_app = bare_app.application
