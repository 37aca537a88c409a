"""The operator API of knowledge bases."""
