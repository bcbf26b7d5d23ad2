// UpdateTimeToLive and DescribeTimeToLive (region/table/ttl.h). The setting is part of the table's
// definition and so the same in all regions. It takes effect at once: there is no ENABLING.
#pragma once

namespace everwrite::api {

class Call;
class Params;

void DescribeTimeToLive(const Params& params, Call call);
void UpdateTimeToLive(const Params& params, Call call);

}  // namespace everwrite::api
