//! The dialect that statements are read in: `sqlparser`'s generic one, with lambdas.

use std::any::TypeId;

use datafusion::sql::sqlparser::dialect::{Dialect, GenericDialect};

/// The generic dialect, in which `x -> x + 1` is a lambda.
#[derive(Debug, Default)]
pub(super) struct Trino;

macro_rules! generic {
    ($($what:ident)*) => {
        $(fn $what(&self) -> bool {
            GenericDialect.$what()
        })*
    };
}

impl Dialect for Trino {
    // Where the parser asks for the generic dialect by its type, this is it.
    fn dialect(&self) -> TypeId {
        TypeId::of::<GenericDialect>()
    }

    fn is_delimited_identifier_start(&self, one: char) -> bool {
        GenericDialect.is_delimited_identifier_start(one)
    }

    fn is_identifier_start(&self, one: char) -> bool {
        GenericDialect.is_identifier_start(one)
    }

    fn is_identifier_part(&self, one: char) -> bool {
        GenericDialect.is_identifier_part(one)
    }

    fn supports_lambda_functions(&self) -> bool {
        true
    }

    generic! {
        supports_unicode_string_literal
        supports_partition_by_after_order_by
        supports_group_by_expr
        supports_group_by_with_modifier
        supports_left_associative_joins_without_parens
        supports_match_recognize
        supports_window_function_null_treatment_arg
        supports_dictionary_syntax
        supports_window_clause_named_window_reference
        supports_select_wildcard_except
        support_map_literal_syntax
        allow_extract_custom
        allow_extract_single_quotes
        supports_extract_comma_syntax
        supports_parens_around_table_factor
        supports_values_as_table_factor
        supports_explain_with_utility_options
        supports_limit_comma
        supports_from_first_select
        supports_projection_trailing_commas
        supports_try_convert
        supports_bitwise_shift_operators
        supports_named_fn_args_with_assignment_operator
        supports_struct_literal
        supports_nested_comments
        supports_string_escape_constant
        supports_array_typedef_with_brackets
        supports_filter_during_aggregation
        supports_select_wildcard_exclude
        supports_data_type_signed_suffix
        supports_interval_options
        supports_select_wildcard_replace
        supports_select_wildcard_ilike
        supports_select_wildcard_rename
        supports_comma_separated_trim
    }
}
