"""Tables that operators take out: contacts, and what ads brought."""
