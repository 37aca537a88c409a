"""The routes of working as a team."""
