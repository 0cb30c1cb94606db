"""Who runs the process: this process alone, gunicorn's worker, or uWSGI."""
