"""`pie config`: the dynamic configuration of services."""
