"""python -m server: the `salesgraph` command."""

from server.cli.main import main

main()
