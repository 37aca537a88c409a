"""What Redis holds, and the only code that knows how: records, scripts, keys, and the way to the server."""
