"""Runs on a Dask cluster of this machine: a scheduler and two workers, started as README says."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("distributed", reason="it is in the extra cluster")
pytestmark = pytest.mark.machine

ROOT = Path(__file__).parent.parent
LESSON = '''"""A lesson of many runs, each of which is noted in a file."""
import os
import time
from pathlib import Path
from tinygrad_edu.lesson.claims import equal
from tinygrad_edu.lesson.command import command

def run(seed, folder):
    with open(Path(folder) / "made", "a") as file:
        file.write(f"{seed}\\n")
    time.sleep(0.1)
    return seed * 0.1

@command(seeds=30, takes="a second")
def main(lesson):
    folder = os.environ["MADE"]
    found = lesson.run(run, [(seed, folder) for seed in range(lesson.seeds)], 3.0)
    lesson.claim(equal("sum", f"{sum(found):.12g}", "43.5"))

if __name__ == "__main__":
    main()
'''


class Cluster:
    """A scheduler, and one command that starts two workers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.dask = [sys.executable, "-m", "dask"]
        self.env = {**os.environ, "PYTHONPATH": str(ROOT)}
        self.log = folder / "scheduler"
        self.started: list[subprocess.Popen[bytes]] = []
        self.start(
            "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", log=self.log
        )
        self.address = self.waited(r"Scheduler at: +(\S+)")

    def start(self, *words: str, log: Path) -> None:
        with open(log, "wb") as file:
            self.started.append(
                subprocess.Popen(
                    [*self.dask, *words], cwd=self.folder, env=self.env, stdout=file, stderr=file,
                    start_new_session=True,
                )
            )  # fmt: skip

    def work(self) -> None:
        options = ("--nworkers", "2", "--nthreads", "1", "--no-dashboard")
        self.start("worker", self.address, *options, log=self.folder / "worker")
        self.waited(r"(?s)(Register worker.*){2}")

    def waited(self, pattern: str) -> str:
        """The first group of the pattern, when the scheduler has printed it."""
        for _ in range(600):
            found = re.search(pattern, self.log.read_text())
            if found:
                return found[1]
            time.sleep(0.05)
        raise AssertionError(self.log.read_text())

    def end(self) -> None:
        for process in reversed(self.started):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        cluster.work()
        yield cluster
    finally:
        cluster.end()


def lesson(folder: Path, *words: str) -> subprocess.Popen[str]:
    """The lesson above, as a class starts it."""
    script = folder / "many.py"
    if not script.exists():
        script.write_text(LESSON)
    return subprocess.Popen(
        [sys.executable, str(script), *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "MADE": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def made(folder: Path) -> list[str]:
    file = folder / "made"
    return file.read_text().split() if file.exists() else []


def wait_for(folder: Path, n: int, process: subprocess.Popen[str]) -> None:
    kept = folder / "many" / "unfinished.jsonl"
    while not (kept.exists() and kept.read_text().count("\n") >= n):
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


def test_a_cluster_gives_the_same_table_to_the_digit(cluster: Cluster, tmp_path: Path) -> None:
    """Two thousand numbers are behind the table of this lesson."""
    command = [sys.executable, str(ROOT / "demos" / "hidden_units.py"), "--quick"]
    tables = []
    for way in ([], ["--cluster", cluster.address]):
        file = tmp_path / f"{len(way)}.json"
        words = [*way, "--json", str(file), "--out", str(tmp_path / f"out{len(way)}")]
        done = subprocess.run(
            [*command, *words], env=cluster.env, capture_output=True, text=True, timeout=300
        )
        assert (done.returncode, done.stderr) == (0, "")
        tables.append(file.read_bytes())
    assert "200 runs on 2 workers: about" in done.stdout
    assert tables[0] == tables[1]


def test_the_runs_of_a_killed_worker_are_made_again(cluster: Cluster, tmp_path: Path) -> None:
    process = lesson(tmp_path, "--cluster", cluster.address)
    wait_for(tmp_path, 5, process)
    pids = subprocess.run(
        ["pgrep", "-g", str(cluster.started[1].pid), "-f", "spawn_main"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    os.kill(int(pids[-1]), signal.SIGKILL)
    told, _ = process.communicate(timeout=120)
    assert process.returncode == 0, told
    assert "sum" in told
    assert set(made(tmp_path)) == {*map(str, range(30))}


def test_a_run_is_not_repeated_after_an_interrupt_but_with_other_code_all_are(
    cluster: Cluster, tmp_path: Path
) -> None:
    process = lesson(tmp_path, "--cluster", cluster.address)
    wait_for(tmp_path, 6, process)
    os.killpg(process.pid, signal.SIGINT)
    told, _ = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert "Interrupted. Finished runs are in many" in told
    kept = tmp_path / "many" / "unfinished.jsonl"
    before = kept.read_text()
    finished = before.count('", ')
    time.sleep(0.5)  # for runs that had begun
    (tmp_path / "made").unlink()
    process = lesson(tmp_path, "--cluster", cluster.address)
    told, _ = process.communicate(timeout=60)
    assert process.returncode == 0, told
    saved = int(re.search(r"(\d+) of 30 runs are saved", told)[1])  # type: ignore[index]
    assert saved >= 6
    assert len(made(tmp_path)) == 30 - saved
    assert finished
    kept.write_text(before)
    (tmp_path / "made").unlink()
    (tmp_path / "many.py").write_text(LESSON.replace("seed * 0.1", "seed / 10"))
    process = lesson(tmp_path, "--cluster", cluster.address)
    told, _ = process.communicate(timeout=60)
    assert process.returncode == 0, told
    assert "from code that has changed, and are made again" in told
    assert len(made(tmp_path)) == 30


def test_a_worker_with_other_code_is_told_apart(cluster: Cluster, tmp_path: Path) -> None:
    package = tmp_path / "tinygrad_edu"
    subprocess.run(["cp", "-r", str(ROOT / "tinygrad_edu"), str(package)], check=True)
    (package / "errors.py").write_text((package / "errors.py").read_text() + "\n# newer\n")
    (tmp_path / "many.py").write_text(LESSON)
    done = subprocess.run(
        [sys.executable, "many.py", "--cluster", cluster.address],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "MADE": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "Error: a worker has other code than this program: install the same version there, and "
        "start the worker again"
    ]
    assert made(tmp_path) == []


def test_no_scheduler_is_one_line(tmp_path: Path) -> None:
    process = lesson(tmp_path, "--cluster", "tcp://127.0.0.1:1")
    told, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    error = (
        "Error: no scheduler answers at tcp://127.0.0.1:1: start one with `dask scheduler`, which "
        "prints its address"
    )
    assert told.splitlines().count(error) == 1
    assert "Traceback" not in told


def test_a_scheduler_without_workers_is_waited_for(tmp_path: Path) -> None:
    """And if it ends, what was finished is kept."""
    cluster = Cluster(tmp_path)
    try:
        process = lesson(tmp_path, "--cluster", cluster.address)
        cluster.waited(r"(Receive client connection)")
        cluster.work()
        wait_for(tmp_path, 3, process)
        os.killpg(cluster.started[0].pid, signal.SIGKILL)
        told, _ = process.communicate(timeout=120)
        assert f"start it with `dask worker {cluster.address}`." in told
        assert process.returncode == 2, told
        assert "has ended; finished runs are saved" in told
        assert "Traceback" not in told
    finally:
        cluster.end()
