"""What a check costs, beside what people would use instead, and how that grows. `make bench` runs all of it."""
