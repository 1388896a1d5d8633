"""What must not be in a file that is committed: a secret, or a path of the machine it was made on."""

from __future__ import annotations

import re

# A word begins after anything that is not of a word, and after a line break as JSON writes it.
BEGIN = r"(?:(?<=\\[nrt])|(?<!\w))"
SECRET = re.compile(
    rf"""
    {BEGIN}(?:
        hf_[A-Za-z0-9]{{20,}}
        | gh[pousr]_[A-Za-z0-9]{{20,}} | github_pat_\w{{20,}} | glpat-[\w-]{{20,}}
        | sk-[\w-]{{20,}} | AIza[\w-]{{35}} | A(?:KI|SI)A[A-Z0-9]{{16}}\b
        | pypi-[\w-]{{40,}} | npm_[A-Za-z0-9]{{30,}} | xox[abp]-\w+ | xapp-[\w-]{{10,}} | ya29\.[\w-]{{20,}}
        | Authorization["']?:\s*["']?Basic\s+\w{{6,}}
        | AWS_SECRET_ACCESS_KEY["']?\s*[=:]\s*["']?[\w/+]{{20,}} | AccountKey=[\w/+]{{20,}}
        | hooks\.slack\.com/services/\w | [rs]k_(?:live|test)_\w{{10,}} | GOCSPX-[\w-]{{10,}}
        | Bearer\s+eyJ[\w-]{{10,}} | eyJ[\w-]{{10,}}\.eyJ[\w-]{{10,}}
    )
    | [?&]token=[0-9a-f]{{8,}}
    | -----BEGIN\ [A-Z ]*PRIVATE\ KEY
    | ://[^\s/@:"'<>]+:[^\s/@"'<>]+@
    """,
    re.VERBOSE,
)
# Folders with ordinary names count where a path begins, and not within an address; a drive's backslash may be
# doubled, and is not the first half of an escape such as the line break after "A:".
LOCAL = re.compile(
    rf"""
    /root\b | /home/\w | /tmp/\w | /Users/\w | /work/\w | /var/folders/ | (?:site|dist)-packages
    | /usr/(?:local/)?(?:lib|bin|share)/\w
    | (?:(?<=\\[nrt])|(?<![\w.-]))/(?:mnt|opt|srv|private/var|workspaces?|content|Volumes|media|run/media|data|scratch|builds|kaggle)/\w
    | {BEGIN}[A-Za-z]:(?:\\\\\w|\\(?![nrt])\w)
    """,
    re.VERBOSE,
)
# Pictures are letters at random, and long enough to have anything in them.
PICTURE = re.compile(r'base64,(?:[A-Za-z0-9+/=\n]|\\n)+|"image/(?:png|jpeg)":\s*(?:"[^"]*"|\[[^\]]*\])')
COLOR = re.compile(r"(?:\\u001b|\x1b)\[[0-9;]*m")


def leaks(content: str) -> list[str]:
    """Return the secrets and the local paths in the text of a file, as it is stored."""
    text = COLOR.sub(" ", PICTURE.sub("", content))
    return SECRET.findall(text) + LOCAL.findall(text)
