// What remains of global tables version 2017.11.29, and the auto scaling of replicas. The service
// makes no table of the old version any more, lists none and finds none, whatever tables there are;
// throughput is not enforced here, so there is nothing to scale. Texts: ack-api-quirks'
// measurements of October 2026. Replicas themselves are UpdateTable's (table_replicas.h).
#pragma once

namespace everwrite::api {

class Call;
class Params;

void CreateGlobalTable(const Params& params, Call call);
void UpdateGlobalTable(const Params& params, Call call);
void DescribeGlobalTable(const Params& params, Call call);
void ListGlobalTables(const Params& params, Call call);
void DescribeGlobalTableSettings(const Params& params, Call call);
void UpdateGlobalTableSettings(const Params& params, Call call);
void DescribeTableReplicaAutoScaling(const Params& params, Call call);
void UpdateTableReplicaAutoScaling(const Params& params, Call call);

}  // namespace everwrite::api
