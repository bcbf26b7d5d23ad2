#include "region/api/operations.h"

#include "region/api/batch_api.h"
#include "region/api/call.h"
#include "region/api/global_table_api.h"
#include "region/api/item_api.h"
#include "region/api/partiql_api.h"
#include "region/api/query_api.h"
#include "region/api/service_api.h"
#include "region/api/streams_api.h"
#include "region/api/table_api.h"
#include "region/api/tag_api.h"
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
    {"TransactWriteItems", TransactWriteItems,
     "who collides with a transaction waits for its commit: no TransactionConflictException, no "
     "TransactionInProgressException; other regions see all of it or nothing"},
    {"ExecuteStatement", ExecuteStatement},
    {"BatchExecuteStatement", BatchExecuteStatement},
    {"ExecuteTransaction", ExecuteTransaction,
     "as TransactWriteItems: nobody collides, everybody waits"},
    {"CreateTable", CreateTable,
     "throughput is kept and described, not enforced; item collections of local indexes may grow "
     "beyond 10 GB; usable at once, with `replicate: all` in every region of the topology; a name "
     "belongs to one table of the whole topology (docs/global-tables.md)"},
    {"DeleteTable", DeleteTable,
     "a table that was made in all regions goes in all of them; of another one this region's "
     "replica goes"},
    {"DescribeTable", DescribeTable, "Replicas names the region itself while it is being filled"},
    {"ListTables", ListTables},
    {"UpdateTable", UpdateTable,
     "throughput may be lowered, and billing switched, as often as one likes; ReplicaUpdates "
     "without witnesses and strong consistency (docs/global-tables.md)"},
    {"DescribeTableReplicaAutoScaling", DescribeTableReplicaAutoScaling, "always disabled"},
    {"UpdateTableReplicaAutoScaling", UpdateTableReplicaAutoScaling,
     "takes AutoScalingDisabled only: throughput is not enforced, so there is nothing to scale"},
    {"CreateGlobalTable", CreateGlobalTable},
    {"UpdateGlobalTable", UpdateGlobalTable},
    {"DescribeGlobalTable", DescribeGlobalTable},
    {"ListGlobalTables", ListGlobalTables},
    {"DescribeGlobalTableSettings", DescribeGlobalTableSettings},
    {"UpdateGlobalTableSettings", UpdateGlobalTableSettings},
    {"DescribeTimeToLive", DescribeTimeToLive},
    {"UpdateTimeToLive", UpdateTimeToLive,
     "takes effect at once; a change an hour is a setting, off by default; expired items go within "
     "seconds"},
    {"ListTagsOfResource", ListTagsOfResource},
    {"TagResource", TagResource, "takes effect at once, in all regions"},
    {"UntagResource", UntagResource, "takes effect at once, in all regions"},
    {"DescribeLimits", DescribeLimits, "the service's default quotas; they are not enforced"},
    {"DescribeEndpoints", DescribeEndpoints},
    {"DescribeContinuousBackups", DescribeContinuousBackups, "always disabled: no backups yet"},
    {"UpdateContinuousBackups", UpdateContinuousBackups,
     "refuses to enable them, with ContinuousBackupsUnavailableException"},
    {"ListStreams", ListStreams, "", true},
    {"DescribeStream", DescribeStream, "", true},
    {"GetShardIterator", GetShardIterator,
     "takes positions of other regions as SequenceNumber (docs/streams.md)", true},
    {"GetRecords", GetRecords,
     "awsRegion is the region in which the change was made; eventID is the same in all regions",
     true},
};

struct Refusal {
  std::string_view names;
  std::string_view why;
};
constexpr Refusal kRefused[] = {
    {"CreateBackup, DescribeBackup, DeleteBackup, ListBackups, RestoreTableFromBackup, "
     "RestoreTableToPointInTime",
     "no backups yet"},
    {"ExportTableToPointInTime, DescribeExport, ListExports, ImportTable, DescribeImport, "
     "ListImports, StartBulkPutItems, DescribeBulkOperation, ListBulkOperations, "
     "CancelBulkOperation",
     "no import or export yet"},
    {"PutResourcePolicy, GetResourcePolicy, DeleteResourcePolicy", "no access control yet"},
    {"EnableKinesisStreamingDestination, DisableKinesisStreamingDestination, "
     "DescribeKinesisStreamingDestination, UpdateKinesisStreamingDestination",
     "there is no Kinesis beside Everwrite"},
    {"UpdateContributorInsights, DescribeContributorInsights, ListContributorInsights",
     "metrics are Prometheus' (docs/operations.md)"},
    {"SearchVectors", "no vector indexes"},
};

constexpr std::string_view kDynamoPrefix = "DynamoDB_20120810.";
constexpr std::string_view kStreamsPrefix = "DynamoDBStreams_20120810.";

}  // namespace

size_t OperationCount() { return std::size(kOperations); }
const Operation& OperationAt(size_t index) { return kOperations[index]; }

size_t FindOperation(std::string_view target) {
  const bool of_streams = target.starts_with(kStreamsPrefix);
  if (!of_streams && !target.starts_with(kDynamoPrefix)) return kUnknownOperation;
  target.remove_prefix(of_streams ? kStreamsPrefix.size() : kDynamoPrefix.size());
  for (size_t i = 1; i < std::size(kOperations); ++i)
    if (kOperations[i].name == target && kOperations[i].of_streams == of_streams) return i;
  return kUnknownOperation;
}

std::string ApiCoverage() {
  std::string out =
      "# API coverage\n\n"
      "Made from the table of operations (region/api/operations.cc): do not edit. Answers are "
      "compared\n"
      "with AWS's DynamoDB Local and dynalite by `./dev differential`; tests/differential/known.py "
      "lists\n"
      "where theirs differ, and why ours stays.\n\n"
      "| operation | | in what it differs |\n| --- | --- | --- |\n";
  for (const Operation& operation : kOperations) {
    if (operation.handle == nullptr) continue;
    out.append("| ").append(operation.name);
    out.append(operation.of_streams ? " (Streams) | " : " | ");
    out.append(operation.differs.empty() ? "done" : "differs").append(" | ");
    out.append(operation.differs).append(operation.differs.empty() ? "|\n" : " |\n");
  }
  out +=
      "\n## Refused\n\nThese answer `UnknownOperationException`.\n\n| operations | why |\n| --- | "
      "--- |\n";
  for (const Refusal& refusal : kRefused)
    out.append("| ").append(refusal.names).append(" | ").append(refusal.why).append(" |\n");
  return out;
}

}  // namespace everwrite::api
