"""One verb a file, imported only when it is chosen. `vdictl.cli.verbs` is the table of them."""
