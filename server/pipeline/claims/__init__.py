"""Which conversations a worker takes up, when it looks for them, and how it keeps them."""
