import settings

from pie import serve

serve.thrift("pyrpc.user_info:UserInfoService", "handler:Handler", settings)
