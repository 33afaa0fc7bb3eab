"""The only room with a terminal: options, tables, progress and exit codes. One verb a file in `commands`."""
