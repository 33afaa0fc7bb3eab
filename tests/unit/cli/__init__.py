"""The command line, where a part can be tried by itself."""
