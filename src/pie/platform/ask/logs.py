"""What pages agree on about log lines."""

CLIENT_FOLDER = "client"
"""The folder of lines that browsers and apps sent."""
