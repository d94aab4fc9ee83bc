"""Brings the stack up without and with a function, and takes it away again.

Items go all the way: hrload and a client of the post's kind write them, and what
arrives in the bucket is held against the table. A function of its own is made
only where the server can run one.
"""

import argparse
import json
import re
import shutil
import subprocess
import tempfile
import time
import uuid
from pathlib import Path

from botocore.exceptions import ClientError
from stack import Stack, check, client, remove_bucket

KEY = re.compile(r"heartrate/\d{4}/\d\d/\d\d/\d\d/[A-Za-z0-9._-]+$")
READING = re.compile(r"\d+\.\d{6}-\d+-\d+$")
POST_ID = "1795460348"


def say_what_was_left_out(stack):
    """LocalEmu makes what it knows and says `unknown` for the rest."""
    absent = sorted(
        resource["ResourceType"].removeprefix("AWS::")
        for resource in stack.resources().values()
        if resource.get("PhysicalResourceId") == "unknown"
    )
    if absent:
        print(f"  not made by this server, so only linted: {', '.join(absent)}")


def check_settings(stack):
    """What the template promises of each resource, as the server tells it."""
    names = stack.parameters
    for output, name in (
        ("DestinationBucket", "BucketName"),
        ("KinesisDataFirehose", "DeliveryStreamName"),
        ("KinesisDataStreams", "StreamName"),
    ):
        check(stack.outputs.get(output) == names[name], f"output {output}: {stack.outputs}")

    s3, bucket = client("s3"), names["BucketName"]
    rule = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
    check(
        rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256",
        f"bucket is encrypted: {rule}",
    )
    block = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    check(all(block.values()) and len(block) == 4, f"bucket is not public: {block}")
    try:
        rules = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
        check(
            {r["ID"] for r in rules}
            == {"broken-uploads", "query-results", "readings", "failed-readings"},
            f"lifecycle: {rules}",
        )
    except ClientError as error:
        check(error.response["Error"]["Code"] == "NoSuchLifecycleConfiguration", error)
        print("  not applied by this server, so only linted: the bucket's lifecycle")

    destinations = client("dynamodb").describe_kinesis_streaming_destination(
        TableName=names["TableName"]
    )["KinesisDataStreamDestinations"]
    check(
        [d["DestinationStatus"] for d in destinations] == ["ACTIVE"]
        and destinations[0]["StreamArn"].endswith(f"/{names['StreamName']}"),
        f"streaming destination: {destinations}",
    )
    firehose = delivery(stack)
    check(firehose["DeliveryStreamStatus"] == "ACTIVE", f"Firehose: {firehose}")
    check(
        firehose["Source"]["KinesisStreamSourceDescription"]["KinesisStreamARN"]
        == destinations[0]["StreamArn"],
        f"Firehose reads the table's stream: {firehose['Source']}",
    )


def delivery(stack):
    return client("firehose").describe_delivery_stream(
        DeliveryStreamName=stack.parameters["DeliveryStreamName"]
    )["DeliveryStreamDescription"]


def load(hrload, stack, folder):
    """A run of hrload into the stack's table; how many readings were acknowledged."""
    result = folder / "result.json"
    command = [hrload, "run", "--endpoint-url", client("dynamodb").meta.endpoint_url]
    command += ["--table", stack.parameters["TableName"], "--stream", stack.parameters["StreamName"]]
    command += ["--devices", "50", "-r", "50/s", "-w", "0s", "-d", "5s", "-q", "-o", result]
    done = subprocess.run(command, timeout=180, check=False)
    check(done.returncode == 0, f"hrload ended with {done.returncode}")
    ledger = json.loads(result.read_text())["ledger"]
    check(
        ledger["closed"] and ledger["acknowledged"] == ledger["seen"] > 0,
        f"hrload's ledger: {ledger}",
    )
    return ledger["acknowledged"]


def write_as_the_post(table):
    """One item as the blog post's shell writes it, then changed and taken away."""
    dynamodb = client("dynamodb")
    item = {
        "id": {"S": POST_ID},
        "HeartRate": {"S": "72"},
        "SensorID": {"S": "3"},
        "ReportTime": {"S": "11/23/2619:05:48"},
    }
    dynamodb.put_item(TableName=table, Item=item)
    dynamodb.put_item(TableName=table, Item=item | {"HeartRate": {"S": "73"}})
    dynamodb.delete_item(TableName=table, Key={"id": item["id"]})
    return ["INSERT", "MODIFY", "REMOVE"]


def documents(text):
    """JSON documents behind each other, on lines or not."""
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        document, at = decoder.raw_decode(text, at)
        yield document
        while text[at : at + 1].isspace():
            at += 1


def delivered(bucket):
    s3, records, keys = client("s3"), [], []
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for found in page.get("Contents", []):
            keys.append(found["Key"])
            body = s3.get_object(Bucket=bucket, Key=found["Key"])["Body"].read()
            records += documents(body.decode())
    return keys, records


def all_delivered(bucket, expected, patience_s=90):
    end = time.monotonic() + patience_s
    while True:
        keys, records = delivered(bucket)
        if len(records) >= expected or time.monotonic() > end:
            check(
                len(records) == expected,
                f"{expected} records were to arrive; {len(records)} did, in {len(keys)} objects",
            )
            return keys, records
        time.sleep(0.5)


def table_items(table):
    pages = client("dynamodb").get_paginator("scan").paginate(TableName=table)
    return {item["id"]["S"]: item for page in pages for item in page["Items"]}


def check_records(records, items, events):
    """Every item is there once, as the table has it; so is what was done to one."""
    of_post = [r["eventName"] for r in records if r["dynamodb"]["Keys"]["id"]["S"] == POST_ID]
    check(sorted(of_post) == sorted(events), f"changes of one item: {of_post}")
    readings = {}
    for record in records:
        key = record["dynamodb"]["Keys"]["id"]["S"]
        if key == POST_ID:
            continue
        check(READING.match(key), f"id {key!r}")
        check(key not in readings, f"{key} arrived twice")
        image = record["dynamodb"]["NewImage"]
        check(
            set(image) == {"id", "HeartRate", "SensorID", "ReportTime"}
            and key.split("-")[1] == image["SensorID"]["S"],
            f"item of {key}: {image}",
        )
        readings[key] = image
    check(readings == items, "what arrived is not what the table has")


def through_the_stack(stack, hrload, folder):
    """Writes, waits, and holds the bucket's objects against the table."""
    acknowledged = load(hrload, stack, Path(folder))
    events = write_as_the_post(stack.parameters["TableName"])
    keys, records = all_delivered(stack.parameters["BucketName"], acknowledged + len(events))
    wrong = [key for key in keys if not KEY.match(key)]
    check(not wrong, f"keys {wrong}")
    check_records(records, table_items(stack.parameters["TableName"]), events)
    check_columns(stack.template, next(r for r in records if r["eventName"] == "INSERT"))
    print(
        f"  {acknowledged} readings of hrload and {len(events)} changes of one item are in"
        f" {len(keys)} objects, each once, as the table has them"
    )


def check_columns(template, record):
    """The columns that Athena is told of are in a record that arrived.

    Athena compares names without case. LocalEmu does not say the precision of a
    creation time."""
    declared = re.findall(r"struct<[a-z0-9_:<>,]+>$", template, re.MULTILINE)
    check(len(declared) == 1, f"{len(declared)} declarations of a change record")
    for column in re.findall(r"^ +- Name: (event\w+|tablename|dynamodb)$", template, re.MULTILINE):
        check(column in lower(record), f"no {column} in {record}")
    absent = set(declared_paths(declared[0])) - set(found_paths(lower(record["dynamodb"])))
    check(
        absent <= {("approximatecreationdatetimeprecision",)},
        f"Athena is told of {absent}, which {record} has not",
    )


def lower(value):
    if not isinstance(value, dict):
        return value
    return {name.lower(): lower(inner) for name, inner in value.items()}


def found_paths(value, above=()):
    if not isinstance(value, dict):
        yield above
        return
    for name, inner in value.items():
        yield from found_paths(inner, (*above, name))


def declared_paths(struct):
    """The fields of a type such as `struct<a:struct<b:string>,c:bigint>`."""
    above = []
    for name, opens, closes in re.findall(r"(\w+):(?:(struct<)|\w+(>*))", struct):
        above.append(name)
        if not opens:
            yield tuple(above)
            # This field ends, and as many structs as are closed behind it.
            del above[len(above) - 1 - len(closes) :]


def without_a_function(template, hrload):
    print("stack without a function")
    with Stack(template, Delimiter="no") as stack, tempfile.TemporaryDirectory() as folder:
        say_what_was_left_out(stack)
        check_settings(stack)
        through_the_stack(stack, hrload, folder)
    check_removed(stack)


def asked_functions(stack):
    """The functions that Firehose is told to ask."""
    destination = delivery(stack)["Destinations"][0]["ExtendedS3DestinationDescription"]
    return [
        parameter["ParameterValue"]
        for processor in destination["ProcessingConfiguration"]["Processors"]
        for parameter in processor["Parameters"]
        if parameter["ParameterName"] == "LambdaArn"
    ]


def with_a_function_there_is(template):
    """Nothing is sent: the function is a name. The role must allow it alone."""
    print("stack with a function that is there already")
    arn = "arn:aws:lambda:us-east-1:000000000000:function:transform"
    with Stack(template, TransformFunctionArn=arn) as stack:
        check_settings(stack)
        check(asked_functions(stack) == [arn], f"Firehose asks {asked_functions(stack)}")
        role = stack.resources()["DeliveryRole"]["PhysicalResourceId"]
        policy = client("iam").get_role_policy(RoleName=role, PolicyName="delivery")
        allowed = [
            statement["Resource"]
            for statement in policy["PolicyDocument"]["Statement"]
            if "lambda:InvokeFunction" in statement["Action"]
        ]
        check(allowed == [[arn, f"{arn}:*"]], f"the role may invoke {allowed}")
        print("  Firehose asks it, and its role may invoke no other")
    check_removed(stack)


def docker_answers():
    if not shutil.which("docker"):
        return False
    asked = subprocess.run(["docker", "info"], capture_output=True, check=False)
    return asked.returncode == 0


def with_a_function_made(template, hrload, package):
    print("stack with hrload-transform")
    if not package:
        print("  left out: TRANSFORM names no package")
        return
    if not docker_answers():
        print("  left out: LocalEmu makes functions with Docker only, which is not here")
        return
    code = f"hrload-code-{uuid.uuid4().hex[:8]}"
    s3 = client("s3")
    s3.create_bucket(Bucket=code)
    try:
        s3.put_object(Bucket=code, Key="transform.zip", Body=Path(package).read_bytes())
        parameters = {"TransformCodeBucket": code, "TransformCodeKey": "transform.zip"}
        with Stack(template, **parameters) as stack, tempfile.TemporaryDirectory() as folder:
            through_the_stack(stack, hrload, folder)
            for key in delivered(stack.parameters["BucketName"])[0]:
                body = s3.get_object(Bucket=stack.parameters["BucketName"], Key=key)["Body"].read()
                check(body.endswith(b"}\n") and b"}{" not in body, f"{key} has a record a line")
            print("  the function ended each with a newline")
        check_removed(stack)
    finally:
        remove_bucket(code)


def check_removed(stack):
    names = stack.parameters
    left = [n for n in client("dynamodb").list_tables()["TableNames"] if n == names["TableName"]]
    left += [n for n in client("kinesis").list_streams()["StreamNames"] if n == names["StreamName"]]
    found = client("firehose").list_delivery_streams()["DeliveryStreamNames"]
    left += [n for n in found if n == names["DeliveryStreamName"]]
    check(not left, f"left behind: {left}")
    print("  removed: table, stream and Firehose stream are gone")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--template", type=Path, required=True)
    parser.add_argument("--hrload", type=Path, required=True)
    parser.add_argument("--package", default="", help="zip with bootstrap (deploy/lambda)")
    given = parser.parse_args()
    template = given.template.read_text()
    without_a_function(template, given.hrload)
    with_a_function_there_is(template)
    with_a_function_made(template, given.hrload, given.package)


if __name__ == "__main__":
    main()
