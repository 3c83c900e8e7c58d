"""What a check costs beside what people would use instead. `make bench` prints it."""
