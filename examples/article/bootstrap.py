import settings

from pie import serve

serve.thrift("pyrpc.article:ArticleService", "handler:Handler", settings)
