"""Grading again: what counts as changed, and what is written again."""

from grader.journal import digest, files_below


def test_a_folder_that_was_renamed_is_a_change(tmp_path):
    folder, digests = tmp_path / "logs" / "3A", set()
    folder.mkdir(parents=True)
    (folder / "history.csv").write_text("1")
    digests.add(digest(files_below(tmp_path), below=tmp_path))
    folder.rename(folder.with_name("3a"))
    digests.add(digest(files_below(tmp_path), below=tmp_path))
    assert len(digests) == 2
