"""Pages of people who answer customers: conversations, contacts, and replies at hand."""
