"""The services this one calls.

Installations are moving from an old device service, a plain Apache Thrift server, to a new one.
Until that is done, both are asked.
"""

from pyrpc.article import ArticleServiceClient
from pyrpc.device_info import DeviceInfoServiceClient

articles = ArticleServiceClient("toutiao.article.article")
devices = DeviceInfoServiceClient("toutiao.device.device_info")
old_devices = DeviceInfoServiceClient("toutiao.device.device_info", to_cluster="legacy")
