"""Customers played by a model, to talk to the agent before real ones do."""
