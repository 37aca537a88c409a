"""Telling the outside: operators who are needed, and programs that asked to be told."""
