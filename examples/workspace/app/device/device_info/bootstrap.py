"""Starts toutiao.device.device_info: python app/device/device_info/bootstrap.py"""

# ruff: noqa: I001 - whether settings is ours depends on where ruff is started
import settings
from pie import serve

serve.thrift("pyrpc.device_info:DeviceInfoService", "handler:Handler", settings)
