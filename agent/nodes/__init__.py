"""One file a node, with one public function named like the node."""
