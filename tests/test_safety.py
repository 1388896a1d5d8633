"""Nothing that the course reads can run code or leave its folder, and its notebook server is its owner's alone."""

from __future__ import annotations

import ast
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from fnmatch import fnmatch
from pathlib import Path

import nbformat
import pytest

from course_lib import cli
from course_lib.data import manifest
from course_lib.data.sources import WANTED_FILES
from course_lib.data.weights import sha256_of
from course_lib.settings import DATA, NOTEBOOKS, REPOSITORY

MODULES = sorted([*(REPOSITORY / "course_lib").rglob("*.py"), *(REPOSITORY / "benchmarks").glob("*.py")])
# A file in one of these formats can run code when it is opened.
PICKLING = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
# Archives: nothing in the course opens one, so no member can be written outside of a folder.
ARCHIVES = {"tarfile", "zipfile"}
UNPACKING = {"extractall", "unpack_archive"}
RUNNING = {"os.system", "os.popen", "eval", "exec", "compile", "__import__", "subprocess.getoutput"}
RUNNING |= {"subprocess.getstatusoutput", "asyncio.create_subprocess_shell"}
LOADING = {"torch.load", "torch.save", "torch.hub.load", "pandas.read_pickle", "pd.read_pickle"}
LOADING |= {"yaml.load", "yaml.unsafe_load"}
# A deck shows what a cell of its own lesson's notebook makes: that code is the course's, as the notebook's is.
EXEMPT = {
    "course_lib/slides/replay.py": {"exec", "eval", "compile"},
    "course_lib/slides/content.py": {"eval"},
}


SHELL = {
    "get_ipython.system",
    "get_ipython.getoutput",
    "get_ipython.run_cell_magic",
    "get_ipython.run_line_magic",
}
# Magics that change nothing but how a cell is shown or timed; any other one may be a shell.
HARMLESS_MAGICS = {"matplotlib", "time", "timeit", "load_ext", "autoreload", "config", "precision"}
# The hub's own functions: one place asks for what is wanted, checks it, and says clearly what went wrong.
HUB = {"snapshot_download", "hf_hub_download", "cached_download", "load_state_dict_from_url"}
ASKS_THE_HUB = "course_lib/data/sources.py"


def python_of(cell: str) -> str:
    """Return the Python of a notebook's cell; a line for the shell becomes the call that IPython makes of it."""
    try:
        ast.parse(cell)
        return cell  # a line may begin with % in the middle of an expression
    except SyntaxError:
        lines = []
    for number, line in enumerate(cell.splitlines()):
        magic = re.match(r"(\s*)(?:[\w, ]+=\s*)?(%{1,2}|!{1,2})(\w*)", line)
        if magic is None:
            lines.append(line)
            continue
        indent, sign, name = magic.groups()
        if sign.startswith("%") and name in HARMLESS_MAGICS:
            lines.append(f"{indent}pass")
            continue
        lines.append(f"{indent}get_ipython().system({line.strip()!r})")
        if sign == "%%" and number == 0:
            break  # what follows is of another language
    return "\n".join(lines)


def code_of(path: Path) -> str:
    """Return the Python of a module, or of a notebook's cells."""
    if path.suffix == ".py":
        return path.read_text(encoding="utf-8")
    cells = nbformat.read(path, as_version=4).cells
    return "\n".join(python_of(cell.source) for cell in cells if cell.cell_type == "code")


def dotted(node: ast.AST, aliases: dict[str, str]) -> str:
    """Return a name such as ``os.path.join`` by where it was imported from, empty for anything else."""
    if isinstance(node, ast.Name):
        return aliases.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        before = dotted(node.value, aliases)
        return f"{before}.{node.attr}" if before else f"?.{node.attr}"
    if isinstance(node, ast.Call):  # get_ipython().system
        return dotted(node.func, aliases) if isinstance(node.func, ast.Name) else ""
    return ""


def imported_names(tree: ast.AST) -> dict[str, str]:
    """Return what the names mean that a piece of Python imports: ``system`` is ``os.system``, ``t`` is ``torch``."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def findings(code: str) -> list[str]:
    """Return what in a piece of Python could run code that came from outside, or fetch what nobody checks."""
    found, tree = [], ast.parse(code)
    aliases = imported_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
            found += [f"import {n}" for n in names if n.partition(".")[0] in PICKLING | ARCHIVES]
        if not isinstance(node, ast.Call):
            continue
        name = dotted(node.func, aliases).removeprefix("builtins.").removeprefix("IPython.")
        if name in RUNNING | LOADING | SHELL or name.rpartition(".")[2] in UNPACKING | HUB:
            found.append(name)
        for keyword in node.keywords:
            value = getattr(keyword.value, "value", "something")
            if (keyword.arg, value) in (("use_safetensors", False), ("weights_only", False)):
                found.append(f"{keyword.arg}={value}")
            if keyword.arg == "verify" and value is False and name.startswith(("requests.", "httpx.")):
                found.append("verify=False")
            if keyword.arg in ("trust_remote_code", "allow_pickle", "shell") and value is not False:
                found.append(f"{keyword.arg}={value}")
    return found


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from joblib import load",
        "import torch\nx = torch.load('a.pt')",
        "import os\nos.system('ls ' + name)",
        "import subprocess\nsubprocess.run(command, shell=True)",
        "eval(text)",
        "AutoModel.from_pretrained(name, trust_remote_code=True)",
        "np.load(path, allow_pickle=allow)",
        "import tarfile\ntarfile.open(path).extractall(folder)",
        "shutil.unpack_archive(path, folder)",
        "model.from_pretrained(x, use_safetensors=False)",
        "httpx.get(address, verify=False)",
        "from os import system\nsystem('ls')",
        "from os import system as look\nlook('ls')",
        "import os as o\no.system('ls')",
        "from torch import load\nload('a.pt')",
        "import torch as t\nt.load('a.pt')",
        "from subprocess import getoutput\ngetoutput('ls')",
        "from builtins import eval as read\nread(text)",
        "import builtins\nbuiltins.exec(text)",
        "get_ipython().system('ls')",
        "get_ipython().run_cell_magic('bash', '', 'ls')",
        "from IPython import get_ipython\nget_ipython().getoutput('ls')",
        "from huggingface_hub import snapshot_download\nsnapshot_download('a/b')",
        "import huggingface_hub\nhuggingface_hub.hf_hub_download('a/b', 'c')",
        "import huggingface_hub as hub\nhub.hf_hub_download('a/b', 'c')",
        "torch.hub.load_state_dict_from_url(address)",
    ],
)
def test_the_check_finds_what_it_is_for(code):
    assert findings(code)


@pytest.mark.parametrize(
    "cell",
    [
        "!pip install x",
        "x = 1\nif x:\n    !ls",
        "files = !ls",
        "!!ls",
        "%%bash\nls -l | wc",
        "%%sh\necho $((1",
        "%%writefile a.py\nimport os",
        "%sx ls",
        "listing = %sx ls",
        "%system ls",
        "%run other.py",
        "%pip install x",
    ],
)
def test_the_check_finds_a_shell_in_a_cell(cell):
    assert findings(python_of(cell))


@pytest.mark.parametrize(
    "cell", ["%matplotlib inline\nx = 1", "%%time\nx = 1", "x = 7 % 3\ny = x != 3", "a = (7\n% 3)"]
)
def test_the_check_lets_an_ordinary_cell_pass(cell):
    assert not findings(python_of(cell))


def test_the_check_lets_ordinary_code_pass():
    code = "model.eval()\nimport re\nre.compile(x)\nsubprocess.run([a, b])\nnp.load(path, allow_pickle=False)\nfolder(verify=False)"
    assert not findings(code)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_no_module_runs_what_it_reads(path):
    name = path.relative_to(REPOSITORY).as_posix()
    allowed = EXEMPT.get(name, set())
    found = {f for f in findings(code_of(path)) if name != ASKS_THE_HUB or f.rpartition(".")[2] not in HUB}
    assert not found - allowed


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_no_notebook_runs_what_it_reads(path):
    assert not findings(code_of(path))


def test_from_the_hub_come_only_formats_that_cannot_carry_code():
    harmless = ("*.safetensors", "*.json", "*.txt", "*.parquet")
    for patterns in WANTED_FILES.values():
        assert all(any(fnmatch(pattern, kind) for kind in harmless) for pattern in patterns), patterns
    assert not any(fnmatch("pytorch_model.bin", p) for patterns in WANTED_FILES.values() for p in patterns)


def test_checkpoints_in_the_repository_are_safetensors():
    files = [path for path in (DATA / "checkpoints").rglob("*") if path.is_file()]
    kinds = {path.suffix for path in files if path.name != manifest.NAME}
    assert kinds <= {".safetensors", ".json", ".md", ".txt"}


def test_every_checkpoint_is_the_one_in_the_manifest():
    files = [
        path for path in (DATA / "checkpoints").rglob("*") if path.is_file() and path.name != manifest.NAME
    ]
    found = {path.relative_to(DATA / "checkpoints").as_posix(): sha256_of(path) for path in files}
    assert manifest.read_manifest() == found, "run: python -m course_lib.data.manifest"


LOCAL = re.compile(r"/root/|/home/\w|/tmp/\w|/Users/\w|/work/\w|site-packages|[A-Z]:\\+Users|/var/folders/")
SECRET = re.compile(
    r"\bhf_[A-Za-z0-9]{20,}|\bgh[pousr]_[A-Za-z0-9]{20,}|\bsk-[A-Za-z0-9-]{20,}|\bAKIA[A-Z0-9]{16}\b"
    r"|[?&]token=[0-9a-f]{8,}|-----BEGIN [A-Z ]*PRIVATE KEY|\bxox[abp]-\w+"
)
WRITTEN = [
    *REPOSITORY.glob("*.md"),
    *(REPOSITORY / "slides").rglob("*.md"),
    *DATA.rglob("*.json"),
    *DATA.rglob("*.md"),
    *NOTEBOOKS.glob("*.md"),
    *NOTEBOOKS.rglob("*.svg"),
    *(REPOSITORY / "course_lib").rglob("*.py"),
    *(REPOSITORY / ".github").rglob("*.yml"),
]


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_no_secret_and_no_local_path_is_in_a_file(path):
    """The notebooks are held to the same in tests/notebooks."""
    content = path.read_text(encoding="utf-8")
    assert not SECRET.findall(content)
    assert not LOCAL.findall(content)


# The notebook server ------------------------------------------------------------------------------


@pytest.mark.parametrize("option", ["--ip", "--host", "--token", "--no-token", "--allow-remote"])
def test_the_lab_cannot_be_opened_to_others_by_an_option(option, capsys):
    with pytest.raises(SystemExit):
        cli.parser().parse_args(["lab", option, "0.0.0.0"])
    assert "unrecognized" in capsys.readouterr().err


@pytest.mark.parametrize("lesson", ["00; ls", "../00", "$(ls)", "00 --ServerApp.token=", "/etc/passwd"])
def test_a_lesson_is_a_number_and_never_a_command(lesson, capsys):
    assert cli.main(["lab", "--no-browser", "--", lesson]) == 2
    assert "no lesson" in capsys.readouterr().err


def answer_of(address: str) -> int:
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


# What a reader may have written long ago for another server, and what would open this one to everybody.
CONFIGURATIONS = {
    "none": "",
    "empty": """
c.IdentityProvider.token = ""
c.PasswordIdentityProvider.token = ""
c.PasswordIdentityProvider.hashed_password = ""
c.ServerApp.ip = "0.0.0.0"
""",
    "outdated": """
c.ServerApp.token = ""
c.ServerApp.password = ""
c.NotebookApp.token = ""
c.ServerApp.identity_provider_class = "jupyter_server.auth.identity.PasswordIdentityProvider"
c.FreshIdentityProvider.token = ""
""",
}


@pytest.mark.skipif(os.name == "nt", reason="a process group is ended in another way there")
@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_the_lab_answers_nobody_without_its_token(tmp_path, configuration):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / ".jupyter").mkdir()
    for name in ("jupyter_config.py", "jupyter_server_config.py", "jupyter_lab_config.py"):
        (tmp_path / ".jupyter" / name).write_text(CONFIGURATIONS[configuration])
    variables = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")}
    variables |= {
        "HOME": str(tmp_path),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "run"),
        "JUPYTER_TOKEN": "known",
    }
    printed = open(tmp_path / "printed.txt", "w+")
    process = subprocess.Popen(
        [sys.executable, "-m", "course_lib.cli", "lab", "--no-browser", "--port", str(port)],
        cwd=REPOSITORY,
        env=variables,
        stdout=subprocess.DEVNULL,
        stderr=printed,
        start_new_session=True,
    )
    try:
        deadline, found = time.time() + 120, []
        while not found and time.time() < deadline:
            assert process.poll() is None, "the server has stopped"
            time.sleep(0.2)
            found = list((tmp_path / "run").glob("jpserver-*.json"))
        time.sleep(0.5)
        server = json.loads(found[0].read_text())
        assert server["hostname"] == "127.0.0.1" and len(server["token"]) >= 32 and not server["password"]
        address = f"http://127.0.0.1:{server['port']}/api/contents"
        assert answer_of(address) == 403
        assert answer_of(f"{address}?token=") == answer_of(f"{address}?token=known") == 403
        assert answer_of(f"{address}?token={'0' * 48}") == 403
        assert answer_of(f"{address}?token={server['token']}") == 200
        lines = Path(printed.name).read_text()
        assert re.search(rf"http://\S+\?token={server['token']}", lines), "the address is not printed"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=60)
        printed.close()
