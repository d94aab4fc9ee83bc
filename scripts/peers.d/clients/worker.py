"""What the clients have in common that are scripts of this folder: they are
told their work in variables and print what they did as a line of JSON."""

import json

from clients import Client, Count


class Worker(Client):
    def environment(self, work):
        return {
            "PEERS_ENDPOINT": work.endpoint,
            "PEERS_TABLE": work.table,
            "PEERS_CONNECTIONS": str(work.connections),
        }

    def count(self, work, output):
        said = json.loads(output.strip().splitlines()[-1])
        return Count(said["items"], said["items"] / said["seconds"] if said["seconds"] else 0.0)
