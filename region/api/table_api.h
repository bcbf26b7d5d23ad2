// Operations on tables: CreateTable, DescribeTable, ListTables, UpdateTable, DeleteTable. They
// validate in DynamoDB's manner (table_schema.h, index_updates.h) and answer from the engine's
// definitions.
//
// A table is usable as soon as its creation is answered: there is no CREATING to wait for, but
// CreateTable says CREATING and DescribeTable then ACTIVE, because waiters and people expect so.
#pragma once

#include <string>

#include "region/table/engine.h"

namespace everwrite::api {

class Call;
class Params;
struct ApiContext;
struct IndexStates;

void CreateTable(const Params& params, Call call);
void DeleteTable(const Params& params, Call call);
void DescribeTable(const Params& params, Call call);
void ListTables(const Params& params, Call call);
void UpdateTable(const Params& params, Call call);

// {"AttributeDefinitions":…}: a TableDescription with this status; `states` overrides what is shown
// of the indexes, unless null.
void AppendTableDescription(std::string& out, const ApiContext& context, const table::Table& table,
                            std::string_view status, const IndexStates* states = nullptr);
// arn:aws:dynamodb:REGION:000000000000:table/NAME
std::string TableArn(const ApiContext& context, const table::TableDefinition& definition);

}  // namespace everwrite::api
