"""The release that this is."""

VERSION = "1.0.0"
"""The one place that names it; pyproject.toml, the template's output and the changelog are held equal by a test."""
