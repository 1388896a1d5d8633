"""Notebooks as files: finding them, running them in place, keeping them clean."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from course_lib import settings
from course_lib.errors import CourseError
from course_lib.files import check_writable, read_json, write_json, write_text
from course_lib.lessons.doctor import check_jupyter_folders
from course_lib.translation import translate

TIMES = settings.RECORDED / "run-times.json"


def notebook_paths() -> list[Path]:
    """Return the notebooks of all lessons, in their order."""
    return sorted(settings.NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))


def notebook_path(lesson: str) -> Path:
    """Return the notebook of a lesson, given as a number such as ``04`` or as a name.

    Raises
    ------
    CourseError
        If there is no such lesson, or more than one.
    """
    name, paths = lesson.removesuffix(".ipynb"), notebook_paths()
    stem = name.zfill(2) if name.isdigit() else name
    matches = [path for path in paths if path.stem.startswith(stem)]
    if len(matches) != 1:
        message = translate("There is no lesson {lesson!r}. Choose one of: {known}.")
        raise CourseError(message.format(lesson=lesson, known=", ".join(path.stem[:2] for path in paths)))
    return matches[0]


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
    check_writable(path.parent)  # before the minutes that a lesson takes
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
            message = translate(
                "{path}: the kernel stopped, and the file is left as it was ({error}). If it never started, the kernel "
                "named python3 may be another Python's: `jupyter kernelspec list` shows where it lies."
            )
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
