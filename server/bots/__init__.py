"""The bots that run here: each with its accounts, its channels, its knowledge and its part of Redis."""
