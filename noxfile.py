"""One command per task: ``nox -s tests``, ``lint``, ``types``, ``docs``, ``interop``, ``packaging``, ``lowest``, ``wheel``.

Options after ``--`` go to the tool: ``nox -s tests -- tests/core -k period``. Environments are made by uv where it is installed.
"""

import glob
import html
import os
import platform
import re
import subprocess
from pathlib import Path

import nox

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "uv|venv"
nox.options.sessions = ["lint", "types", "docs", "tests"]
nox.options.reuse_venv = "yes"

ROOT = Path(__file__).parent
GROUPS = nox.project.load_toml("pyproject.toml")["dependency-groups"]
VENDOR = "isx==2.1.0"
NWB_READERS = ("nwbinspector>=0.7", "roiextractors>=0.10", "pynwb>=4.2", "dandi")
#: Tests of what is installed must not find the code in src.
INSTALLED = ("--override-ini=pythonpath=tests",)


def _build(session: nox.Session) -> tuple[str, str]:
    """Build the archive of the sources, and the wheel from that; ``ISX_WHEEL`` names a wheel that is tested instead."""
    if os.environ.get("ISX_WHEEL"):
        return os.path.abspath(os.environ["ISX_WHEEL"]), ""
    folder = session.create_tmp()
    session.install("build")
    session.run("python", "-m", "build", "-q", "--outdir", folder, str(ROOT))
    return max(glob.glob(f"{folder}/*.whl"), key=os.path.getmtime), max(
        glob.glob(f"{folder}/*.tar.gz"), key=os.path.getmtime
    )


@nox.session
def tests(session: nox.Session) -> None:
    """The tests on the sources."""
    session.install("-e", ".[all]", *GROUPS["test"])
    session.run("pytest", *session.posargs)


@nox.session
def wheel(session: nox.Session) -> None:
    """The tests on the installed wheel, from a folder without sources; checks of what is uploaded."""
    built, archive = _build(session)
    session.install("twine>=6.1", *GROUPS["test"])
    session.run("twine", "check", "--strict", *filter(None, (built, archive)))
    session.install(f"openisx[all] @ {Path(built).as_uri()}")
    session.run(
        "python", "-I", "-c", "import openisx; assert 'site-packages' in openisx.__file__, openisx.__file__"
    )
    session.run("pytest", *INSTALLED, *(session.posargs or ["-q", "-p", "no:cacheprovider"]))


@nox.session
def lowest(session: nox.Session) -> None:
    """The tests with the oldest direct dependencies that the metadata admit."""
    session.install("uv>=0.5")
    session.run_install(
        "uv", "pip", "install", "-q", "--python", session.virtualenv.location, "--resolution", "lowest-direct",
        "-e", ".[all]", *GROUPS["test"],
    )  # fmt: skip
    session.run("pytest", *(session.posargs or ["-q", "-p", "no:cacheprovider"]))


@nox.session
def lint(session: nox.Session) -> None:
    """Style and form."""
    session.install(*(tool for tool in GROUPS["lint"] if tool.startswith("ruff")))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Types of the package, strictly, and of the tests."""
    session.install("-e", ".[all]", *GROUPS["test"], *GROUPS["lint"])
    session.run("mypy")
    session.run("mypy", "--config-file", "tests/mypy.ini")


@nox.session
def docs(session: nox.Session) -> None:
    """The site, into ``site`` or the folder after ``--``."""
    session.install("-e", ".", *GROUPS["docs"])
    folder = session.posargs[0] if session.posargs else "site"
    session.run(
        "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder, env={"NO_MKDOCS_2_WARNING": "1"}
    )
    page = Path(folder, "api", "exports", "index.html").read_text(encoding="utf-8")
    if "export_movie_to_tiff(\n    input_movie_files" not in html.unescape(re.sub(r"<[^>]+>", "", page)):
        session.error("signatures are not broken into lines; is a formatter installed?")


@nox.session
def interop(session: nox.Session) -> None:
    """Comparison with the vendor's compiled package and with readers of NWB files, in processes of their own."""
    python = os.environ.get("ISX_VENDOR_PYTHON") or _vendor_python(session)
    readers = os.environ.get("ISX_NWB_PYTHON") or _nwb_python(session)
    session.install("-e", ".[all]", *GROUPS["test"])
    environment = {"ISX_VENDOR_PYTHON": python, "ISX_NWB_PYTHON": readers}
    session.run("pytest", "-q", "-p", "no:cacheprovider", "tests/interop", env=environment)


def _nwb_python(session: nox.Session) -> str:
    """The interpreter of an environment with validators and readers of NWB files."""
    folder = Path(session.create_tmp(), "nwb")
    python = str(folder / "bin" / "python")
    session.run("python", "-m", "venv", "--clear", str(folder))
    session.run(python, "-m", "pip", "install", "-q", *NWB_READERS, external=True)
    return python


def _vendor_python(session: nox.Session) -> str:
    """The interpreter of an environment with the vendor's package, made with the first Python it takes."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        session.skip("the vendor has no package for this system")
    folder = Path(session.create_tmp(), "vendor")
    python = str(folder / "bin" / "python")
    homes = sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/3.1[0-3].*/bin/python")))
    for candidate in ("python3.11", "python3.12", "python3.13", "python3.10", "/usr/bin/python3", *homes):
        for command in (
            [candidate, "-m", "venv", "--clear", str(folder)],
            [python, "-m", "pip", "install", "-q", "--only-binary", "isx", VENDOR],
            [python, "-c", "import isx"],
        ):
            try:
                done = subprocess.run(command, capture_output=True, text=True, check=False)
            except OSError:
                break
            if done.returncode:
                session.warn(f"{candidate}: {done.stderr.strip().splitlines()[-1:]}")
                break
        else:
            return python
    session.error("no Python here (3.10 to 3.13) takes the vendor's package")


@nox.session
def packaging(session: nox.Session) -> None:
    """Both packages in one environment, in every order, with the vendor's wheel where there is one."""
    built, _ = _build(session)
    session.install("pip>=25.1", *GROUPS["test"], f"openisx @ {Path(built).as_uri()}")
    environment = {"ISX_WHEEL": built}
    folder = session.create_tmp()
    download = ("download", "-q", "--no-deps", "--only-binary", ":all:", "--dest", folder, VENDOR)
    session.run("python", "-m", "pip", *download, success_codes=[0, 1], silent=True)
    for wheel in glob.glob(f"{folder}/isx-*.whl"):
        session.install("h5py", "openpyxl", "pandas", "scipy")
        environment["ISX_VENDOR_WHEEL"] = wheel
    session.run("pytest", *INSTALLED, "-q", "-p", "no:cacheprovider", "tests/packaging", env=environment)
