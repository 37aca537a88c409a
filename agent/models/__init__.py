"""Chat models: asked, counted, and replaced by the offline model when they fail."""
