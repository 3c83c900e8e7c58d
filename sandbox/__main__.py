"""`make run`, or `python -m sandbox`: watch the real function at work on this machine."""

import io
import sys


def main() -> int:
    """Tell the story; return 0 when everything arrived, once."""
    if sys.version_info < (3, 11):  # noqa: UP036 - the one place that an older Python reaches
        print(f"Python 3.11 or newer is needed, and this is {sys.version.split()[0]}: make run PYTHON=python3.13")
        return 2
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that can't show a character must not end the story
    try:
        from sandbox.aws import forget_inherited_settings
        from sandbox.screen import Screen
        from sandbox.story import tell

        forget_inherited_settings()
        return 0 if tell(Screen(sys.stdout)) else 1
    except KeyboardInterrupt:
        print("\nStopped.")
        return 130


if __name__ == "__main__":
    sys.exit(main())
