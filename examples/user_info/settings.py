PSM = "toutiao.user.user_info"
PORT = 7722
OWNERS = ("users",)
VERSION = "1.0.0"
