"""What a terminal of 80 columns and 24 lines shows, line by line, and which lines did not fit it."""

import re
import unicodedata

COLUMNS, LINES = 80, 24
SEQUENCE = re.compile(
    r"\x1b(?:\[(?P<arguments>[0-?]*)[ -/]*(?P<final>[@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][A-Z0-9]|[=>78M])"
)
BEGUN = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]*\x1b?|[()]?)?\Z")
"""A sequence whose end is still to come."""
WHERE_IS_THE_CURSOR = "\x1b[6n"


class Display:
    """Lines as they are seen, also those that have left the screen at its top.

    Attributes:
        rows: The lines, each a list of cells; the second cell of a wide character is "".
        row: The cursor's line.
        column: The cursor's cell, `COLUMNS` behind the last one.
        broken: The lines that had to be broken, for they were wider than the terminal.
        questions: How often the cursor's place was asked for and not answered yet.
    """

    def __init__(self) -> None:
        """Begin with an empty screen."""
        self.rows: list[list[str]] = [[]]
        self.row = self.column = 0
        self.broken: list[str] = []
        self.questions = 0
        self._wraps = True
        self._rest = ""
        self._goes_on = -1

    @property
    def place(self) -> str:
        """The cursor's place, as a terminal answers who asks for it."""
        return f"\x1b[{self.row - self._top + 1};{min(self.column, COLUMNS - 1) + 1}R"

    def lines(self, start: int = 0) -> list[str]:
        """Return the lines from one on, without the blanks at their ends."""
        return ["".join(cells).rstrip() for cells in self.rows[start:]]

    def feed(self, text: str) -> None:
        """Show what a program wrote."""
        text = self._rest + text
        self._rest = ""
        at = 0
        while at < len(text):
            if text[at] == "\x1b":
                if match := SEQUENCE.match(text, at):
                    self._obey(match)
                    at = match.end()
                    continue
                if BEGUN.match(text, at):
                    self._rest = text[at:]
                    return
            self._put(text[at])
            at += 1

    @property
    def _top(self) -> int:
        return max(0, len(self.rows) - LINES)

    def _put(self, character: str) -> None:
        if character == "\n":
            self._go(self.row + 1, self.column)
        elif character == "\r":
            self.column = 0
        elif character == "\b":
            self.column = max(0, self.column - 1)
        elif character == "\t":
            self.column = min(COLUMNS - 1, self.column // 8 * 8 + 8)
        elif character.isprintable() and not unicodedata.combining(character):
            self._print(character, 2 if unicodedata.east_asian_width(character) in "WF" else 1)

    def _print(self, character: str, width: int) -> None:
        if self.column + width > COLUMNS:
            if self._wraps:
                self._break()
            else:
                self.column = COLUMNS - width
        cells = self.rows[self.row]
        cells.extend(" " * (self.column + width - len(cells)))
        cells[self.column : self.column + width] = [character, ""][:width]
        self.column += width

    def _break(self) -> None:
        line = "".join(self.rows[self.row])
        if self.row == self._goes_on:
            self.broken[-1] += line
        else:
            self.broken.append(line)
        self._go(self.row + 1, 0)
        self._goes_on = self.row

    def _go(self, row: int, column: int) -> None:
        self.row, self.column = max(row, self._top), max(0, min(column, COLUMNS))
        while len(self.rows) <= self.row:
            self.rows.append([])

    def _obey(self, sequence: re.Match[str]) -> None:
        final, arguments = sequence["final"] or "", sequence["arguments"] or ""
        numbers = [int(number) for number in re.findall(r"\d+", arguments)]
        first = numbers[0] if numbers else 0
        moves = {"A": (-1, 0), "B": (1, 0), "C": (0, 1), "D": (0, -1)}
        if final in moves:
            down, right = (step * max(1, first) for step in moves[final])
            self._go(min(self.row + down, self._top + LINES - 1), self.column + right)
        elif final == "G":
            self.column = max(1, first) - 1
        elif final == "H":
            self._go(self._top + max(1, first) - 1, (numbers[1] if len(numbers) > 1 else 1) - 1)
        elif final == "J" and first == 0:
            del self.rows[self.row + 1 :]
            del self.rows[self.row][self.column :]
        elif final == "K":
            del self.rows[self.row][self.column if first == 0 else 0 :]
        elif final in "hl" and arguments == "?7":
            self._wraps = final == "h"
        elif final == "n" and first == 6:
            self.questions += 1
