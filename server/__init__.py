"""Wires channels, agent and knowledge base into one running product."""
