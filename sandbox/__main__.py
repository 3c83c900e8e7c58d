"""`make run` and `make sandbox`, or `python -m sandbox`: the real function at work on this machine."""

import io
import os
import sys


def main() -> int:
    """Play the story (`--full`: print every message; `--open`: on a page as well), or `--keep` a stack.

    Returns:
        The exit code: 0 when everything arrived, once.
    """
    if sys.version_info < (3, 11):  # noqa: UP036 - the one place that an older Python reaches
        print(f"Python 3.11 or newer is needed, and this is {sys.version.split()[0]}: make run PYTHON=python3.13")
        return 2
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that can't show a character must not end the story
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]  # a person's own profile must not leak in, nor break an import
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
    try:
        if "--keep" in sys.argv:
            from sandbox.keep import keep

            keep()
            return 0
        from sandbox.channels import FAKES

        named = [argument.removeprefix("--channels=") for argument in sys.argv if argument.startswith("--channels=")]
        chosen = named[0].split(",") if named and named[0] else []
        if unknown := sorted(set(chosen) - FAKES.keys()):
            print(
                f"No such channel: {', '.join(unknown)}. Choose from {', '.join(FAKES)}: make run CHANNELS=slack,cliq"
            )
            return 2
        full = "--full" in sys.argv
        from sandbox.screen import Screen  # only now: with AWS in memory, it takes seconds
        from sandbox.story import CHANNELS, play

        channels = chosen or list(CHANNELS)
        if "--open" in sys.argv:
            from sandbox.live import watch

            return 0 if watch(lambda screen: play(screen, channels), full=full) else 1
        return 0 if play(Screen(sys.stdout, full=full), channels) else 1
    except KeyboardInterrupt:
        print("\nStopped.")
        return 130


if __name__ == "__main__":
    sys.exit(main())
