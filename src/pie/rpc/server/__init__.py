"""The Thrift server: loops, connections, dispatch."""
