"""What search is made of: words, vectors, packed texts, and the contract of an engine."""
