"""A course folder: where things are in it. What nbgrader does with them is in nbgrader_course."""

from pathlib import Path

from grader.journal import digest, files_below

ROOT = Path(__file__).resolve().parent.parent
COURSE = ROOT / "build" / "course"


class Course:
    """A folder with source/, release/, submitted/, autograded/, feedback/ and gradebook.db."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    @property
    def gradebook(self) -> Path:
        """The SQLite file, unless nbgrader_config.py names another database."""
        return self.root / "gradebook.db"

    @property
    def config(self) -> Path:
        """Nbgrader's configuration, which need not be there."""
        return self.root / "nbgrader_config.py"

    @property
    def private(self) -> Path:
        """Where the grader keeps its journal and works."""
        return self.root / ".grader"

    def is_built(self) -> bool:
        """Whether there are sources, and a gradebook or a configuration that names one."""
        gradebook = self.gradebook.is_file() or self.config.is_file()
        return (self.root / "source").is_dir() and gradebook

    def assignments(self) -> list[str]:
        """Names of the assignments in source/."""
        folders = (self.root / "source").glob("*")
        return sorted(path.name for path in folders if any(path.glob("*.ipynb")))

    def digest(self, assignment: str) -> str:
        """A fingerprint of what submissions of an assignment are rebuilt from."""
        folders = (self.root / "source" / assignment, self.root / "release" / assignment)
        config = [self.config] if self.config.is_file() else []
        paths = [*config, *(path for folder in folders for path in files_below(folder))]
        return digest(paths, below=self.root)
