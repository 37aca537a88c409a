"""Parts of Meta's side that are no wire of their own."""
