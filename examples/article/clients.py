"""The services this one calls."""

from pyrpc.user_info import UserInfoServiceClient

from pie.rpc import client

users = client(UserInfoServiceClient, "toutiao.user.user_info")
