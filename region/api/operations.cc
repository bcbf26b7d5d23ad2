#include "region/api/operations.h"

#include "region/api/batch_api.h"
#include "region/api/call.h"
#include "region/api/item_api.h"
#include "region/api/query_api.h"
#include "region/api/table_api.h"
#include "region/api/transact_api.h"
#include "region/api/ttl_api.h"

namespace everwrite::api {
namespace {

constexpr Operation kOperations[] = {
    {"Unknown", nullptr},
    {"GetItem", GetItem},
    {"PutItem", PutItem},
    {"UpdateItem", UpdateItem},
    {"Query", Query},
    {"BatchGetItem", BatchGetItem},
    {"BatchWriteItem", BatchWriteItem},
    {"DeleteItem", DeleteItem},
    {"Scan", Scan},
    {"TransactGetItems", TransactGetItems},
    {"TransactWriteItems", TransactWriteItems},
    {"CreateTable", CreateTable},
    {"DeleteTable", DeleteTable},
    {"DescribeTable", DescribeTable},
    {"ListTables", ListTables},
    {"UpdateTable", UpdateTable},
    {"DescribeTimeToLive", DescribeTimeToLive},
    {"UpdateTimeToLive", UpdateTimeToLive},
};

constexpr std::string_view kDynamoPrefix = "DynamoDB_20120810.";

}  // namespace

size_t OperationCount() { return std::size(kOperations); }
const Operation& OperationAt(size_t index) { return kOperations[index]; }

// Operations of DynamoDBStreams_20120810 are not built yet: they are unknown like any other.
size_t FindOperation(std::string_view target) {
  if (target.substr(0, kDynamoPrefix.size()) != kDynamoPrefix) return kUnknownOperation;
  target.remove_prefix(kDynamoPrefix.size());
  for (size_t i = 1; i < std::size(kOperations); ++i)
    if (kOperations[i].name == target) return i;
  return kUnknownOperation;
}

}  // namespace everwrite::api
