"""What people at the business do: log in, take over, import, erase, and look at the figures."""
