"""Items of the post's layout, of the same size as hrload's."""

import itertools
import time


class Items:
    """An endless supply; no two have the same id. Threads may share it."""

    def __init__(self):
        self.start = int(time.time())
        self.numbers = itertools.count()

    def batch(self, count):
        """The next `count` items, in DynamoDB's JSON."""
        report_time = time.strftime("%m/%d/%y%H:%M:%S")
        return [self._item(next(self.numbers), report_time) for _ in range(count)]

    def _item(self, number, report_time):
        device, sequence = 1_000 + number % 9_000, 10 + number // 9_000
        return {
            "id": {"S": f"{self.start}.{100_000 + number % 900_000}-{device}-{sequence}"},
            "HeartRate": {"S": str(60 + number % 81)},
            "SensorID": {"S": str(1 + number % 5)},
            "ReportTime": {"S": report_time},
        }
