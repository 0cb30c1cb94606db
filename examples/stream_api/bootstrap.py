import settings

from pie import serve

serve.flask("views:app", settings)
