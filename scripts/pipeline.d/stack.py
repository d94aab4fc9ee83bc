"""A stack of deploy/pipeline.yaml on a server, from its making to its removal."""

import sys
import uuid

import boto3
from botocore.exceptions import WaiterError


def client(service):
    return boto3.client(service)


def check(holds, what):
    if not holds:
        sys.exit(f"failed: {what}")


class Stack:
    """A stack of its own names, so that several may stand on one server."""

    def __init__(self, template, **parameters):
        self.name = f"hrload-{uuid.uuid4().hex[:8]}"
        self.parameters = {
            "TableName": f"{self.name}-table",
            "StreamName": f"{self.name}-stream",
            "DeliveryStreamName": f"{self.name}-firehose",
            "BucketName": f"{self.name}-bucket",
            "BufferSeconds": "1",
            "BufferMiB": "1",
            **parameters,
        }
        self.template = template
        self.cloudformation = client("cloudformation")

    def __enter__(self):
        self.cloudformation.create_stack(
            StackName=self.name,
            TemplateBody=self.template,
            Capabilities=["CAPABILITY_IAM"],
            Parameters=[
                {"ParameterKey": k, "ParameterValue": v} for k, v in self.parameters.items()
            ],
        )
        try:
            self._wait("stack_create_complete")
        except WaiterError:
            print(f"failed: the stack was not made: {self._failures()}", file=sys.stderr)
            self._remove()
            sys.exit(1)
        except BaseException:
            self._remove()
            raise
        outputs = self.cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]["Outputs"]
        self.outputs = {o["OutputKey"]: o["OutputValue"] for o in outputs}
        return self

    def __exit__(self, *_):
        self._remove()

    def resources(self):
        found = self.cloudformation.describe_stack_resources(StackName=self.name)
        return {r["LogicalResourceId"]: r for r in found["StackResources"]}

    def _wait(self, state):
        waiter = self.cloudformation.get_waiter(state)
        waiter.wait(StackName=self.name, WaiterConfig={"Delay": 1, "MaxAttempts": 180})

    def _failures(self):
        events = self.cloudformation.describe_stack_events(StackName=self.name)["StackEvents"]
        return "; ".join(
            f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason')}"
            for event in events
            if event["ResourceStatus"].endswith("FAILED")
        )

    def _remove(self):
        self.cloudformation.delete_stack(StackName=self.name)
        try:
            self._wait("stack_delete_complete")
        except WaiterError:
            sys.exit(f"failed: the stack was not removed: {self._failures()}")
        finally:
            remove_bucket(self.parameters["BucketName"])


def remove_bucket(name):
    """What the template retains, and where a deployment's package was."""
    s3 = client("s3")
    try:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=name):
            for found in page.get("Contents", []):
                s3.delete_object(Bucket=name, Key=found["Key"])
        s3.delete_bucket(Bucket=name)
    except s3.exceptions.NoSuchBucket:
        pass
