"""Notebooks as files: opening them in JupyterLab, running them in place, keeping them clean."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import webbrowser
from pathlib import Path

from course_lib import settings
from course_lib.errors import CourseError
from course_lib.files import read_json, write_json, write_text
from course_lib.translation import translate

TIMES = settings.RECORDED / "run-times.json"


def check_jupyter_folders() -> None:
    """Make sure that Jupyter can write where it keeps addresses of kernels, signatures and settings.

    Raises
    ------
    CourseError
        If a folder of these cannot be made or written; Jupyter itself would end in a traceback.
    """
    from jupyter_core import paths

    folders = {
        "JUPYTER_CONFIG_DIR": paths.jupyter_config_dir(),
        "JUPYTER_DATA_DIR": paths.jupyter_data_dir(),
        "JUPYTER_RUNTIME_DIR": paths.jupyter_runtime_dir(),
    }
    for variable, folder in folders.items():
        try:
            Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            message = translate(
                "Jupyter keeps files in {folder}, which cannot be written ({error}). Set HOME or {variable} "
                "to a folder that can be."
            )
            raise CourseError(message.format(folder=folder, error=error, variable=variable)) from None


def open_lab(notebook: Path, *, browser: bool = True, port: int = 8888) -> int:
    """Open JupyterLab on a notebook: on localhost only, with a fresh token, without a news pop-up.

    What keeps others out stands on the command line, which goes before the reader's own configuration files.

    Parameters
    ----------
    notebook : the notebook to open.
    browser : whether to open a browser; without one the address is printed.
    port : first port to try.

    Raises
    ------
    CourseError
        If Jupyter cannot write its own folders.
    """
    check_jupyter_folders()
    if browser:
        try:
            webbrowser.get()
        except webbrowser.Error:
            browser = False
            print(
                translate("There is no browser here: open the address that JupyterLab prints below in one.")
            )
    environment = dict(os.environ)
    # JupyterLab looks here for page_config.json, which switches its announcements off.
    own = str(Path(__file__).parents[1] / "jupyter")
    environment["JUPYTER_CONFIG_PATH"] = os.pathsep.join(
        filter(None, [own, environment.get("JUPYTER_CONFIG_PATH", "")])
    )
    command = [
        sys.executable, "-m", "jupyterlab", "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}",
        f"--ServerApp.root_dir={settings.REPOSITORY}", "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        f"--LabApp.default_url=/lab/tree/{notebook.relative_to(settings.REPOSITORY).as_posix()}",
        "--LabApp.collaborative=False",
        "--ServerApp.identity_provider_class=course_lib.lab_identity.FreshIdentityProvider",
    ]  # fmt: skip
    if not browser:
        command.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # containers run as root; the address is still local only
    return subprocess.call(command, env=environment)


def clean_metadata(notebook) -> None:
    """Drop from a notebook what differs between machines and runs: timings, widget state, versions."""
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:
        kept = {key: cell.metadata[key] for key in ("tags", "course") if key in cell.metadata}
        cell.metadata.clear()
        cell.metadata.update(kept)
        if cell.cell_type == "code":
            cell.outputs = [o for o in cell.outputs if not (o.output_type == "stream" and o.name == "stderr")]
            for output in cell.outputs:
                if "metadata" in output:
                    output.metadata.clear()


def run_notebook(path: Path, *, keep_time: bool = False, timeout: int = 600) -> None:
    """Execute a notebook in place, from top to bottom, with a progress bar.

    The file is replaced only when all cells have run; the learner's progress is not touched.

    Parameters
    ----------
    path : the notebook.
    keep_time : whether to keep the time and memory it took in ``data/recorded/run-times.json``.
    timeout : seconds that one cell may take.

    Raises
    ------
    CourseError
        If the file is not a notebook, a cell fails, the kernel dies, or Jupyter cannot write its own folders;
        the notebook stays as it was.
    """
    import nbformat
    from jupyter_client.kernelspec import NoSuchKernel
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
    from tqdm import tqdm

    check_jupyter_folders()
    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
    except (OSError, ValueError, TypeError, AttributeError, KeyError, nbformat.ValidationError) as error:
        message = translate("{path} is not a readable notebook ({error}). Fetch it again.")
        raise CourseError(message.format(path=path, error=str(error).partition("\n")[0])) from None
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    bar = tqdm(total=len(cells), desc=path.stem, unit="cell")
    peak = 0

    def cell_done(cell, cell_index, **_):
        nonlocal peak
        bar.update()
        peak = max(peak, _peak_memory(client))

    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="course-run-") as home:
        environment = {**os.environ, "COURSE_HOME": home}
        client = NotebookClient(
            notebook,
            timeout=timeout,
            kernel_name="python3",
            coalesce_streams=True,  # one output of what a cell prints, however it arrives
            resources={"metadata": {"path": str(path.parent)}},
        )
        client.on_cell_executed = cell_done
        try:
            client.execute(env=environment)
        except (CellExecutionError, CellTimeoutError) as error:
            message = translate("{path}: a cell failed, and the file is left as it was. {error}")
            raise CourseError(message.format(path=path, error=error)) from None
        # A kernel that is described wrongly, or whose Python is gone, fails as an error of many kinds.
        except (DeadKernelError, NoSuchKernel, OSError, RuntimeError, AssertionError, ValueError) as error:
            message = translate("{path}: the kernel stopped, and the file is left as it was ({error}).")
            raise CourseError(message.format(path=path, error=error)) from None
        finally:
            bar.close()
    seconds = time.perf_counter() - began
    clean_metadata(notebook)
    write_text(path, nbformat.writes(notebook) + "\n")
    print(translate("{name}: {seconds:.0f} s, {memory:.1f} GB").format(
        name=path.stem, seconds=seconds, memory=peak / 1e9))  # fmt: skip
    if keep_time:
        times = read_json(TIMES, "Take the file from git again.") or {}
        times[path.stem] = {"seconds": round(seconds), "gigabytes": round(peak / 1e9, 1)}
        write_json(TIMES, dict(sorted(times.items())))


def _peak_memory(client) -> int:
    """Return the peak resident memory of the kernel in bytes; what it is now where the peak is not kept."""
    import psutil

    try:
        pid = client.km.provisioner.pid
        status = Path(f"/proc/{pid}/status")
        if status.is_file():  # Linux keeps the peak ("high water mark") of each process
            lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
            return int(lines["VmHWM"].split()[0]) * 1024
        return psutil.Process(pid).memory_info().rss
    except (psutil.Error, AttributeError, TypeError, OSError, KeyError):
        return 0
