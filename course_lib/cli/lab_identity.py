"""Who may enter the course's JupyterLab: whoever has the token that this one server has made for itself."""

from __future__ import annotations

import secrets

from jupyter_server.auth.identity import IdentityProvider
from traitlets import Unicode, default, validate


class FreshIdentityProvider(IdentityProvider):
    """Asks for a token that is new with each start, and that no configuration file or variable can choose or empty.

    The token is made inside of the server: it is on no command line and in no environment that a kernel inherits.
    The class that this one extends knows no password, and never lets anyone in without authentication.
    """

    token = Unicode()  # not configurable, unlike the one it replaces
    # JupyterLab prints the whole address only if the token is generated. An outdated ServerApp.token sets both.
    token_generated = property(lambda self: True, lambda self, value: None)

    @default("token")
    def _fresh_token(self) -> str:
        return secrets.token_hex(24)

    @validate("token")
    def _only_once(self, proposal) -> str:
        """Keep the first token, whatever is set afterwards."""
        return self._trait_values.get("token") or proposal["value"] or secrets.token_hex(24)
