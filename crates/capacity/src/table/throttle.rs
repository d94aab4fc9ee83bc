//! A throttle: which limit refused an operation, and how AWS says so.
//!
//! The reasons and the exceptions that carry them are in
//! <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ThrottlingReason.html>,
//! with examples in
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/throttling-diagnosing-workflow.html>.

/// Writing or reading: their capacities are apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// Puts, updates and deletes.
    Write,
    /// Gets, queries and scans.
    Read,
}

/// Which limit was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// The provisioned units, and the burst with them.
    Provisioned,
    /// What a partition, and so a key, serves in a second.
    KeyRange,
    /// What an on-demand table has grown to as a whole (its warm throughput).
    /// AWS has no reason of its own for it and names the key range.
    Warm,
    /// The `OnDemandThroughput` the table's owner has set.
    OnDemandMaximum,
    /// The quota for one on-demand table, which is the account's to raise.
    Account,
}

impl Scope {
    /// All of them, in the order of [`Tally::throttled`](super::Tally).
    pub const ALL: [Self; 5] = [
        Self::Provisioned,
        Self::KeyRange,
        Self::Warm,
        Self::OnDemandMaximum,
        Self::Account,
    ];
}

/// A refused operation. Nothing was taken for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Throttle {
    /// Whether it would have written or read.
    pub direction: Direction,
    /// The limit that refused it.
    pub scope: Scope,
    /// Whether the table is on demand: it decides the exception.
    pub on_demand: bool,
}

/// The exception of a throttle as it stands in a response with status 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exception {
    /// Its name, without a namespace.
    pub name: &'static str,
    /// Its `message`.
    pub message: &'static str,
    /// The member its reasons stand in: lower case on `ThrottlingException`.
    pub reasons_member: &'static str,
}

impl Throttle {
    /// The `reason` of the exception's throttling reason; its `resource` is the
    /// table's ARN.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match (self.direction, self.scope) {
            (Direction::Write, Scope::Provisioned) => "TableWriteProvisionedThroughputExceeded",
            (Direction::Read, Scope::Provisioned) => "TableReadProvisionedThroughputExceeded",
            (Direction::Write, Scope::KeyRange | Scope::Warm) => {
                "TableWriteKeyRangeThroughputExceeded"
            }
            (Direction::Read, Scope::KeyRange | Scope::Warm) => {
                "TableReadKeyRangeThroughputExceeded"
            }
            (Direction::Write, Scope::OnDemandMaximum) => "TableWriteMaxOnDemandThroughputExceeded",
            (Direction::Read, Scope::OnDemandMaximum) => "TableReadMaxOnDemandThroughputExceeded",
            (Direction::Write, Scope::Account) => "TableWriteAccountLimitExceeded",
            (Direction::Read, Scope::Account) => "TableReadAccountLimitExceeded",
        }
    }

    /// The exception. That a provisioned table's hot key range is a
    /// `ProvisionedThroughputExceededException` and an on-demand maximum a
    /// `ThrottlingException` is documented; that the table quota is a
    /// `RequestLimitExceeded` is assumed from that exception's description.
    #[must_use]
    pub fn exception(self) -> Exception {
        match self.scope {
            Scope::Account => Exception {
                name: "RequestLimitExceeded",
                message: "Throughput exceeds the current throughput quota for your account. \
                          Contact Amazon Web Services Support to request a quota increase.",
                reasons_member: "ThrottlingReasons",
            },
            Scope::OnDemandMaximum => Exception {
                name: "ThrottlingException",
                message: "Throughput exceeds the maximum OnDemandThroughput configured on table \
                          or index",
                reasons_member: "throttlingReasons",
            },
            Scope::Provisioned | Scope::KeyRange if !self.on_demand => Exception {
                name: "ProvisionedThroughputExceededException",
                message: "The level of configured provisioned throughput for the table was \
                          exceeded. Consider increasing your provisioning level with the \
                          UpdateTable API.",
                reasons_member: "ThrottlingReasons",
            },
            Scope::Provisioned | Scope::KeyRange | Scope::Warm => Exception {
                name: "ThrottlingException",
                message: "Throughput exceeds the current capacity of your table or index. \
                          DynamoDB is automatically scaling your table or index so please try \
                          again shortly. If exceptions persist, check if you have a hot key: \
                          https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html",
                reasons_member: "throttlingReasons",
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_throttle_has_the_reason_and_the_exception_of_its_mode() {
        for (direction, scope, on_demand, reason, name) in [
            (
                Direction::Write,
                Scope::Provisioned,
                false,
                "TableWriteProvisionedThroughputExceeded",
                "ProvisionedThroughputExceededException",
            ),
            (
                Direction::Write,
                Scope::KeyRange,
                false,
                "TableWriteKeyRangeThroughputExceeded",
                "ProvisionedThroughputExceededException",
            ),
            (
                Direction::Read,
                Scope::KeyRange,
                true,
                "TableReadKeyRangeThroughputExceeded",
                "ThrottlingException",
            ),
            (
                Direction::Write,
                Scope::Warm,
                true,
                "TableWriteKeyRangeThroughputExceeded",
                "ThrottlingException",
            ),
            (
                Direction::Read,
                Scope::OnDemandMaximum,
                true,
                "TableReadMaxOnDemandThroughputExceeded",
                "ThrottlingException",
            ),
            (
                Direction::Write,
                Scope::Account,
                true,
                "TableWriteAccountLimitExceeded",
                "RequestLimitExceeded",
            ),
        ] {
            let throttle = Throttle {
                direction,
                scope,
                on_demand,
            };
            assert_eq!(throttle.reason(), reason);
            let exception = throttle.exception();
            assert_eq!(exception.name, name);
            let lower = exception.reasons_member == "throttlingReasons";
            assert_eq!(lower, name == "ThrottlingException");
        }
    }
}
