"""Where things are when nobody says."""

PLATFORM_PORT = 8790
PLATFORM_URL = f"http://127.0.0.1:{PLATFORM_PORT}"
