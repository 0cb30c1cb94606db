"""Starts toutiao.device.device_info: python app/device/device_info/bootstrap.py"""

import settings

# isort: split
from pie import serve

serve.thrift("pyrpc.device_info:DeviceInfoService", "handler:Handler", settings)
