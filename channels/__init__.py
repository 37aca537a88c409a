"""Bytes to messages and back, one file a provider. Imports nothing of ours."""
