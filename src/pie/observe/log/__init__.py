"""Log lines: their format and its parser, the stdlib handler, the hourly files."""
