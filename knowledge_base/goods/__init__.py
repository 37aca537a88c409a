"""Products: recognised in tables, corrected by their owner, found by a question."""
