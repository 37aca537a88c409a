"""Documents to passages to an index to search. Imports nothing of ours."""
