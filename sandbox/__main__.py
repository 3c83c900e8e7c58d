"""`make run`, `make sandbox` and `make gallery`, or `python -m sandbox`: the real function at work on this machine."""

import io
import os
import sys


def main() -> int:
    """Play the story, or do what an option says.

    `--full` prints every message, and `--open` shows them on a page as well. `--keep` keeps a stack, and `--gallery`
    writes the gallery.

    Returns:
        The exit code: 0 when everything arrived, once.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that can't show a character must not end the story
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]  # a person's own profile must not leak in, nor break an import
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
    try:
        return _run(sys.argv[1:])
    except KeyboardInterrupt:
        print("\nStopped.")
        return 130
    except BlockingIOError:
        print("✗ A sandbox runs already.\n  → In this terminal: source build/sandbox.sh; or end the other with Ctrl-C.")
    except PermissionError as error:
        print(f"✗ {error.filename} cannot be written.\n  → Make its folder writable for you.")
    return 1


def _run(arguments: list[str]) -> int:
    from sandbox.channels import FAKES

    listed = "".join(argument[11:] for argument in arguments if argument.startswith("--channels="))
    chosen = listed.split(",") if listed else []
    if unknown := sorted(set(chosen) - FAKES.keys()):
        print(f"No such channel: {', '.join(unknown)}. Choose from {', '.join(FAKES)}: make run CHANNELS=slack,cliq")
        return 2
    if "--keep" in arguments:
        from sandbox.keep import keep  # only now: with AWS in memory, it takes seconds

        keep()
        return 0
    if "--gallery" in arguments:
        from sandbox import gallery

        return gallery.main(pictures="--pictures" in arguments)
    from sandbox.demo import play

    return 0 if play(chosen, full="--full" in arguments, page="--open" in arguments) else 1


if __name__ == "__main__":
    sys.exit(main())
