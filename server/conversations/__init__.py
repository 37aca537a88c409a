"""What goes on around one conversation: replies that wait to be sent, the list of all, files, memory, and for
how long it is kept."""
