"""Looking for words in what was said: the plain way through Redis, and an index of this host that says where
looking is worth the while."""
