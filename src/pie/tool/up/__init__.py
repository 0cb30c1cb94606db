"""``pie up``, ``pie down``, and the processes they keep."""
