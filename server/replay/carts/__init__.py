"""Carts and orders of saved conversations: kept in memory, priced from the tape."""
