"""The pytest plugin, seen from outside: suites of real files, run by pytest in a process of their own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from suite import KEY, Suite, says_the_weather

from playhead.tapes import Tape
from playhead.testing import FakeProvider
from playhead.testing.naming import LONGEST, file_name, place_of

FLORENCE = "def test_florence(tape):\n    assert ask('Florence?', tape) == 'It is 40 C there.'\n"
TAPE = "tests/tapes/test_weather/test_florence.yaml"


@pytest.fixture(scope="module")
def provider() -> Iterator[FakeProvider]:
    with FakeProvider(answer=says_the_weather) as fake:
        yield fake


@pytest.fixture
def suite(tmp_path: Path, provider: FakeProvider) -> Suite:
    return Suite(tmp_path, provider)


def test_a_test_records_its_tape_once_and_plays_it_from_then_on(suite: Suite) -> None:
    suite.write("tests/test_weather.py", FLORENCE)
    assert suite.run() == ({"passed": 1}, 2)
    assert suite.tapes == [TAPE]
    assert len(Tape.load(suite.folder / TAPE).interactions) == 3
    assert KEY.encode() not in suite.bytes(TAPE)
    assert suite.run() == ({"passed": 1}, 0)
    assert suite.run("--tape-mode=replay") == ({"passed": 1}, 0)
    assert suite.run("--tape-mode=off") == ({"passed": 1}, 2)
    assert "= tapes =" not in suite.out


def test_where_ci_is_set_a_test_without_a_tape_fails_and_says_how_to_record_it(suite: Suite) -> None:
    suite.write("tests/test_weather.py", FLORENCE)
    assert suite.run(CI="true") == ({"failed": 1}, 0)
    assert f"there is no tape {TAPE} to replay" in suite.out
    assert "pytest 'tests/test_weather.py::test_florence' --tape-mode=record" in suite.out
    assert suite.run("--tape-mode=once", CI="true") == ({"passed": 1}, 2)
    assert suite.run(CI="true") == ({"passed": 1}, 0)


def test_every_kind_of_test_has_a_tape_of_its_own(suite: Suite) -> None:
    suite.write(
        "tests/test_kinds.py",
        """
class TestItaly:
    @pytest.mark.parametrize("city", ["rome", "Rome", "S. Gimignano", "../etc/passwd"])
    def test_city(self, tape, city):
        assert ask(city, tape)

    async def test_async(self, tape):
        assert (await agent().run("Pisa?", tape=tape)).text
        assert (await agent().run("Lucca?", tape=tape("second"))).text
        assert tape("second") is tape("second")

@pytest.mark.usefixtures("tape")
class Plain(unittest.TestCase):
    def test_unit(self):
        self.assertTrue(ask("Siena?", self.tape))

class Asynchronous(unittest.IsolatedAsyncioTestCase):
    @pytest.fixture(autouse=True)
    def _given(self, tape):
        self.mine = tape

    async def test_unit(self):
        self.assertTrue((await agent().run("Siena?", tape=self.mine)).text)

@pytest.mark.tape("shared.yaml")
@pytest.mark.parametrize("again", [1, 2])
def test_shared(tape, again):
    assert ask("Arezzo?", tape)
""",
    )
    assert suite.run() == ({"passed": 9}, 2 * (4 + 2 + 1 + 1 + 1))
    names = [Path(tape).name for tape in suite.tapes]
    assert [name for name in names if "city" not in name] == [
        "shared.yaml",
        "Asynchronous.test_unit.yaml",
        "Plain.test_unit.yaml",
        "TestItaly.test_async.second.yaml",
        "TestItaly.test_async.yaml",
    ]
    assert len({name.lower() for name in names if "city" in name}) == 4
    assert suite.run("--tape-mode=replay", "--tape-strict") == ({"passed": 9}, 0)


def test_a_miss_shows_where_the_conversation_parts_from_the_recorded_one(suite: Suite) -> None:
    suite.write("tests/test_weather.py", FLORENCE)
    suite.run()
    assert suite.run("--tape-mode=replay", PROMPT="Be kind.") == ({"failed": 1}, 0)
    shown = suite.out[suite.out.index("FAILURES") : suite.out.index("short test summary")]
    assert f"TapeMissError: the tape {TAPE} has no answer to what was asked" in shown
    assert "    - system: Be brief.\nE           + system: Be kind.\nE             user: Florence?" in shown
    assert "pytest 'tests/test_weather.py::test_florence' --tape-mode=record" in shown
    assert "(- on the tape, + asked)" in shown
    assert ">       assert" in shown or ">   " in shown
    assert "src/playhead" not in shown
    assert "asyncio" not in shown


def test_a_miss_in_anything_but_the_conversation_names_the_field(suite: Suite) -> None:
    suite.write("tests/test_weather.py", "def test_a(tape):\n    ask('hi', tape, temperature=float(os.environ['T']))\n")
    suite.run(T="0.5")
    assert suite.run("--tape-mode=replay", T="0.7") == ({"failed": 1}, 0)
    assert "temperature: 0.5 on the tape, 0.7 asked" in suite.out


def test_recording_anew_replaces_the_tapes_of_tests_that_pass_and_no_other(suite: Suite) -> None:
    suite.write(
        "tests/test_weather.py",
        """
def test_good(tape):
    assert ask("Pisa?", tape) and ask("Pisa?", tape) and ask("Lucca?", tape)

def test_bad(tape):
    assert ask("Pisa?", tape) == "It is 40 C there."

def test_skipped(tape):
    assert ask("Pisa?", tape)
    if os.environ.get("DEGREES"):
        pytest.skip("not today")
""",
    )
    suite.run()
    good, bad, skipped = (f"tests/tapes/test_weather/test_{name}.yaml" for name in ("good", "bad", "skipped"))
    before = suite.bytes(bad), suite.bytes(skipped)
    assert suite.run("--tape-mode=record", DEGREES="17 C") == ({"failed": 1, "passed": 1, "skipped": 1}, 4 + 2 + 2)
    assert b"17 C" in suite.bytes(good)
    assert (suite.bytes(bad), suite.bytes(skipped)) == before
    assert suite.tapes == [bad, good, skipped]
    assert "1 tape recorded anew" in suite.out
    kept = suite.folder / ".pytest_cache/d/playhead-tapes/test_weather.test_bad.yaml"
    assert b"17 C" in kept.read_bytes()  # it was paid for
    assert KEY.encode() not in kept.read_bytes() + suite.bytes(good)
    assert suite.run("--tape-mode=replay", "--tape-strict", "-k", "good") == ({"passed": 1, "deselected": 2}, 0)


def test_a_process_that_is_killed_while_it_records_anew_leaves_the_old_tape(suite: Suite) -> None:
    killed = "\n    if os.environ.get('KILL'): os._exit(9)\n"
    suite.write("tests/test_weather.py", FLORENCE + killed)
    suite.run()
    before = suite.bytes(TAPE)
    assert suite.run("--tape-mode=record", KILL="1", DEGREES="40 C") == ({}, 2)
    assert suite.status == 9
    assert suite.bytes(TAPE) == before
    assert suite.run("--tape-mode=replay", "--tape-strict") == ({"passed": 1}, 0)


def test_a_shared_tape_is_recorded_anew_by_all_that_share_it(suite: Suite) -> None:
    suite.write(
        "tests/test_weather.py",
        """
@pytest.mark.tape("shared.yaml")
@pytest.mark.parametrize("city", ["Pisa", "Lucca"])
def test_shared(tape, city):
    assert ask(city, tape)
""",
    )
    assert suite.run("--tape-mode=record") == ({"passed": 2}, 4)
    assert suite.run("--tape-mode=record") == ({"passed": 2}, 4)
    assert len(Tape.load(suite.folder / "tests/tapes/shared.yaml").interactions) == 6
    assert suite.run("--tape-mode=replay") == ({"passed": 2}, 0)


def test_what_is_left_unplayed_and_what_nobody_uses_is_said_at_the_end(suite: Suite) -> None:
    module = suite.write("tests/test_weather.py", FLORENCE + "    assert ask('Rome?', tape)\n")
    suite.write("tests/test_other.py", "def test_other(tape):\n    ask('Pisa?', tape)\n")
    suite.run()
    module.write_text(module.read_text().replace("    assert ask('Rome?', tape)\n", ""))
    orphan = "tests/tapes/test_weather/test_gone.yaml"
    (suite.folder / orphan).write_bytes(suite.bytes(TAPE))
    words = f"3 of 6 interactions left unplayed on {TAPE}, the first is id 3: POST"
    assert suite.run() == ({"passed": 2}, 0)
    assert suite.status == 0
    assert f"tests/test_weather.py::test_florence: {words}" in suite.out
    assert f"{orphan} is used by no test" in suite.out
    assert suite.run("tests", "--tape-strict") == ({"failed": 1, "passed": 1}, 0)
    assert words in suite.out
    for narrow in (["-k", "other"], ["tests/test_other.py"], ["tests/test_other.py::test_other"]):
        suite.run(*narrow, "--tape-strict")
        assert "is used by no test" not in suite.out
        assert suite.status == 0
    module.unlink()
    assert suite.run("--tape-strict") == ({"passed": 1}, 0)
    assert suite.status == 1
    assert f"{TAPE} is used by no test" in suite.out


def test_the_tape_of_a_test_that_fails_or_is_skipped_counts_as_wanted(suite: Suite) -> None:
    module = suite.write("tests/test_weather.py", FLORENCE + "def test_other(tape):\n    ask('Pisa?', tape('more'))\n")
    suite.run()
    text = module.read_text()
    module.write_text(text.replace("def test_other(tape):", "def test_other(tape):\n    pytest.skip('no')"))
    assert suite.run("--tape-strict") == ({"passed": 1, "skipped": 1}, 0)
    assert "is used by no test" not in suite.out
    module.write_text(text.replace("def test_other(tape):", "def test_other(tape):\n    return"))
    suite.run()
    assert "tests/tapes/test_weather/test_other.more.yaml is used by no test" in suite.out


def test_a_test_that_takes_a_tape_and_passes_it_to_no_run_is_told_of(suite: Suite) -> None:
    """It goes live, and would pass in silence for ever. Where a class or a fixture took the tape, it may do without."""
    suite.write(
        "tests/test_weather.py",
        FLORENCE
        + """
def test_forgotten(tape):
    assert agent().run_sync("Rome?").text

@pytest.fixture
def asked(tape):
    return lambda prompt: ask(prompt, tape)

def test_by_a_fixture(asked):
    assert True

@pytest.mark.usefixtures("tape")
class TestOld(unittest.TestCase):
    def test_nothing(self):
        assert True
""",
    )
    assert suite.run() == ({"passed": 4}, 4)
    told = "tests/test_weather.py::test_forgotten: it takes a tape and passes it to no run"
    assert [line for line in suite.out.splitlines() if "passes it to no run" in line] == [
        f"{told}: what it asked was neither played nor recorded"
    ]
    assert suite.status == 0
    assert suite.run("--tape-strict") == ({"passed": 3, "failed": 1}, 2)
    assert "Pass it on (tape=tape), or take none" in suite.out
    suite.run("--tape-mode=off")
    assert "passes it to no run" not in suite.out


def test_while_a_tape_replays_the_network_is_shut_and_loopback_is_not(suite: Suite) -> None:
    suite.write(
        "tests/test_reach.py",
        """
import asyncio
from playhead.testing.network import NetworkBlockedError

def by_socket():
    socket.create_connection(("192.0.2.1", 443), timeout=5)

def by_name():
    socket.getaddrinfo("example.com", 443)

def by_asyncio():
    asyncio.run(asyncio.open_connection("192.0.2.1", 443))

def by_aiohttp():
    import aiohttp
    async def go():
        async with aiohttp.ClientSession() as session:
            await session.get("https://example.com/")
    asyncio.run(go())

def by_httpx():
    pytest.importorskip("httpx").get("http://192.0.2.1:443/", trust_env=False)

@pytest.mark.parametrize("reach", [by_socket, by_name, by_asyncio, by_aiohttp, by_httpx])
def test_out(tape, reach):
    ask("Rome?", tape)
    if sys.platform != "win32":
        one, other = socket.socketpair(socket.AF_UNIX)
        one.close(), other.close()
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(("localhost", server.getsockname()[1])).close()
    if os.environ.get("REACH"):
        with pytest.raises(NetworkBlockedError, match="test_out.* replays a tape, and the network is shut"):
            reach()

def test_out_and_failing(tape):
    ask("Rome?", tape)
    if os.environ.get("REACH"):
        by_name()

def test_without_a_tape():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("127.0.0.1", 9))
""",
    )
    suite.run()
    counts, asked = suite.run("--tape-mode=replay", REACH="1")
    assert (counts["failed"], asked) == (1, 0), suite.out
    assert counts["passed"] + counts.get("skipped", 0) == 6
    assert "tests/test_reach.py::test_out_and_failing replays a tape, and the network is shut meanwhile: " in suite.out
    assert "example.com:443 was asked for. pytest 'tests/test_reach.py::test_out_and_failing' --tape-mode" in suite.out
    assert "--tape-allow-network" in suite.out


def test_the_network_may_be_left_open(suite: Suite) -> None:
    suite.write(
        "tests/test_reach.py",
        """
def test_out(tape):
    ask("Rome?", tape)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("192.0.2.1", 9))  # sends nothing
""",
    )
    suite.run()
    assert suite.run("--tape-mode=replay") == ({"failed": 1}, 0)
    assert suite.run("--tape-mode=replay", "--tape-allow-network") == ({"passed": 1}, 0)
    assert suite.run("--tape-mode=replay", "-o", "tape_allow_network=true") == ({"passed": 1}, 0)


def test_workers_of_xdist_record_at_once_and_are_summed_up(suite: Suite) -> None:
    pytest.importorskip("xdist", reason="runs tests on several workers")
    workers = ("-p", "xdist.plugin", "-n", "2")
    module = suite.write(
        "tests/test_weather.py",
        """
@pytest.mark.parametrize("city", "abcdef")
def test_city(tape, city):
    assert ask(city, tape)
    if not os.environ.get("LESS"):
        assert ask(city + "!", tape)
""",
    )
    assert suite.run(*workers, "--tape-mode=record") == ({"passed": 6}, 24)
    assert "6 tapes recorded anew" in suite.out
    assert len(suite.tapes) == 6
    assert suite.run(*workers, "--tape-mode=replay", "--tape-strict") == ({"passed": 6}, 0)
    assert suite.run(*workers, LESS="1") == ({"passed": 6}, 0)
    assert suite.out.count("3 of 6 interactions left unplayed") == 6
    module.write_text(module.read_text().replace('"abcdef"', '"abc"'))
    assert suite.run(*workers, "--tape-strict") == ({"passed": 3}, 0)
    assert suite.status == 1
    assert suite.out.count("is used by no test") == 3


def test_workers_that_record_one_tape_at_once_are_told_that_it_holds_one_part(suite: Suite) -> None:
    pytest.importorskip("xdist", reason="runs tests on several workers")
    for name in "ab":
        suite.write(
            f"tests/test_{name}.py",
            f"@pytest.mark.tape('one.yaml')\ndef test_{name}(tape):\n    assert ask('{name}', tape)\n",
        )
    workers = ("-p", "xdist.plugin", "-n", "2", "--dist", "each")
    suite.run(*workers, "--tape-mode=record")
    assert "tests/tapes/one.yaml was recorded by several workers at once" in suite.out


def test_one_folder_may_hold_the_tapes_of_all_modules(suite: Suite) -> None:
    (suite.folder / "pytest.ini").write_text("[pytest]\ntape_folder = recordings/tapes\ntestpaths = tests\n")
    for place in ("tests/a", "tests/b"):
        suite.write(f"{place}/__init__.py", "")
        suite.write(f"{place}/test_weather.py", FLORENCE)
    suite.run()
    assert suite.tapes == [f"recordings/tapes/tests/{one}/test_weather/test_florence.yaml" for one in "ab"]
    (suite.folder / "tests/b/test_weather.py").unlink()
    suite.run()
    assert "recordings/tapes/tests/b/test_weather/test_florence.yaml is used by no test" in suite.out


def test_a_marker_without_a_name_is_told_what_it_takes(suite: Suite) -> None:
    suite.write("tests/test_weather.py", "@pytest.mark.tape()\n" + FLORENCE)
    suite.run()
    assert (
        'tests/test_weather.py::test_florence: @pytest.mark.tape takes the name of a file: tape("name.yaml")'
        in suite.out
    )


def test_the_example_replays_for_a_stranger(suite: Suite) -> None:
    examples = Path(__file__).resolve().parents[2] / "examples"
    shutil.copy(examples / "test_weather.py", suite.folder)
    shutil.copytree(examples / "tapes", suite.folder / "tapes")
    assert suite.run("--tape-strict", CI="true") == ({"passed": 2}, 0)
    assert suite.status == 0


def test_a_suite_without_tapes_loads_nothing_of_playhead(tmp_path: Path) -> None:
    (tmp_path / "test_plain.py").write_text(
        "import sys\n"
        "def test_plain(request):\n"
        "    loaded = {name for name in sys.modules if name.split('.')[0] in ('playhead', 'msgspec', 'aiohttp')}\n"
        "    assert loaded == {'playhead', 'playhead.testing', 'playhead.testing.plugin'}\n"
    )
    argv = [
        sys.executable,
        "-S",
        "-c",
        f"import sys; sys.path += {[p for p in sys.path if p]!r}\n"
        "import os; os.environ['PYTEST_DISABLE_PLUGIN_AUTOLOAD'] = '1'\n"
        "import pytest; sys.exit(pytest.main(['-p', 'playhead.testing.plugin', '-k', 'plain', '-q']))",
    ]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout


def test_names_are_safe_on_every_file_system_and_no_two_are_the_same() -> None:
    tests = ["test_a", "test_a[b]", "test_a[B]", "test_a[b/c]", "test_a[b-c]", "test_a[]", "test_a[b c]", "test_a[..]"]
    tests += [
        f"test_a[{'x' * 500}]",
        f"test_a[{'x' * 501}]",
        f"test_{'y' * 300}",
        "test_a[caf\u00e9]",
        "test_a[\udc80]",
    ]
    names = [file_name(test) for test in tests]
    assert names[:2] == ["test_a", "test_a-b"]
    assert len({name.lower() for name in names}) == len(tests)
    assert all(len(name) <= LONGEST and name.isascii() and not set(name) & set('/\\:*?"<>| []') for name in names)
    where = place_of(Path("/p/tests/test_x.py"), ["TestA"], "test_b", Path("/p"), "")
    assert where == Path("/p/tests/tapes/test_x/TestA.test_b.yaml")
