"""The pipeline under test, started again whenever a part of it ended, and what is done to it."""
import contextlib
import fcntl
import itertools
import json
import os
import pathlib
import re
import signal
import subprocess
import threading
import time

PARTS = ["tail", "sink", "offset"]
# What a part may end with while others are killed: 0, and 4, safe to restart.
HARMLESS = {0, 4, -signal.SIGKILL}


class Failure(Exception):
    """The scenario cannot go on, or ended in a way it must not."""


def wait_for(what, condition, seconds, pause_s=0.005):
    """Polls until the condition gives something true, which it returns."""
    end = time.monotonic() + seconds
    while not (result := condition()):
        if time.monotonic() > end:
            raise Failure(f"waited {seconds} s for {what}")
        time.sleep(pause_s)
    return result


class Pipeline:
    """The parts, each reading what the one before it writes, with a supervisor's thread."""

    def __init__(self, folder, commands, shells=(), branches=None, sinks=("default",)):
        """commands: part -> argument vector, in the pipe's order; shells: those whose command is the shell's child.
        branches: (part, first of what reads it): then each part reads that of the pair, or the one before; who is read
        by several has {READER} in its arguments, where a descriptor's number is to be. sinks: of the offset folder."""
        self.folder = pathlib.Path(folder)
        parts = list(commands)
        self.feeds = {reader: parts[i] for i, reader in enumerate(parts[1:])} | \
            {reader: part for part, reader in branches or ()}
        self.sinks = sinks
        self.offset_folder = self.folder / "offset"
        self.commands, self.shells = commands, shells
        self.running = {}  # part -> Popen
        self.starts = 0
        self.failure = None
        self.stopping = False
        self.lock = threading.Lock()
        self.log_file = open(self.folder / "log", "w", encoding="utf-8")
        self.thread = threading.Thread(target=self._supervise, daemon=True)
        self.thread.start()

    def log(self, text):
        self.log_file.write(f"{time.time():.3f} {text}\n")
        self.log_file.flush()

    def _start(self):
        with self.lock:
            if self.stopping:
                return
            pipes = {reader: os.pipe() for reader in self.feeds}
            self.starts += 1
            for part, command in self.commands.items():
                outputs = {reader: pipes[reader][1] for reader, feeder in self.feeds.items() if feeder == part}
                stdin = pipes[part][0] if part in pipes else subprocess.DEVNULL
                if len(outputs) > 1:
                    command = [word.format(**outputs) for word in command]
                with open(self.folder / f"{part}.err", "a", encoding="utf-8") as stderr:
                    stdout = [*outputs.values()][0] if len(outputs) == 1 else stderr
                    self.running[part] = subprocess.Popen(command, stderr=stderr, stdin=stdin, stdout=stdout,
                                                          pass_fds=outputs.values() if len(outputs) > 1 else (),
                                                          process_group=0 if part in self.shells else None)
            for end in itertools.chain(*pipes.values()):
                os.close(end)
            self.log(f"start {self.starts}: " + str({part: p.pid for part, p in self.running.items()}))

    def _supervise(self):
        try:
            while not self.stopping:
                self._start()
                processes = list(self.running.values())
                while not any(p.poll() is not None for p in processes):
                    time.sleep(0.005)
                self._await_end(120)
                if not self.stopping:
                    time.sleep(0.05)
        except Exception as failure:  # in a thread: check() raises it where somebody sees it
            self.failure = failure
            self.log(str(failure))

    def _await_end(self, seconds):
        """One part ended: the others must follow by themselves."""
        wait_for(f"all parts to end after {self.statuses()}", lambda: None not in self.statuses().values(), seconds)
        self.log(f"ended: {self.statuses()}")
        harmless = {part: HARMLESS | ({128 + signal.SIGKILL} if part in self.shells else set()) for part in self.running}
        if any(status not in harmless[part] for part, status in self.statuses().items()):
            raise Failure(f"a part ended with an unexpected status: {self.statuses()}")

    def statuses(self):
        return {part: process.poll() for part, process in self.running.items()}

    def check(self):
        if self.failure:
            raise self.failure

    def kill(self, part, child=False):
        """kill -9, whichever process plays that part now: of a shell its whole group, or just its child. Whether
        there was one."""
        with self.lock:
            process = self.running.get(part)
            if process is None or process.poll() is not None:
                return False
            self.log(f"kill {part} {process.pid}" + (" child" if child else ""))
            if child:
                self._kill_children(part)
            elif part in self.shells:
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
            return True

    def _kill_children(self, part):
        """Until the shell ends: one that was about to end by itself lets the shell go on to the next."""
        end = time.monotonic() + 10
        while self.running[part].poll() is None and time.monotonic() < end:
            with contextlib.suppress(FileNotFoundError):
                self._signal(part, signal.SIGKILL)
            time.sleep(0.002)

    def _signal(self, part, number):
        """To the command itself."""
        process = self.running[part]
        if part not in self.shells:
            process.send_signal(number)
            return
        for pid in pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text("ascii").split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), number)

    def written(self):
        """How many bytes the present cdc-tail wrote so far, and which start that is."""
        start, process = self.starts, self.running["tail"]
        try:
            text = pathlib.Path(f"/proc/{process.pid}/io").read_text("ascii")
        except OSError:
            return start, 0
        return start, int(text.split("wchar: ")[1].split()[0])

    def token(self):
        """The lowest of the offset folder's tokens as a tuple that compares; None where a sink has none."""
        try:
            text = (self.offset_folder / "position").read_text("utf-8")
        except FileNotFoundError:
            return None
        tokens = [json.loads(text)["sinks"].get(sink, {}).get("token") for sink in self.sinks]
        return min(map(self._numbers, tokens)) if all(tokens) else None

    @staticmethod
    def _numbers(token):
        source, epoch, phase, *numbers = token.split("/")
        assert source in ("pg", "my"), token
        return (int(epoch), phase == "l", *map(int, numbers[:3 if phase == "l" else 2]))

    def wait_token(self, place, seconds):
        """Until everything before the place, an LSN, or a file's number and a position, is acknowledged and stored."""
        place = place if isinstance(place, tuple) else (place,)

        def done():
            self.check()
            token = self.token()
            return token and token[1] and token[2:2 + len(place)] >= place
        try:
            wait_for(f"a token at {place} or later", done, seconds)
        except Failure as failure:
            raise Failure(f"{failure}; it is {self.token()}") from None

    def stop(self, parts, seconds):
        """SIGTERM to these parts; all must drain and end with 0."""
        with self.lock:
            self.check()
            self.stopping = True
            if any(status is not None for status in self.statuses().values()):
                raise Failure(f"the pipeline ended before it was told to: {self.statuses()}")
            for part in parts:
                self._signal(part, signal.SIGTERM)
        wait_for(f"the end after SIGTERM to {parts}: {self.statuses()}",
                 lambda: None not in self.statuses().values(), seconds)
        if any(self.statuses().values()):
            raise Failure(f"after SIGTERM to {parts} the pipeline ended with {self.statuses()}")
        self.thread.join()

    def abandon(self):
        """After a failure."""
        with self.lock:
            self.stopping = True
            for part, process in self.running.items():
                if part in self.shells:
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
                process.kill()
                process.wait()


class Broker:
    """The broker, which several scenarios share: who restarts it waits for those who read."""

    def __init__(self, address, folder):
        self.address, self.folder = address, pathlib.Path(folder)
        self.script = pathlib.Path(__file__).parents[2] / "servers" / "kafka"

    def _locked(self, how):
        lock = open(self.folder / "lock", "w", encoding="ascii")
        fcntl.flock(lock, how)
        return lock

    def kill_and_restart(self):
        with self._locked(fcntl.LOCK_EX):
            os.kill(int((self.folder / "pid").read_text("ascii")), signal.SIGKILL)
            subprocess.run([self.script, "restart", self.folder], check=True)

    def consume(self, topic, path):
        """Writes to path what a read_committed consumer sees of a topic, one JSON object a record, once it sees the
        topic's end: the coordinator answers a commit before it marks the partitions, and a restart delays the marks."""
        def complete():
            seen = self._read_committed(topic, path)
            return seen == self._ends(topic, seen)

        with self._locked(fcntl.LOCK_SH):
            wait_for(f"{topic} to be committed to its end", complete, 120, 0.1)

    def _ends(self, topic, partitions):
        """partition -> its end, committed or not."""
        asked = itertools.chain(*(["-t", f"{topic}:{partition}:-1"] for partition in partitions))
        said = subprocess.run(["kcat", "-Q", "-b", self.address, *asked], check=True, timeout=120,
                              stdout=subprocess.PIPE, encoding="utf-8").stdout
        return {int(p): int(end) for p, end in re.findall(r"\[(\d+)\] offset (\d+)", said)}

    def _read_committed(self, topic, path):
        """partition -> how far such a consumer sees."""
        command = ["kcat", "-C", "-e", "-J", "-b", self.address, "-o", "beginning", "-t", topic,
                   "-X", "isolation.level=read_committed"]
        with open(path, "w", encoding="utf-8") as out:
            said = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, check=True, timeout=120,
                                  encoding="utf-8").stderr
        return {int(p): int(end) for p, end in re.findall(r"\[(\d+)\] at offset (\d+)", said)}
