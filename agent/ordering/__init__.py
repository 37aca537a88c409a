"""Carts and what an order comes to: worked out by code, held against the price list at every step."""
