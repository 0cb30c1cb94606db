"""The services this one calls."""

from pyrpc.device_info import DeviceInfoServiceClient

devices = DeviceInfoServiceClient("toutiao.device.device_info")
