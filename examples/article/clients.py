"""The services this one calls."""

from pyrpc.user_info import UserInfoServiceClient

users = UserInfoServiceClient("toutiao.user.user_info")
