"""What providers tell of a number besides its messages: its quality, its limits, its account, its calls."""
