"""A shop's answers without a model: questions told apart, passages quoted, prices listed."""
