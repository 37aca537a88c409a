"""What can be known of a running product: logs, traces of turns, costs, what models can do, whether Redis is
fit."""
