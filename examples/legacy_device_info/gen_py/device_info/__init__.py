__all__ = ['ttypes', 'constants', 'DeviceInfoService']
