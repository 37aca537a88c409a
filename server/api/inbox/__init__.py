"""The routes of the team inbox."""
