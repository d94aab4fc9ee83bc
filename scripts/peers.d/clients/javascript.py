"""The AWS SDK for JavaScript v3 on Node.js."""

import json

from clients.worker import Worker
from home import WORKERS, first_output

PACKAGE = "@aws-sdk/client-dynamodb"


class JavaScript(Worker):
    name = "sdk-js"
    driven = "Node.js, one process, an endless loop of calls for each connection"

    def install(self, home):
        self.folder = home.node(PACKAGE)

    def version(self):
        package = self.folder / "node_modules" / PACKAGE / "package.json"
        version = json.loads(package.read_text())["version"]
        return f"{PACKAGE} {version}, Node.js {first_output(['node', '--version'])}"

    def environment(self, work):
        return super().environment(work) | {"PEERS_MODULES": str(self.folder)}

    def work(self, work):
        return ["node", WORKERS / "sdk.mjs", work.seconds]

    def start(self, work):
        return ["node", WORKERS / "sdk.mjs", 0]
