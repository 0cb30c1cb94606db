"""Desired state in an etcd v3 cluster, which several platforms may share."""
