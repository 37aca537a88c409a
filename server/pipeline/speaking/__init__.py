"""Replies as voice messages: the speech, and when a reply is spoken."""
