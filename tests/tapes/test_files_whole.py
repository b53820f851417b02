"""A file is written whole or not at all, keeps what it was beside its bytes, and is never a device."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from playhead.errors import TapeError
from playhead.tapes import files
from playhead.tapes.files import read_document, write_whole


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_file_is_as_open_as_the_umask_says(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "a", b"1")
    finally:
        os.umask(before)
    assert (mode(tmp_path / "a"), (tmp_path / "a").read_bytes()) == (0o640, b"1")


def test_what_is_made_of_a_private_file_is_private(tmp_path: Path) -> None:
    """A new file; one that is there stays as it is."""
    private, new, old = (tmp_path / name for name in "abc")
    private.touch(0o600)
    old.touch()
    old.chmod(0o664)
    write_whole(new, b"1", like=[private])
    write_whole(old, b"1", like=[private])
    assert (mode(new), mode(old)) == (0o600, 0o664)


def test_a_link_stays_and_what_it_names_is_replaced(tmp_path: Path) -> None:
    """Also where it names nothing yet."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "there").touch(0o600)
    for name in ("there", "not-yet"):
        link = tmp_path / f"link-{name}"
        link.symlink_to(f"folder/{name}")
        write_whole(link, b"new")
        assert link.is_symlink()
        assert (tmp_path / "folder" / name).read_bytes() == b"new"
    assert mode(tmp_path / "folder" / "there") == 0o600
    assert sorted(os.listdir(tmp_path / "folder")) == ["not-yet", "there"]


def test_what_is_no_regular_file_is_left_alone(tmp_path: Path) -> None:
    pipe, listening = tmp_path / "pipe", tmp_path / "socket"
    os.mkfifo(pipe)
    with socket.socket(socket.AF_UNIX) as open_one:
        open_one.bind(str(listening))
        for path, kind in ((pipe, "a pipe"), (listening, "a socket"), (Path("/dev/null"), "a device")):
            before = os.lstat(path).st_mode
            with pytest.raises(TapeError, match=f"cannot write the page .*: it is {kind}, and no regular file"):
                write_whole(path, b"1", "the page")
            assert os.lstat(path).st_mode == before
            with pytest.raises(TapeError, match=f"cannot read the page .*: it is {kind}"):
                read_document(path, "the page")


@pytest.mark.parametrize("name", ["", "/", "folder", "none/file", "x" * 300, "a\0b"])
def test_what_cannot_be_written_is_said_and_leaves_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(TapeError, match="cannot write the file"):
        write_whole(tmp_path / name, b"1")
    assert [str(path) for path in tmp_path.rglob("*")] == [str(tmp_path / "folder")]


def test_a_file_with_a_name_as_long_as_names_can_be_is_written(tmp_path: Path) -> None:
    write_whole(tmp_path / ("x" * 255), b"1")
    assert os.listdir(tmp_path) == ["x" * 255]


def test_a_document_is_not_read_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGEST", 1 << 20)
    (tmp_path / "a").write_bytes(bytes(1 << 20))
    assert len(read_document(tmp_path / "a", "the page")) == 1 << 20
    (tmp_path / "a").write_bytes(bytes((1 << 20) + 1))
    with pytest.raises(TapeError, match="it has more than 1 MiB"):
        read_document(tmp_path / "a", "the page")
