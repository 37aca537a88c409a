"""python -m server: the `salesgraph` command."""

from server.cli.main import main

if __name__ == "__main__":
    main()
