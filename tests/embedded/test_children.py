# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import os

from smartcity.children import Child


async def until(true):
    for _ in range(500):
        if true():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("ten seconds were not enough")


def has_spoken(path):
    return lambda: path.exists() and path.read_text()


async def test_a_child_works_in_its_folder_wherever_the_parent_was_started(tmp_path, monkeypatch):
    said, home, elsewhere = tmp_path / "said", tmp_path / "home", tmp_path / "elsewhere"
    home.mkdir()
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    tell = f"import os, sys; open({str(said)!r}, 'w').write(os.getcwd()); sys.stdin.read()"
    task = asyncio.create_task(Child("teller", ["-c", tell], os.environ, home).run())
    await until(has_spoken(said))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert said.read_text() == str(home)


async def test_a_child_ends_when_its_supervisor_is_cancelled(tmp_path):
    said = tmp_path / "said"
    tell = f"import os, sys; open({str(said)!r}, 'w').write('up'); sys.stdin.read()"
    child = Child("listener", ["-c", tell], os.environ, tmp_path)
    task = asyncio.create_task(child.run())
    await until(has_spoken(said))
    await until(lambda: child.process is not None)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert child.process and child.process.returncode == 0


async def test_a_child_is_started_anew_when_what_it_reads_has_changed(tmp_path):
    said = tmp_path / "said"
    tell = f"import sys; open({str(said)!r}, 'a').write('up '); sys.stdin.read()"
    child = Child("reader", ["-c", tell], os.environ, tmp_path)
    task = asyncio.create_task(child.run())
    await until(has_spoken(said))
    await until(lambda: child.process is not None)
    child.again()
    await until(lambda: said.read_text() == "up up ")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_child_that_dies_is_started_again(tmp_path):
    child = Child("mortal", ["-c", "raise SystemExit(3)"], os.environ, tmp_path)
    task = asyncio.create_task(child.run())
    await until(lambda: child.restarts == 1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert child.restarts == 1
