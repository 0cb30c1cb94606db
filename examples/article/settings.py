PSM = "toutiao.article.article"
PORT = 7721
OWNERS = ("articles",)
VERSION = "1.4.2"
