PSM = "toutiao.stream.api"
PORT = 7720
OWNERS = ("stream",)
VERSION = "2.0.1"
