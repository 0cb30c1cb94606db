"""Settings of toutiao.discuss.ttdiscuss.

Each can be overridden: PIE_PORT=7705 in the environment, or --port 7705 on the command line.
"""

PSM = "toutiao.discuss.ttdiscuss"
PORT = 7723  # The next free port is taken, and named, when this one is in use.
HOST = "127.0.0.1"  # "0.0.0.0" opens the service to the network.
DEBUG = False  # True shows all logs on the console.
OWNERS = ("discussion",)  # Who is responsible; shown on the service's page.
VERSION = "0.9.3"
