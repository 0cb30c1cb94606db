"""Dynamic config: values that a running process follows, their versions, and who publishes them."""
