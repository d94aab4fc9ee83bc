"""Signed DynamoDB requests, with the standard library alone.

For what the comparison itself asks of the server, and for the body that wrk
and oha post. Signature Version 4 as AWS describes it:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import datetime
import hashlib
import hmac
import http.client
import json
from urllib.parse import urlsplit

from machine import Failed, environment

CONTENT_TYPE = "application/x-amz-json-1.0"


def signed_headers(endpoint, operation, body):
    """The headers of a signed call, `Host` included."""
    given = environment()
    region, key = given["AWS_REGION"], given["AWS_ACCESS_KEY_ID"]
    now = datetime.datetime.now(datetime.timezone.utc)
    headers = {
        "content-type": CONTENT_TYPE,
        "host": urlsplit(endpoint).netloc,
        "x-amz-date": now.strftime("%Y%m%dT%H%M%SZ"),
        "x-amz-target": f"DynamoDB_20120810.{operation}",
    }
    names = ";".join(headers)
    canonical = "\n".join(
        ["POST", "/", ""]
        + [f"{name}:{value}" for name, value in headers.items()]
        + ["", names, hashlib.sha256(body).hexdigest()]
    )
    scope = f"{now:%Y%m%d}/{region}/dynamodb/aws4_request"
    to_sign = "\n".join(
        [
            "AWS4-HMAC-SHA256",
            headers["x-amz-date"],
            scope,
            hashlib.sha256(canonical.encode()).hexdigest(),
        ]
    )
    signing_key = f"AWS4{given['AWS_SECRET_ACCESS_KEY']}".encode()
    for part in scope.split("/"):
        signing_key = hmac.digest(signing_key, part.encode(), "sha256")
    signature = hmac.digest(signing_key, to_sign.encode(), "sha256").hex()
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return headers


def call(endpoint, operation, **members):
    """Makes one call and returns its answer."""
    body = json.dumps(members).encode()
    connection = http.client.HTTPConnection(urlsplit(endpoint).netloc, timeout=30)
    try:
        connection.request("POST", "/", body, signed_headers(endpoint, operation, body))
        response = connection.getresponse()
        answer = response.read()
    finally:
        connection.close()
    if response.status != 200:
        raise Failed(f"{operation}: {response.status} {answer.decode(errors='replace')[:300]}")
    return json.loads(answer)
