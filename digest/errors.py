"""The error tree. The root says what, which and why; a leaf is three lines.

Exit codes: `DigestError` is expected and ends a command with 1; everything else is a bug and ends it with 3.
"""

from __future__ import annotations


class DigestError(Exception):
    """Something expected went wrong: a sentence with what to type next, never a traceback.

    `subject` names the thing (a file, an address, an edition); `hint` says what to do.
    """

    summary = "something went wrong"

    def __init__(self, subject: object = "", detail: str = "", *, hint: str = "") -> None:
        super().__init__(subject, detail)
        self.subject = subject
        self.detail = detail
        self.hint = hint

    def __str__(self) -> str:
        """One sentence: subject, summary, detail; then the hint on its own line."""
        head = f"{self.subject}: {self.summary}" if self.subject != "" else self.summary
        text = f"{head}: {self.detail}" if self.detail else head
        return f"{text}\n{self.hint}" if self.hint else text


class NaiveTimeError(DigestError):
    """A moment came without its zone."""

    summary = "time has no zone; times are aware and UTC"


class ConfigError(DigestError):
    """The configuration cannot be used; every problem at once, one a line."""

    summary = "the configuration cannot be used"

    def __init__(self, problems: list[str], *, hint: str = "") -> None:
        super().__init__(hint=hint)
        self.problems = problems

    def __str__(self) -> str:
        """All problems, one a line, then the hint."""
        return "\n".join([*self.problems, *([self.hint] if self.hint else [])])


class FileProblemsError(DigestError):
    """A file that people edit has problems; each with its place."""

    summary = "the file has problems"

    def __init__(self, problems: list[str], *, hint: str = "") -> None:
        super().__init__(hint=hint)
        self.problems = problems

    def __str__(self) -> str:
        """All problems, one a line, then the hint."""
        return "\n".join([*self.problems, *([self.hint] if self.hint else [])])


class UnreadableFileError(DigestError):
    """A file cannot be read or written."""

    summary = "cannot be read"


class StorageError(DigestError):
    """The database refused or is gone."""

    summary = "the database did not answer"


class SchemaError(StorageError):
    """The database's tables are not those of this version."""

    summary = "the database is not up to date"


class TransportError(DigestError):
    """The relay cannot be used now; nothing was offered, so nothing is lost."""

    summary = "the SMTP relay cannot be used"


class EditionError(DigestError):
    """An edition is not in a state that allows this."""

    summary = "not possible now"


class NoSuchWeekError(DigestError):
    """What was typed is no ISO week."""

    summary = "there is no such week"


class TemplateError(DigestError):
    """A template is wrong; with file and line."""

    summary = "the template cannot be used"


class NotFoundError(DigestError):
    """No such employee, post, edition or link."""

    summary = "not found"
