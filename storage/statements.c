/* The list of all statement tables. */
#include "storage/statements.h"

#define STATEMENT_TABLE_ADDRESS(name) &name##_statement_table,
static const struct statement_table *const tables[] = {STATEMENT_TABLES(STATEMENT_TABLE_ADDRESS)};
#undef STATEMENT_TABLE_ADDRESS

const struct statement_table *const *statement_tables(size_t *count_out)
{
    *count_out = COUNT_OF(tables);
    return tables;
}
