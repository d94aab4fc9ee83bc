"""The signed call that wrk and oha post: made once, sent again and again. What
is left of a client when it neither makes items nor signs them."""

import json
import sys

from aws_request import signed_headers
from home import WORKERS

from clients import BATCH

sys.path.insert(0, str(WORKERS))
from items import Items  # noqa: E402


def call(work):
    """Headers, without `Host`, and body."""
    puts = [{"PutRequest": {"Item": item}} for item in Items().batch(BATCH)]
    request = {"RequestItems": {work.table: puts}}
    body = json.dumps(request, separators=(",", ":")).encode()
    headers = signed_headers(work.endpoint, "BatchWriteItem", body)
    del headers["host"]
    return headers, body
