"""Writing a file: whole or not at all, over an older one only when told to, even if the process dies in between."""

import errno
import os
import stat
import subprocess
import sys
import textwrap

import pytest

from deblurlib.files import OutputExistsError, atomic, check_output


def write(path, text="new", *, overwrite=False):
    with atomic(path, overwrite=overwrite) as temporary:
        temporary.write_text(text)


def test_a_new_file(tmp_path):
    path = tmp_path / "note.txt"
    with atomic(path, overwrite=False) as temporary:
        assert temporary.parent == path.parent  # a move across file systems is not one operation
        assert temporary.suffix == ".txt"
        temporary.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_an_existing_file_is_kept(tmp_path):
    path = tmp_path / "note.txt"
    path.write_text("old")
    for kind in (OutputExistsError, FileExistsError, ValueError):
        with pytest.raises(kind, match=r"note.txt exists already.*overwrite"):
            write(path)
    assert path.read_text() == "old"
    write(path, overwrite=True)
    assert path.read_text() == "new"


def test_a_block_that_fails_changes_nothing(tmp_path):
    path = tmp_path / "note.txt"
    path.write_text("old")
    for error in (RuntimeError, KeyboardInterrupt):
        with pytest.raises(error), atomic(path, overwrite=True) as temporary:
            temporary.write_text("ha")
            raise error
        assert path.read_text() == "old"
        assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_says_which_file_it_was_for(tmp_path):
    path = tmp_path / "note.txt"
    with pytest.raises(OSError, match=r"No space left on device: .*note\.txt") as caught, atomic(path, overwrite=False):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.errno == errno.ENOSPC
    with pytest.raises(FileNotFoundError, match=r"other\.txt"), atomic(path, overwrite=False):
        (tmp_path / "other.txt").read_text()  # an error that names its file keeps it
    with pytest.raises(OSError, match=r"^encoder error$"), atomic(path, overwrite=False):
        raise OSError("encoder error")
    assert not list(tmp_path.iterdir())


def test_permissions_are_those_of_any_new_file(tmp_path):
    mask = os.umask(0o027)
    try:
        write(tmp_path / "note.txt")
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "note.txt").stat().st_mode) == 0o640


def test_what_cannot_be_written_to_is_refused(tmp_path):
    with pytest.raises(ValueError, match="is a directory"):
        check_output(tmp_path, overwrite=True)
    with pytest.raises(FileNotFoundError, match=r"the folder .*nowhere does not exist"):
        check_output(tmp_path / "nowhere" / "note.txt", overwrite=False)
    (tmp_path / "file").write_text("")
    with pytest.raises(FileNotFoundError, match="does not exist"):
        check_output(tmp_path / "file" / "note.txt", overwrite=False)


def test_a_folder_that_cannot_be_written_to(tmp_path, monkeypatch):
    def refuse(**_):
        raise PermissionError(13, "Permission denied", ".writing-abc.txt")

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    with pytest.raises(PermissionError, match=r"note.txt cannot be written: Permission denied\.$"):
        write(tmp_path / "note.txt")
    assert not list(tmp_path.iterdir())


def test_the_longest_name_can_be_written(tmp_path):
    path = tmp_path / ("n" * 251 + ".txt")
    write(path)
    assert path.read_text() == "new"


STAGES = ("tempfile.mkstemp", "os.close", "os.fsync", "os.replace", "pathlib.Path.chmod", "pathlib.Path.unlink")


@pytest.mark.parametrize("stage", [*STAGES, "block"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_process_killed_at_any_stage(stage, moment, tmp_path):
    """The process ends at once, as if the power went: what is there is the old file or the whole new one."""
    path = tmp_path / "note.txt"
    path.write_text("old")
    script = f"""
        import os, pathlib, sys, tempfile
        from deblurlib.files import atomic

        def deadly(call):
            def killed(*arguments, **options):
                if {moment == "after"}:
                    call(*arguments, **options)
                os._exit(9)
            return killed

        if "{stage}" != "block":
            owner, name = "{stage}".rsplit(".", 1)
            owner = pathlib.Path if owner == "pathlib.Path" else sys.modules[owner]
            setattr(owner, name, deadly(getattr(owner, name)))
        with atomic({str(path)!r}, overwrite=True) as temporary:
            temporary.write_text("ne" if "{stage}" == "block" else "new")
            if "{stage}" == "block":
                os._exit(9)
        os._exit(0)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, timeout=60)
    assert done.returncode == 9, done.stderr.decode()
    moved = stage == "pathlib.Path.unlink" or (stage, moment) == ("os.replace", "after")
    assert path.read_text() == ("new" if moved else "old")
