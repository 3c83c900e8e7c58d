"""What a person runs: the build, and what sets up and looks after a deployed stack. Nothing here ships."""
