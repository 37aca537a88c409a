"""Documents and products of bots as operators see and correct them."""
