"""The health of a number: what its provider told of it, what that means, and what to do about it."""
