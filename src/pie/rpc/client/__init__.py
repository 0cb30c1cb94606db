"""The Thrift client: channels, pools, connections."""
