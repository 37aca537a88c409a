"""Carts, orders and their payment: kept in Redis, shown to operators, told to customers."""
