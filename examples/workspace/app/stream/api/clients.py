"""The services this one calls."""

from pyrpc.article import ArticleServiceClient
from pyrpc.device_info import DeviceInfoServiceClient

articles = ArticleServiceClient("toutiao.article.article")
devices = DeviceInfoServiceClient("toutiao.device.device_info")
related = ArticleServiceClient("toutiao.article.related")
