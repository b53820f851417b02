"""Real files load, and save without one byte changed; what is no tape is refused with the line."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from playhead.errors import TapeError, TapeFormatError
from playhead.tapes.layout import HEAD, LAYOUTS
from playhead.tapes.tape import Tape
from playhead.tapes.yaml_fallback import read_any
from playhead.tapes.yaml_read import _Reader
from playhead.tapes.yaml_write import encode_interaction


def all_tapes(cassettes: Path, seed: Path) -> list[Path]:
    return [*sorted(cassettes.rglob("*.yaml")), seed]


def test_every_recording_is_written_again_from_values_alone(cassettes: Path, seed: Path) -> None:
    """Not from its kept bytes: the rules and the layout give the same file."""
    files = all_tapes(cassettes, seed)
    assert len(files) >= 196
    for file in files:
        data = file.read_bytes()
        tape = Tape.loads(data, file)
        again = HEAD + b"".join(encode_interaction(item, tape.layout) for item in tape.interactions)
        assert again == data, file
        assert tape.warnings == []


def test_loading_and_saving_changes_no_byte(cassettes: Path, seed: Path, tmp_path: Path) -> None:
    for at, file in enumerate(all_tapes(cassettes, seed)):
        copy = tmp_path / f"{at}.yaml"
        Tape.load(file).save(copy)
        assert copy.read_bytes() == file.read_bytes()


def test_the_careful_reader_reads_the_same(cassettes: Path, seed: Path) -> None:
    for file in all_tapes(cassettes, seed)[::4]:
        data = file.read_bytes()
        quick, careful = _Reader(data).read(), read_any(data, None)
        assert careful.interactions == quick.interactions
        assert careful.layout == quick.layout
        assert careful.starts == quick.starts
        assert careful.appendable


def test_the_seed_reads_as_what_it_is(seed: Path) -> None:
    tape = Tape.load(seed)
    assert [item.id for item in tape.interactions] == list(range(12))
    assert [item.response.code for item in tape.interactions] == [429, 429, 200, *[429] * 8, 200]
    first = tape.interactions[0]
    assert first.request.url == "https://openrouter.ai/api/v1/chat/completions"
    assert first.request.headers[2] == ("User-Agent", "OpenAI/Go 2.3.0")
    assert first.request.content_length == len(first.request.body) == 520
    assert first.response.status == "429 Too Many Requests"
    assert first.response.duration == 0.34270525
    assert tape.interactions[2].response.body.startswith(b"\n \n\n \n{")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_is_added_takes_the_layout_of_the_file(layout: object, seed: Path) -> None:
    items = Tape.load(seed).interactions
    data = HEAD + b"".join(encode_interaction(item, layout) for item in items[:4])  # type: ignore[arg-type]
    tape = Tape.loads(data)
    tape.append(items[4])
    added = tape.dumps()
    assert added == data + encode_interaction(items[4], layout)  # type: ignore[arg-type]
    assert Tape.loads(added).interactions == items[:5]


def test_what_is_replaced_leaves_the_bytes_of_the_others(seed: Path) -> None:
    data = seed.read_bytes().replace(b"  - id: 1\n", b"  # by hand\n  - id: 1 # here\n")
    tape = Tape.loads(data)
    tape.interactions = [msgspec.structs.replace(tape.interactions[0], id=77), *tape.interactions[1:]]
    saved = tape.dumps()
    assert b"- id: 77\n" in saved
    assert saved[-20_000:] == data[-20_000:]
    assert b"  - id: 1 # here\n" in saved


def test_a_new_tape_saves_and_loads(tmp_path: Path, seed: Path) -> None:
    empty = Tape()
    empty.save(tmp_path / "new" / "empty.yaml")
    assert Tape.load(tmp_path / "new" / "empty.yaml").interactions == []
    full = Tape(Tape.load(seed).interactions)
    assert full.dumps() == seed.read_bytes()
    with pytest.raises(TapeError, match="has no file"):
        full.save()


def test_keys_that_older_files_write_empty_stay(seed: Path) -> None:
    data = seed.read_bytes().replace(
        b"        host: \"\"\n", b"        transfer_encoding: []\n        trailer: {}\n"
        b"        host: \"\"\n        remote_addr: \"\"\n",
    )  # fmt: skip
    tape = Tape.loads(data)
    assert tape.dumps() == data
    again = HEAD + b"".join(encode_interaction(item, tape.layout) for item in tape.interactions)
    assert again == data


ODD = """\
# by hand
version: 2
interactions:
- id: 0x0
  response:
    proto: HTTP/1.1
    proto_major: 1
    proto_minor: 1
    content_length: -1
    body: >
      folded
      text
    headers: {Content-Type: [text/plain], X-Empty: null}
    status: 200 OK
    code: 200
    duration: 5ms
    later: something new
  request: {proto: HTTP/1.1, proto_major: 1, proto_minor: 1, content_length: 0, host: ~, headers: {}, url: yes,
    method: GET}
"""


def test_files_of_other_tools_are_read_and_kept(tmp_path: Path) -> None:
    tape = Tape.loads(ODD.encode())
    item = tape.interactions[0]
    assert item.request.url == "yes"
    assert item.request.host == ""
    assert item.response.body == b"folded text\n"
    assert item.response.headers == (("Content-Type", "text/plain"),)
    assert tape.warnings == ["line 17: the key `later` of interactions[0].response is unknown and not read"]
    assert tape.dumps() == ODD.encode()
    tape.append(item)
    assert Tape.loads(tape.dumps()).interactions == [item, item]
    assert tape.dumps().startswith(ODD.encode())


def test_other_line_breaks_and_a_byte_order_mark_are_kept(seed: Path) -> None:
    data = b"\xef\xbb\xbf" + seed.read_bytes().replace(b"\n", b"\r\n")
    tape = Tape.loads(data)
    assert tape.interactions == Tape.load(seed).interactions
    assert tape.dumps() == data


def test_line_separators_in_a_block_are_read(seed: Path) -> None:
    line = "        body: |-\n            a\u2028            b\n".encode()
    data = seed.read_bytes()
    start = data.index(b"        body:")
    data = data[:start] + line + data[data.index(b"\n", start) + 1 :]
    tape = Tape.loads(data)
    assert tape.interactions[0].request.body.decode() == "a\u2028b"
    assert tape.dumps() == data
    tape.interactions = tape.interactions[1:]
    assert Tape.loads(tape.dumps()).interactions == Tape.load(seed).interactions[1:]


def broken(seed: Path, old: str, new: str) -> bytes:
    data = seed.read_bytes()
    assert old.encode() in data
    return data.replace(old.encode(), new.encode(), 1)


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("version: 2", "version: 1", 2, "version 1 tape"),
        ("version: 2", "version: 3", 2, "expected version 2, got 3"),
        ("version: 2", "version: two", 2, "expected a whole number"),
        ("version: 2\n", "", 2, "the key `version` is missing"),
        ("interactions:", "recordings:", 2, "the key `interactions` is missing"),
        ("        url: https", "        uri: https", 6, "the key `url` is missing"),
        ("        code: 429", "        code: 429\n        code: 429", 32, "the key `code` stands twice"),
        ("        code: 429", "        code: many", 31, "expected a whole number, got 'many'"),
        ("        code: 429", '        code: "429"', 31, "expected a whole number"),
        ("duration: 342.70525ms", "duration: long", 32, "expected a duration"),
        ("duration: 342.70525ms", "duration: 12", 32, "expected a duration"),
        ("        host: \"\"", "        host: &a x", 10, "no anchors"),
        ("        host: \"\"", "        host: *a", 10, "no aliases"),
        ("        host: \"\"", "        host: !mine x", 10, "no tags of its own"),
        ("        host: \"\"", "        host: !!python/object:x y", 10, "no tags of its own"),
        ("        host: \"\"", "        host: [x]", 10, "expected text, got a list"),
        ("        host: \"\"", "        host: " + "[" * 40 + "]" * 40, 10, "nested more than"),
        ("        host: \"\"", "        host: \"x", None, "not YAML"),
        ("        host: \"\"", "     host: \"\"", 10, "not YAML"),
        ("        host: \"\"", "        host: \"\x00\"", 10, "not YAML"),
        ("            Accept:\n              - application/json", "            Accept: x", 13, "expected a list"),
        ("  - id: 3", "  - ID: 3", 92, "the key `id` is missing"),
    ],
)  # fmt: skip
def test_what_is_no_tape_is_refused_with_the_line(
    seed: Path, old: str, new: str, line: int | None, message: str
) -> None:
    with pytest.raises(TapeFormatError, match=message) as caught:
        Tape.loads(broken(seed, old, new), Path("a.yaml"))
    assert caught.value.path == "a.yaml"
    assert caught.value.line is not None
    if line is not None:
        assert caught.value.line == line


def test_a_bomb_of_aliases_is_refused_at_its_first_anchor() -> None:
    bomb = b"a: &a [x,x,x]\nb: &b [*a,*a,*a]\nc: &c [*b,*b,*b]\n"
    with pytest.raises(TapeFormatError, match="anchors") as caught:
        Tape.loads(bomb)
    assert caught.value.line == 1


def test_invalid_utf_8_is_refused_with_the_line(seed: Path) -> None:
    data = seed.read_bytes().replace(b"HTTP/1.1", b"HTTP/\xff", 1)
    with pytest.raises(TapeFormatError, match="expected UTF-8, got the byte 0xFF") as caught:
        Tape.loads(data)
    assert caught.value.line == 6


def test_two_documents_are_refused(seed: Path) -> None:
    with pytest.raises(TapeFormatError, match="second"):
        Tape.loads(seed.read_bytes() + seed.read_bytes())


@pytest.mark.parametrize(
    "data", [b"hello", b"[]", b"{}", b"42\n", b"---\n- a\n", b"\x00" * 100, b"%PDF-1.4\n", b"- - - -\n"]
)
def test_other_files_are_refused(data: bytes) -> None:
    with pytest.raises(TapeFormatError):
        Tape.loads(data)


def test_files_that_cannot_be_read_say_why(tmp_path: Path) -> None:
    with pytest.raises(TapeError, match="no such file"):
        Tape.load(tmp_path / "none.yaml")
    with pytest.raises(TapeError, match="is a directory"):
        Tape.load(tmp_path)
    with pytest.raises(TapeError, match="is a directory"):
        Tape().save(tmp_path)
    assert os.listdir(tmp_path) == []


def test_saving_keeps_links_and_permissions(tmp_path: Path, seed: Path) -> None:
    real = tmp_path / "real.yaml"
    real.write_bytes(b"")
    real.chmod(0o640)
    link = tmp_path / "link.yaml"
    link.symlink_to(real)
    Tape.load(seed).save(link)
    assert link.is_symlink()
    assert real.read_bytes() == seed.read_bytes()
    assert real.stat().st_mode & 0o777 == 0o640
    assert sorted(os.listdir(tmp_path)) == ["link.yaml", "real.yaml"]
