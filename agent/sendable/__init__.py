"""What the owner of a bot lets the agent send."""
