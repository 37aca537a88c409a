"""What webhooks bring of a number besides messages: notices of its health, and calls that nobody took."""
