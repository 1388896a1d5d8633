"""Nothing that the course reads can run code or leave its folder, and its notebook server is its owner's alone."""

from __future__ import annotations

import ast
import itertools
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

sys.path.append(str(Path(__file__).parent))
from leaks import leaks

MODULES = sorted([*(REPOSITORY / "course_lib").rglob("*.py"), *(REPOSITORY / "benchmarks").glob("*.py")])
# A file in one of these formats can run code when it is opened.
PICKLING = {
    "pickle",
    "cPickle",
    "_pickle",
    "dill",
    "_dill",
    "cloudpickle",
    "joblib",
    "jsonpickle",
    "shelve",
    "marshal",
}
# Archives: nothing in the course opens one, so no member can be written outside of a folder.
ARCHIVES = {"tarfile", "zipfile", "zipimport"}
# What fetches from an address: the hub's own client alone does, and its files are compared with their hashes.
FETCHING = {
    "requests",
    "httpx",
    "httpx2",
    "httpcore",
    "urllib3",
    "aiohttp",
    "urllib.request",
    "http.client",
    "ftplib",
}
# Names by where they come from; a bare mention counts, as a name can be handed on and called elsewhere.
FORBIDDEN = re.compile(
    r"""
    eval | exec | compile | __import__ | (.+\.)?get_ipython | runpy\..+ | pty\.spawn
    | os\.(system | popen | startfile | (exec|spawn)[lv]p?e? | posix_spawnp?)
    | (?!platform\.).+\.system | (.+\.)?(getoutput | getstatusoutput | run_cell_magic | run_line_magic)
    | (.+\.)?(create_subprocess_shell | subprocess_shell)
    | torch\.(.+\.)?(load | save | load_url) | torch\.hub(\..+)?
    | gensim\.(.+\.)?load | (.+\.)?(Word2Vec | KeyedVectors | FastText | Doc2Vec)\.load
    | yaml\.(full_|unsafe_)?load(_all)?
    | (.+\.)?(load_pickle | unpickle | ForkingPickler(\..+)? | exec_module | (broadcast|scatter|all_gather|gather)_object(_list)?)
    | (.+\.)?(read_pickle | to_pickle | load_from_checkpoint | load_state)
    | (.+\.)?(extractall | unpack_archive)
    | urllib\.request\..+ | (.+\.)?(urlretrieve | urlopen)
    | evaluate\.load | (.+\.)?(HfFileSystem | create_connection)
    | (.+\.)?(snapshot_download | hf_hub_download | cached_download | load_state_dict_from_url)
    """,
    re.VERBOSE,
)
# Options, as keywords or as keys of a dictionary, and the one value that each may have.
OPTIONS = dict.fromkeys(("trust_remote_code", "allow_pickle", "shell", "resume_from_checkpoint"), False)
OPTIONS |= dict.fromkeys(("use_safetensors", "safe_serialization", "weights_only"), True)
STARTING = {f"subprocess.{name}" for name in ("run", "Popen", "call", "check_call", "check_output")}
SHELLS = re.compile(r"(?:.*[/\\])?(?:(?:ba|da|k|z|fi)?sh|cmd|powershell|pwsh)(?:\.exe)?")
SHELL_OPTIONS = re.compile(r"-\w*c|/[cCkK]|-(?i:command|encodedcommand)")
# The methods of a client of the web, which check the certificate of whom they ask unless they are told not to.
ASKING = {
    "get",
    "post",
    "put",
    "patch",
    "head",
    "delete",
    "request",
    "stream",
    "Client",
    "AsyncClient",
    "Session",
}
# Magics that change nothing but how a cell is shown, and what may follow them; any other one may be a shell.
HARMLESS_MAGICS = {
    "matplotlib": r"\w*",
    "load_ext": "autoreload",
    "autoreload": r"\d?",
    "config": r"InlineBackend\.\w+\s*=.*",
    "precision": r"\S*",
}
# Those that run what follows them: it is looked at like any other code.
TIMING_MAGICS = {"time", "timeit"}
# Formats that the loader of data sets reads from files; any other name is that of a data set on the hub.
FILE_FORMATS = {"parquet", "json", "csv", "text"}
# What opens a model or a data set by its name, and how the name is given.
OPENING = {
    "from_pretrained",
    "load_dataset",
    "load_dataset_builder",
    "pipeline",
    "SentenceTransformer",
    "CrossEncoder",
}
NAMING = {"pretrained_model_name_or_path", "path", "model", "model_name_or_path", "model_name"}
# What is opened by its name and has no weights.
WITHOUT_WEIGHTS = re.compile(r".*(Tokenizer(Fast)?|Config|Processor|FeatureExtractor)\.from_pretrained")
HUB_NAME = re.compile(r"\w[\w.-]*(/[\w.-]+)?")
# What is used nevertheless: the module, the finding, and why it is harmless there.
ALLOWED = {
    "course_lib/maintenance/readme.py": {
        "runpy.run_path": "the table of known errors and the import law are read from this repository's tests",
    },
    "course_lib/lessons/claims.py": {
        "IPython.get_ipython": "the shell is asked for its list of syntax transformers, and runs nothing",
    },
    "course_lib/lessons/capstone.py": {
        "exec": "the learner's own answer, which this machine has run before, is run again from the learner's progress",
        "compile": "the same answer, with a name for its lines",
    },
    "course_lib/classroom/closed_child.py": {
        "exec": "a learner's saved answer is run, in a process that has closed itself",
        "eval": "the same, for a lambda",
        "compile": "the same answers, with a name for their lines",
    },
    "course_lib/classroom/surroundings.py": {
        "exec": "the imports of a notebook of this repository, for the answers of a closed process",
        "compile": "the same imports, with a name for their lines",
    },
    "course_lib/finetuning/resuming.py": {
        "torch.save": "the best weights so far of a run that may be interrupted, on this machine",
        "torch.load": "the same weights, with weights_only",
    },
    "course_lib/finetuning/launch.py": {
        "resume_from_checkpoint=something": "a folder that this course has written beside the model, for a run that goes on",
    },
    "course_lib/frontend.py": {
        "ipython.get_ipython": "the shell is asked for its kernel and who sent the cell, and runs nothing",
    },
    "course_lib/lessons/doctor.py": {
        "import httpx": "asks whether the hub answers, and reads nothing of the answer"
    },
    "course_lib/data/sources.py": {
        "huggingface_hub.snapshot_download": "the one place that asks the hub, checks what comes, and says what went wrong",
    },
}


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
        rest = line[magic.end() :].strip()
        if sign.startswith("%") and name in TIMING_MAGICS:  # what follows is run, as a line or a cell
            below = "\n".join(cell.splitlines()[number + 1 :]) if sign == "%%" else ""
            statement = re.sub(r"^(-\w+\s*\d*\s+)+", "", rest)
            lines.append("\n".join(indent + part for part in python_of(statement or "pass").splitlines()))
            if below:
                lines.append(python_of(below))
                break
            continue
        if sign == "%" and HARMLESS_MAGICS.get(name) and re.fullmatch(HARMLESS_MAGICS[name], rest):
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


def text_in(node: ast.AST | None) -> str | None:
    """Return the text that a literal is, None for anything else."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def dotted(node: ast.AST, names: dict[str, str]) -> str:
    """Return a name such as ``os.path.join`` by where it was imported from, empty for anything else."""
    if isinstance(node, ast.Name):
        return names.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value, names) or '?'}.{node.attr}"
    if isinstance(node, ast.Call):
        function, texts = dotted(node.func, names), [text_in(argument) for argument in node.args]
        if function.rpartition(".")[2] == "import_module" and texts and texts[0]:
            return texts[0]
        if function == "getattr" and len(texts) > 1 and texts[1]:
            return f"{dotted(node.args[0], names) or '?'}.{texts[1]}"
        return function if isinstance(node.func, ast.Name) else ""  # get_ipython().system
    return ""


def imported_names(tree: ast.AST) -> dict[str, str]:
    """Return what names mean that are imported, or assigned from those: ``t`` is ``torch`` by ``import torch as t``."""
    names, imported = {}, set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname: alias.name for alias in node.names if alias.asname}
            imported |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            new = {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
            names, imported = names | new, imported | set(new)
    for node in ast.walk(tree):
        root = node.value if isinstance(node, ast.Assign) else None
        while isinstance(root, ast.Attribute):
            root = root.value
        if isinstance(root, ast.Name) and root.id in imported:
            names |= {t.id: dotted(node.value, names) for t in node.targets if isinstance(t, ast.Name)}
    return names


def findings_of_an_import(node: ast.Import | ast.ImportFrom) -> list[str]:
    """Return the modules that must not be imported, and imports that do not say of what."""
    if isinstance(node, ast.Import):
        modules = [alias.name for alias in node.names]
    else:
        modules = [f"{node.module}.{alias.name}" for alias in node.names]
        modules += [] if node.level else [node.module]
    return [
        f"import {module}"
        for module in modules
        if set(module.split(".")) & (PICKLING | ARCHIVES) or module in FETCHING or module.endswith(".*")
    ]


def is_forbidden(name: str) -> bool:
    """Tell whether a dotted name is one that runs, unpickles, unpacks or fetches."""
    name = re.sub(r"^(builtins|__builtins__|IPython)\.", "", name)
    return bool(FORBIDDEN.fullmatch(name) or set(name.split(".")) & (PICKLING | ARCHIVES))


def options_of(node: ast.AST) -> list[tuple[str | None, ast.AST]]:
    """Return the names and values that are given in a call, a dictionary or an assignment to a part of something."""
    if isinstance(node, ast.Call):
        return [(keyword.arg, keyword.value) for keyword in node.keywords]
    if isinstance(node, ast.Dict):
        return [(text_in(key), value) for key, value in zip(node.keys, node.values)]
    if isinstance(node, ast.Assign):
        parts = [
            t.attr if isinstance(t, ast.Attribute) else text_in(getattr(t, "slice", None))
            for t in node.targets
        ]
        return [(part, node.value) for part in parts]
    return []


def findings_of_options(node: ast.AST, name: str) -> list[str]:
    """Return the options of a call by its name, or of a dictionary, that have another value than they may have."""
    found = []
    for option, value in options_of(node):
        given = value.value if isinstance(value, ast.Constant) else "something"
        if option in OPTIONS and given is not OPTIONS[option]:
            found.append(f"{option}={given}")
        asks = (
            name.partition(".")[0] in FETCHING
            or name.rpartition(".")[2] in ASKING
            or not isinstance(node, ast.Call)
        )
        if option == "verify" and given is False and asks:
            found.append("verify=False")
    return found


def findings_of_a_call(node: ast.Call, name: str, texts: dict[str, str]) -> list[str]:
    """Return what is wrong with the arguments of a call that have no name, and with a name of the hub among them."""
    found, last = [], name.rpartition(".")[2]
    places = {"np.load": 2, "numpy.load": 2} | dict.fromkeys(STARTING, 8)  # of allow_pickle, and of shell
    if name in places:
        starred = any(isinstance(argument, ast.Starred) for argument in node.args)
        further = node.args[places[name] : places[name] + 1]
        if starred or any(getattr(argument, "value", None) is not False for argument in further):
            found.append(f"{name} by position")
    # A folder without safetensors would be opened as a pickle. What the option says, findings_of_options looks at.
    says = any(keyword.arg == "use_safetensors" for keyword in node.keywords)
    if last == "from_pretrained" and not says and not WITHOUT_WEIGHTS.fullmatch(name):
        found.append("from_pretrained without use_safetensors")
    if last in OPENING:
        named = [k.value for k in node.keywords if k.arg in NAMING]
        for argument in (node.args[last == "pipeline" :] + named)[
            :1
        ]:  # that of a pipeline comes after its task
            text = texts.get(argument.id) if isinstance(argument, ast.Name) else text_in(argument)
            of_files = text in FILE_FORMATS and any(keyword.arg == "data_files" for keyword in node.keywords)
            if is_put_together(argument) or (text and HUB_NAME.fullmatch(text) and not of_files):
                found.append(f"{last} of a literal name")
    parts = ast.walk(node) if last in OPENING or last.startswith("read_") else ()
    return found + [f"{last} of an address" for part in parts if "://" in (text_in(part) or "")]


def is_put_together(argument: ast.AST) -> bool:
    """Tell whether a text is made of parts; a path that is, is made with a slash."""
    added = isinstance(argument, ast.BinOp) and isinstance(argument.op, (ast.Add, ast.Mod))
    return isinstance(argument, ast.JoinedStr) or (added and any(map(text_in, ast.walk(argument))))


def starts_a_shell(node: ast.AST) -> bool:
    """Tell whether a sequence of words has a shell in it that is told to run a text."""
    words = node.args if isinstance(node, ast.Call) else getattr(node, "elts", [])
    texts = [text_in(word) or "" for word in words]
    shells = [place for place, text in enumerate(texts) if SHELLS.fullmatch(text)]
    options = [
        itertools.takewhile(lambda text: text[:1] in ("-", "/"), texts[place + 1 :]) for place in shells
    ]
    return any(SHELL_OPTIONS.fullmatch(option) for given in options for option in given)


def findings(code: str) -> list[str]:
    """Return what in a piece of Python could run code that came from outside, or fetch what nobody checks."""
    found, tree = [], ast.parse(code)
    names = imported_names(tree)
    texts = {
        target.id: text_in(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and text_in(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        called = dotted(node.func, names) if isinstance(node, ast.Call) else ""
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            found += findings_of_an_import(node)
        elif isinstance(node, ast.Call):
            found += findings_of_a_call(node, called, texts)
        if isinstance(node, ast.Call) or isinstance(getattr(node, "ctx", None), ast.Load):
            mentioned = dotted(node, names)
            found += [mentioned] if is_forbidden(mentioned) else []
        if starts_a_shell(node):
            found.append("a shell that runs a text")
        found += findings_of_options(node, called)
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
        "BertModel.from_pretrained(folder)",
        "from transformers import AutoModelForMaskedLM as M\nM.from_pretrained(folder, local_files_only=True)",
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
        "import os\nrun = os.system\nrun(command)",
        "import os\nlist(map(os.system, commands))",
        "import os\no = os\no.popen(command)",
        "import os\ngetattr(os, 'system')(command)",
        "import importlib\nimportlib.import_module('pickle').load(file)",
        "import importlib\nimportlib.import_module('os').popen(command)",
        "from os import *\nsystem(command)",
        "list(map(eval, texts))",
        "import torch\nread = torch.load",
        "import torch\nread = getattr(torch, 'load')",
        "import torch\ntorch.serialization.load(path)",
        "from torch.serialization import load\nload(path)",
        "import torch\ntorch.jit.load(path)",
        "import torch\nhub = torch.hub",
        "import torch\ntorch.hub.load(address, name)",
        "from gensim.models import Word2Vec\nWord2Vec.load(path)",
        "Word2Vec.load(path)",
        "gensim.models.KeyedVectors.load(path)",
        "import gensim.downloader as api\napi.load(name)",
        "np.load(path, None, True)",
        "import numpy\nnumpy.load(path, None, allow)",
        "import numpy as np\nread = np.load\nread(*arguments)",
        "import yaml\nyaml.full_load(text)",
        "import yaml\nyaml.load_all(text)",
        "from yaml import full_load_all as read\nread(text)",
        "import pandas as pd\npd.read_pickle(path)",
        "import pandas as table\ntable.read_pickle(path)",
        "from pandas.io.api import read_pickle\nread_pickle(path)",
        "import pandas\npandas.io.pickle.read_pickle(path)",
        "frame.to_pickle(path)",
        "Module.load_from_checkpoint(path)",
        "trainer.train(resume_from_checkpoint=True)",
        "trainer.train(resume_from_checkpoint=folder)",
        "accelerator.load_state(folder)",
        "import jsonpickle",
        "from datasets.utils._dill import dumps",
        "from datasets.utils import _dill",
        "import datasets\ndatasets.utils._dill.dumps(x)",
        "model.save_pretrained(folder, safe_serialization=False)",
        "model.save_pretrained(folder, safe_serialization=safe)",
        "subprocess.run(['sh', '-c', command])",
        "subprocess.run(('/bin/bash', '-lc', command))",
        "subprocess.run(['env', 'sh', '-c', command])",
        "subprocess.run(['cmd.exe', '/c', command])",
        "subprocess.run(['powershell', '-Command', command])",
        "asyncio.create_subprocess_exec('sh', '-c', command)",
        "subprocess.run(command, **{'shell': True})",
        "options['shell'] = True\nsubprocess.run(command, **options)",
        "subprocess.run(command, 0, None, None, None, None, None, True, True)",
        "from subprocess import Popen\nPopen(*arguments)",
        "import os\nos.execvp(command, arguments)",
        "import os\nos.spawnlp(os.P_WAIT, command)",
        "import os\nos.posix_spawn(path, arguments, variables)",
        "import os\nos.startfile(path)",
        "import pty\npty.spawn(command)",
        "import runpy\nrunpy.run_path(path)",
        "from runpy import run_module as run\nrun(name)",
        "shell = get_ipython()",
        "from IPython import get_ipython as shell\nshell().ast_transformers",
        "shell.run_line_magic('run', path)",
        "self.shell.system(command)",
        "AutoModel.from_pretrained('owner/name')",
        "BertModel.from_pretrained('bert-base-uncased')",
        "BertModel.from_pretrained(f'{owner}/name')",
        "BertModel.from_pretrained(pretrained_model_name_or_path='owner/name')",
        "NAME = 'owner/name'\nBertModel.from_pretrained(NAME)",
        "pipeline('fill-mask', model='owner/name')",
        "pipeline('fill-mask', 'owner/name')",
        "SentenceTransformer('owner/name')",
        "BertModel.from_pretrained('owner/' + name)",
        "BertModel.from_pretrained('owner/%s' % name)",
        "import evaluate\nevaluate.load('accuracy')",
        "from huggingface_hub import HfFileSystem\nHfFileSystem().open(name)",
        "import socket\nsocket.create_connection(address)",
        "import datasets\ndatasets.load_dataset('csv', data_files='https://a.example/b.csv')",
        "import datasets\ndatasets.load_dataset('csv', data_files={'train': 'https://a.example/b.csv'})",
        "import pandas as pd\npd.read_csv('https://a.example/b.csv')",
        "import httpx2\nhttpx2.get(address)",
        "import datasets\ndatasets.load_dataset('imdb')",
        "import datasets\ndatasets.load_dataset(path='owner/name')",
        "import datasets\ndatasets.load_dataset('parquet')",
        "from urllib.request import urlretrieve\nurlretrieve(address, path)",
        "import urllib.request\nurllib.request.urlopen(address)",
        "from urllib import request",
        "read = urlopen",
        "import requests\nrequests.get(address)",
        "from requests import get\nget(address)",
        "import httpx as client\nclient.get(address)",
        "AutoModel.from_pretrained(name, **{'trust_remote_code': True})",
        "requests.get(address, verify=False)",
        "session.get(address, verify=False)",
        "client.get(address, **{'verify': False})",
        "session.verify = False",
        "__import__(name)",
        "code = compile(text, name, 'exec')",
        "subprocess.getstatusoutput(command)",
        "asyncio.create_subprocess_shell(command)",
        "loop.subprocess_shell(protocol, command)",
        "shell.run_cell_magic('sh', '', command)",
        "torch.save(model, path)",
        "torch.utils.model_zoo.load_url(address)",
        "KeyedVectors.load(path)",
        "FastText.load(path)",
        "Doc2Vec.load(path)",
        "yaml.unsafe_load(text)",
        "archive.extractall(folder)",
        "cached_download(address)",
        "load_state_dict_from_url(address)",
        "urlretrieve(address, path)",
        "opener = urllib.request.build_opener()",
        "load(path, weights_only=False)",
        "PackageImporter(path).load_pickle('a', 'b')",
        "import gensim\ngensim.utils.unpickle(path)",
        "ForkingPickler.loads(content)",
        "import torch.distributed as dist\ndist.broadcast_object_list(objects)",
        "spec.loader.exec_module(module)",
        "import zipimport",
        "subprocess.run(['bash', '-e', '-c', text])",
        *(f"import {name}" for name in ("cPickle", "_pickle", "dill", "cloudpickle", "shelve", "marshal")),
        *(f"import {name}" for name in ("tarfile", "zipfile")),
        *(f"import {name}" for name in ("urllib3", "aiohttp", "http.client", "ftplib")),
        *(f"subprocess.{name}(*words)" for name in ("run", "call", "check_call", "check_output")),
        *(
            f"session.{name}(x, verify=False)"
            for name in ("put", "post", "patch", "head", "delete", "stream")
        ),
        *(f"session.{name}(x, verify=False)" for name in ("request", "Client", "AsyncClient", "Session")),
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
        "%time !ls",
        "%time import pickle; pickle.load(file)",
        "%timeit exec(text)",
        "%timeit -n 10 exec(text)",
        "x = 1\n%time %run other.py",
        "%%time os.system('ls')\nx = 1",
        "%%time\n!ls",
        "%load_ext evil",
        "%config Application.log_level = 1",
    ],
)
def test_the_check_finds_a_shell_in_a_cell(cell):
    assert findings(python_of(cell))


@pytest.mark.parametrize(
    "cell",
    [
        "%matplotlib inline\nx = 1",
        "%%time\nx = 1",
        "%time x = f(1)",
        "%timeit -n 5 f(1)",
        "%load_ext autoreload",
        "x = 7 % 3\ny = x != 3",
        "a = (7\n% 3)",
    ],
)
def test_the_check_lets_an_ordinary_cell_pass(cell):
    assert not findings(python_of(cell))


@pytest.mark.parametrize(
    "code",
    [
        "model.eval()\nmodel.compile()",
        "import re\nre.compile(x)",
        "subprocess.run([a, b])\nsubprocess.run([a, b], shell=False)",
        "subprocess.run(a, 0, None, None, None, None, None, True, False)",
        "['sh', 'bash']\n['grep', '-c', text]",
        "np.load(path, allow_pickle=False)\nnp.load(path, 'r', False)",
        "folder(verify=False)\nclient.get(address, verify=True)",
        "import platform\nplatform.system()",
        "import os\nos.path.join(a, b)\nos.environ.get(a)",
        "from safetensors.torch import load_file\nload_file(path)",
        "model.load_state_dict(weights)\nchecks.load(name)",
        "model.save_pretrained(folder, safe_serialization=True)\nModel.from_pretrained(folder, use_safetensors=True)",
        "BertModel.from_pretrained('./model', use_safetensors=True)",
        "AutoTokenizer.from_pretrained(folder)\nBertTokenizerFast.from_pretrained(folder)",
        "from transformers import BertConfig\nBertConfig.from_pretrained(folder)",
        "import datasets\ndatasets.load_dataset('parquet', data_files=files)",
        "requests = []\nrequests.append(address)",
        "yaml.safe_load(text)\njson.load(file)",
    ],
)
def test_the_check_lets_ordinary_code_pass(code):
    assert not findings(code)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_no_module_runs_what_it_reads(path):
    """A finding that is allowed and not there any more fails too: its place in the list would stand open."""
    assert set(findings(code_of(path))) == set(ALLOWED.get(path.relative_to(REPOSITORY).as_posix(), {}))


def test_what_is_allowed_is_in_a_module_and_has_a_reason():
    assert set(ALLOWED) <= {path.relative_to(REPOSITORY).as_posix() for path in MODULES}
    assert all(reason for findings in ALLOWED.values() for reason in findings.values())


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
    assert manifest.read_manifest() == found, "run: course maintain manifest"


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
    assert not leaks(path.read_text(encoding="utf-8"))


LETTERS = "aB3" * 20  # no secret is written here as a whole: who searches the repository for some finds none


@pytest.mark.parametrize(
    "text",
    [
        f"hf_{LETTERS}",
        f"ghp_{LETTERS}",
        f"github_pat_{LETTERS}_{LETTERS}",
        f"glpat-{LETTERS[:20]}",
        f"sk-{LETTERS}",
        f"sk-proj-{LETTERS[:10]}_{LETTERS[:10]}",
        f"AIza{LETTERS[:35]}",
        f"AKIA{'A1' * 8}",
        f"ASIA{'A1' * 8}",
        f"pypi-AgE{LETTERS}",
        f"xoxb-{LETTERS}",
        f"Bearer eyJ{LETTERS}",
        f"eyJ{LETTERS}.eyJ{LETTERS}.{LETTERS}",
        f"npm_{LETTERS}",
        f"xapp-1-{LETTERS}",
        f"ya29.{LETTERS}",
        f"Authorization: Basic {LETTERS}",
        f'"AWS_SECRET_ACCESS_KEY": "{LETTERS}"',
        f"AWS_SECRET_ACCESS_KEY={LETTERS}",
        f"AccountName=a;AccountKey={LETTERS}",
        f"?token={'0a' * 8}",
        "-----BEGIN RSA PRIVATE" + " KEY-----",
        "https://reader:" + "word@example.org/simple",
        r'"a line\nhf_' + LETTERS + '"',
        "/root/.cache",
        "/home/ada/bert",
        "file:///tmp/x",
        "/Users/ada",
        "/work/course",
        "/var/folders/ab",
        "/private/var/ab",
        "/mnt/data",
        "/usr/lib/python3/json/decoder.py",
        "/usr/local/lib/python3.11/json/decoder.py",
        "/Volumes/disk",
        '"/data/bert"',
        "/scratch/ada",
        "(/builds/course)",
        "/kaggle/input",
        "/opt/conda/bin/python",
        "path=/srv/course",
        '"/workspace/bert"',
        "(/content/drive)",
        r'"a line\n/opt/conda"',
        r'"\u001b[0;32m/opt/conda"',
        "\x1b[0;32m/opt/conda",
        "lib/python3/site-packages/torch",
        "lib/python3/dist-packages/torch",
        r"C:\Users\ada",
        r"C:\\Users\\ada",
        r"D:\data",
        r'"a line\nC:\\Users"',
        r'"D:\\notes"',
        '"image/png": "iVBOR", "text/plain": "/opt/conda"',
        "https://hooks.slack.com/services/T0/B0/x",
        f"sk_live_{LETTERS}",
        f"GOCSPX-{LETTERS}",
        "/workspaces/bert-course/a.py",
        "/media/ada/disk",
        "/run/media/ada",
        "PosixPath('/root')",
        r"c:\Users\ada",
    ],
)
def test_a_secret_and_a_local_path_are_found(text):
    assert leaks(text)


@pytest.mark.parametrize(
    "text",
    [
        f"data:image/png;base64,/opt/a/sk{LETTERS}+/tmp/x\n/srv/a=",
        f'"data:image/png;base64,ab\\n/opt/a/tmp/x/sk{LETTERS}="',
        f'"image/png": "/opt/a/tmp/x/{LETTERS}="',
        f'"image/png": [\n "/tmp/a\\n",\n "/opt/{LETTERS}="\n]',
        "https://example.org/content/a, https://example.org/opt/a and https://example.org/mnt/a",
        "https://example.org/a:b@c and mailto:reader@example.org",
        "notebooks/content/a, ./opt/a, ../srv/a, course/data/reviews and ../data/reviews",
        "https://example.org/usr/a and Authorization: Basic",
        "https://example.org/?token= and token=abc",
        r'"Question A:\n", "Answer B:\tc"',
        "the prefix hf_, a Bearer of news, the risk-averse and the task-specific-fine-tuning-of-bert",
        r"A: B, C:/x and BEGIN:\alpha",
        f'"image/jpeg": "/opt/{LETTERS}="',
        "ASIA and AKIA, pypi-packages",
    ],
)
def test_an_ordinary_text_is_no_leak(text):
    assert not leaks(text)


# The notebook server ------------------------------------------------------------------------------


@pytest.mark.parametrize("option", ["--ip", "--host", "--token", "--no-token", "--allow-remote"])
def test_the_lab_cannot_be_opened_to_others_by_an_option(option, capsys):
    with pytest.raises(SystemExit):
        cli.command_parser().parse_args(["lab", option, "0.0.0.0"])
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
