"""python -m server: the `salesgraph` command."""

from server.cli import main

main()
