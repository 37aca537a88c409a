"""What an operator sets: settings of the environment, bots of a file, hours, addresses, secrets of the
installation."""
