"""The engine's own process, spoken to the way the explorer does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from mechamap.protocol import rpc


class EngineTalk:
    """The real process, and what it says."""

    def __init__(self, home: Path) -> None:
        environment = {**os.environ, "MECHAMAP_HOME": str(home)}
        command = [sys.executable, "-m", "mechamap.engine"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        self.progress: list[dict[str, Any]] = []  # of the last request that was answered
        self._id = 0

    def say(self, method: str, /, **params: Any) -> int:
        assert self.process.stdin is not None
        self._id += 1
        self.process.stdin.write(rpc.encode(rpc.request(self._id, method, params)))
        self.process.stdin.flush()
        return self._id

    def hear(self) -> dict[str, Any]:
        """The next answer; progress is kept beside."""
        assert self.process.stdout is not None
        self.progress = []
        while (message := json.loads(self.process.stdout.readline())).get("method") == "progress":
            self.progress.append(message["params"])
        return message

    def ask(self, method: str, /, **params: Any) -> dict[str, Any]:
        """The answer, which is an error or a result."""
        id = self.say(method, **params)
        answer = self.hear()
        assert answer["id"] == id
        return answer

    def done(self, method: str, /, **params: Any) -> dict[str, Any]:
        answer = self.ask(method, **params)
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def __enter__(self) -> EngineTalk:
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin is not None
        with self.process:
            self.process.stdin.close()
            assert self.process.wait(60) == 0
