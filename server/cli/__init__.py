"""The `salesgraph` command: one module a group of commands."""
