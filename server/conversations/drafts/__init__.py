"""Replies of the agent that wait for a person's word."""
